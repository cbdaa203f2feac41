"""Messages about wrong usage, in place of click's own."""

from __future__ import annotations

from collections.abc import Callable

import click

from attolog._words import nearest

_LONGEST = 100  # characters of a number


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """A type of arguments for click: the whole numbers of a range."""

    def read(text: str) -> int:
        is_number = text.removeprefix("-").isdecimal() and len(text) < _LONGEST
        if is_number and least <= int(text) <= most:
            return int(text)
        raise click.BadParameter(f"a whole number from {least:,} to {most:,}, not {text!r}")

    return read


def describe(error: click.UsageError) -> str:
    """What is wrong with a command line."""
    if isinstance(error, click.NoSuchOption):
        hint = nearest(error.option_name, error.possibilities or ())
        return f"there is no option {error.option_name!r}{hint}"
    if isinstance(error, click.BadOptionUsage):
        return f"{error.option_name} needs a value"
    if isinstance(error, click.BadParameter) and error.param is not None:
        is_option = isinstance(error.param, click.Option)
        name = error.param.opts[-1] if is_option else error.param.human_readable_name
        is_missing = isinstance(error, click.MissingParameter)
        return f"{name} is missing" if is_missing else f"{name} must be {error.message}"
    return error.format_message()
