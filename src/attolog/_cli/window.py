"""The stretch of time that a verb looks at: `--since`, `--until` and `--local`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import click

from attolog._reading.journal import Journal
from attolog._reading.times import nanoseconds

F = TypeVar("F", bound=Callable[..., Any])


class Window(NamedTuple):
    """The times of the first and the last record in nanoseconds since 1970; None without a bound.

    The keywords of `Journal.records` and `Table.select`.
    """

    since: int | None = None
    until: int | None = None


def window_options(command: F) -> F:
    """Give a command the options `since`, `until` and `local`."""
    for option in (
        click.option("--local", is_flag=True, help="Times are local, not UTC."),
        click.option("--until", metavar="TIME", help="No later records."),
        click.option(
            "--since",
            metavar="TIME",
            help="No earlier records: -5m before the last one, 14:02, 2026-11-30T14:02.",
        ),
    ):
        command = option(command)
    return command


def window(journal: Journal, since: str | None, until: str | None, local: bool) -> Window:
    """The times that the options name.

    Raises:
        click.BadParameter: A text is no time.
    """
    if since is None and until is None:
        return Window()
    end = journal["*"].last or 0
    found = []
    for option, text in ("--since", since), ("--until", until):
        try:
            found.append(None if text is None else nanoseconds(text, end=end, local=local))
        except ValueError as error:
            raise click.UsageError(f"{option}: {error}") from None
    return Window(*found)
