"""Mistakes of a user that take more than one line to show."""

from __future__ import annotations

import re

import click

_COLUMN = re.compile(r".*: at column \d+: ", re.DOTALL)


class WrongExpression(click.UsageError):
    """An expression that is none: below the message it stands with its place marked.

    Args:
        option: The option that has it.
        error: The error of `attolog._expression`, whose note marks the place.
    """

    def __init__(self, option: str, error: ValueError) -> None:
        message, notes = str(error), getattr(error, "__notes__", [])
        super().__init__(f"{option}: {_COLUMN.sub('', message) if notes else message}")
        self.lines = tuple(line for note in notes for line in note.replace("\t", " ").splitlines())


class WrongQuery(click.ClickException):
    """A query that the database does not take: below the message stand the other lines of its own.

    Args:
        message: The message of the database.
    """

    def __init__(self, message: str) -> None:
        first, *others = message.splitlines() or [""]
        super().__init__(first)
        self.lines = tuple(line for line in others if line.strip())
