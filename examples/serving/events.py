"""The debug events of a run, and the ways to log them.

`print` is what the program did before: a formatted line a call. Everything else is attolog, by one
of its four strategies or switched off; the calls stay as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import attolog

Mode = Literal["off", "print", "async", "sample", "stats", "ring"]
Level = Literal["batch", "task"]
MODES: tuple[Mode, ...] = get_args(Mode)
LEVELS: tuple[Level, ...] = get_args(Level)
TO_A_FILE: tuple[Mode, ...] = ("async", "sample", "stats", "ring")

OF_BATCHES = ("SCHED", "EXEC")
OF_TASKS = ("GEN", "DONE", "DROP")

# The events. What is declared of a function are its name and its parameters: the body is not run.


def GEN(model: str, task_id: int, arrival: float) -> None:
    """A request has arrived. `arrival`: its scheduled time, seconds since the run's start."""


def SCHED(
    model: str, batch_id: int, exit: str, batch_size: int, max_wait_ms: float, pred_ms: float
) -> None:
    """A batch is about to run."""


def EXEC(
    model: str, batch_id: int, exit: str, batch_size: int, actual_ms: float, pred_ms: float
) -> None:
    """A batch has run."""


def DONE(
    model: str,
    task_id: int,
    batch_id: int,
    exit: str,
    wait_ms: float,
    infer_ms: float,
    total_ms: float,
    slo_ok: bool,
) -> None:
    """A request is answered."""


def DROP(model: str, task_id: int, wait_ms: float) -> None:
    """A request was given up, since it was past its SLO before it ran."""


@dataclass(frozen=True, slots=True)
class Events:
    """What the engine calls. Chosen once, so that a call goes straight to its logger."""

    gen: Callable[[str, int, float], None]
    sched: Callable[[str, int, str, int, float, float], None]
    exec: Callable[[str, int, str, int, float, float], None]
    done: Callable[[str, int, int, str, float, float, float, bool], None]
    drop: Callable[[str, int, float], None]


def open_logger(mode: Mode, path: Path) -> attolog.Logger:
    """The logger of a way of logging: the program's own, unless that has another strategy.

    Raises:
        OSError: The file cannot be opened.
    """
    if mode == "async":
        # Five columns: rows of mixed events stay rectangular, for a plain pandas.read_csv.
        return attolog.init_logger(path, columns=5)
    if mode not in TO_A_FILE:
        return attolog.log
    print(f"[INFO] Debug logging to: {path}")
    if mode == "sample":  # all events of a tenth of the tasks, and a tenth of the batches
        return attolog.SampledLogger(path, 0.1, key="task_id", columns=5)
    if mode == "stats":
        return attolog.StatsLogger(path, window="1s", by="model")
    return attolog.CircularLogger(path=path)  # it saves itself there on an unhandled exception


def choose(mode: Mode, level: Level, logger: attolog.Logger) -> Events:
    """The calls for a way of logging; at level `batch`, those of single tasks do nothing."""
    event = logger.event
    declared = Events(event(GEN), event(SCHED), event(EXEC), event(DONE), event(DROP))
    events = _PRINTS if mode == "print" else declared
    if level == "batch":
        events = replace(events, gen=_nothing, done=_nothing, drop=_nothing)
    return events


def names(mode: Mode, level: Level) -> tuple[str, ...]:
    """The events that are logged."""
    if mode == "off":
        return ()
    return OF_BATCHES if level == "batch" else OF_BATCHES + OF_TASKS


def _nothing(*_: object) -> None:
    pass


_PRINTS = Events(
    gen=lambda model, task_id, arrival: print(
        f"[Generator-{model}] New task {task_id} at {arrival:.6f}"
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
        f"wait_ms={wait_ms:.3f}, infer_ms={infer_ms:.3f}, total_ms={total_ms:.3f}, slo_ok={slo_ok}"
    ),
    drop=lambda model, task_id, wait_ms: print(
        f"[Scheduler-{model}] Task {task_id} dropped, wait_ms={wait_ms:.3f}"
    ),
)
