"""Mistakes of a user that take more than one line to show."""

from __future__ import annotations

import re

import click

_COLUMN = re.compile(r": at column (\d+): ")
_LONGEST = 1000  # characters of an expression that is shown


class WrongExpression(click.UsageError):
    """An expression that is none: below the message it stands with its place marked."""

    def __init__(self, option: str, expression: str, message: str) -> None:
        found = _COLUMN.search(message)
        super().__init__(f"{option}: {message[found.end() :] if found else message}")
        self.lines: tuple[str, ...] = ()
        if found and len(expression) <= _LONGEST:
            before = _visible(expression[: int(found[1]) - 1])
            rest = _visible(expression[int(found[1]) - 1 :])
            self.lines = (f"    {before}{rest}", f"    {' ' * len(before)}^")


def _visible(text: str) -> str:
    return text.replace("\t", " ").replace("\n", " ")
