"""`attolog rewrite`: turn a program's prints into log calls."""

from __future__ import annotations

import difflib
import errno
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from attolog._cli.show import escape
from attolog._rewrite import (
    Options,
    Replacement,
    Result,
    SkippedPrint,
    SourceError,
    Start,
    Survey,
    files,
    rewrite,
)
from attolog._words import count

MODES = ("diff", "write", "interactive", "check", "undo", "prove")
_HELP = {
    "diff": "Show the change (the default).",
    "write": "Change the files; FILE.orig keeps the original.",
    "interactive": "Ask for each print, then change the files.",
    "check": "Only name the prints that could be rewritten; status 1 if there are any.",
    "undo": "Put the originals back.",
    "prove": "Run the command behind -- before and after, in copies of this folder, and compare.",
}

_MOST_CALLS = 5  # of a function that are named


@dataclass(slots=True)
class Tally:
    """What was found in all files."""

    n_done: int = 0
    n_found: int = 0
    left: list[tuple[str, SkippedPrint]] = field(default_factory=list)
    problems: int = 0

    def add(self, path: str, result: Result) -> None:
        """Count the prints of a file; those whose values are not told apart are left, in a way."""
        whole = [
            SkippedPrint(each.line, each.reason) for each in result.done if each.reason is not None
        ]
        left = sorted([*result.left, *whole], key=lambda kept: kept.line)
        self.n_done += len(result.done)
        self.n_found += len(result.done) - len(whole)
        self.left += [(path, kept) for kept in left]


class _EnoughError(Exception):
    """The user has seen enough."""


class _Command(click.Command):
    """What stands behind -- is a command of its own: `--prove -- python app.py`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.obj = args[at + 1 :]
        return super().parse_args(ctx, args[:at])

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[OPTIONS] PATH...")
        prove = "--prove [OPTIONS] PATH... -- COMMAND"
        formatter.write_usage(ctx.command_path, prove, prefix=" " * len("Usage: "))


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
    "--entry",
    "entries",
    type=click.Path(),
    metavar="FILE",
    multiple=True,
    help="A program starts there: turn the log on. Goes with --all, and more than once.",
)
@click.option(
    "--ignore",
    metavar="REGEX",
    multiple=True,
    help="With --prove: lines that may differ.",
)
@click.pass_obj
def command(
    program: list[str],
    /,
    paths: tuple[str, ...],
    all_: bool,
    entries: tuple[str, ...],
    ignore: tuple[str, ...],
    **modes: bool,
) -> int:
    """Turn the prints of Python files into log calls.

    PATH is a file, or a folder with all below it. Nothing is run but by --prove, and what is no
    print stays as it is, to the byte. A print with `# attolog: keep` on its line is left.
    """
    chosen = [mode for mode in MODES if modes[mode]]
    if len(chosen) > 1:
        raise click.UsageError(f"--{chosen[0]} and --{chosen[1]} do not go together")
    mode = chosen[0] if chosen else "diff"
    if mode == "prove" and not program:
        raise click.UsageError("--prove goes with a command: -- python app.py")
    if mode != "prove" and (program or ignore):
        what = "a command behind --" if program else "--ignore"
        raise click.UsageError(f"{what} goes with --prove")
    for path in (*paths, *entries):
        if mode != "undo" and not os.path.lexists(path):
            raise click.ClickException(f"{escape(path)}: {os.strerror(errno.ENOENT)}")
    if mode == "undo":
        if all_ or entries:
            raise click.UsageError("--undo goes without --all and --entry")
        return _undo(paths)
    ignored = _ignored(ignore)
    starts = {os.path.realpath(entry) for entry in entries}
    named = list(files.sources([*paths, *entries]))
    # The entries come last, since they turn nothing on if nothing is logged.
    named.sort(key=lambda path: os.path.realpath(path) in starts)
    tally = Tally()
    survey = Survey()
    rewritten: dict[str, bytes] = {}
    _say_first(mode, entries)
    for path in named:
        is_entry = os.path.realpath(path) in starts
        options = Options(
            # What is left would come before what is logged.
            all=all_ or bool(entries),
            start=Start.TOP if is_entry else Start.NONE,
            shows=bool(entries),
        )
        try:
            raw = files.read(path)
            survey.look_at(path, raw)
            if is_entry and not survey.logs and not tally.n_done:
                options = _if_it_logs(options, path, raw)
            _one(path, raw, mode, options, tally, rewritten)
        except _EnoughError:
            break
        except (OSError, SourceError) as error:
            tally.problems += 1
            _complain(path, error)
    others = [path for path in survey.programs if os.path.realpath(path) not in starts]
    _say_last(mode, tally, entries, others, survey)
    if mode == "prove" and not _prove(program, rewritten, ignored, shows=bool(entries)):
        return 1
    if mode == "prove" and tally.problems:
        click.echo(f"Status 1: {count(tally.problems, 'file')} skipped, see above.", err=True)
    return 1 if tally.problems or (mode == "check" and tally.n_done) else 0


def _ignored(patterns: tuple[str, ...]) -> re.Pattern[bytes] | None:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise click.UsageError(f"--ignore {pattern}: {error}") from None
    return re.compile("|".join(f"(?:{each})" for each in patterns).encode()) if patterns else None


def _if_it_logs(options: Options, path: str, raw: bytes) -> Options:
    """Turn the log on only if there is something to log."""
    plain = replace(options, start=Start.NONE)
    if rewrite(raw, path, plain).done:
        return options
    click.echo(f"{escape(path)}: nothing is logged, so that the log is not turned on", err=True)
    return plain


def _one(
    path: str,
    raw: bytes,
    mode: str,
    options: Options,
    tally: Tally,
    rewritten: dict[str, bytes],
) -> None:
    """Rewrite a file, as far as the mode goes."""
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

    def __call__(self, done: Replacement) -> bool:
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


def _prove(
    program: list[str],
    rewritten: dict[str, bytes],
    ignored: re.Pattern[bytes] | None,
    *,
    shows: bool,
) -> bool:
    """Run the program before and after; say what came of it."""
    from attolog._rewrite.prove import MOST, ProofError, prove

    if not rewritten:
        raise click.ClickException("nothing was rewritten, so that there is nothing to prove")
    try:
        proof = prove(program, rewritten, Path(), ignored, shows=shows)
    except ProofError as error:
        raise click.ClickException(str(error)) from None
    if proof.holds:
        what = f"{count(proof.n_records, 'record')}, {count(proof.n_bytes, 'byte')} printed before"
        where = "screen shows" if shows else "log has"
        click.echo(f"Proved: the {where} the same text, to the byte ({what}).")
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
    if proof.differences:
        more = " or more" if len(proof.differences) >= MOST else ""
        said = f"Not proved: {count(len(proof.differences), 'difference')}{more}."
        click.echo(said, err=True)
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
    while name.startswith(b"./"):  # which git apply does not take
        name = name[2:].lstrip(b"/")
    name += b"\t" * (b" " in name)  # where patch takes the name to end
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
            escape(text.rstrip("\t")),
            fg=colours.get(text[:1]),
            bold=text[:4] in ("--- ", "+++ ") or None,
        )


def _name(path: str, done: Iterable[Replacement]) -> None:
    for each in done:
        before, after = (escape(" ".join(text.split())) for text in (each.before, each.after))
        click.echo(f"{escape(path)}:{each.line}: {before} -> {after}")


def _say_first(mode: str, entries: tuple[str, ...]) -> None:
    is_done = mode in ("write", "interactive")
    if entries:
        go, show = ("go", "still show") if is_done else ("would go", "would still show")
        turn = "turns" if len(entries) == 1 else "turn"
        where = f"to the log, which {' and '.join(map(escape, entries))} {turn} on"
        click.echo(f"Rewritten prints {go} {where}, and {show} on the terminal.", err=True)
        return
    did = "leave" if is_done else "would leave"
    on = "ATTOLOG=run.log python app.py, or --entry app.py, turns on"
    click.echo(f"Rewritten prints {did} standard output and go to the log, which {on}.", err=True)


def _say_last(
    mode: str, tally: Tally, entries: tuple[str, ...], others: list[str], survey: Survey
) -> None:
    would = "" if mode in ("write", "interactive") else " could be"
    total = count(tally.n_found + len(tally.left), "print")
    said = f"{total}: {tally.n_found}{would} rewritten, {len(tally.left)} left"
    click.echo(said + (":" if tally.left else ""), err=True)
    for path, kept in tally.left:
        click.echo(f"  {escape(path)}:{kept.line}: {kept.reason}", err=True)
    for each in survey.wrapped():
        n = "1 call that gives" if len(each.calls) == 1 else f"{len(each.calls)} calls that give"
        places = [f"{escape(path)}:{line}" for path, line in each.calls[:_MOST_CALLS]]
        more = ", ..." if len(each.calls) > _MOST_CALLS else ""
        click.echo(
            f"  {escape(each.path)}:{each.line}: {escape(each.name)}() prints its arguments; "
            f"the {n} it values have only text in the log: {', '.join(places)}{more}",
            err=True,
        )
    if entries and others and tally.n_done:
        names = ", ".join(map(escape, others))
        click.echo(
            f"Programs that are no --entry do not turn the log on, and print as before: {names}",
            err=True,
        )
    if tally.n_done:
        program = escape(entries[0]) if entries else "app.py"
        click.echo(f"To turn the log off: ATTOLOG=off python {program}", err=True)


def _complain(path: str, error: OSError | SourceError) -> None:
    where, what = path, str(error)
    if isinstance(error, OSError):
        where = os.fsdecode(error.filename) if error.filename is not None else path
        what = error.strerror or what
    click.echo(f"attolog: {escape(where)}: {escape(what)}; skipped", err=True)
