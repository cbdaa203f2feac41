"""Views of a journal: its tables by name, a column of several tables, SQL, and its processes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from attolog import _core
from attolog._expression import names_in
from attolog._reading import html, names, times
from attolog._reading.column import LongColumn
from attolog._reading.sql import connect
from attolog._reading.table import OF_ALL_RECORDS, Table
from attolog._reading.tables import Tables
from attolog._reading.times import Moment, nanoseconds
from attolog._words import count

if TYPE_CHECKING:
    import duckdb


class Process(NamedTuple):
    """A process that wrote records."""

    pid: int
    """Its id."""
    start: int
    """The time of its first record in nanoseconds since 1970, UTC."""
    end: int
    """The time of its last record."""
    threads: tuple[str, ...]
    """The names of the threads that logged, in the order of their first records."""
    records: int
    """How many records it wrote."""
    run: str
    """The id of its run, as `Run.id`."""


class Views(ABC):
    """What a journal shows of its tables."""

    _path: str

    @cached_property
    def _reader(self) -> _core.Reader:
        """The native reader."""
        raise NotImplementedError

    @cached_property
    def _tables(self) -> dict[str, Table]:
        """The tables by their whole names."""
        raise NotImplementedError

    @abstractmethod
    def __getitem__(self, name: str) -> Table:
        """The table of that name."""

    @abstractmethod
    def _all(self) -> Table:
        """All records."""

    @property
    @abstractmethod
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the files."""

    @cached_property
    def tables(self) -> Tables:
        """The tables by their short names; the repr is an overview.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     log("request", user="ann", ms=7)
            ...     log.info("epoch {epoch} loss={loss:.4f}", 1, 0.5)
            >>> run = attolog.read(path)
            >>> run.tables
            table       rows  columns
            request        1  user, ms
            epoch_loss     1  epoch, loss
        """
        by_name = {table.short_name: table for table in self._tables.values()}
        return Tables(by_name, self.__getitem__)

    def find(self, word: str) -> Tables:
        """The tables that have the word in their names or in the name of a column.

        Upper and lower case are equal.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     log("request", user="ann", ms=7)
            ...     log.info("epoch {epoch} loss={loss:.4f}", 1, 0.5)
            >>> attolog.read(path).find("loss")
            table       rows  columns
            epoch_loss     1  epoch, loss
        """
        wanted = word.lower()
        found = {
            short: table
            for short, table in self.tables.items()
            if any(wanted in name.lower() for name in (table.name, short, *table.columns))
        }
        return Tables(found, self.__getitem__)

    def column(
        self,
        name: str,
        *,
        where: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
    ) -> LongColumn:
        """A column of all tables that have it, as one long table in the order of time.

        Args:
            name: The column.
            where: An expression that the records match, as in `when=`.
            since: The time of the first row, as for `Table.select`.
            until: The time of the last row.

        Raises:
            KeyError: No table has such a column; the message names the nearest.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     log("train", epoch=1, loss=0.5)
            ...     log("valid", epoch=1, loss=0.75)
            >>> for row in attolog.read(path).column("loss").to_dicts():
            ...     print(row["table"], row["loss"], row["epoch"])
            train 0.5 1
            valid 0.75 1
        """
        tables = tuple(table for table in self._tables.values() if name in table.own_columns)
        if not tables:
            raise self._no_column(name)
        if where is not None:
            self._check_fields(names_in(where))
        end = self._all().last or 0
        first, last = (m if m is None else nanoseconds(m, end=end) for m in (since, until))
        return LongColumn(name, tables, where, first, last, self._reader)

    def _check_fields(self, fields: list[str]) -> None:
        """Refuse fields that no table has."""
        unknown = [name for name in fields if name not in OF_ALL_RECORDS]
        for table in self._tables.values():
            if not unknown or table.has_more_fields:
                return
            known = table.own_columns
            unknown = [each for each in unknown if each not in known and f"{each}_" not in known]
        if unknown:
            raise self._no_column(unknown[0])

    def _no_column(self, name: str) -> names.UnknownNameError:
        every = [each for table in self._tables.values() for each in table.own_columns]
        return names.no_column(name, None, dict.fromkeys(every))

    def sql(self, query: str, *, params: object = None) -> duckdb.DuckDBPyRelation:
        """A query in SQL, by DuckDB; each table is a view under its short name.

        `records` is a view of all records. SQL does not tell upper from lower case: of two names
        that are equal in it, the second has a number, as in `request_2`.

        Args:
            query: A statement.
            params: Values for its parameters: a list for `?`, a dict for `$name`.

        Returns:
            A relation of DuckDB's: `.fetchall()`, `.pl()`, `.df()`, or `print` it.

        Raises:
            ImportError: DuckDB is missing; `attolog[sql]` installs it.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     for ms in 70, 20, 30:
            ...         log("request", ms, user="ann")
            >>> attolog.read(path).sql("select user, max(ms) from request group by user").fetchall()
            [('ann', 70)]
        """
        return self._database.sql(query, params=params)

    @cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        return connect(self.tables, self._all())

    @cached_property
    def processes(self) -> tuple[Process, ...]:
        """The processes that wrote records, in the order of their first ones.

        It takes a pass over all records.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     log("request", ms=70)
            >>> process = attolog.read(path).processes[0]
            >>> process.threads, process.records
            (('MainThread',), 1)
        """
        return tuple(
            Process(pid, start, end, tuple(threads), records, run)
            for pid, run, start, end, records, threads in self._reader.processes()
        )

    def _repr_html_(self) -> str:
        every = self._all()
        title = f"{self._path}: {count(len(every), 'record')}"
        if every.first is not None and every.last is not None:
            title += f" from {times.text_of(every.first)} to {times.text_of(every.last)}"
        problems: list[Any] = [html.note(each) for each in self.problems[:3]]
        return html.page(html.note(title), *problems, self.tables._repr_html_())
