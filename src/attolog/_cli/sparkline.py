"""Counts over time as one line of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = ".:-=+*#@"


def sparkline(counts: Sequence[float], blocks: str = BLOCKS) -> str:
    """A character for each count, the higher the more; a blank for none.

    Example:
        >>> sparkline([0, 1, 4, 8])
        ' ▂▅█'
    """
    most = max(counts, default=0)
    top = len(blocks) - 1
    return "".join(blocks[round((n / most) * top)] if n > 0 else " " for n in counts)


def spread(
    counts: Sequence[float], first: int, last: int, start: int, end: int, width: int
) -> list[float]:
    """Counts from `first` to `last`, put into their places on a line from `start` to `end`.

    Args:
        counts: They cover the times evenly.
        first: The time that they begin with.
        last: The time that they end with.
        start: The time that the line begins with.
        end: The time that it ends with.
        width: The length of the line.

    Example:
        >>> spread([1, 2], 50, 100, 0, 100, 4)
        [0, 0, 1, 2]
    """
    line: list[float] = [0] * width
    n = len(counts)
    for i, count in enumerate(counts):
        at = first + (last - first) * (2 * i + 1) / (2 * n)
        place = int((at - start) * width / (end - start)) if end > start else 0
        line[min(max(place, 0), width - 1)] += count
    return line


def blocks_of(stream: IO[str]) -> str:
    """The blocks that a stream can show: signs of ASCII where it has no more."""
    return BLOCKS if "utf" in (getattr(stream, "encoding", None) or "").lower() else _ASCII
