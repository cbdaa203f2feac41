"""From the measures of all runs to the table."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from itertools import chain

from benchmarks.row import Goal, Measures, Row


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    what: str
    measured: str
    reach: str
    hold: str
    met: str


def lines_of(row: Row, runs: list[Measures], failure: str | None) -> list[Line]:
    """The lines of a row, one for each of its goals."""
    return [_line(row, goal, runs, failure) for goal in row.goals]


def _line(row: Row, goal: Goal, runs: list[Measures], failure: str | None) -> Line:
    what = f"{row.what}: {goal.what}" if goal.what else row.what
    reach, hold = (f"{bound:g} {goal.unit}" for bound in (goal.reach, goal.hold))
    if failure is not None:
        return Line(what, failure, reach, hold, "FAILED")
    value, low, high = summary(runs, goal.measure)
    if goal.interval:
        low, high = (summary(runs, bound)[0] for bound in goal.interval)
    reaches = goal.met(low if goal.interval else value, goal.reach)
    met = "reached" if reaches else "held" if goal.met(value, goal.hold) else "MISSED"
    measured = f"{_digits(value)} {goal.unit} ({_digits(low)} to {_digits(high)})"
    return Line(what, measured, reach, hold, met)


def summary(runs: list[Measures], measure: str) -> tuple[float, float, float]:
    """Median, least and most of a measure over the runs that have it."""
    values = [run[measure] for run in runs if measure in run]
    return statistics.median(values), min(values), max(values)


def format_table(lines: list[Line]) -> str:
    """A Markdown table, its columns aligned."""
    head = Line("what", "measured: median (spread)", "reach", "hold at least", "met")
    cells = [[line.what, line.measured, line.reach, line.hold, line.met] for line in (head, *lines)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    )


def format_rest(row: Row, runs: list[Measures]) -> str:
    """The measures of a row that no goal is about, a line each, or the row's own table."""
    if row.show is not None:
        return row.show(runs) if runs else ""
    graded = {goal.measure for goal in row.goals}
    graded |= {bound for goal in row.goals for bound in goal.interval or ()}
    # The best peer of one run is not that of another, and a peer may fail in one of them.
    rest = [name for name in dict.fromkeys(chain.from_iterable(runs)) if name not in graded]
    width = max(map(len, rest), default=0)
    lines = []
    for measure in rest:
        median, least, most = map(_digits, summary(runs, measure))
        lines.append(f"    {measure:<{width}}  {least} .. {median} .. {most}")
    return "\n".join(lines)


def _digits(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
