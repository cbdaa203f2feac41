"""attolog: its strategies, called by lines of plain Python, by `log("GEN", ...)`, as events."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attolog
from attolog._bench.method import (
    MODEL,
    OpenLogger,
    Output,
    Pairs,
    last,
    sampled,
    size,
    summed,
    written,
)
from attolog._bench.methods.plain_python import EVENT, MAX_SIZE, SAMPLE_RATE

COUNTS = rb",STATS,[^,]*,,[^,]*,(\d+),"
"""The number of calls in a window's first row; those of its fields follow."""


def _close(log: Any) -> Callable[[], object]:
    return lambda: log.close(timeout=None)


def _gen(log: Any) -> Callable[[Pairs], None]:
    def log_all(pairs: Pairs) -> None:
        model = MODEL
        for task_id, arrival in pairs:
            log("GEN", model, task_id, arrival)

    return log_all


def _declared(log: Any) -> Callable[[Pairs], None]:
    gen = log.event("GEN", "model", "task_id", "arrival")

    def log_all(pairs: Pairs) -> None:
        model = MODEL
        for task_id, arrival in pairs:
            gen(model, task_id, arrival)

    return log_all


def _printing(log: Any) -> Callable[[Pairs], None]:
    def log_all(pairs: Pairs) -> None:
        model_name, print = MODEL, log.print  # noqa: A001 - as a program does to change over
        for task_id, arrival_time in pairs:
            print(f"[Generator-{model_name}] New task {task_id} at {arrival_time:.6f}")

    return log_all


def _journal(path: Path) -> Callable[[int], Output]:
    def output(calls: int) -> Output:
        journal = attolog.read(path)
        tables = [journal[name] for name in journal]
        kept = sum(len(table) for table in tables if table.kind not in ("clock", "dropped"))
        return Output(kept, 0, size(path))

    return output


def _everything(path: Path, calling: Callable[[Any], Callable[[Pairs], None]]) -> OpenLogger:
    log = attolog.AsyncFileLogger(path)
    output = _journal(path) if path.suffix == ".atto" else written(path)
    return OpenLogger(calling(log), log.flush, _close(log), output)


def text(folder: Path) -> OpenLogger:
    """The line of plain Python, unchanged: `debug_log(f"...")`."""

    def calling(log: Any) -> Callable[[Pairs], None]:
        def log_all(pairs: Pairs) -> None:
            model_name = MODEL
            for task_id, arrival_time in pairs:
                log.log(f"{time.perf_counter():.6f},GEN,{model_name},{task_id},{arrival_time:.6f}")

        return log_all

    return _everything(folder / "run.log", calling)


def printing(folder: Path) -> OpenLogger:
    """The `print` of plain Python, unchanged: the function has `print = log.print`."""
    return _everything(folder / "run.log", _printing)


def message(folder: Path) -> OpenLogger:
    """A template and its values, to a text file."""

    def calling(log: Any) -> Callable[[Pairs], None]:
        def log_all(pairs: Pairs) -> None:
            model = MODEL
            for task_id, arrival in pairs:
                log.debug("GEN,{},{},{}", model, task_id, arrival)

        return log_all

    return _everything(folder / "run.log", calling)


def csv(folder: Path) -> OpenLogger:
    """Strategy 1, to CSV."""
    return _everything(folder / "run.csv", _gen)


def journal(folder: Path) -> OpenLogger:
    """Strategy 1, to a journal."""
    return _everything(folder / "run.atto", _gen)


def declared_csv(folder: Path) -> OpenLogger:
    """A declared event, to CSV."""
    return _everything(folder / "run.csv", _declared)


def declared_journal(folder: Path) -> OpenLogger:
    """A declared event, to a journal."""
    return _everything(folder / "run.atto", _declared)


def _sample(path: Path, calling: Callable[[Any], Callable[[Pairs], None]]) -> OpenLogger:
    log = attolog.SampledLogger(path, SAMPLE_RATE)
    output = sampled(path, lambda: log.counts.sampled_out)
    return OpenLogger(calling(log), log.flush, _close(log), output)


def sample_printing(folder: Path) -> OpenLogger:
    """Strategy 2, by `print`."""
    return _sample(folder / "few.log", _printing)


def sample(folder: Path) -> OpenLogger:
    """Strategy 2."""
    return _sample(folder / "few.csv", _gen)


def _stats(path: Path, calling: Callable[[Any], Callable[[Pairs], None]]) -> OpenLogger:
    log = attolog.StatsLogger(path)
    return OpenLogger(calling(log), log.flush, _close(log), summed(path, COUNTS))


def stats_counting(folder: Path) -> OpenLogger:
    """Strategy 3, called by the line of plain Python."""

    def calling(log: Any) -> Callable[[Pairs], None]:
        def log_all(pairs: Pairs) -> None:
            for _ in pairs:
                log.log_event()

        return log_all

    return _stats(folder / "rates.csv", calling)


def stats(folder: Path) -> OpenLogger:
    """Strategy 3, with the sums and quantiles of two fields."""
    return _stats(folder / "rates.csv", _gen)


def circular_text(folder: Path) -> OpenLogger:
    """Strategy 4, called by the line of plain Python."""

    def calling(log: Any) -> Callable[[Pairs], None]:
        def log_all(pairs: Pairs) -> None:
            for info, _ in pairs:
                log.log(f"Event: {info}")

        return log_all

    return _circular(folder / "events.log", calling, last(folder / "events.log", MAX_SIZE, EVENT))


def circular(folder: Path) -> OpenLogger:
    """Strategy 4."""
    return _circular(folder / "events.csv", _gen, last(folder / "events.csv", MAX_SIZE))


def _circular(
    path: Path,
    calling: Callable[[Any], Callable[[Pairs], None]],
    output: Callable[[int], Output],
) -> OpenLogger:
    log = attolog.CircularLogger(MAX_SIZE)

    def close() -> None:
        log.save(path)
        log.close(timeout=None)

    return OpenLogger(calling(log), log.flush, close, output)
