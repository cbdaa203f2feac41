"""A table of a journal: records of one kind as an Arrow stream, and estimates from samples."""

from __future__ import annotations

from typing import Any, NamedTuple

from attolog import _core
from attolog._expression import names_in
from attolog._reading import names
from attolog._reading.arrow import Field
from attolog._reading.description import Description
from attolog._reading.estimates import Estimates
from attolog._reading.rows import Rows
from attolog._reading.selection import Selection
from attolog._reading.times import Moment, nanoseconds
from attolog._words import count


class Columns(NamedTuple):
    """Which columns tables have, as `read` was told."""

    origin: bool = False
    nested: bool = True


USUAL = Columns()

_ORIGIN = ("file", "line", "function", "thread", "pid", "run")

# Beside its columns, these names are known to an expression about any record.
OF_ALL_RECORDS = ("event", "level", "message", "thread", "time")


class Table(Estimates, Rows):
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
        "_end",
        "_known_fields",
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
        end: int,
    ) -> None:
        self._reader = reader
        self._length = length
        self._columns = columns
        self._known_fields: tuple[Field, ...] | None = None
        self._end = end  # the time of the last record of all tables
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
        since: Moment | None = None,
        until: Moment | None = None,
        last: int | None = None,
    ) -> Selection:
        """Some of the columns and rows, as an Arrow stream.

        Only the columns that are asked for are made, and only the blocks of the file that may have
        such rows are decoded.

        Args:
            columns: Their names, in the order wanted; all without any.
            where: An expression that the records match, as in `when=`.
            since: The time of the first row: nanoseconds since 1970, a datetime, or a text. A text
                is a span before the last record (`-5m`), a time of its day (`14:02`), or a date
                with or without a time (`2026-11-30T14:02`). Without a time zone it is UTC.
            until: The time of the last row.
            last: No more than so many rows, the last ones.

        Raises:
            KeyError: The table has no such column; the message names the nearest.
            ValueError: `where` is no expression, and the message has the place; or a text is no
                time.

        Example:
            >>> import attolog, pyarrow, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     for ms in 70, 20, 30:
            ...         log("request", ms, user="ann")
            >>> requests = attolog.read(path)["request"]
            >>> pyarrow.table(requests.select("user", "ms", where="ms > 20", last=1)).to_pylist()
            [{'user': 'ann', 'ms': 30}]
            >>> len(requests.select(since="-5m").to_dicts())
            3
        """
        if columns or where is not None:
            self._check_names(columns, [] if where is None else names_in(where))
        return Selection(
            self, columns, where, self._nanoseconds(since), self._nanoseconds(until), last
        )

    def _fields(self) -> tuple[Field, ...]:
        if self._known_fields is None:
            self._known_fields = Rows._fields(self)
        return self._known_fields

    @property
    def own_columns(self) -> list[str]:
        """The columns of its records' values: without time, level and those of the origin."""
        own = ["time", *(["level"] if self.kind == "message" else [])]
        own += _ORIGIN if self._columns.origin else []
        return [name for name in self.columns if name not in own]

    @property
    def has_more_fields(self) -> bool:
        """Whether its records have fields that are put together in one column."""
        return any(field.note.endswith("as JSON") for field in self._fields())

    def _nanoseconds(self, moment: Moment | None) -> int | None:
        return None if moment is None else nanoseconds(moment, end=self._end)

    def _check_names(self, columns: tuple[str, ...], fields: list[str]) -> None:
        """Refuse columns that the table does not have, and fields that no record of it has."""
        if self.kind == "all":
            return
        known = {field.name: field for field in self._fields()}
        for name in columns:
            if name not in known:
                raise names.no_column(name, self.short_name, known)
        if self.has_more_fields:
            return
        own = self.own_columns
        for name in fields:
            # Beside a column of that name, a field is called by its name and a `_`.
            if name not in (*own, *OF_ALL_RECORDS) and f"{name}_" not in own:
                raise names.no_column(name, self.short_name, own)

    def __len__(self) -> int:
        return self._length

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule stream of the table; its types are the journal's own."""
        return self._reader.stream(self.name, *self._columns)

    def _stream(self, **query: Any) -> object:
        return self._reader.stream(self.name, *self._columns, **query)

    def describe(self) -> Description:
        """The columns in figures: counts, range, mean, quantiles and most frequent values.

        Where records are sampled, the figures are estimates of all calls, and the repr says so.
        Quantiles are those of a sketch, to one percent of their value.

        Raises:
            ValueError: The table is `*`.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     for ms in 70, 20, 30:
            ...         log("request", user="ann", ms=ms)
            >>> figures = attolog.read(path)["request"].describe()
            >>> figures["ms"].min, figures["ms"].mean, figures["ms"].max
            (20, 40.0, 70)
            >>> figures["user"].top
            (('ann', 3.0),)
        """
        return Selection(self).describe()

    def _title(self) -> str:
        sampled = f"; sampled: {self.sampling}" if self.sampling else ""
        return f"{self.short_name}: {count(self._length, 'record')}{sampled}"

    def _head(self, most: int) -> list[dict[str, Any]]:
        return Selection(self)._head(most)

    def _recent(self, most: int) -> Selection:
        return Selection(self, last=most)

    def __repr__(self) -> str:
        return f"<attolog.Table {self.name!r}: {count(self._length, 'record')}>"
