"""Drawings of characters: lines of braille dots, bars of blocks, shades."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attolog._cli.colours import style

COLOURS = ("36", "33", "35", "32", "31", "34", "96", "93")

_SHADES = " ░▒▓█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"
# The bits of a braille character by row and column (Unicode, block 2800).
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class Canvas:
    """A field of braille characters, 2 by 4 dots each.

    Args:
        width: Characters in a row.
        height: Rows.
    """

    def __init__(self, width: int, height: int) -> None:
        self._bits = [[0] * width for _ in range(height)]
        self._colours = [[""] * width for _ in range(height)]
        self.columns = 2 * width
        self.rows = 4 * height

    def dot(self, x: int, y: int, colour: str = "") -> None:
        """Set a dot; the first row is at the bottom."""
        row = self.rows - 1 - y
        self._bits[row // 4][x // 2] |= _DOTS[row % 4][x % 2]
        self._colours[row // 4][x // 2] = colour

    def line(self, values: Sequence[float], low: float, high: float, colour: str = "") -> None:
        """Draw a value for each column of dots, joined to the one before; NaN is no value.

        Args:
            values: As many as there are columns.
            low: The value of the lowest row.
            high: The value of the highest row.
            colour: The codes of the dots.
        """
        before: tuple[int, int] | None = None
        for x, value in enumerate(values):
            if math.isnan(value):
                continue
            share = (value - low) / (high - low) if high > low else 0.5
            y = min(max(round(share * (self.rows - 1)), 0), self.rows - 1)
            if before is not None:
                self._join(before, (x, y), colour)
            self.dot(x, y, colour)
            before = x, y

    def _join(self, start: tuple[int, int], end: tuple[int, int], colour: str) -> None:
        (x1, y1), (x2, y2) = start, end
        steps = max(abs(x2 - x1), abs(y2 - y1))
        for i in range(1, steps):
            x = x1 + round((x2 - x1) * i / steps)
            y = y1 + round((y2 - y1) * i / steps)
            self.dot(x, y, colour)

    def lines(self) -> list[str]:
        """The rows as text, the highest first."""
        found = []
        for bits, colours in zip(self._bits, self._colours, strict=True):
            cells = zip(bits, colours, strict=True)
            shown = [
                (style(chr(0x2800 + dots), colour) if colour else chr(0x2800 + dots))
                if dots
                else " "
                for dots, colour in cells
            ]
            found.append("".join(shown).rstrip())
        return found


def bar(share: float, width: int) -> str:
    """A bar of a share of the width, in eighths of a character.

    Example:
        >>> bar(0.5, 3)
        '█▌'
    """
    eighths = round(max(0.0, min(share, 1.0)) * width * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def shade(count: int, most: int) -> str:
    """A shade for a count: the logarithm of it, so that single records can be seen.

    Example:
        >>> shade(0, 100), shade(1, 100), shade(100, 100)
        (' ', '░', '█')
    """
    if not count:
        return " "
    steps = len(_SHADES) - 1
    return _SHADES[1 + min(int(math.log(count) / math.log(most + 1) * steps), steps - 1)]
