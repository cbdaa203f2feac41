"""The slow-down of a thread that computes in pure Python while the writer is kept busy.

Nobody may log meanwhile, since that would take the GIL. So a ring of 256 MiB is filled beforehand,
faster than the writer can empty it, and then the thread computes: `counts.waiting` shows afterwards
that the writer had work until the end. For the other half of the pair the ring is drained and the
file is on the disk, so that nothing is left to be done. Which half comes first changes. Each half
computes ten times and counts by the median, which other processes disturb less than the sum.
"""

import os
import statistics
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import attolog
from attolog import log
from benchmarks.bursts import declared_event, records_in
from benchmarks.row import Goal, Measures, Row, must_arrive

_BACKLOG = 3_000_000


class WriterIdleError(Exception):
    """The writer ran out of work while the thread computed: the pair says nothing."""


def _compute(steps: int) -> int:
    total = 0
    for i in range(steps):
        total = (total * 31 + i) % 1_000_003
    return total


def _timed(steps: int) -> tuple[float, float]:
    """Wall and CPU time, each the median of ten."""
    wall, cpu = [], []
    for _ in range(10):
        start, used = time.perf_counter(), time.thread_time()
        _compute(steps)
        wall.append(time.perf_counter() - start)
        cpu.append(time.thread_time() - used)
    return statistics.median(wall), statistics.median(cpu)


def _interval(ratios: list[float]) -> tuple[float, float]:
    """The 95 % bootstrap interval of the median."""
    random = Random(7)
    medians = sorted(statistics.median(random.choices(ratios, k=len(ratios))) for _ in range(5000))
    return medians[125], medians[-126]


def _drain(path: Path) -> None:
    log.flush()
    with path.open("rb") as file:
        os.fsync(file.fileno())


def run(quick: bool) -> Measures:
    """One run."""
    pairs = 6 if quick else 30
    wall: list[float] = []
    cpu: list[float] = []
    steps = int(10_000 * 0.02 / _timed(10_000)[1])  # some 20 ms
    with TemporaryDirectory(prefix="attolog-bench-") as folder:
        path = Path(folder, "run.csv")
        attolog.init_logger(path, quiet=True, buffer_bytes=256 << 20)
        event = declared_event()
        for pair in range(pairs):
            times: dict[bool, tuple[float, float]] = {}
            for busy in (True, False) if pair % 2 else (False, True):
                if busy:
                    for i in range(_BACKLOG):
                        event("ResNet50", i, i * 0.3137, "layer1")
                    times[busy] = _timed(steps)
                    if log.counts.waiting < 10_000:
                        raise WriterIdleError(f"{log.counts.waiting} records are left")
                else:
                    _drain(path)
                    times[busy] = _timed(steps)
            wall.append((times[True][0] / times[False][0] - 1) * 100)
            cpu.append((times[True][1] / times[False][1] - 1) * 100)
        log.close(timeout=None)
        must_arrive(records_in(path), pairs * _BACKLOG)
    low, high = _interval(wall)
    cpu_low, cpu_high = _interval(cpu)
    return {
        "slow-down, %": statistics.median(wall),
        "low": low,
        "high": high,
        "of its CPU time, %": statistics.median(cpu),
        "of its CPU time, low": cpu_low,
        "of its CPU time, high": cpu_high,
        "pairs": pairs,
    }


ROW = Row(
    "slow-down of a computing thread, writer busy",
    (Goal("slow-down, %", "", "%", 0.0, 1.0, interval=("low", "high")),),
    run,
    runs=1,
)
