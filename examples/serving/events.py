"""The debug events of a run, and the three ways to log them: off, print, async.

The declared events stand on attolog's default logger: off until `attolog.init_logger()` turns it
on, and the calls stay as they are. `print` is what the program did before: a formatted line a call.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

from attolog import log

Mode = Literal["off", "print", "async"]
Level = Literal["batch", "task"]
MODES: tuple[Mode, ...] = get_args(Mode)
LEVELS: tuple[Level, ...] = get_args(Level)

OF_BATCHES = ("SCHED", "EXEC")
OF_TASKS = ("GEN", "DONE", "DROP")


@log.event
def GEN(model: str, task_id: int, arrival: float) -> None:
    """A request has arrived. `arrival`: its scheduled time, seconds since the run's start."""


@log.event
def SCHED(
    model: str, batch_id: int, exit: str, batch_size: int, max_wait_ms: float, pred_ms: float
) -> None:
    """A batch is about to run."""


@log.event
def EXEC(
    model: str, batch_id: int, exit: str, batch_size: int, actual_ms: float, pred_ms: float
) -> None:
    """A batch has run."""


@log.event
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


@log.event
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


def choose(mode: Mode, level: Level) -> Events:
    """The calls for a way of logging; at level `batch`, those of single tasks do nothing."""
    events = _PRINTS if mode == "print" else Events(GEN, SCHED, EXEC, DONE, DROP)
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
