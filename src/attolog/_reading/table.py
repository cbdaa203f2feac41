"""A table of a journal: records of one kind as an Arrow stream, and estimates from samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from attolog import _core
from attolog._reading import estimate
from attolog._reading.estimate import Estimate
from attolog._words import count


class Columns(NamedTuple):
    """Which columns tables have, as `read` was told."""

    origin: bool = False
    nested: bool = True


USUAL = Columns()


class Table:
    """The records of one event, one template or one kind of text, as columns.

    It is an Arrow stream: `polars.DataFrame(table)`, `pyarrow.table(table)`, and with pyarrow
    `pandas.DataFrame.from_arrow(table)` (pandas 3) and duckdb's `FROM table` take it as it is. A
    table may be passed over any number of times.

    A table may have 2^24 empty cells or, if that is more, 64 for each value. Beyond that its
    columns with the fewest values are put together into the last column, `more`, whose cells are
    JSON objects. A warning tells of it.

    Lists and dicts are lists and structs, where those of a column have one shape: items, and values
    of a key, of one type. Absent keys are null, and tuples are lists. Else the column is text.

    Where records were sampled, the column `weight` says how many calls each stands for (null: for
    itself), and the estimates tell of all calls that were made. They know nothing of records that
    were lost, of which the table DROPPED tells.

    Example:
        >>> import attolog, pyarrow, tempfile
        >>> path = tempfile.mkdtemp() + "/run.atto"
        >>> with attolog.AsyncFileLogger(path) as log:
        ...     log("order", items=[3, 4], user={"name": "ann", "age": 50})
        ...     log("order", items=[], user={"name": "bob"})
        >>> orders = pyarrow.table(attolog.read(path)["order"])
        >>> orders["items"].to_pylist()
        [[3, 4], []]
        >>> orders["user"].to_pylist()
        [{'name': 'ann', 'age': 50}, {'name': 'bob', 'age': None}]
    """

    __slots__ = (
        "_columns",
        "_length",
        "_reader",
        "first",
        "kind",
        "last",
        "name",
        "sampling",
        "short_name",
    )

    def __init__(
        self,
        reader: _core.Reader,
        name: str,
        kind: str,
        length: int,
        first: int | None,
        last: int | None,
        sampling: str | None,
        columns: Columns,
    ) -> None:
        self._reader = reader
        self._length = length
        self._columns = columns
        self.name = name
        """The event's name, the template, LOG, PRINT, DROPPED or CLOCK; `*` for all records."""
        self.short_name = name
        """A name that one can type, unique in the file: of a template its words, else `name`."""
        self.kind = kind
        """event, message, text, print, dropped or clock; all for `*`."""
        self.first = first
        """The time of the first record in nanoseconds since 1970; None without records."""
        self.last = last
        """The time of the last record."""
        self.sampling = sampling
        """How its records were sampled: `sample:0.01`, or several policies with ", " between them;
        None if none were."""

    def select(
        self,
        *columns: str,
        where: str | None = None,
        since: int | None = None,
        until: int | None = None,
        last: int | None = None,
    ) -> Selection:
        """Some of the columns and rows, as an Arrow stream.

        Only the columns that are asked for are made, and only the blocks of the file that may have
        such rows are decoded.

        Args:
            columns: Their names, in the order wanted; all without any.
            where: An expression that the records match, as in `when=`.
            since: The time of the first row in nanoseconds since 1970.
            until: The time of the last row.
            last: No more than so many rows, the last ones.

        Example:
            >>> import attolog, pyarrow, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     for ms in 70, 20, 30:
            ...         log("request", ms, user="ann")
            >>> requests = attolog.read(path)["request"]
            >>> pyarrow.table(requests.select("user", "ms", where="ms > 20", last=1)).to_pylist()
            [{'user': 'ann', 'ms': 30}]
        """
        return Selection(self, columns, where, since, until, last)

    def estimate_count(self, *, level: float = 0.95) -> Estimate:
        """Estimate how many calls there were.

        Args:
            level: Of confidence of the interval.

        Returns:
            (value, low, high, records). The count is exact for `first` and `cap` up to the end of
            their last interval, and without sampling. For `every` the bounds are certain.

        Raises:
            ValueError: The level is not between 0 and 1, or the table is `*`.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     for ms in 70, 20, 30:
            ...         log("request", ms)
            >>> requests = attolog.read(path)["request"]
            >>> requests.estimate_count()
            Estimate(value=3.0, low=3.0, high=3.0, records=3)
        """
        samples = self._samples(None)
        return estimate.count(samples, estimate.left_out(self._reader, self.name), level)

    def estimate_sum(self, field: str, *, level: float = 0.95) -> Estimate:
        """Estimate the sum of a field over all calls.

        Args:
            field: Its name. Absent values, NaN and infinities are left out.
            level: Of confidence of the interval.

        Returns:
            (value, low, high, records). There is no interval, but None, for `first` and `cap`,
            whose sums are approximate, and for a single sampled record.

        Raises:
            KeyError: The table has no such field.
            TypeError: The field holds what is no number.
            ValueError: The level is not between 0 and 1, or the table is `*`.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     for ms in 70, 20, 30:
            ...         log("request", ms)
            >>> attolog.read(path)["request"].estimate_sum("ms")
            Estimate(value=120.0, low=120.0, high=120.0, records=3)
        """
        return estimate.total(self._samples(field), level)

    def estimate_mean(self, field: str, *, level: float = 0.95) -> Estimate:
        """Estimate the mean of a field over all calls that have it.

        Args:
            field: Its name. Absent values, NaN and infinities are left out.
            level: Of confidence of the interval.

        Returns:
            (value, low, high, records), as of `estimate_sum`; NaN if there is no value.

        Raises:
            KeyError: The table has no such field.
            TypeError: The field holds what is no number.
            ValueError: The level is not between 0 and 1, or the table is `*`.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     for ms in 70, 20, 30:
            ...         log("request", ms)
            >>> attolog.read(path)["request"].estimate_mean("ms").value
            40.0
        """
        return estimate.mean(self._samples(field), level)

    def estimate_quantile(self, field: str, q: float, *, level: float = 0.95) -> Estimate:
        """Estimate a quantile of a field over all calls that have it.

        Args:
            field: Its name. Absent values, NaN and infinities are left out.
            q: Which one: 0.5 is the median.
            level: Of confidence of the interval.

        Returns:
            (value, low, high, records). The value is one of the field's: the smallest that at least
            the share `q` of the calls does not exceed; NaN if there is none. A bound is None where
            the sample does not reach so far; both are where `estimate_sum` has none.

        Raises:
            KeyError: The table has no such field.
            TypeError: The field holds what is no number.
            ValueError: q or the level is out of range, or the table is `*`.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     for ms in 70, 20, 30:
            ...         log("request", ms)
            >>> attolog.read(path)["request"].estimate_quantile("ms", 0.5).value
            30.0
        """
        return estimate.quantile(self._samples(field), q, level)

    def _samples(self, field: str | None) -> Iterator[estimate.Sample]:
        if self.kind == "all":
            raise ValueError("an estimate is made from one table, not from all records")
        return estimate.samples_of(self._reader, self.name, self.sampling, field)

    def __len__(self) -> int:
        return self._length

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule stream of the table; its types are the journal's own."""
        return self._reader.stream(self.name, *self._columns)

    def _stream(self, **query: Any) -> object:
        return self._reader.stream(self.name, *self._columns, **query)

    def __repr__(self) -> str:
        return f"<attolog.Table {self.name!r}: {count(self._length, 'record')}>"


@dataclass(frozen=True, slots=True)
class Selection:
    """Some of the columns and rows of a table, an Arrow stream as the table is; made by `select`.

    It may be passed over any number of times.
    """

    table: Table
    """The table."""
    columns: tuple[str, ...] = ()
    """The columns, all if there are none."""
    where: str | None = None
    """The expression that the records match."""
    since: int | None = None
    """The time of the first row in nanoseconds since 1970."""
    until: int | None = None
    """The time of the last row."""
    last: int | None = None
    """The most rows."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule stream of the rows.

        Raises:
            KeyError: The table has no such column.
            ValueError: `where` is no expression; the message names the column.
        """
        return self.table._stream(
            columns=self.columns or None,
            where=self.where,
            since=self.since,
            until=self.until,
            last=self.last,
        )
