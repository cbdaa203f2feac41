"""A column that several tables have, as one long table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from attolog._reading.rows import Rows
from attolog._reading.selection import Selection
from attolog._words import count

if TYPE_CHECKING:
    from attolog import _core
    from attolog._reading.table import Table


@dataclass(frozen=True, slots=True)
class LongColumn(Rows):
    """A column of several tables with the columns that all of these have; made by `run.column`.

    Its columns are `time`, `table` (the short name), the column, and the shared ones. The rows are
    in the order of time. Ints and floats of one column are floats; values of other different types
    are texts, and so are lists and dicts. It may be passed over any number of times.
    """

    name: str
    """The column that was asked for."""
    tables: tuple[Table, ...]
    """The tables that have it."""
    where: str | None
    """The expression that the records match."""
    since: int | None
    """The time of the first row in nanoseconds since 1970."""
    until: int | None
    """The time of the last row."""
    _reader: _core.Reader

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule stream of the rows."""
        tables = tuple((table.name, table.short_name) for table in self.tables)
        return self._reader.column(
            self.name, tables, where=self.where, since=self.since, until=self.until
        )

    def _title(self) -> str:
        return repr(self)[1:-1]

    def _recent(self, most: int) -> LongColumn:
        times: list[int] = []
        for table in self.tables:
            last = Selection(table, ("time",), self.where, self.since, self.until, most)
            times += (row["time"] for row in last.to_dicts())
        return replace(self, since=sorted(times)[-most]) if len(times) > most else self

    def __repr__(self) -> str:
        names = ", ".join(table.short_name for table in self.tables)
        return f"<attolog.LongColumn {self.name!r} of {count(len(self.tables), 'table')}: {names}>"
