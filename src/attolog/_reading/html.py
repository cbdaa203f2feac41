"""HTML for notebooks: tables and small histograms, for light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import Any

_MOST_TEXT = 200  # characters of a cell
_BINS = 24
_HEIGHT = 24
_BAR = 4  # with the space behind it

# Colours are the page's own, with less weight where they matter less.
_STYLE = (
    "<style>"
    ".attolog table{border-collapse:collapse;font-size:90%}"
    ".attolog th,.attolog td{padding:2px 8px;text-align:left;vertical-align:top;"
    "border-bottom:1px solid rgba(128,128,128,.3);background:transparent;color:inherit}"
    ".attolog .n{text-align:right;font-variant-numeric:tabular-nums}"
    ".attolog .less{opacity:.65;font-weight:normal}"
    ".attolog svg{display:block;fill:currentColor;opacity:.65}"
    "</style>"
)


def page(*parts: str) -> str:
    """Parts as one piece of a notebook, with the style that they need."""
    return f'{_STYLE}<div class="attolog">{"".join(parts)}</div>'


def note(text: str) -> str:
    """A line of small text; nothing for an empty text."""
    return f'<p class="less">{escape(text)}</p>' if text else ""


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Collection[int] = (),
    below: Sequence[str] = (),
) -> str:
    """A table; its cells are escaped.

    Args:
        heads: The names of the columns.
        rows: The cells by row.
        numbers: The columns that stand on the right.
        below: A piece of HTML for each head, which stands below its name.
    """

    def classed(column: int) -> str:
        return ' class="n"' if column in numbers else ""

    cells = []
    for i, head in enumerate(heads):
        more = below[i] if below else ""
        cells.append(f"<th{classed(i)}>{escape(head)}{more}</th>")
    lines = [f"<thead><tr>{''.join(cells)}</tr></thead><tbody>"]
    for row in rows:
        shown = (f"<td{classed(i)}>{escape(text_of(value))}</td>" for i, value in enumerate(row))
        lines.append(f"<tr>{''.join(shown)}</tr>")
    return f"<table>{''.join(lines)}</tbody></table>"


def less(text: str) -> str:
    """A line of less weight, below a head."""
    return f'<div class="less">{escape(text)}</div>'


def text_of(value: Any) -> str:
    """A value in a cell: floats by their first digits, and a long text by its beginning."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + "..."


def histogram(values: Iterable[Any]) -> str:
    """Numbers as bars, an inline SVG; nothing where there are no two different ones.

    Example:
        >>> histogram([1.0, None, float("nan")]), histogram([1, 2, 2]).count("<rect")
        ('', 2)
    """
    numbers = [each for each in values if each is not None and math.isfinite(each)]
    counts = binned(numbers)
    if not counts:
        return ""
    most = max(counts)
    bars = []
    for i, n in enumerate(counts):
        if n:
            height = max(1, round(n / most * _HEIGHT))
            bars.append(
                f'<rect x="{i * _BAR}" y="{_HEIGHT - height}" width="{_BAR - 1}" '
                f'height="{height}"/>'
            )
    title = f"{len(numbers):,} values from {min(numbers):.6g} to {max(numbers):.6g}"
    return (
        f'<svg width="{_BINS * _BAR}" height="{_HEIGHT}" role="img">'
        f"<title>{escape(title)}</title>{''.join(bars)}</svg>"
    )


def binned(numbers: Sequence[float]) -> list[int]:
    """How many of the numbers lie in each of some equal parts between the least and the greatest.

    Empty where all are equal.

    Example:
        >>> counts = binned([0, 1, 1, 10])
        >>> counts[0], counts[2], counts[-1], sum(counts)
        (1, 2, 1, 4)
    """
    if not numbers:
        return []
    low, high = float(min(numbers)), float(max(numbers))
    width = high / _BINS - low / _BINS  # the difference of two large floats may be infinite
    if width <= 0:
        return []
    counts = [0] * _BINS
    for each in numbers:
        share = (each / _BINS - low / _BINS) / width
        counts[min(_BINS - 1, int(share * _BINS))] += 1
    return counts
