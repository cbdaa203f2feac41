"""The four strategies in plain Python, each called by its own line."""

from __future__ import annotations

import contextlib
import random
import time
from pathlib import Path
from typing import Any

from attolog._bench.method import (
    MODEL,
    RECORD,
    OpenLogger,
    Pairs,
    last,
    sampled,
    summed,
    wait_until,
    written,
)
from attolog._bench.methods import plain_python_classes

SAMPLE_RATE = 0.01
WINDOWS = rb"(\d+) events"
EVENT = rb"Event: \d"
MAX_SIZE = 100_000


def file_logger(folder: Path) -> OpenLogger:
    """Strategy 1: a queue and a thread."""
    path = folder / "run.log"
    logger: Any = plain_python_classes.AsyncFileLogger(str(path))  # type: ignore[no-untyped-call]

    def log_all(pairs: Pairs) -> None:
        model_name = MODEL
        for task_id, arrival_time in pairs:
            logger.log(f"{time.perf_counter():.6f},GEN,{model_name},{task_id},{arrival_time:.6f}")

    def drain() -> None:
        wait_until(logger.log_queue.empty)

    return OpenLogger(log_all, drain, logger.close, written(path, RECORD))


def sample(folder: Path) -> OpenLogger:
    """Strategy 2: `print` once in a hundred times. How many it left out it does not know."""
    path = folder / "run.log"
    file = path.open("w")

    def log_all(pairs: Pairs) -> None:
        model_name = MODEL
        for task_id, _ in pairs:
            if random.random() < SAMPLE_RATE:
                print(f"[Generator-{model_name}] New task {task_id}", file=file)

    return OpenLogger(log_all, file.flush, file.close, sampled(path, lambda: None))


def stats(folder: Path) -> OpenLogger:
    """Strategy 3: a line a second, printed."""
    path = folder / "run.log"
    file = path.open("w")
    stats: Any = plain_python_classes.StatsLogger()  # type: ignore[no-untyped-call]

    def log_all(pairs: Pairs) -> None:
        with contextlib.redirect_stdout(file):
            for _ in pairs:
                stats.log_event()

    return OpenLogger(log_all, file.flush, file.close, summed(path, WINDOWS))


def circular(folder: Path) -> OpenLogger:
    """Strategy 4: the last messages, saved at the end."""
    path = folder / "events.log"
    logger: Any = plain_python_classes.CircularLogger(MAX_SIZE)  # type: ignore[no-untyped-call]

    def log_all(pairs: Pairs) -> None:
        for info, _ in pairs:
            logger.log(f"Event: {info}")

    return OpenLogger(
        log_all, lambda: None, lambda: logger.save(str(path)), last(path, MAX_SIZE, EVENT)
    )
