"""`run.sql`: the tables of a journal as views of DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from attolog._reading.extras import need

if TYPE_CHECKING:
    import duckdb

    from attolog._reading.table import Table

ALL = "records"
_MOST_AT_ONCE = 100


class Database:
    """A database of DuckDB's, in memory, with a view for each table.

    Views of very many tables are made when a query names them, since each takes a millisecond.

    Args:
        tables: The tables by short name.
        every: All records, which are the view `records`.

    Raises:
        ImportError: DuckDB is missing.
    """

    def __init__(self, tables: Mapping[str, Table], every: Table) -> None:
        self._connection: duckdb.DuckDBPyConnection = need("duckdb", "sql").connect(":memory:")
        # Times are shown in UTC, as attolog shows them everywhere.
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.register(ALL, every)
        self._missing = dict(zip(view_names(tables), tables.values(), strict=True))
        if len(self._missing) <= _MOST_AT_ONCE:
            self._add(list(self._missing))

    def sql(self, query: str, params: object) -> duckdb.DuckDBPyRelation:
        """The relation that a query gives."""
        if self._missing:
            lowered = query.lower().replace('""', '"')  # as names in quotes have it
            self._add([name for name in self._missing if name.lower() in lowered])
        return self._connection.sql(query, params=params)

    def _add(self, names: Iterable[str]) -> None:
        for name in names:
            self._connection.register(name, self._missing.pop(name))


def view_names(tables: Mapping[str, Table]) -> list[str]:
    """The names of the views, in the order of the tables.

    SQL does not tell upper from lower case: of names that are then equal, and of tables that are
    called `records`, all but the first get a number.

    Example:
        >>> view_names({"load": None, "LOAD": None, "records": None})
        ['load', 'LOAD_2', 'records_2']
    """
    used = {ALL, *(name.lower() for name in tables)}
    taken = {ALL}
    names = []
    for name in tables:
        unique, n = name, 1
        while unique.lower() in taken or (n > 1 and unique.lower() in used):
            n += 1
            unique = f"{name}_{n}"
        taken.add(unique.lower())
        names.append(unique)
    return names
