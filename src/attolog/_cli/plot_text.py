"""Plots as text, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from attolog._cli.canvas import COLOURS, Canvas, bar, shade
from attolog._cli.colours import style
from attolog._cli.plot_data import Binned, Series
from attolog._cli.show import time_text

_LABEL = 11  # characters beside the y axis
_FEWEST = (10, 3)  # columns and rows of a drawing


def lines_of(
    binned: Binned, title: str, size: tuple[int, int], local: bool, coloured: bool, is_rate: bool
) -> Iterator[str]:
    """Values or rates over time.

    With colours the lines share a drawing. Without, each has one of its own, of one scale.
    """
    values = {series.name: _values(series, binned, is_rate) for series in binned.series}
    finite = [value for each in values.values() for value in each if not math.isnan(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    low = 0.0 if is_rate else low
    width, height = _inner(size)
    groups = [list(values)] if coloured or len(values) < 2 else [[name] for name in values]
    height = max(_FEWEST[1], height // len(groups)) if groups else height
    yield title
    for names in groups:
        canvas = Canvas(width, height)
        for number, name in reversed(list(enumerate(names))):
            canvas.line(values[name], low, high, COLOURS[number] if coloured else "")
        if len(values) > 1:
            yield _legend(names, coloured)
        yield from _with_axis(canvas.lines(), low, high)
    yield _times(binned, width, local)
    yield from _left_out(binned)


def bars_of(binned: Binned, title: str, size: tuple[int, int]) -> Iterator[str]:
    """A histogram: a bar for each range of values, one behind another for several lines."""
    yield title
    bins = len(binned.series[0].counts) if binned.series else 0
    step = (binned.end - binned.start) / max(1, bins)
    for series in binned.series:
        if len(binned.series) > 1:
            yield series.name
        most = max(series.counts, default=1)
        for i, n in enumerate(series.counts):
            label = f"{binned.start + i * step:>{_LABEL}.5g}"
            width = max(_FEWEST[0], size[0] - _LABEL - 2 - len(f"{n:,}"))
            yield f"{label} ┤{bar(n / most, width)} {n:,}".rstrip()
    yield from _left_out(binned)


def cells_of(binned: Binned, title: str, size: tuple[int, int], local: bool) -> Iterator[str]:
    """A heat map: the darker, the more records of a value at a time."""
    yield title
    most = max((n for column in binned.cells for n in column), default=1)
    rows = len(binned.cells[0]) if binned.cells else 0
    lines = [
        "".join(shade(column[row], most) for column in binned.cells).rstrip()
        for row in reversed(range(rows))
    ]
    yield from _with_axis(lines, binned.low, binned.high)
    yield _times(binned, len(binned.cells), local)


def size_of(terminal: tuple[int, int]) -> tuple[int, int]:
    """The columns and rows of bins that a terminal has room for."""
    return _inner(terminal)


def _values(series: Series, binned: Binned, is_rate: bool) -> Sequence[float]:
    if not is_rate:
        return series.means()
    seconds = (binned.end - binned.start) / 1e9 / len(series.counts)
    return [n / seconds for n in series.counts]


def _inner(size: tuple[int, int]) -> tuple[int, int]:
    return max(_FEWEST[0], size[0] - _LABEL - 2), max(_FEWEST[1], size[1])


def _with_axis(lines: Sequence[str], low: float, high: float) -> Iterator[str]:
    last = len(lines) - 1
    for i, line in enumerate(lines):
        is_labelled = i in (0, last // 2, last)
        value = high - (high - low) * i / max(1, last)
        label = f"{value:>{_LABEL}.5g}" if is_labelled else " " * _LABEL
        yield f"{label} {'┤' if is_labelled else '│'}{line}"


def _times(binned: Binned, width: int, local: bool) -> str:
    first, last = (time_text(int(at), local) for at in (binned.start, binned.end))
    if first[:10] == last[:10]:
        last = last[11:]
    gap = max(1, width - len(first) - len(last))
    return f"{' ' * (_LABEL + 2)}{first}{' ' * gap}{last}"


def _legend(names: Sequence[str], coloured: bool) -> str:
    shown = [style(name, COLOURS[i]) if coloured else name for i, name in enumerate(names)]
    return f"{' ' * (_LABEL + 2)}{'   '.join(shown)}"


def _left_out(binned: Binned) -> Iterator[str]:
    if binned.left_out:
        yield f"{' ' * (_LABEL + 2)}({binned.left_out:,} more with fewer records are not drawn)"
