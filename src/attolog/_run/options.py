"""The command line of `attolog run`, read by hand.

The program's start-up waits for it, and its folder may have a click.py of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

HELP = """\
Usage: attolog run [OPTIONS] FILE [ARGS]...
       attolog run [OPTIONS] -m MODULE [ARGS]...
       attolog run [OPTIONS] -c CODE [ARGS]...

  Run a Python program whose prints cost next to nothing, and go to a file as
  typed records. The screen shows what it would have shown.

Options:
  -o, --output FILE  The file (FILE's or MODULE's name with .atto; command.atto
                     for CODE; stdin.atto where FILE is -).
  --quiet            Show nothing of what goes to standard output.
  --no-structure     Prints are text alone: no events, no values as columns.
  --logging          Take what is logged by Python's logging as well.
  --explain          Say at the end which prints with values stayed text, and why.
  --include PACKAGE  An installed package whose prints are the program's, too.
  -m MODULE          Run a module, as python -m does.
  -c CODE            Run these lines, as python -c does.
  -h, --help         Show this message and exit.
"""


class UsageError(Exception):
    """What is wrong with the command line."""


class Options(NamedTuple):
    """What is to be run, and how.

    Attributes:
        target: A file, "-" for standard input, or a module.
        args: The program's own arguments.
        is_module: Whether the target is a module.
        output: The file that the records go to; "": by the target's name.
        quiet: Nothing of standard output is shown.
        structure: Prints become events and messages.
        logging: Python's logging is taken as well.
        include: Packages that are the program's own, though they are installed.
        code: The program itself, where it stands on the command line; the target is "-c" then.
        explain: At the end the prints that stayed text are named.
    """

    target: str
    args: tuple[str, ...]
    is_module: bool = False
    output: str = ""
    quiet: bool = False
    structure: bool = True
    logging: bool = False
    include: tuple[str, ...] = ()
    code: str | None = None
    explain: bool = False

    @property
    def is_text(self) -> bool:
        """Whether the program is in no file of its own."""
        return not self.is_module and (self.code is not None or self.target == "-")


_FLAGS: dict[str, dict[str, Any]] = {
    "--quiet": {"quiet": True},
    "--no-structure": {"structure": False},
    "--logging": {"logging": True},
    "--explain": {"explain": True},
}
_SHORT = {"-o": "--output", "-m": "-m", "-c": "-c"}


def parse(args: Sequence[str]) -> Options | None:
    """Read the command line.

    Returns:
        None where help is wanted.

    Raises:
        UsageError: Something is wrong with it.

    Example:
        >>> parse(["-o", "run.atto", "-m", "app", "-v"])[:4]
        ('app', ('-v',), True, 'run.atto')
    """
    rest = list(args)
    found = Options("", ())
    while rest:
        arg = rest.pop(0)
        if arg in ("-h", "--help"):
            return None
        if arg in _FLAGS:
            found = found._replace(**_FLAGS[arg])
            continue
        if arg == "--" and rest:
            arg = rest.pop(0)
        elif arg[:1] == "-" and arg != "-":
            option, given = _with_value(arg, rest)
            if option == "-m":
                return found._replace(target=given, args=tuple(rest), is_module=True)
            if option == "-c":
                return found._replace(target="-c", args=tuple(rest), code=given)
            if option == "--output":
                found = found._replace(output=given)
            else:
                found = found._replace(include=(*found.include, given))
            continue
        return found._replace(target=arg, args=tuple(rest))
    raise UsageError("a program is missing: FILE, -m MODULE or -c CODE")


def _with_value(arg: str, rest: list[str]) -> tuple[str, str]:
    """An option that has a value, behind it or in the next argument."""
    option, equals, value = arg.partition("=")
    if arg[:2] in _SHORT:
        option, equals, value = _SHORT[arg[:2]], arg[2:], arg[2:]
    if option not in ("-m", "-c", "--output", "--include"):
        raise UsageError(f"no such option: {arg}")
    if not equals and rest:
        value = rest.pop(0)
    if not value:
        raise UsageError(f"{option} needs a value")
    return option, value
