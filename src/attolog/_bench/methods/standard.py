"""The standard library's `logging`."""

from __future__ import annotations

import logging
import logging.handlers
import queue
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attolog._bench.method import MODEL, OpenLogger, Pairs, wait_until, written


def file_handler(folder: Path) -> OpenLogger:
    """Its own way."""
    path = folder / "run.log"
    handler = logging.FileHandler(path)
    return OpenLogger(_calling(handler, handler), handler.flush, handler.close, written(path))


def queue_handler(folder: Path) -> OpenLogger:
    """Its way to write in the background."""
    path = folder / "run.log"
    handler = logging.FileHandler(path)
    records: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(records, handler)
    listener.start()

    def close() -> None:
        listener.stop()
        handler.close()

    log_all = _calling(logging.handlers.QueueHandler(records), handler)
    return OpenLogger(log_all, lambda: wait_until(records.empty), close, written(path))


def _calling(used: logging.Handler, formats: logging.Handler) -> Callable[[Pairs], None]:
    formats.setFormatter(logging.Formatter("%(created).6f,%(thread)d,%(message)s"))
    logger = logging.getLogger("attolog.bench")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(used)

    def log_all(pairs: Pairs) -> None:
        model = MODEL
        for task_id, arrival in pairs:
            logger.debug("GEN,%s,%s,%s", model, task_id, arrival)

    return log_all
