"""The ways to log a run: attolog by one of its strategies, and what a program did without it."""

import logging
import logging.handlers
import queue
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from events import Events, declared
from report import LogAccount

import attolog

Mode = Literal["off", "print", "stdlib", "queue", "naive", "async", "sample", "stats", "ring"]
MODES: tuple[Mode, ...] = get_args(Mode)
WITHOUT_FILE: tuple[Mode, ...] = ("off", "print")
OVERWRITING: tuple[Mode, ...] = ("stdlib", "queue", "naive")
WITH_ATTOLOG: tuple[Mode, ...] = ("async", "sample", "stats", "ring")


class Log(Protocol):
    """A way to log, open."""

    events: Events

    def set_time(self, seconds: float) -> object:
        """Stamps what follows with a time of the program's own."""

    def close(self, calls: int) -> LogAccount:
        """Waits until all is written. `calls`: how many the program has made."""


def open_log(mode: Mode, path: Path | None, seed: int) -> Log:
    """A way to log, into a file unless it is one of those without. `seed`: of a sample.

    Raises:
        OSError: The file cannot be opened.
    """
    if mode == "print":
        return Prints()
    if path is None:
        return Off()
    log: Log
    if mode == "naive":
        log = QueueAndThread(path)
    elif mode in ("stdlib", "queue"):
        log = Stdlib(path, in_background=mode == "queue")
    else:
        log = Attolog(mode, path, seed)
    if mode != "async":  # which says so itself
        print(f"[INFO] Debug logging to: {path}")
    return log


class Off:
    """attolog's calls, switched off."""

    events = declared(attolog.log)

    def set_time(self, seconds: float) -> None:
        pass

    def close(self, calls: int) -> LogAccount:
        return LogAccount()


class Attolog:
    """attolog: the program's own logger, unless that has another strategy."""

    def __init__(self, mode: Mode, path: Path, seed: int) -> None:
        self._path = path
        self._circular: attolog.CircularLogger | None = None
        # Five columns: rows of mixed events stay rectangular, for a plain pandas.read_csv.
        self._columns = 5 if path.suffix == ".csv" else None
        self._logger = self._open(mode, seed)
        self._before = self._logger.counts  # of the program, not of this run alone
        self.events = declared(self._logger)

    def _open(self, mode: Mode, seed: int) -> attolog.Logger:
        if mode == "async":
            return attolog.init_logger(self._path, columns=self._columns)
        if mode == "sample":  # all events of a tenth of the tasks, and a tenth of the others
            return attolog.SampledLogger(
                self._path, 0.1, key="task_id", seed=seed, columns=self._columns
            )
        if mode == "stats":
            return attolog.StatsLogger(self._path, window="1s", by="model")
        # It saves itself there on an unhandled exception.
        self._circular = attolog.CircularLogger(path=self._path)
        return self._circular

    def set_time(self, seconds: float) -> None:
        self._logger.set_time(round(seconds * 1e9))

    def close(self, calls: int) -> LogAccount:
        start = time.perf_counter()
        if self._circular is not None:
            try:
                self._circular.save(self._path, columns=self._columns)
            except OSError as error:
                print(f"{self._path}: {error.strerror}: the log is not saved", file=sys.stderr)
        self._logger.close(timeout=None)
        drain_s = time.perf_counter() - start
        both = zip(self._logger.counts, self._before, strict=True)
        return replace(LogAccount(*(now - before for now, before in both)), drain_s=drain_s)


class Prints:
    """What the program did before: a formatted line a call, and no time stamp."""

    events = Events(
        gen=lambda model, task_id, arrival: print(
            f"[Generator-{model}] New task {task_id} at {arrival:.6f}"
        ),
        state=lambda model, queue_len, z: print(
            f"[Scheduler-{model}] queue_len={queue_len}, z={z:.3f}"
        ),
        cand=lambda model, batch_size, exit, infer_ms, violations, score: print(
            f"[Scheduler-{model}] Candidate batch_size={batch_size}, exit={exit}, "
            f"infer_ms={infer_ms:.3f}, violations={violations}, score={score:.4f}"
        ),
        sched=lambda model, batch_id, exit, batch_size, max_wait_ms, pred_ms: print(
            f"[Scheduler-{model}] Batch_id={batch_id}, exit={exit}, batch_size={batch_size}, "
            f"max_wait_ms={max_wait_ms:.3f}, pred_ms={pred_ms:.3f}"
        ),
        exec=lambda model, batch_id, exit, batch_size, actual_ms, pred_ms: print(
            f"[Executor-{model}] Batch_id={batch_id}, exit={exit}, batch_size={batch_size}, "
            f"actual_ms={actual_ms:.3f}, pred_ms={pred_ms:.3f}"
        ),
        done=lambda model, task_id, batch_id, exit, wait_ms, infer_ms, total_ms, slo_ok: print(
            f"[Executor-{model}] Task {task_id} done, batch_id={batch_id}, exit={exit}, "
            f"wait_ms={wait_ms:.3f}, infer_ms={infer_ms:.3f}, total_ms={total_ms:.3f}, "
            f"slo_ok={slo_ok}"
        ),
        drop=lambda model, task_id, wait_ms: print(
            f"[Scheduler-{model}] Task {task_id} dropped, wait_ms={wait_ms:.3f}"
        ),
    )

    def set_time(self, seconds: float) -> None:
        pass

    def close(self, calls: int) -> LogAccount:
        """Nothing tells how much of what was printed has arrived."""
        start = time.perf_counter()
        sys.stdout.flush()
        return LogAccount(calls, None, lost=None, drain_s=time.perf_counter() - start)


class Stdlib:
    """The standard library's `logging`: rows as in attolog's CSV, floats with three digits."""

    def __init__(self, path: Path, *, in_background: bool) -> None:
        self._path = path
        handler = logging.FileHandler(path, "w")
        handler.setFormatter(logging.Formatter("%(created).6f,%(message)s"))
        self._handler: logging.Handler = handler
        self._listener: logging.handlers.QueueListener | None = None
        if in_background:
            records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
            self._listener = logging.handlers.QueueListener(records, handler)
            self._listener.start()
        # One of its own, so that nothing hangs above it.
        self._logger = logger = logging.Logger("serving", logging.DEBUG)
        logger.addHandler(logging.handlers.QueueHandler(records) if in_background else handler)
        self.events = Events(
            gen=partial(logger.debug, "GEN,%s,%d,%.6f"),
            state=partial(logger.debug, "STATE,%s,%d,%.3f"),
            cand=partial(logger.debug, "CAND,%s,%d,%s,%.3f,%d,%.4f"),
            sched=partial(logger.debug, "SCHED,%s,%d,%s,%d,%.3f,%.3f"),
            exec=partial(logger.debug, "EXEC,%s,%d,%s,%d,%.3f,%.3f"),
            done=partial(logger.debug, "DONE,%s,%d,%d,%s,%.3f,%.3f,%.3f,%s"),
            drop=partial(logger.debug, "DROP,%s,%d,%.3f"),
        )
        self._now = 0.0

    def set_time(self, seconds: float) -> None:
        if not self._logger.filters:
            self._logger.addFilter(self._stamp)
        self._now = seconds

    def _stamp(self, record: logging.LogRecord) -> bool:
        record.created = self._now
        return True

    def close(self, calls: int) -> LogAccount:
        start = time.perf_counter()
        if self._listener is not None:
            self._listener.stop()
        self._handler.close()
        drain_s = time.perf_counter() - start
        return _count(self._path, calls, drain_s)


class QueueAndThread:
    """A queue and a writer thread, in plain Python. It drops what its queue cannot hold."""

    def __init__(self, path: Path) -> None:
        from attolog._bench.methods.plain_python_classes import AsyncFileLogger

        self._path = path
        logger: Any = AsyncFileLogger(str(path))  # type: ignore[no-untyped-call]
        self._logger = logger
        self._now = time.perf_counter
        log = logger.log
        self.events = Events(
            gen=lambda model, task_id, arrival: log(
                f"{self._now():.6f},GEN,{model},{task_id},{arrival:.6f}"
            ),
            state=lambda model, queue_len, z: log(
                f"{self._now():.6f},STATE,{model},{queue_len},{z:.3f}"
            ),
            cand=lambda model, batch_size, exit, infer_ms, violations, score: log(
                f"{self._now():.6f},CAND,{model},{batch_size},{exit},{infer_ms:.3f},{violations},"
                f"{score:.4f}"
            ),
            sched=lambda model, batch_id, exit, batch_size, max_wait_ms, pred_ms: log(
                f"{self._now():.6f},SCHED,{model},{batch_id},{exit},{batch_size},"
                f"{max_wait_ms:.3f},{pred_ms:.3f}"
            ),
            exec=lambda model, batch_id, exit, batch_size, actual_ms, pred_ms: log(
                f"{self._now():.6f},EXEC,{model},{batch_id},{exit},{batch_size},"
                f"{actual_ms:.3f},{pred_ms:.3f}"
            ),
            done=lambda model, task_id, batch_id, exit, wait_ms, infer_ms, total_ms, slo_ok: log(
                f"{self._now():.6f},DONE,{model},{task_id},{batch_id},{exit},"
                f"{wait_ms:.3f},{infer_ms:.3f},{total_ms:.3f},{slo_ok}"
            ),
            drop=lambda model, task_id, wait_ms: log(
                f"{self._now():.6f},DROP,{model},{task_id},{wait_ms:.3f}"
            ),
        )

    def set_time(self, seconds: float) -> None:
        self._now = lambda: seconds

    def close(self, calls: int) -> LogAccount:
        start = time.perf_counter()
        self._logger.close()
        return _count(self._path, calls, time.perf_counter() - start)


def _count(path: Path, calls: int, drain_s: float) -> LogAccount:
    """What is missing from a file of one line a record was lost."""
    with open(path, "rb") as file:
        written = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    return LogAccount(calls, written, lost=calls - written, drain_s=drain_s)
