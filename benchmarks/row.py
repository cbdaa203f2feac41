"""What a row of the table is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Measures = dict[str, float]


class RecordsLostError(Exception):
    """Not every record that was logged is in the file: the run does not count."""


def must_arrive(arrived: int, logged: int) -> None:
    """Every record that was logged must be in the file, once.

    Raises:
        RecordsLostError: They are not.
    """
    if arrived != logged:
        raise RecordsLostError(f"{logged} records were logged, {arrived} arrived")


@dataclass(frozen=True)
class Goal:
    """One number of a row, with what it should reach and what it must hold."""

    measure: str
    what: str
    unit: str
    reach: float
    hold: float
    more: bool = False
    """More is better."""
    interval: tuple[str, str] | None = None
    """The measures that bound it; without them the spread over runs is shown."""

    def met(self, value: float, bound: float) -> bool:
        """Whether the value is no worse than the bound."""
        return value >= bound if self.more else value <= bound


@dataclass(frozen=True)
class Row:
    """A row: what is measured, and how one run in a process of its own does it.

    `run(quick)` returns the measures of one run: those of the goals, and others that are shown
    below the table.
    """

    what: str
    goals: tuple[Goal, ...]
    run: Callable[[bool], Measures]
    runs: int = 5
    """In how many processes; their median counts."""
    show: Callable[[list[Measures]], str] | None = None
    """A table of its own in place of the measures that no goal is about."""
