"""`attolog recover`: put into a file what killed processes left in their rings."""

from __future__ import annotations

import click

from attolog import _core
from attolog._cli.show import check_regular, escape
from attolog._read import count


@click.command("recover")
@click.argument("file", type=click.Path())
@click.option("--check", is_flag=True, help="Only say what there is; status 1 if there is any.")
def command(file: str, check: bool) -> int:
    """Put into FILE what killed processes left for it in their rings.

    The next program that logs to FILE does the same by itself.
    """
    check_regular(file)
    found = _core.recover(file, check)
    records, sessions = found["records"], found["sessions"]
    if records or sessions:
        did = "would recover" if check else "recovered"
        dead = count(sessions, "killed process", "killed processes")
        said = f"{did} {count(records, 'record')} of {dead}"
    else:
        said = "nothing to recover"
    click.echo(f"{escape(file)}: {said}")
    for message in found["messages"]:
        click.echo(f"attolog: {escape(message)}", err=True)
    waiting = check and bool(records or sessions)
    return 1 if waiting or found["messages"] else 0
