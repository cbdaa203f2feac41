"""The records that a verb looks at: the options `--table`, `--where` and those of time.

Names are checked before a record is read, so that a misspelt one is no empty answer.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeVar

import click

from attolog._cli.window import window_options
from attolog._cli.wrong import WrongExpression
from attolog._expression import names_in
from attolog._reading.journal import Journal
from attolog._reading.selection import Selection
from attolog._reading.table import OF_ALL_RECORDS, Table
from attolog._words import nearest

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R", bound=tuple[Any, ...])

_MOST_NAMED = 10


def query_options(command: F) -> F:
    """Give a command the options `tables`, `where`, `since`, `until` and `local`."""
    command = window_options(command)
    for option in (
        click.option("--where", metavar="EXPR", help="Only those that match: 'ms > 20'."),
        click.option(
            "-t",
            "--table",
            "tables",
            multiple=True,
            metavar="NAME",
            help="Only this table, by its short name or a part of one; again for more.",
        ),
    ):
        command = option(command)
    return command


def tables_of(journal: Journal, wanted: Sequence[str]) -> list[Table]:
    """The tables of these names, all if there are none.

    Raises:
        click.UsageError: A name fits no table, or several.
    """
    try:
        found = [journal[name] for name in wanted or journal]
    except KeyError as error:
        raise click.UsageError(str(error.args[0])) from None
    return list(dict.fromkeys(found))


def columns_of(tables: Iterable[Table]) -> dict[str, str]:
    """The type of each column of these tables by its name."""
    return {name: kind for table in tables for name, kind in table.columns.items()}


def check_columns(wanted: Iterable[str], tables: Sequence[Table], option: str) -> None:
    """Refuse names that no table has as a column.

    Raises:
        click.UsageError: The message has the nearest names.
    """
    missing = list(wanted)
    there = columns_of(tables) if missing else {}
    for name in missing:
        if name in there or f"{name}_" in there:  # beside a column of attolog's
            continue
        hint = nearest(name, there)
        if not hint:
            shown = [each for each in there if each != "time"][:_MOST_NAMED]
            hint = f"; there are {', '.join(shown) or 'no columns'}"
        raise click.UsageError(f"{option}: no column is called {name!r}{hint}")


def check_where(where: str | None, tables: Sequence[Table]) -> None:
    """Refuse what is no expression, and names that none of the tables has.

    Raises:
        click.UsageError: `WrongExpression`, or a message with the nearest names.
    """
    if where is None:
        return
    try:
        used = names_in(where)
    except ValueError as error:
        raise WrongExpression("--where", error) from None
    if not any(table._has_more_fields for table in tables):
        check_columns((name for name in used if name not in OF_ALL_RECORDS), tables, "--where")


def records_of(
    source: Callable[..., Iterator[R]], tables: Iterable[Table], is_all: bool, **query: Any
) -> Iterator[R]:
    """The records of some tables in the order of time.

    Args:
        source: `Journal.records`, or `records` of the native reader.
        tables: The tables.
        is_all: They are all that there are.
        query: `where`, `since`, `until` and `last`; the last ones are those of each table.
    """
    if is_all:
        return source(**query)
    each = [source(table=table.name, **query) for table in tables]
    return heapq.merge(*each, key=itemgetter(0))


def selection(table: Table, query: Mapping[str, Any]) -> Selection:
    """The rows of a table that match; none of a table that lacks the fields."""
    return Selection(table, (), query["where"], query["since"], query["until"])
