"""`attolog rewrite`: turn a program's prints into log calls."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from attolog._cli.show import escape
from attolog._read import count
from attolog._rewrite import Done, Kept, Options, Result, SourceError, Start, files, rewrite

MODES = ("diff", "write", "interactive", "check", "undo", "prove")
_HELP = {
    "diff": "Show what would change (the default).",
    "write": "Change the files; FILE.orig keeps the original.",
    "interactive": "Ask for each print, then change the files.",
    "check": "Only name the prints that could be rewritten; status 1 if there are any.",
    "undo": "Put the originals back.",
    "prove": "Run the command behind -- before and after, in copies of this folder, and compare.",
}


@dataclass(slots=True)
class Tally:
    """What was found in all files."""

    n_done: int = 0
    n_files: int = 0
    left: list[tuple[str, Kept]] = field(default_factory=list)
    problems: int = 0

    def add(self, path: str, result: Result) -> None:
        """Count the prints of a file."""
        self.n_done += len(result.done)
        self.n_files += result.new != result.old
        self.left += [(path, kept) for kept in result.left]


class _EnoughError(Exception):
    """The user has seen enough."""


class _Command(click.Command):
    """What stands behind -- is a command of its own: `--prove -- python app.py`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.obj = args[at + 1 :]
        return super().parse_args(ctx, args[:at])


@click.command("rewrite", cls=_Command, options_metavar="[OPTIONS]")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path())
@click.option("--diff", is_flag=True, help=_HELP["diff"])
@click.option("--write", is_flag=True, help=_HELP["write"])
@click.option("--interactive", is_flag=True, help=_HELP["interactive"])
@click.option("--check", is_flag=True, help=_HELP["check"])
@click.option("--undo", is_flag=True, help=_HELP["undo"])
@click.option("--prove", is_flag=True, help=_HELP["prove"])
@click.option("--all", "all_", is_flag=True, help="Also print(x), as log.print(x).")
@click.option(
    "--entry", type=click.Path(), metavar="FILE", help="The program starts there: turn the log on."
)
@click.pass_obj
def command(
    program: list[str], /, paths: tuple[str, ...], all_: bool, entry: str | None, **modes: bool
) -> int:
    """Turn the prints of Python files into log calls.

    PATH is a file, or a folder with all below it. Nothing is run but by --prove, and what is no
    print stays as it is, to the byte. A print with `# attolog: keep` on its line is left.
    """
    chosen = [mode for mode in MODES if modes[mode]]
    if len(chosen) > 1:
        raise click.UsageError(f"--{chosen[0]} and --{chosen[1]} do not go together")
    mode = chosen[0] if chosen else "diff"
    if mode == "prove" and (not program or entry is not None):
        raise click.UsageError("--prove goes with a command, and without --entry: -- python app.py")
    if mode != "prove" and program:
        raise click.UsageError("a command behind -- goes with --prove")
    if mode == "undo":
        if all_ or entry is not None:
            raise click.UsageError("--undo goes without --all and --entry")
        return _undo(paths)
    entry_file = None if entry is None else os.path.realpath(entry)
    named = list(files.sources([*paths, *([entry] if entry else [])]))
    tally = Tally()
    rewritten: dict[str, bytes] = {}
    _say_first(mode, entry)
    for path in named:
        is_entry = os.path.realpath(path) == entry_file
        options = Options(all=all_, start=Start.TOP if is_entry else Start.NONE)
        try:
            _one(path, mode, options, tally, rewritten)
        except _EnoughError:
            break
        except (OSError, SourceError) as error:
            tally.problems += 1
            _complain(path, error)
    _say_last(mode, tally)
    if mode == "prove" and not _prove(program, rewritten):
        return 1
    return 1 if tally.problems or (mode == "check" and tally.n_done) else 0


def _one(path: str, mode: str, options: Options, tally: Tally, rewritten: dict[str, bytes]) -> None:
    """Rewrite a file, as far as the mode goes."""
    raw = files.read(path)
    quits = False
    if mode == "interactive":
        asker = _Asker(path)
        options = replace(options, accept=asker)
        result = rewrite(raw, path, options)
        quits = asker.answer == "q"
    else:
        result = rewrite(raw, path, options)
    if result.new != result.old:
        if mode == "diff":
            _show(path, result)
        elif mode == "check":
            _name(path, result.done)
        elif mode == "prove":
            rewritten[path] = result.new
        else:
            files.write(path, result.old, result.new)
    tally.add(path, result)
    if quits:
        raise _EnoughError


class _Asker:
    """Asks for each print of a file, until one answer is for all that follow."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.answer = ""

    def __call__(self, done: Done) -> bool:
        if self.answer not in ("a", "q"):
            click.echo(f"{escape(self._path)}:{done.line}")
            for sign, text, colour in (("-", done.before, "red"), ("+", done.after, "green")):
                for line in text.splitlines():
                    click.secho(sign + escape(line), fg=colour)
            self.answer = click.prompt(
                "Rewrite? (y)es, (n)o, (a)ll of this file, (q)uit",
                type=click.Choice(["y", "n", "a", "q"]),
                show_choices=False,
            )
        return self.answer in ("y", "a")


def _prove(program: list[str], rewritten: dict[str, bytes]) -> bool:
    """Run the program before and after; say what came of it."""
    from attolog._rewrite.prove import ProofError, prove

    if not rewritten:
        raise click.ClickException("nothing was rewritten, so that there is nothing to prove")
    try:
        proof = prove(program, rewritten, Path())
    except ProofError as error:
        raise click.ClickException(str(error)) from None
    if proof.holds:
        what = f"{count(proof.n_records, 'record')}, {count(proof.n_bytes, 'byte')} printed before"
        click.echo(f"Proved: the log has the same text, to the byte ({what}).")
        return True
    if proof.statuses[0] != proof.statuses[1]:
        before, after = proof.statuses
        click.echo(f"The exit status was {before} and is {after}.")
    for each in proof.differences:
        by = f" (logged by {escape(each.name)})" if each.name else ""
        click.echo(f"{each.stream}, line {each.line}:{by}")
        for sign, text, colour in (("-", each.printed, "red"), ("+", each.logged, "green")):
            if text is not None:
                click.secho(sign + escape(text.decode(errors="backslashreplace")), fg=colour)
    return False


def _undo(paths: tuple[str, ...]) -> int:
    """Put back what was rewritten: files by their own names, in folders all that can be."""
    n = problems = 0
    for path in paths:
        is_folder = os.path.isdir(path)
        backups = files.sources([path], files.BACKUP) if is_folder else [path + files.BACKUP]
        for backup in backups:
            file = backup.removesuffix(files.BACKUP)
            try:
                files.undo(file)
                n += 1
            except OSError as error:
                problems += 1
                _complain(file, error)
    click.echo(f"{count(n, 'file')} put back", err=True)
    return 1 if problems else 0


def _show(path: str, result: Result) -> None:
    old, new = (data.splitlines(keepends=True) for data in (result.old, result.new))
    name = os.fsencode(path)
    lines = difflib.diff_bytes(difflib.unified_diff, old, new, name, name, lineterm=b"\n")
    out = sys.stdout.buffer
    if not sys.stdout.isatty():
        sys.stdout.flush()
        for line in lines:
            out.write(line)
            if not line.endswith(b"\n"):
                out.write(b"\n\\ No newline at end of file\n")
        return
    colours = {"-": "red", "+": "green", "@": "cyan"}
    for line in lines:
        text = line.rstrip(b"\r\n").decode(errors="backslashreplace")
        click.secho(
            escape(text), fg=colours.get(text[:1]), bold=text[:4] in ("--- ", "+++ ") or None
        )


def _name(path: str, done: Iterable[Done]) -> None:
    for each in done:
        before, after = (escape(" ".join(text.split())) for text in (each.before, each.after))
        click.echo(f"{escape(path)}:{each.line}: {before} -> {after}")


def _say_first(mode: str, entry: str | None) -> None:
    is_done = mode in ("write", "interactive")
    if entry is not None:
        go, show = ("go", "still show") if is_done else ("would go", "would still show")
        where = f"to the log, which {escape(entry)} turns on"
        click.echo(f"Rewritten prints {go} {where}, and {show} on the terminal.", err=True)
        return
    did = "leave" if is_done else "would leave"
    on = "ATTOLOG=run.log python app.py, or --entry app.py, turns on"
    click.echo(f"Rewritten prints {did} standard output and go to the log, which {on}.", err=True)


def _say_last(mode: str, tally: Tally) -> None:
    would = "" if mode in ("write", "interactive") else " could be"
    total = count(tally.n_done + len(tally.left), "print")
    said = f"{total}: {tally.n_done}{would} rewritten, {len(tally.left)} left"
    click.echo(said + (":" if tally.left else ""), err=True)
    for path, kept in tally.left:
        click.echo(f"  {escape(path)}:{kept.line}: {kept.reason}", err=True)
    click.echo("To turn the log off: ATTOLOG=off python app.py", err=True)


def _complain(path: str, error: OSError | SourceError) -> None:
    where, what = path, str(error)
    if isinstance(error, OSError):
        where = os.fsdecode(error.filename) if error.filename is not None else path
        what = error.strerror or what
    click.echo(f"attolog: {escape(where)}: {escape(what)}; skipped", err=True)
