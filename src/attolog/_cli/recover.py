"""`attolog recover`: save what killed processes left in their rings, or what a living one holds."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import click

from attolog import _core
from attolog._cli.show import check_regular, escape
from attolog._cli.users import as_user, other_users
from attolog._words import count


@click.command("recover")
@click.argument("what", metavar="FILE|PID", type=click.Path(), required=False)
@click.option(
    "-o", "--output", type=click.Path(), metavar="FILE", help="Where a circular log is saved."
)
@click.option("--check", is_flag=True, help="Only say what there is; status 1 if there is any.")
@click.option(
    "--all", "everything", is_flag=True, help="All log files of this user, and of this folder."
)
@click.option(
    "--forget", is_flag=True, help="With --all: remove what is left of files that are gone."
)
@click.option("--ring-dir", metavar="FOLDER", help="Where the rings are, if the program said so.")
def command(
    what: str | None,
    output: str | None,
    check: bool,
    everything: bool,
    forget: bool,
    ring_dir: str | None,
) -> int:
    """Put into FILE what killed processes left for it in their rings.

    The next program that logs does this by itself. With --all, recover whatever killed processes
    left for any file. With a process's id and -o, save what its circular logs hold: of a killed
    process, or of a living one, which goes on.
    """
    if everything:
        if what is not None or output is not None:
            raise click.UsageError("--all takes no FILE and no -o")
        return _everything(check, forget, ring_dir)
    if what is None:
        raise click.UsageError("say what to recover: a FILE, a PID with -o FILE, or --all")
    if forget:
        raise click.UsageError("--forget goes with --all")
    if what.isdecimal() and not os.path.exists(what):
        return _process(int(what), output, check, ring_dir)
    if output is not None:
        raise click.UsageError("-o goes with the id of a process")
    return _file(what, check, ring_dir)


def _everything(check: bool, forget: bool, ring_dir: str | None) -> int:
    homes = _core.places(os.path.join(os.getcwd(), "any.csv"), ring_dir)["homes"]
    status = _places(homes, check, forget)
    for uid in other_users(homes):
        theirs = [f"{home.rpartition('-')[0]}-{uid}" for home in homes]
        status = _as_user(uid, partial(_places, theirs, check, forget)) or status
    return status


def _as_user(uid: int, action: Callable[[], int]) -> int:
    try:
        status: int = as_user(uid, action)
    except OSError as error:
        click.echo(f"attolog: as user {uid}: {error}", err=True)
        return 1
    return status


def _places(homes: list[str], check: bool, forget: bool) -> int:
    status = 0
    for home in homes:
        found = _core.recover_place(home, check, forget and not check)
        _say(home, found, check)
        if found["gone"]:
            gone = count(found["gone"], "killed process", "killed processes")
            told = (
                f"{count(found['forgotten'], 'record')} removed"
                if forget
                else "--forget removes it"
            )
            click.echo(f"{escape(home)}: the log files of {gone} are gone; {told}")
        if found["messages"] or (check and found["sessions"]):
            status = 1
    return status


def _say(path: str, found: _core._Recovery, check: bool) -> None:
    records, sessions = found["records"], found["sessions"]
    if records or sessions:
        did = "would recover" if check else "recovered"
        dead = count(sessions, "killed process", "killed processes")
        said = f"{did} {count(records, 'record')} of {dead}"
    else:
        said = "nothing recovered" if found["messages"] else "nothing to recover"
    click.echo(f"{escape(path)}: {said}")
    _tell(found["messages"])


def _file(path: str, check: bool, ring_dir: str | None) -> int:
    check_regular(path)
    status = _own(path, check, ring_dir)
    places = _core.places(path, ring_dir)
    for uid in other_users(places["homes"], places["ends"]):
        status = _as_user(uid, lambda: _own(path, check, ring_dir, quiet=True)) or status
    return status


def _own(path: str, check: bool, ring_dir: str | None, quiet: bool = False) -> int:
    """What this user's killed processes left; `quiet`: nothing is said where that is nothing."""
    found = _core.recover(path, check, ring_dir)
    if found["sessions"] or found["messages"] or not quiet:
        _say(path, found, check)
    waiting = check and bool(found["records"] or found["sessions"])
    return 1 if waiting or found["messages"] else 0


def _process(pid: int, output: str | None, check: bool, ring_dir: str | None) -> int:
    if output is None and not check:
        raise click.UsageError("say where to save it: -o FILE")
    if pid >= 1 << 32:
        raise click.UsageError(f"{pid} is no process id")
    found = _core.rescue(pid, output or "unused.log", check=check, ring_dir=ring_dir)
    _tell(found["messages"])
    if not found["sessions"]:
        there = f"in {escape(ring_dir)}" if ring_dir else "(made with ring_dir: add --ring-dir)"
        click.echo(f"attolog: process {pid} has no circular log {there}", err=True)
        return 1
    did = "would save" if check else "saved"
    state = "which goes on" if found["living"] else "which was killed"
    said = f"{did} {count(found['records'], 'record')} of process {pid}, {state}"
    click.echo(said if output is None else f"{escape(output)}: {said}")
    return 1 if found["messages"] or (check and found["records"]) else 0


def _tell(messages: list[str]) -> None:
    for message in messages:
        click.echo(f"attolog: {escape(message)}", err=True)
