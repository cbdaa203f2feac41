"""The command line: `attolog VERB ...`, each verb a module of this package, loaded when it is used.

Exit status: 0 for done, 1 for a file that is damaged or missing, 2 for wrong usage, 130 after
Ctrl-C. What goes wrong is one line on stderr; a wrong expression is shown below it.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence

import click

from attolog._cli.usage import describe
from attolog._cli.wrong import WrongExpression, WrongQuery
from attolog._reading.files import is_journal
from attolog._words import nearest

# Their first sentences stand here, so that `attolog --help` loads none of them.
VERBS = {
    "bench": "Measure attolog, print, loggers in plain Python and others beside each other.",
    "cat": "Show FILE: the records of a journal, the lines of any other file.",
    "ctl": "List the running processes that log, and their sites; or change one of them.",
    "diff": "Compare two journals: tables, their rates, and the distributions of their columns.",
    "doctor": "Say where records wait until they are in FILE, and whether a kill loses them there.",
    "export": "Write the records of FILE, a journal, to OUT, whose suffix says how.",
    "overview": "Show FILE, a journal, in one screen.",
    "plot": "Draw COLUMN of FILE, a journal, over time.",
    "recover": "Put into FILE what killed processes left for it in their rings.",
    "rewrite": "Turn the prints of Python files into log calls.",
    "run": "Run a program whose prints cost next to nothing.",
    "sql": "Answer QUERY about FILE, a journal, by DuckDB; or ask for queries.",
    "stats": "Count the records of FILE, a journal or a CSV, table by table.",
}


class Verbs(click.Group):
    """Verbs by the names of their modules; a file instead of a verb is shown.

    On a terminal a journal has an overview. With options, and in a pipe, `cat` shows it.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        return _load(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        first = args[0]
        if first not in VERBS and ("." in first or os.sep in first or os.path.exists(first)):
            if len(args) == 1 and sys.stdout.isatty() and _is_journal(first):
                return first, _load("overview"), args
            return "cat", _load("cat"), args
        if first not in VERBS and not first.startswith("-"):
            verbs = f"verbs are {', '.join(VERBS)}{nearest(first, VERBS)}"
            raise click.UsageError(f"there is no verb {first!r}; {verbs}", ctx)
        return super().resolve_command(ctx, args)


def _load(name: str) -> click.Command:
    command: click.Command = importlib.import_module(f"attolog._cli.{name}").command
    return command


def _is_journal(path: str) -> bool:
    try:
        return os.path.isfile(path) and is_journal(path)
    except OSError:  # `cat` says why
        return False


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="attolog")
def cli() -> None:
    """Look at what attolog wrote, and turn prints into log calls. `attolog FILE` shows a file."""


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        args: The arguments; those of the process if not given.

    Returns:
        The exit status.
    """
    if sys.stdout is None:
        return _fail("standard output is closed", 1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # of lone surrogates, or in an ASCII locale
    given = list(sys.argv[1:] if args is None else args)
    try:
        status = cli.main(given or ["--help"], prog_name="attolog", standalone_mode=False)
        sys.stdout.flush()
    except WrongExpression as error:
        return _fail(error.format_message(), 2, error.lines)
    except WrongQuery as error:
        return _fail(error.format_message(), 1, error.lines)
    except click.UsageError as error:
        verb = f"attolog {given[0]}" if given and given[0] in VERBS else "attolog"
        command = error.ctx.command_path if error.ctx else verb
        return _fail(f"{describe(error)} (see {command} --help)", 2)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except click.Abort:  # Ctrl-C
        return 130
    except BrokenPipeError:
        # The reader has gone, which is no error; but Python would flush once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        at = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
        return _fail(f"{at}{error.strerror or error}", 1)
    except ImportError as error:
        if not str(error).startswith("attolog["):  # else an extra that is not installed
            raise
        return _fail(str(error), 1)
    except ValueError as error:
        return _fail(str(error), 1)
    return status if isinstance(status, int) else 0


def _fail(message: str, status: int, lines: Sequence[str] = ()) -> int:
    from attolog._cli.show import escape

    for each in (f"attolog: {message}", *lines):
        click.echo(escape(each), err=True)
    return status
