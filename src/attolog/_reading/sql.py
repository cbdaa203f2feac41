"""`run.sql`: the tables of a journal as views of DuckDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attolog._reading.extras import need

if TYPE_CHECKING:
    import duckdb

    from attolog._reading.table import Table

ALL = "records"


def connect(tables: Mapping[str, Table], every: Table) -> duckdb.DuckDBPyConnection:
    """A database in memory with a view for each table.

    Args:
        tables: The tables by short name.
        every: All records, which are the view `records`.

    Raises:
        ImportError: DuckDB is missing.
    """
    connection: duckdb.DuckDBPyConnection = need("duckdb", "sql").connect(":memory:")
    # Times are shown in UTC, as attolog shows them everywhere.
    connection.execute("SET TimeZone = 'UTC'")
    connection.register(ALL, every)
    for name, table in zip(view_names(tables), tables.values(), strict=True):
        connection.register(name, table)
    return connection


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
