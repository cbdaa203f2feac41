"""What a method is: a way for a Python program to log, set up and ready to be measured.

Each is used as its makers mean it to be, set up so that it does best. A record has at least the
time, GEN and three values: a text, an int, and a float in full precision. Loggers in plain Python,
and methods compared with them line by line, log a formatted line instead.
"""

from __future__ import annotations

import mmap
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random

Pairs = list[tuple[int, float]]
"""Task ids and arrivals, a pair for each record."""

MODEL = "ResNet50"
RECORD = rb"ResNet50\D+\d"
"""A record in a text file: the model, and a number after it."""


class Keeps(StrEnum):
    """What a method is to keep of what it is given."""

    ALL = "all"
    SHARE = "share"
    SUMS = "sums"
    LAST = "last"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Output:
    """What is in the output after the end; None is what nobody can tell.

    `kept` are the records in it, `left_out` the calls that are not in it by request: sampled out,
    taken into sums, or overwritten by later ones. Calls that are in neither are lost.
    """

    kept: int | None
    left_out: int | None = 0
    bytes: int | None = None


@dataclass(frozen=True)
class OpenLogger:
    """A logger that is open.

    `log_all(pairs)` logs a record for each pair; `drain()` waits until what was logged before has
    been handed to the file; `close()` ends it, after which all that arrives has arrived;
    `output(calls)` then says what became of that many calls.
    """

    log_all: Callable[[Pairs], object]
    drain: Callable[[], object]
    close: Callable[[], object]
    output: Callable[[int], Output]


@dataclass(frozen=True)
class Method:
    """A method: its name on the command line, its title in the table, and what a call looks like.

    `maker` is whose it is: python (print and logging), plain Python (classes that a program has of
    its own), attolog, or the package on PyPI; `module` is what must be there for it.
    """

    name: str
    title: str
    call: str
    open: Callable[[Path], OpenLogger]
    maker: str
    module: str = "builtins"
    keeps: Keeps = Keeps.ALL


def values(n: int) -> Pairs:
    """Task ids and arrivals of n records: equal each time, at random distances."""
    random, task_id, arrival = Random(7), 12_345, 1707234567.123456
    pairs = []
    for _ in range(n):
        task_id += random.randrange(1, 40)
        arrival += random.expovariate(400)
        pairs.append((task_id, arrival))
    return pairs


def found(path: Path, pattern: bytes) -> Iterator[bytes]:
    """What the pattern, or its group, matches in a file; nothing in one that is not there."""
    if size(path):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            for match in re.finditer(pattern, text):
                yield match[match.lastindex or 0]


def count(path: Path, pattern: bytes = RECORD) -> int:
    """How many records a text file holds."""
    return sum(1 for _ in found(path, pattern))


def size(path: Path) -> int:
    """The bytes of a file; 0 if it is not there."""
    return path.stat().st_size if path.exists() else 0


def ends_with(path: Path, end: bytes) -> bool:
    """Whether a file's last bytes are these."""
    with path.open("rb") as file:
        file.seek(-min(len(end), size(path)), os.SEEK_END)
        return file.read(len(end)) == end


def written(path: Path, pattern: bytes = RECORD) -> Callable[[int], Output]:
    """The output of a method that writes each record into a text file, where the pattern is it."""
    return lambda calls: Output(count(path, pattern), 0, size(path))


def sampled(path: Path, left_out: Callable[[], int | None]) -> Callable[[int], Output]:
    """The output of a method that writes a share of the records into a text file."""
    return lambda calls: Output(count(path), left_out(), size(path))


def summed(path: Path, pattern: bytes) -> Callable[[int], Output]:
    """The output of a method that writes counts, which are the pattern's group."""
    return lambda calls: Output(0, sum(map(int, found(path, pattern))), size(path))


def last(path: Path, most: int, pattern: bytes = RECORD) -> Callable[[int], Output]:
    """The output of a method that keeps the last records, `most` of them."""
    return lambda calls: Output(count(path, pattern), max(0, calls - most), size(path))


def wait_until(is_done: Callable[[], bool]) -> None:
    """Wait for a logger that has no flush of its own."""
    while not is_done():
        time.sleep(0.001)
