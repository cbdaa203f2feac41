"""`attolog FILE` on a terminal: the whole of a journal in one screen."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import click

from attolog._cli.colours import is_coloured, paint, style
from attolog._cli.show import check_regular, escape, line, time_text
from attolog._cli.stats import table_rows
from attolog._cli.tables import write_terminal
from attolog._reading.journal import Journal, open_journal
from attolog._words import count

LINES = 10
_FEWEST_ROWS = 5
_MOST_COLUMNS = 4  # of a table
_MOST_GROUPS = 20
_ENDLESS = os.terminal_size((1_000_000, 1_000_000))  # a pipe's
_HEADINGS = {
    "table": "table",
    "count": "rows",
    "calls": "calls (estimated)",
    "per_second": "per second",
    "over_time": "over time",
    "column": "column",
    "min": "min",
    "p50": "median",
    "max": "max",
}
_WARNINGS = ("CRITICAL", "ERROR", "WARNING")
_BAD, _DOUBTFUL, _FAINT = "1;31", "33", "2"

Row = dict[str, Any]


@click.command("overview", epilog="\b\nExample:\n  attolog overview run.atto")
@click.argument("file", type=click.Path())
def command(file: str) -> int:
    """Show FILE, a journal, in one screen."""
    check_regular(file)
    journal = open_journal(file, check=True)  # so that damaged records are not counted
    rows = sorted(
        table_rows(journal, [journal[name] for name in journal], {}, local=False),
        key=lambda row: -row["count"],
    )
    coloured = is_coloured(sys.stdout)
    size = shutil.get_terminal_size() if sys.stdout.isatty() else _ENDLESS
    alerts = list(_alerts(journal, rows))
    commands = list(_next_commands(file, rows))
    click.echo(_head(file, journal))
    for text, codes in alerts:
        click.echo(style(text, codes) if coloured else text)
    click.echo()
    room = size.lines - len(alerts) - len(commands) - LINES - 7
    _tables([row for row in rows if row["name"] != "DROPPED"], max(room, _FEWEST_ROWS), file)
    click.echo()
    for record in journal.records(last=LINES):
        shown = line(record)
        shown = shown if len(shown) <= size.columns else shown[: size.columns - 3] + "..."
        click.echo(paint(shown) if coloured else shown)
    click.echo()
    for each in commands:
        click.echo(style(each, _FAINT) if coloured else each)
    for problem in journal.problems:
        click.echo(f"attolog: {escape(problem)}", err=True)
    return 1 if journal.problems else 0


def _head(file: str, journal: Journal) -> str:
    every = journal["*"]
    said = [escape(file), count(len(every), "record")]
    if every.first is not None and every.last is not None:
        seconds = (every.last - every.first) / 1e9
        said.append(f"{time_text(every.first)} to {time_text(every.last)} ({seconds:.6g} s)")
    if len(journal.runs) > 1:
        said.append(count(len(journal.runs), "run"))
    return "  ".join(said)


def _alerts(journal: Journal, rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Lost records, what is wrong with the file, errors and warnings; with their colours."""
    lost = sum(row["count"] for row in rows if row["name"] == "DROPPED")
    if lost:
        yield f"{count(lost, 'record')} dropped", _BAD
    levels: Counter[str] = Counter()
    for row in rows:
        if row["name"] != "DROPPED":
            levels.update(row["levels"])
    for level in _WARNINGS:
        if levels[level]:
            codes = _DOUBTFUL if level == "WARNING" else _BAD
            yield f"{round(levels[level]):,} {level}", codes
    if journal.problems:
        yield f"{count(len(journal.problems), 'problem')} with the file, see below", _BAD


def _tables(rows: Sequence[Row], room: int, file: str) -> None:
    """As many tables as there is room for, the largest first, each with its numeric columns."""
    shown: list[Row] = []
    for done, row in enumerate(rows):
        numeric = [column for column in row["columns"] if column["kind"] == "number"]
        cells: list[Row] = [
            {"column": column["name"], **{key: column.get(key) for key in ("min", "p50", "max")}}
            for column in numeric[:_MOST_COLUMNS]
        ]
        first = {**row, **(cells[0] if cells else {})}
        if shown and len(shown) + max(1, len(cells)) > room:
            write_terminal(shown, _HEADINGS)
            more = count(len(rows) - done, "more table")
            click.echo(f"... {more}: attolog stats {shlex.quote(file)}")
            return
        shown += [first, *cells[1:]]
    if shown:
        write_terminal(shown, _HEADINGS)


def _next_commands(file: str, rows: Sequence[Row]) -> Iterator[str]:
    """Commands that fit the file, to be typed next."""
    name = shlex.quote(file)
    yield f"attolog cat {name}"
    found = [
        (row["table"], column)
        for row in rows
        for column in row["columns"]
        if row["name"] != "DROPPED" and column["name"] != "text"
    ]
    floats = [each for each in found if isinstance(each[1].get("max"), float)]
    numbers = floats or [each for each in found if each[1]["kind"] == "number"]
    if numbers:
        table, column = numbers[0]
        above = shlex.quote(f"{column['name']} > {column['p99']:.4g}")
        yield f"attolog cat {name} -t {shlex.quote(table)} --where {above}"
        yield f"attolog plot {name} {shlex.quote(column['name'])} -t {shlex.quote(table)}"
    groups = [
        column["name"]
        for _, column in found
        if column["kind"] == "text" and 1 < column.get("distinct", 0) <= _MOST_GROUPS
    ]
    if groups:
        yield f"attolog stats {name} --by {shlex.quote(groups[0])}"
