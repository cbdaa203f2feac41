"""Reading a journal: the typed face of the native reader."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any, NamedTuple

from attolog import _core
from attolog._expression import names_in
from attolog._reading import names
from attolog._reading.files import is_journal
from attolog._reading.table import USUAL, Columns, Table
from attolog._reading.times import Moment
from attolog._reading.views import Views
from attolog._words import count

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


class Journal(Views):
    """What a journal holds, table by table; made by `attolog.read`.

    Iterating gives the names of the tables, as with a dict; `journal["*"]` is all records.
    A table is found by its name, by its short name, and by any part of these that fits no other.

    Example:
        >>> import attolog, tempfile
        >>> path = tempfile.mkdtemp() + "/run.atto"
        >>> with attolog.AsyncFileLogger(path) as log:
        ...     log.info("epoch {epoch} step {step} loss={loss:.4f}", 1, 20, 0.5)
        >>> run = attolog.read(path)
        >>> run["epoch_step_loss"] is run["loss"]
        True
        >>> run["loss"].name
        'epoch {epoch} step {step} loss={loss:.4f}'
    """

    def __init__(
        self,
        path: str,
        open_reader: Callable[[], _core.Reader],
        columns: Columns = USUAL,
        short_names: Mapping[str, str] | None = None,
    ) -> None:
        self._path = path
        self._open_reader = open_reader
        self._columns = columns
        self._given_names = short_names

    @cached_property
    def _reader(self) -> _core.Reader:
        return self._open_reader()

    @cached_property
    def _tables(self) -> dict[str, Table]:
        reader = self._reader
        infos = reader.tables()
        end = max((last for *_, last, _ in infos), default=0)
        tables: dict[str, Table] = {}
        for name, kind, length, first, last, sampling in infos:
            # An event comes before a template of its name.
            table = Table(reader, name, kind, length, first, last, sampling, self._columns, end)
            tables.setdefault(name, table)
        given = self._given_names
        for name, short in (given or names.short_names(tables.values())).items():
            if name in tables:
                tables[name].short_name = short
        return tables

    @cached_property
    def _names(self) -> dict[str, str]:
        return {name: table.short_name for name, table in self._tables.items()}

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The runs that have written the journal, in the order of their first records.

        A run is a program and its children: one id, which they inherit.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     log("request", ms=70)
            >>> attolog.read(path).runs[-1]["request"]
            <attolog.Table 'request': 1 record>
        """
        reader = self._reader
        return tuple(
            Run(
                self._path,
                partial(reader.run, id_),
                self._columns,
                self._names,
                id_,
                start,
                end,
                tuple(pids),
            )
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

    def records(
        self,
        *,
        table: str | None = None,
        where: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        last: int | None = None,
    ) -> Iterator[Record]:
        """The records in the order of time, all or some of them.

        Blocks of the file that have none of these are not decoded.

        Args:
            table: Only those of this table, by any of its names.
            where: An expression that they match, as in `when=`: `"ms > 20 and model == 'a'"`.
            since: The time of the first, as for `Table.select`: `"-5m"`, a datetime, an int.
            until: The time of the last.
            last: No more than so many, the last ones.

        Raises:
            KeyError: There is no such table, or no record has a field that `where` names.
            ValueError: `where` is no expression; the message names the column.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     log("request", ms=70)
            ...     log("request", ms=20)
            >>> run = attolog.read(path)
            >>> [r.fields for r in run.records(where="event == 'request' and ms > 50")]
            [{'ms': 70}]
            >>> [r.fields for r in run.records(last=1)]
            [{'ms': 20}]
        """
        wanted = self["*" if table is None else table]
        selection = wanted.select(where=where, since=since, until=until, last=last)
        if wanted.kind == "all" and where is not None:
            self._check_fields(names_in(where))
        query: dict[str, Any] = {"where": where, "last": last}
        query |= {"since": selection.since, "until": selection.until}
        if wanted.kind != "all":
            query["table"] = wanted.name
        return self._records(query)

    def _records(self, query: dict[str, Any]) -> Iterator[Record]:
        for each in self._reader.records(**query):
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
        """The table of that name, or short name, or the one table whose name has this part.

        Raises:
            KeyError: There is none, and the message names the nearest; or there are several, and
                the message lists them.
        """
        if name == "*":
            return self._all()
        found = names.find(name, self._names) if isinstance(name, str) else []
        if len(found) != 1:
            raise names.UnknownNameError(
                self._several(name, found) if found else self._no_table(name)
            )
        return self._tables[found[0]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __contains__(self, name: object) -> bool:
        return name == "*" or name in self._tables or name in self._names.values()

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
        end = last or 0
        return Table(self._reader, "*", "all", length, first, last, sampling, self._columns, end)

    def _several(self, name: str, found: list[str]) -> str:
        return f"{name!r} fits {count(len(found), 'table')}: {names.listed(found, self._names)}"

    def _no_table(self, name: str) -> str:
        hint = names.suggestion(str(name), [*self._names, *self._names.values()])
        lines = self._lines_with(str(name))
        where = f"; {count(lines, 'line')} of text contain{'s' if lines == 1 else ''} it"
        message = f"{name!r} is none of the {count(len(self._tables), 'table')}{hint}"
        return message + where if lines else message

    def _lines_with(self, part: str) -> int:
        """How many texts and prints contain it."""
        texts = [table.name for table in self._tables.values() if table.kind in ("text", "print")]
        try:
            return sum(
                1
                for text in texts
                for _ in self._reader.records(table=text, where=f"{part!r} in message")
            )
        except ValueError:  # it is too long for an expression
            return 0


class Run(Journal):
    """A run of a journal: the records of one program and its children, as `Journal` has them.

    They are looked through when they are asked for first.
    """

    def __init__(
        self,
        path: str,
        open_reader: Callable[[], _core.Reader],
        columns: Columns,
        short_names: Mapping[str, str],
        id_: str,
        start: int,
        end: int,
        pids: tuple[int, ...],
    ) -> None:
        super().__init__(path, open_reader, columns, short_names)
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
    """Open a journal: the file and its parts, which other processes wrote beside it.

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
        ...     log("request", user="ann", ms=7)
        >>> run = attolog.read(path)
        >>> run.events
        {'request': 1}
        >>> run["request"]  # for polars.DataFrame, pyarrow.table, ...
        <attolog.Table 'request': 1 record>
    """
    name = os.fsdecode(path)
    if not is_journal(name):
        suffix = os.path.splitext(name)[1].lower()
        instead = _INSTEAD.get(suffix, "attolog's journals are made by logging to a path in .atto")
        raise ValueError(f"{name} is no journal: {instead}")
    reader = _core.Reader(name, ring_dir)
    journal = Journal(name, lambda: reader, Columns(origin, nested))
    if journal.problems:
        first, *others = journal.problems
        more = f" (and {len(others)} more, see .problems)" if others else ""
        warnings.warn(f"{first}{more}", stacklevel=2)
    return journal
