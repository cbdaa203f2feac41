"""`attolog plot`: a column over time, as a histogram, a rate or a heat map."""

from __future__ import annotations

import shutil
import sys
from typing import Any

import click

from attolog._cli.atomic import in_place_of
from attolog._cli.colours import is_coloured
from attolog._cli.plot_data import Source, over_both, over_time, over_values
from attolog._cli.plot_files import SUFFIXES, write_plot
from attolog._cli.plot_text import bars_of, cells_of, lines_of, size_of
from attolog._cli.query import check_columns, check_where, query_options, tables_of
from attolog._cli.show import check_regular, escape
from attolog._cli.window import window
from attolog._reading.files import is_journal
from attolog._reading.journal import Journal, open_journal
from attolog._reading.table import Table

_KINDS = ("line", "hist", "rate", "heat")
_BINS = {"line": 500, "hist": 50, "rate": 200, "heat": 200}  # of a file
_ROWS = 60  # of a heat map in a file
_MOST_BARS = 20  # on a terminal
_MOST_TABLES = 8


@click.command(
    "plot",
    epilog="\b\nExample:\n"
    "  attolog plot run.atto ms --by user\n"
    "  attolog plot run.atto loss --kind hist\n"
    "  attolog plot run.atto ms --kind heat -o ms.html",
)
@click.argument("file", type=click.Path())
@click.argument("column", required=False)
@query_options
@click.option("--by", metavar="COLUMN", help="A line for each value of this column.")
@click.option(
    "--kind",
    type=click.Choice(_KINDS),
    default="line",
    help="Means over time (line), a histogram, records per second (rate), or a heat map.",
)
@click.option(
    "-o", "--output", "out", type=click.Path(), metavar="FILE", help="Draw into .png, .svg, .html."
)
def command(
    file: str,
    column: str | None,
    tables: tuple[str, ...],
    where: str | None,
    since: str | None,
    until: str | None,
    local: bool,
    by: str | None,
    kind: str,
    out: str | None,
) -> int:
    """Draw COLUMN of FILE, a journal, over time.

    Where several tables have the column, each has a line. --kind rate needs no COLUMN.
    """
    check_regular(file)
    if not is_journal(file):
        raise click.UsageError(f"{file} is no journal: only journals are drawn")
    if column is None and kind != "rate":
        raise click.UsageError("name a column: attolog stats shows them")
    suffix = _suffix(out)
    journal = open_journal(file)
    chosen = _tables(journal, tables, column, by)
    check_where(where, chosen)
    if kind != "rate" and column is not None:
        chosen = _numeric(chosen, column)
    query = {"where": where, **window(journal, since, until, local)._asdict()}
    source = Source(chosen[:_MOST_TABLES] if column is None else chosen, column, by, query)
    title = _title(file, chosen, column, by, kind)
    if out is not None:
        binned = _binned(source, kind, (_BINS[kind], _ROWS))
        with in_place_of(out) as path:
            write_plot(path, suffix, binned, kind, title, column or "", local)
        click.echo(f"{escape(out)}: {title}")
    else:
        _show(source, kind, title, local)
    for problem in journal.problems:
        click.echo(f"attolog: {escape(problem)}", err=True)
    return 1 if journal.problems else 0


def _suffix(out: str | None) -> str:
    if out is None:
        return ""
    for suffix in SUFFIXES:
        if out.lower().endswith(suffix):
            return suffix
    raise click.UsageError(f"-o {out}: the suffix is none of {', '.join(SUFFIXES)}")


def _tables(
    journal: Journal, names: tuple[str, ...], column: str | None, by: str | None
) -> list[Table]:
    """The tables that have the columns."""
    chosen = [table for table in tables_of(journal, names) if len(table)]
    for option, name in ("COLUMN", column), ("--by", by):
        if name is not None:
            check_columns([name], chosen, option)
            chosen = [table for table in chosen if name in table.columns]
    if not chosen:
        raise click.UsageError("there are no records to draw")
    return chosen


def _numeric(chosen: list[Table], column: str) -> list[Table]:
    found = [table for table in chosen if _is_number(table.columns[column])]
    if not found:
        kind = chosen[0].columns[column]
        raise click.UsageError(f"{column} is of type {kind}, no number; --by {column} groups by it")
    return found


def _is_number(kind: str) -> bool:
    return kind == "bool" or kind.startswith(("int", "uint", "float"))


def _title(file: str, chosen: list[Table], column: str | None, by: str | None, kind: str) -> str:
    names = ", ".join(table.short_name for table in chosen[:_MOST_TABLES])
    what = {
        "line": f"{column}, mean over time",
        "hist": f"{column}, records by value",
        "rate": "records per second",
        "heat": f"{column}, records by time and value",
    }[kind]
    return escape(f"{what}{f', by {by}' if by else ''}  ({names} of {file})")


def _binned(source: Source, kind: str, size: tuple[int, int]) -> Any:
    if kind == "hist":
        return over_values(source, size[0])
    if kind == "heat":
        return over_both(source, *size)
    return over_time(source, size[0])


def _show(source: Source, kind: str, title: str, local: bool) -> None:
    terminal = shutil.get_terminal_size()
    size = terminal.columns, max(terminal.lines - 5, 5)
    width, height = size_of(size)
    coloured = is_coloured(sys.stdout)
    if kind == "hist":
        lines = bars_of(_binned(source, kind, (min(height, _MOST_BARS), 0)), title, size)
    elif kind == "heat":
        lines = cells_of(_binned(source, kind, (width, height)), title, size, local)
    else:
        binned = _binned(source, kind, (2 * width, 0))
        lines = lines_of(binned, title, size, local, coloured, kind == "rate")
    for line in lines:
        click.echo(line, color=coloured or None)
