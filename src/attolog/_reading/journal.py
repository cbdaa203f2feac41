"""Reading a journal: the typed face of the native reader."""

from __future__ import annotations

import difflib
import os
import stat
import warnings
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any, BinaryIO, NamedTuple

from attolog import _core
from attolog._reading import estimate
from attolog._reading.estimate import Estimate

JOURNAL_MAGIC = b"\x89ATTO\r\n\x1a"

_INSTEAD = {
    ".csv": "a CSV file is read by attolog.read_csv",
    ".jsonl": "JSON Lines are read by polars.read_ndjson or pandas.read_json(lines=True)",
    ".log": "a text file is read by open; `attolog cat` shows it",
    ".txt": "a text file is read by open; `attolog cat` shows it",
}


class Record(NamedTuple):
    """One record of a journal."""

    time: int
    """Nanoseconds since 1970, UTC."""
    kind: str
    """event, message, text, print, dropped or clock."""
    event: str | None
    """The event's name; DROPPED and CLOCK for attolog's own."""
    level: str | None
    """DEBUG ... CRITICAL, of a message; WARNING, of a print to standard error."""
    message: str | None
    """The text of a message, a sentence or a print."""
    fields: dict[str, Any]
    """The values by name."""
    thread: str
    """The name of the thread that logged it."""
    pid: int
    """Its process."""
    file: str | None = None
    """The source file of the call; None where that is not known."""
    line: int | None = None
    """Its line."""
    function: str | None = None
    """The function that the call stands in."""
    run: str = ""
    """The id of its run, as `Run.id`."""


class _Columns(NamedTuple):
    """Which columns tables have, as `read` was told."""

    origin: bool = False
    nested: bool = True


_USUAL = _Columns()


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
        ...     log("BATCH", tasks=[3, 4], model={"name": "ResNet50", "layers": 50})
        ...     log("BATCH", tasks=[], model={"name": "VGG"})
        >>> batches = pyarrow.table(attolog.read(path)["BATCH"])
        >>> batches["tasks"].to_pylist()
        [[3, 4], []]
        >>> batches["model"].to_pylist()
        [{'name': 'ResNet50', 'layers': 50}, {'name': 'VGG', 'layers': None}]
    """

    __slots__ = ("_columns", "_length", "_reader", "first", "kind", "last", "name", "sampling")

    def __init__(
        self,
        reader: _core.Reader,
        name: str,
        kind: str,
        length: int,
        first: int | None,
        last: int | None,
        sampling: str | None,
        columns: _Columns,
    ) -> None:
        self._reader = reader
        self._length = length
        self._columns = columns
        self.name = name
        """The event's name, the template, LOG, PRINT, DROPPED or CLOCK; `*` for all records."""
        self.kind = kind
        """event, message, text, print, dropped or clock; all for `*`."""
        self.first = first
        """The time of the first record in nanoseconds since 1970; None without records."""
        self.last = last
        """The time of the last record."""
        self.sampling = sampling
        """How its records were sampled: `sample:0.01`, or several policies with ", " between them;
        None if none were."""

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
            ...         log("DONE", ms)
            >>> done = attolog.read(path)["DONE"]
            >>> done.estimate_count()
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
            ...         log("DONE", ms)
            >>> attolog.read(path)["DONE"].estimate_sum("ms")
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
            ...         log("DONE", ms)
            >>> attolog.read(path)["DONE"].estimate_mean("ms").value
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
            ...         log("DONE", ms)
            >>> attolog.read(path)["DONE"].estimate_quantile("ms", 0.5).value
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

    def __repr__(self) -> str:
        return f"<attolog.Table {self.name!r}: {count(self._length, 'record')}>"


class Journal:
    """What a journal holds, table by table; made by `attolog.read`.

    Iterating gives the names of the tables, as with a dict; `journal["*"]` is all records.
    """

    def __init__(
        self, path: str, open_reader: Callable[[], _core.Reader], columns: _Columns = _USUAL
    ) -> None:
        self._path = path
        self._open_reader = open_reader
        self._columns = columns

    @cached_property
    def _reader(self) -> _core.Reader:
        return self._open_reader()

    @cached_property
    def _tables(self) -> dict[str, Table]:
        reader = self._reader
        tables: dict[str, Table] = {}
        for name, kind, count, first, last, sampling in reader.tables():
            # An event comes before a template of the same name.
            table = Table(reader, name, kind, count, first, last, sampling, self._columns)
            tables.setdefault(name, table)
        return tables

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The runs that have written the journal, in the order of their first records.

        A run is a program and its children: one id, which they inherit.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     log("DONE", ms=70)
            >>> attolog.read(path).runs[-1]["DONE"]
            <attolog.Table 'DONE': 1 record>
        """
        reader = self._reader
        return tuple(
            Run(self._path, partial(reader.run, id_), self._columns, id_, start, end, tuple(pids))
            for id_, start, end, pids in reader.runs()
        )

    @property
    def events(self) -> dict[str, int]:
        """How many records there are of each event."""
        return {name: len(table) for name, table in self._tables.items() if table.kind == "event"}

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the files, a sentence for each; empty for an intact journal.

        What shows only later is added: a file that was changed, a table that is too wide.
        """
        return tuple(self._reader.problems())

    def records(self) -> Iterator[Record]:
        """All records in the order of time.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     log("DONE", ms=70)
            ...     log("DONE", ms=20)
            >>> run = attolog.read(path)
            >>> [r.fields for r in run.records() if r.event == "DONE" and r.fields["ms"] > 50]
            [{'ms': 70}]
        """
        for each in self._reader.records():
            origin: list[Any]  # file, line, function, run
            time, kind, name, level, thread, pid, names, values, text, *origin = each
            is_event = kind in ("event", "dropped", "clock")
            event, message = (name, None) if is_event else (None, text)
            fields = dict(zip(names, values, strict=True))
            if kind == "message":  # the text itself, where it is not the template's
                fields.pop("message", None)
            yield Record(time, kind, event, level, message, fields, thread, pid, *origin)

    def keys(self) -> tuple[str, ...]:
        """The names of the tables."""
        return tuple(self._tables)

    def __getitem__(self, name: str) -> Table:
        """The table of that name.

        Raises:
            KeyError: There is none; the message names the nearest.
        """
        if name == "*":
            return self._all()
        try:
            return self._tables[name]
        except KeyError:
            raise KeyError(self._no_table(name)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __contains__(self, name: object) -> bool:
        return name == "*" or name in self._tables

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        shown = [f"{name!r}: {len(table):,}" for name, table in self._tables.items()]
        if len(shown) > 10:
            shown[10:] = [f"... {len(shown) - 10} more"]
        problems = len(self.problems)
        said = f"; {count(problems, 'problem')}" if problems else ""
        return f"<attolog.Journal {self._path!r}: {', '.join(shown) or 'empty'}{said}>"

    def _all(self) -> Table:
        tables = [table for table in self._tables.values() if len(table)]
        first = min((table.first for table in tables if table.first is not None), default=None)
        last = max((table.last for table in tables if table.last is not None), default=None)
        sampled = [table.sampling.split(", ") for table in tables if table.sampling is not None]
        sampling = ", ".join(sorted({policy for each in sampled for policy in each})) or None
        length = sum(map(len, tables))
        return Table(self._reader, "*", "all", length, first, last, sampling, self._columns)

    def _no_table(self, name: str) -> str:
        near = difflib.get_close_matches(str(name), self._tables, n=3)
        lowered = {other.lower(): other for other in self._tables}
        if not near and str(name).lower() in lowered:
            near = [lowered[str(name).lower()]]
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        return f"{name!r} is none of the {count(len(self._tables), 'table')}{hint}"


class Run(Journal):
    """A run of a journal: the records of one program and its children, as `Journal` has them.

    They are looked through when they are asked for first.
    """

    def __init__(
        self,
        path: str,
        open_reader: Callable[[], _core.Reader],
        columns: _Columns,
        id_: str,
        start: int,
        end: int,
        pids: tuple[int, ...],
    ) -> None:
        super().__init__(path, open_reader, columns)
        self.id = id_
        """16 hexadecimal digits, as in the column `run`."""
        self.start = start
        """The time of its first record in nanoseconds since 1970, UTC."""
        self.end = end
        """The time of its last record."""
        self.pids = pids
        """Its processes, in the order of their numbers."""

    def __repr__(self) -> str:
        processes = count(len(self.pids), "process", "processes")
        return f"<attolog.Run {self.id} of {self._path!r}: {processes}>"


def read(
    path: str | os.PathLike[str],
    *,
    ring_dir: str | None = None,
    origin: bool = False,
    nested: bool = True,
) -> Journal:
    """Open a journal: the file and its parts, which other processes wrote at the same time.

    Nothing is written, and nothing is needed to have been recovered before: what a killed process
    left in its rings is shown as well. What cannot be read is told in `Journal.problems`, and once
    as a warning.

    Args:
        path: The journal, `.atto`. It may be still written to; what comes later is not seen.
        ring_dir: The folder of its rings, if the logger was given one.
        origin: The tables end with columns that tell where their records come from: `file`, `line`,
            `function`, `thread`, `pid` and `run`. A field of such a name gets a `_`: `file_`.
        nested: Lists and dicts are lists and structs in tables. False: they are text, as for
            polars' `write_csv`, which takes no others.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no journal; the message says what reads it. One that is damaged is
            read as far as it goes. Or it is a pipe, a socket or a device.

    Example:
        >>> import attolog, tempfile
        >>> path = tempfile.mkdtemp() + "/run.atto"
        >>> with attolog.AsyncFileLogger(path) as log:
        ...     log("GEN", model="ResNet50", task_id=7)
        >>> run = attolog.read(path)
        >>> run.events
        {'GEN': 1}
        >>> run["GEN"]  # for polars.DataFrame, pyarrow.table, ...
        <attolog.Table 'GEN': 1 record>
    """
    name = os.fsdecode(path)
    if not is_journal(name):
        suffix = os.path.splitext(name)[1].lower()
        instead = _INSTEAD.get(suffix, "attolog's journals are made by logging to a path in .atto")
        raise ValueError(f"{name} is no journal: {instead}")
    reader = _core.Reader(name, ring_dir)
    journal = Journal(name, lambda: reader, _Columns(origin, nested))
    if journal.problems:
        first, *others = journal.problems
        more = f" (and {len(others)} more, see .problems)" if others else ""
        warnings.warn(f"{first}{more}", stacklevel=2)
    return journal


def is_journal(path: str) -> bool:
    """Whether the file is to be read as a journal: by its first bytes or, damaged, by its name.

    Raises:
        OSError: It cannot be read; FileNotFoundError if there is none.
        ValueError: It is no file to be read twice.
    """
    with open_file(path) as file:
        start = file.read(len(JOURNAL_MAGIC))
    return start == JOURNAL_MAGIC or path.endswith(".atto")


_SPECIAL = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading. Nothing else is waited for: a pipe, or a device.

    Raises:
        OSError: It cannot be opened; FileNotFoundError if there is none.
        ValueError: It is no regular file.
    """
    mode = os.stat(path).st_mode
    for is_special, what in _SPECIAL:
        if is_special(mode):
            raise ValueError(f"{os.fsdecode(path)} is {what}; attolog reads regular files")
    return open(path, "rb", opener=_open_at_once)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # it may have become a pipe meanwhile


def count(n: int, noun: str, plural: str | None = None) -> str:
    """So many of something: `1 record`, `12,345 records`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
