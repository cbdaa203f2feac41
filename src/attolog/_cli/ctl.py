"""`attolog ctl`: ask and change processes that log, while they run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import click

from attolog import _core
from attolog._cli.show import escape, time_text

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
ACTIONS = "set NAME=STRATEGY, unset NAME, level LEVEL, enabled true|false"
HEADERS = {
    "logger": (
        *("path", "level", "enabled", "state", "calls", "written", "waiting", "dropped"),
        *("sampled out", "aggregated", "overwritten"),
    ),
    "site": ("name", "kind", "where", "strategy", "written", "left out"),
    "rule": ("rule for", "strategy"),
}
"""The columns of what a process answers, by the first word of a line."""


@dataclass(slots=True)
class Process:
    """A process and what it answers; `lines` is empty where it does not."""

    pid: int
    command: str
    started: int
    lines: list[list[str]] = field(default_factory=list)


@click.command("ctl")
@click.argument("pid", type=click.IntRange(0, (1 << 32) - 1), required=False)
@click.argument("action", nargs=-1)
def command(pid: int | None, action: tuple[str, ...]) -> int:
    """List the running processes that log, and their sites; or change one of them.

    \b
    attolog ctl                              all of them
    attolog ctl PID                          one of them
    attolog ctl PID set request=sample:0.1   what becomes of the sites of that name
    attolog ctl PID unset request            as the program has it, again
    attolog ctl PID level INFO
    attolog ctl PID enabled false

    A change concerns all loggers of the process, and goes before the program's own rules and those
    of the environment. It holds as long as the process, and its forked children, live; nothing else
    is changed, and no file is opened.

    Lists are tables on a terminal, else values separated by tabs: first `process`, `logger`, `site`
    or `rule`, then the number of the process.
    """  # noqa: D301 - click's own mark
    if action and pid is not None:
        click.echo(escape(_ask(pid, _request(action))))
        return 0
    others = [Process(*each) for each in _core.control_list() if each[0] != os.getpid()]
    if pid is not None:
        others = [process for process in others if process.pid == pid] or [Process(pid, "", 0)]
    if not others:
        click.echo("attolog: no running process logs", err=True)
    show = _table if sys.stdout.isatty() else _cells
    status = 0
    for process in others:
        try:
            answer = _ask(process.pid, "list")
        except click.ClickException as error:
            if pid is not None:
                raise
            click.echo(f"attolog: {error.format_message()}", err=True)
            status = 1
            answer = ""
        process.lines = [line.split("\t") for line in answer.splitlines()]
        show(process)
    return status


def _request(action: Sequence[str]) -> str:
    """The request that the arguments spell.

    Raises:
        click.UsageError: They are none.
    """
    verb, *values = action
    if len(values) != 1 or verb not in ("set", "unset", "level", "enabled"):
        raise click.UsageError(f"{' '.join(action)!r}: allowed are {ACTIONS}")
    (value,) = values
    if verb == "set":
        name, _, strategy = value.rpartition("=")
        if not name:
            raise click.UsageError(f"{value!r}: NAME=STRATEGY is wanted")
        if "=" in name and "," in name.partition("=")[2]:
            raise click.UsageError(f"{value!r}: one rule at a time")
        if strategy:
            try:
                _core.check_strategy(strategy)
            except ValueError as error:
                raise click.UsageError(str(error)) from None
    elif verb == "level" and value not in LEVELS:
        raise click.UsageError(f"{value!r} is no level; allowed are {', '.join(LEVELS)}")
    elif verb == "enabled" and value not in ("true", "false"):
        raise click.UsageError(f"{value!r} is neither true nor false")
    return f"{verb} {value}"


def _ask(pid: int, request: str) -> str:
    """What the process answers, without the `ok` in front.

    Raises:
        click.ClickException: It does not answer, or says that it cannot.
    """
    try:
        answer = _core.control_ask(pid, request)
    except TimeoutError as error:
        raise click.ClickException(str(error)) from None
    if answer is None:
        is_there = pid in (each[0] for each in _core.control_list())
        why = "is no running process that logs"
        if is_there:
            why = "does not answer; the request is withdrawn, and nothing is changed"
        raise click.ClickException(f"{pid} {why}")
    word, rest = answer[:2], answer[3:]
    if word != "ok":
        raise click.ClickException(f"{pid}: {answer.removeprefix('error ')}")
    return rest


def _cells(process: Process) -> None:
    first = ("process", str(process.pid), time_text(process.started), escape(process.command))
    lines: Iterable[Sequence[str]] = (
        (line[0], str(process.pid), *line[1:]) for line in process.lines
    )
    for cells in (first, *lines):
        click.echo("\t".join(escape(cell) for cell in cells))


def _table(process: Process) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    heading = f"{process.pid}  {time_text(process.started)}  {escape(process.command)}"
    console.print(Text(heading, style="bold"))
    for word, header in HEADERS.items():
        rows = [line[1:] for line in process.lines if line[0] == word]
        if not rows:
            continue
        table = Table(box=None, header_style="bold")
        for i, name in enumerate(header):
            is_number = all(len(row) > i and row[i].isdigit() for row in rows)
            table.add_column(name, justify="right" if is_number else "left")
        for row in rows:
            table.add_row(*(Text(escape(cell)) for cell in row[: len(header)]))
        console.print(table)
    console.print()
