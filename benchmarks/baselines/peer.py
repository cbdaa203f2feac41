"""What a peer is: another way for a Python program to get its records into a file.

Each is used as its makers mean it to be, set up so that it does best, and logs at least the time,
the event's name and its four values (text, int, float in full precision, text).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns


@dataclass(frozen=True)
class Peer:
    """A logger that is open.

    `burst(n)` logs n records and returns how long each hundred of them took in ns; `drain()` waits
    until what was logged before has been handed to the file; `close()` ends it; `files` are what it
    wrote; `count` tells how many records are in them.
    """

    burst: Callable[[int], list[int]]
    drain: Callable[[], object]
    close: Callable[[], object]
    files: Callable[[], list[Path]]
    count: Callable[[], int]


def values(n: int) -> list[tuple[int, float]]:
    """Task ids and arrivals of n records."""
    return [(12_345 + 17 * i, 1707234567.123456 + 0.3137 * i) for i in range(n)]


def timed(log_all: Callable[[list[tuple[int, float]]], None]) -> Callable[[int], list[int]]:
    """A burst by a function that logs a record for each pair of values it is given.

    It is timed by the hundred: a whole burst of the slower peers takes longer than a process is
    left alone on a machine that has other work to do.
    """

    def burst(n: int) -> list[int]:
        pairs = values(n)
        hundreds = [pairs[i : i + 100] for i in range(0, n, 100)]
        times = []
        for hundred in hundreds:
            start = perf_counter_ns()
            log_all(hundred)
            times.append(perf_counter_ns() - start)
        return times

    return burst


def lines(path: Path) -> int:
    """How many lines a file has."""
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def text_peer(
    path: Path,
    log_all: Callable[[list[tuple[int, float]]], None],
    drain: Callable[[], object],
    close: Callable[[], object],
) -> Peer:
    """A peer that writes a line for each record into one file."""
    return Peer(timed(log_all), drain, close, lambda: [path], lambda: lines(path))


def wait_until(is_done: Callable[[], bool]) -> None:
    """Wait for a peer that has no flush of its own."""
    while not is_done():
        time.sleep(0.001)
