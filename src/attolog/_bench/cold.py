"""Cold calls: single ones, with other data read in between.

A loop of calls finds all that it needs in the processor's caches. A program does something else
between its log calls, and then they are not there any more.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence

_DATA = 64 << 20  # bytes
_OBJECTS = 5_000


class _Object:
    def __init__(self, number: int) -> None:
        self.number = number
        self.name = str(number)


class OtherWork:
    """Reads 64 MB of data, and then 5,000 Python objects."""

    def __init__(self) -> None:
        self._data = b"\1" * _DATA  # zeros would be one page of memory, again and again
        self._objects = [_Object(100_000 + i) for i in range(_OBJECTS)]

    def do(self) -> int:
        """Read all of it; returns a sum over the objects."""
        total = self._data.find(b"\2")
        for each in self._objects:
            total += each.number + len(each.name)
        return total


Single = Callable[[int, float], int]
"""Makes one call with this task id and arrival, and returns how long it took in ns."""


def measure(calls: dict[str, Single], turns: int, work: OtherWork) -> dict[str, list[int]]:
    """The times of single calls in ns; the calls take turns, with other work before each of them.

    The values are made just before, as a program's are.
    """
    times: dict[str, list[int]] = {name: [] for name in calls}
    was_enabled = gc.isenabled()
    gc.disable()
    for turn in range(turns):
        for name, call in calls.items():
            work.do()
            times[name].append(call(*values(turn)))
    if was_enabled:
        gc.enable()
    return times


def values(turn: int) -> tuple[int, float]:
    """A task id and an arrival that were not there before."""
    return 100_000 + turn, 1707234567.123456 + 0.3137 * turn


def quantile(times: Sequence[int], share: float) -> float:
    """The time that this share of the calls does not exceed, in ns."""
    return float(sorted(times)[min(len(times) - 1, int(len(times) * share))])
