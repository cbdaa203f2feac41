"""attolog, and the peers that need nothing but Python."""

from __future__ import annotations

import logging
import logging.handlers
import queue
import time
from pathlib import Path
from typing import Any

import attolog
from benchmarks.baselines import document as strategy_1
from benchmarks.baselines.peer import Peer, text_peer, timed, wait_until
from benchmarks.bursts import records_in

Pairs = list[tuple[int, float]]


def _attolog(path: Path) -> Peer:
    log = attolog.AsyncFileLogger(path)
    event = log.event("SCHED", "model", "task_id", "arrival", "exit")

    def log_all(pairs: Pairs) -> None:
        model, exit_ = "ResNet50", "layer1"
        for task_id, arrival in pairs:
            event(model, task_id, arrival, exit_)

    return Peer(timed(log_all), log.flush, log.close, lambda: [path], lambda: records_in(path))


def attolog_journal(folder: Path) -> Peer:
    """A declared event, to a journal."""
    return _attolog(folder / "run.atto")


def attolog_csv(folder: Path) -> Peer:
    """A declared event, to CSV."""
    return _attolog(folder / "run.csv")


def print_to_file(folder: Path) -> Peer:
    """`print(..., file=file)`, buffered as `open` does by default."""
    path = folder / "run.log"
    file = path.open("w")

    def log_all(pairs: Pairs) -> None:
        model, exit_, clock = "ResNet50", "layer1", time.time
        for task_id, arrival in pairs:
            print(f"{clock():.6f},SCHED,{model},{task_id},{arrival},{exit_}", file=file)

    return text_peer(path, log_all, file.flush, file.close)


def document(folder: Path) -> Peer:
    """The class of the user's document."""
    path = folder / "run.log"
    logger: Any = strategy_1.AsyncFileLogger(str(path))  # type: ignore[no-untyped-call]

    def log_all(pairs: Pairs) -> None:
        model, exit_, clock = "ResNet50", "layer1", time.perf_counter
        for task_id, arrival in pairs:
            logger.log(f"{clock():.6f},SCHED,{model},{task_id},{arrival},{exit_}")

    return text_peer(path, log_all, lambda: wait_until(logger.log_queue.empty), logger.close)


def file_handler(folder: Path) -> Peer:
    """The standard library's own way."""
    path = folder / "run.log"
    handler = logging.FileHandler(path)
    return text_peer(path, _stdlib(handler, handler), handler.flush, handler.close)


def queue_handler(folder: Path) -> Peer:
    """The standard library's way to write in the background."""
    path = folder / "run.log"
    handler = logging.FileHandler(path)
    records: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(records, handler)
    listener.start()

    def close() -> None:
        listener.stop()
        handler.close()

    log_all = _stdlib(logging.handlers.QueueHandler(records), handler)
    return text_peer(path, log_all, lambda: wait_until(records.empty), close)


def _stdlib(used: logging.Handler, formats: logging.Handler) -> Any:
    formats.setFormatter(logging.Formatter("%(created).6f,%(thread)d,%(message)s"))
    logger = logging.getLogger("benchmarks")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(used)

    def log_all(pairs: Pairs) -> None:
        model, exit_ = "ResNet50", "layer1"
        for task_id, arrival in pairs:
            logger.debug("SCHED,%s,%s,%s,%s", model, task_id, arrival, exit_)

    return log_all
