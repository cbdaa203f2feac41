"""`attolog doctor`: where the rings of a log file are, what that means, and what is left there."""

from __future__ import annotations

import os

import click

from attolog import _core
from attolog._cli import health, leftovers
from attolog._cli.show import check_regular, escape
from attolog._words import count


@click.command("doctor")
@click.argument("path", metavar="[FILE]", type=click.Path(), default="run.csv")
def command(path: str) -> int:
    """Say where records wait until they are in FILE, and whether a kill loses them there.

    Without a FILE it is about any log file in this folder.
    """
    check_regular(path)
    places = _core.places(path)
    first, *others = sorted(places["homes"], key=lambda home: not _can_be_made(home))
    click.echo(f"{escape(places['shm'])}.")
    click.echo(f"Records wait in {escape(first)} until they are in the file.")
    if first.startswith("/dev/shm/"):
        click.echo("They survive the program's end, also kill -9, until the machine stops.")
    else:
        click.echo("They survive the program's end, also kill -9, and the container's.")
    for other in others:
        if _can_be_made(other):
            click.echo(f"Where that has no room they wait in {escape(other)}.")
    click.echo(health.room(first))
    for sentence in health.of_machine():
        click.echo(escape(sentence))
    status = 0
    if os.path.exists(path):
        found = _core.recover(path, check=True)
        if found["living"]:
            loggers = count(found["living"], "process logs", "processes log")
            click.echo(f"{loggers} to {escape(path)}.")
        if found["sessions"]:
            records = count(found["records"], "record")
            click.echo(f"Processes that ended left {records}: attolog recover {escape(path)}")
            status = 1
    for home in places["homes"]:
        left = _core.recover_place(home, check=True)
        where = f"In {escape(home)}"
        if left["sessions"]:
            n = count(left["sessions"], "killed process", "killed processes")
            records = count(left["records"], "record")
            click.echo(f"{where} {n} left {records}: attolog recover --all")
        if left["gone"]:
            gone = leftovers.of_removed_files(left)
            click.echo(f"{where} {gone}: attolog recover --all --forget")
        for sentence in leftovers.of_circular_logs(left, None):
            click.echo(f"{where} {escape(sentence)}")
        if left["sessions"] or left["gone"] or left["circular"]:
            status = 1
    return status


def _can_be_made(home: str) -> bool:
    """Whether this user's folder is there, or can be."""
    return os.access(home if os.path.isdir(home) else os.path.dirname(home), os.W_OK)
