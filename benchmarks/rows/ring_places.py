"""Rings in memory against rings beside the log file, on the disk it is on, by turns.

`TMPDIR` says which disk: a folder on an overlay file system measures what a container pays.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter_ns
from typing import Any

import attolog
from benchmarks.bursts import records_in
from benchmarks.row import Goal, Measures, Row, must_arrive

_BURST = 10_000


@contextmanager
def _logger(folder: Path, ring_dir: str, calls: int) -> Iterator[attolog.AsyncFileLogger]:
    path = folder / "run.csv"
    logger = attolog.AsyncFileLogger(path, ring_dir=ring_dir)
    yield logger
    assert logger.close()
    must_arrive(records_in(path), calls)


def _burst(event: Any, values: list[float]) -> float:
    model, exit_ = "ResNet50", "layer1"
    start = perf_counter_ns()
    for i, arrival in enumerate(values):
        event(model, i, arrival, exit_)
    return (perf_counter_ns() - start) / len(values)


def _singles(event: Any, values: list[float], times: array[int]) -> None:
    clock, model, exit_ = perf_counter_ns, "ResNet50", "layer1"
    for i, arrival in enumerate(values):
        before = clock()
        event(model, i, arrival, exit_)
        times.append(clock() - before)


def _flood(folder: Path, ring_dir: str, n: int) -> float:
    with _logger(folder, ring_dir, n) as logger:
        event = logger.event("SCHED", "model", "task_id", "arrival", "exit")
        start = time.perf_counter()
        for i in range(n):
            event("ResNet50", i, 0.25, "layer1")
        assert logger.close()
        return n / (time.perf_counter() - start) / 1e6


def run(quick: bool) -> Measures:
    """One run."""
    turns, flood = (20, 1_000_000) if quick else (100, 5_000_000)
    values = [1707234567.123456 + 0.3137 * i for i in range(_BURST)]
    measures: Measures = {}
    bursts: dict[str, list[float]] = {"memory": [], "disk": []}
    singles = {"memory": array("q"), "disk": array("q")}
    opened: dict[str, list[float]] = {"memory": [], "disk": []}
    with TemporaryDirectory() as on_memory, TemporaryDirectory() as on_disk:
        places = {"memory": (Path(on_memory), "/dev/shm"), "disk": (Path(on_disk), on_disk)}
        for place, (folder, ring_dir) in places.items():
            for i in range(10):
                start = time.perf_counter()
                logger = attolog.AsyncFileLogger(folder / f"{i}.csv", ring_dir=ring_dir)
                opened[place].append((time.perf_counter() - start) * 1000)
                logger.close()
            measures[f"flood, {place}, M/s"] = _flood(folder, ring_dir, flood)
            (folder / "run.csv").unlink()
        n = 2 * _BURST * turns
        with _logger(*places["memory"], n) as memory, _logger(*places["disk"], n) as disk:
            loggers = {"memory": memory, "disk": disk}
            events = {
                place: logger.event("SCHED", "model", "task_id", "arrival", "exit")
                for place, logger in loggers.items()
            }
            for _ in range(turns):
                for place, event in events.items():
                    bursts[place].append(_burst(event, values))
                    loggers[place].flush()
                    _singles(event, values, singles[place])
                    loggers[place].flush()
    for place in ("memory", "disk"):
        ordered = sorted(singles[place])
        measures[f"burst, {place}, ns"] = sorted(bursts[place])[turns // 2]
        measures[f"single call, {place}, p99.9, us"] = ordered[len(ordered) * 999 // 1000] / 1000
        measures[f"single call, {place}, p99.99, us"] = ordered[len(ordered) * 9999 // 10000] / 1000
        measures[f"opening, {place}, ms"] = sorted(opened[place])[5]
    measures["burst"] = measures["burst, disk, ns"] / measures["burst, memory, ns"]
    measures["flood"] = measures["flood, disk, M/s"] / measures["flood, memory, M/s"]
    return measures


ROW = Row(
    "rings beside the log file / in memory",
    (
        Goal("burst", "a call in a burst", "x", 1.0, 1.2),
        Goal("flood", "a flood", "x", 1.0, 0.7, more=True),
        Goal("single call, disk, p99.9, us", "single calls on disk, p99.9", "us", 0.5, 2.0),
        Goal("opening, disk, ms", "opening a logger on disk", "ms", 3.0, 6.0),
    ),
    run,
)
