"""`attolog recover`: save what killed processes left in memory, or what a living one holds."""

from __future__ import annotations

import os

import click

from attolog import _core
from attolog._cli.show import check_regular, escape
from attolog._read import count


@click.command("recover")
@click.argument("what", metavar="FILE|PID", type=click.Path())
@click.option(
    "-o", "--output", type=click.Path(), metavar="FILE", help="Where a circular log is saved."
)
@click.option("--check", is_flag=True, help="Only say what there is; status 1 if there is any.")
def command(what: str, output: str | None, check: bool) -> int:
    """Put into FILE what killed processes left for it in their rings.

    The next program that logs to FILE does the same by itself. With a process's id and -o, save
    what its circular logs hold: of a killed process, or of a living one, which goes on.
    """
    if what.isdecimal() and not os.path.exists(what):
        return _process(int(what), output, check)
    if output is not None:
        raise click.UsageError("-o goes with the id of a process")
    return _file(what, check)


def _file(path: str, check: bool) -> int:
    check_regular(path)
    found = _core.recover(path, check)
    records, sessions = found["records"], found["sessions"]
    if records or sessions:
        did = "would recover" if check else "recovered"
        dead = count(sessions, "killed process", "killed processes")
        said = f"{did} {count(records, 'record')} of {dead}"
    else:
        said = "nothing to recover"
    click.echo(f"{escape(path)}: {said}")
    _tell(found["messages"])
    waiting = check and bool(records or sessions)
    return 1 if waiting or found["messages"] else 0


def _process(pid: int, output: str | None, check: bool) -> int:
    if output is None and not check:
        raise click.UsageError("say where to save it: -o FILE")
    if pid >= 1 << 32:
        raise click.UsageError(f"{pid} is no process id")
    found = _core.rescue(pid, output or "unused.log", check=check)
    _tell(found["messages"])
    if not found["sessions"]:
        click.echo(f"attolog: process {pid} has no circular log", err=True)
        return 1
    did = "would save" if check else "saved"
    state = "which goes on" if found["living"] else "which was killed"
    said = f"{did} {count(found['records'], 'record')} of process {pid}, {state}"
    click.echo(said if output is None else f"{escape(output)}: {said}")
    return 1 if found["messages"] or (check and found["records"]) else 0


def _tell(messages: list[str]) -> None:
    for message in messages:
        click.echo(f"attolog: {escape(message)}", err=True)
