"""`attolog cat`: show a file."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from typing import IO

import click

from attolog._cli.colours import is_coloured
from attolog._cli.journal_lines import JournalLines
from attolog._cli.lines import Choice, Layout, TextLines
from attolog._cli.pager import paged
from attolog._cli.query import query_options
from attolog._cli.show import check_regular, escape
from attolog._cli.usage import whole_number
from attolog._reading.files import is_journal

POLL_SECONDS = 0.2
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@click.command(
    "cat",
    epilog="\b\nExample:\n  attolog cat run.atto --where 'ms > 20 and user == \"ann\"' --since -5m",
)
@click.argument("file", type=click.Path())
@query_options
@click.option("--grep", "pattern", metavar="REGEX", help="Only lines with this in them.")
@click.option(
    "--level",
    type=click.Choice(_LEVELS, case_sensitive=False),
    help="Only messages of this level or above, and DROPPED.",
)
@click.option("--thread", metavar="NAME", help="Only what this thread logged.")
@click.option(
    "-n", "--lines", type=whole_number(0, sys.maxsize), metavar="N", help="Only the last N."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines or records, until Ctrl-C.")
@click.option("--columns", metavar="A,B", help="Only these values of records that have any.")
@click.option("--delta", is_flag=True, help="The time since the line before.")
@click.option(
    "--context",
    type=whole_number(1, 1_000_000),
    metavar="N",
    help="N records before and behind each that matches.",
)
@click.option(
    "--origin",
    is_flag=True,
    help="Where they come from: file, line, function, thread, process, run.",
)
def command(
    file: str,
    tables: tuple[str, ...],
    where: str | None,
    since: str | None,
    until: str | None,
    local: bool,
    pattern: str | None,
    level: str | None,
    thread: str | None,
    lines: int | None,
    follow: bool,
    columns: str | None,
    delta: bool,
    context: int | None,
    origin: bool,
) -> int:
    """Show FILE: the records of a journal, the lines of any other file.

    On a terminal they have colours, and what is longer than the screen goes through $PAGER.
    """
    check_regular(file)
    if follow and context:
        raise click.UsageError("--context does not go with -f")
    choice = Choice(
        tables,
        where,
        level,
        thread,
        _compiled(pattern),
        tuple(name.strip() for name in columns.split(",")) if columns else (),
        since,
        until,
        lines,
        context or 0,
    )
    is_terminal = sys.stdout.isatty()
    coloured = is_coloured(sys.stdout)
    layout = Layout(origin, local, delta, is_terminal, coloured, coloured and is_terminal)
    if not is_journal(file):
        _check_text(file, choice, layout)
        source: TextLines | JournalLines = TextLines(file, follow, choice, layout)
    else:
        source = JournalLines(file, follow, choice, layout)
    with closing(source):
        with paged(not follow) as out:
            _write(out, source.new())
        is_damaged = _tell(source.problems())
        while follow:
            time.sleep(POLL_SECONDS)
            _write(sys.stdout.buffer, source.new())
            _tell(source.problems())
    return 1 if is_damaged else 0


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern) if pattern is not None else None
    except re.error as error:
        raise click.UsageError(f"--grep: {error}") from None


def _check_text(file: str, choice: Choice, layout: Layout) -> None:
    """Refuse options that need a journal's records."""
    if layout.origin:
        raise ValueError(f"{file} is no journal: it does not tell where its lines come from")
    plain = replace(choice, grep=None, last=None)
    if plain != Choice() or layout.local or layout.delta:
        options = "-n, -f and --grep are the options for text"
        raise click.UsageError(f"{file} is no journal: {options}")


def _tell(problems: tuple[str, ...]) -> bool:
    for problem in problems:
        click.echo(f"attolog: {escape(problem)}", err=True)
    return bool(problems)


def _write(out: IO[bytes], lines: Iterable[bytes]) -> None:
    for each in lines:
        out.write(each)
    out.flush()
