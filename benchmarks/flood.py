"""Floods: as many records as can be, from one thread or several, until the log is closed."""

from __future__ import annotations

import threading
import time
from itertools import cycle, islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import attolog
from attolog import log
from benchmarks.bursts import declared_event, records_in
from benchmarks.row import Measures, must_arrive


def flood_values() -> list[tuple[int, float]]:
    """Task ids and arrivals in full precision; they are repeated only after 65,536 records."""
    random, arrival, values = Random(7), 0.0, []
    for task_id in range(1 << 16):
        arrival += random.expovariate(400)
        values.append((task_id, arrival))
    return values


def _log_messages(_: Any, values: list[tuple[int, float]], records: int) -> None:
    model, exit_ = "ResNet50", "layer1"
    for task_id, arrival in islice(cycle(values), records):
        log.debug("{} runs {}, here since {}, to {}", model, task_id, arrival, exit_)


def log_all(event: Any, values: list[tuple[int, float]], records: int) -> None:
    """Log that many records of the event."""
    model, exit_ = "ResNet50", "layer1"
    for task_id, arrival in islice(cycle(values), records):
        event(model, task_id, arrival, exit_)


def flood(
    suffix: str, records: int, threads: int = 1, *, messages: bool = False
) -> tuple[float, float, int]:
    """Log that many events or messages, close, and count them in the file.

    Returns:
        Seconds from the first call to the end of close(), CPU seconds of the process meanwhile, and
        the size of the file.
    """
    values = flood_values()
    share = records // threads
    log_them = _log_messages if messages else log_all
    with TemporaryDirectory(prefix="attolog-bench-") as folder:
        path = Path(folder, f"run{suffix}")
        attolog.init_logger(path, quiet=True)
        event = declared_event()
        others = [
            threading.Thread(target=log_them, args=(event, values, share))
            for _ in range(threads - 1)
        ]
        used = time.process_time()
        start = time.perf_counter()
        for thread in others:
            thread.start()
        log_them(event, values, share)
        for thread in others:
            thread.join()
        log.close(timeout=None)
        seconds = time.perf_counter() - start
        used = time.process_time() - used
        must_arrive(records_in(path), share * threads)
        return seconds, used, path.stat().st_size


def rates(suffix: str, records: int, *, messages: bool = False) -> Measures:
    """What one thread's flood of that many records comes to."""
    seconds, used, size = flood(suffix, records, messages=messages)
    return {
        "M records/s": records / seconds / 1e6,
        "CPU, us a record": used / records * 1e6,
        "bytes a record": size / records,
    }


def records_of(quick: bool) -> int:
    """How many records a flood has."""
    return 1_000_000 if quick else 10_000_000
