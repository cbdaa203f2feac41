"""The numbers behind a plot, put into bins while the records stream by."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from attolog._cli.progress import tracked
from attolog._cli.show import value_text
from attolog._reading.arrow import Stream
from attolog._reading.selection import Selection
from attolog._reading.table import Table

MOST_SERIES = 8
_MOST_GROUPS = 1000

Point = tuple[str, int, float]  # series, time in ns, value


@dataclass(slots=True)
class Series:
    """A line of a plot: for each bin the records in it, and the sum of their values."""

    name: str
    counts: list[int]
    sums: list[float]
    total: int = 0

    def means(self) -> list[float]:
        """The mean of each bin; NaN where there is none."""
        pairs = zip(self.sums, self.counts, strict=True)
        return [total / n if n else math.nan for total, n in pairs]


@dataclass(slots=True)
class Binned:
    """What a plot is drawn from.

    Attributes:
        start: Where the first bin of the x axis begins: a time in ns, or a value.
        end: Where the last one ends.
        series: The lines, those with the most records first.
        left_out: How many lines there are beyond these.
        cells: For a heat map: the counts by time, each a list by value.
        low: For a heat map: where the y axis begins.
        high: For a heat map: where it ends.
    """

    start: float
    end: float
    series: list[Series] = field(default_factory=list)
    left_out: int = 0
    cells: list[list[int]] = field(default_factory=list)
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, slots=True)
class Source:
    """Which numbers are drawn: a column of some tables, a line for each table or value of `by`."""

    tables: Sequence[Table]
    column: str | None
    by: str | None
    query: Mapping[str, Any]

    def points(self) -> Iterator[Point]:
        """The values with their times, table by table; without a column, each is 1."""
        several = len(self.tables) > 1
        for table in self.tables:
            names = ["time", *filter(None, [self.column, self.by])]
            names = [name for name in names if name in table.columns]
            query = self.query
            chosen = Selection(table, tuple(names), query["where"], query["since"], query["until"])
            prefix = table.short_name if several else ""
            yield from tracked(self._rows(chosen, prefix), len(table), "plot")

    def _rows(self, chosen: Selection, prefix: str) -> Iterator[Point]:
        default = prefix or self.column or chosen.table.short_name
        for batch in Stream(chosen):
            columns = dict(zip(chosen.names, batch.columns(), strict=True))
            times = columns["time"]
            values = columns.get(self.column or "", [1] * len(times))
            keys = columns.get(self.by or "")
            if self.column is not None and self.column not in columns:
                continue
            for i, (time, value) in enumerate(zip(times, values, strict=True)):
                if value is None or (isinstance(value, float) and not math.isfinite(value)):
                    continue
                name = default
                if keys is not None:
                    key = value_text(keys[i])
                    name = f"{prefix} {key}" if prefix else key
                yield name, time, value if isinstance(value, int | float) else 1

    def times(self) -> tuple[int, int]:
        """From the first record to the last."""
        first = min((table.first or 0 for table in self.tables), default=0)
        last = max((table.last or 0 for table in self.tables), default=0)
        since, until = self.query["since"], self.query["until"]
        first = first if since is None else max(first, since)
        last = last if until is None else min(last, until)
        return first, max(first + 1, last)


def over_time(source: Source, bins: int) -> Binned:
    """Counts and sums by time."""
    start, end = source.times()
    return _binned(((name, time, value) for name, time, value in source.points()), start, end, bins)


def over_values(source: Source, bins: int) -> Binned:
    """Counts by value: a histogram."""
    low, high = _range(source)
    return _binned(((name, value, 1) for name, _, value in source.points()), low, high, bins)


def over_both(source: Source, bins: int, rows: int) -> Binned:
    """Counts by time and value: a heat map."""
    low, high = _range(source)
    start, end = source.times()
    cells = [[0] * rows for _ in range(bins)]
    for _, time, value in source.points():
        x = min(int((time - start) * bins / (end - start)), bins - 1)
        y = min(int((value - low) * rows / (high - low)), rows - 1)
        cells[x][y] += 1
    return Binned(start, end, cells=cells, low=low, high=high)


def _range(source: Source) -> tuple[float, float]:
    low, high = math.inf, -math.inf
    for _, _, value in source.points():
        low, high = min(low, value), max(high, value)
    if low > high:
        return 0.0, 1.0
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _binned(
    points: Iterator[tuple[str, float, float]], start: float, end: float, bins: int
) -> Binned:
    found: dict[str, Series] = {}
    for name, x, value in points:
        series = found.get(name)
        if series is None:
            if len(found) >= _MOST_GROUPS:
                continue
            series = found[name] = Series(name, [0] * bins, [0.0] * bins)
        at = min(int((x - start) * bins / (end - start)), bins - 1)
        series.counts[at] += 1
        series.sums[at] += value
        series.total += 1
    ordered = sorted(found.values(), key=lambda series: -series.total)
    return Binned(start, end, ordered[:MOST_SERIES], max(0, len(ordered) - MOST_SERIES))
