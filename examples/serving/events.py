"""The debug events of a run, and how much of them is logged."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import attolog

Level = Literal["batch", "task", "decision", "candidate"]
LEVELS: tuple[Level, ...] = get_args(Level)  # each with all that the ones before it have

_FIRST_LOGGED_AT: dict[str, Level] = {
    "GEN": "task",
    "STATE": "decision",
    "CAND": "candidate",
    "SCHED": "batch",
    "EXEC": "batch",
    "DONE": "task",
    "DROP": "task",
}

# The events. What is declared of a function are its name and its parameters: the body is not run.


def GEN(model: str, task_id: int, arrival: float) -> None:
    """A request has arrived. `arrival`: its scheduled time, seconds since the run's start."""


def STATE(model: str, queue_len: int, z: float) -> None:
    """A queue at a decision. `z`: its virtual queue, misses beyond what the target allows."""


def CAND(
    model: str, batch_size: int, exit: str, infer_ms: float, violations: int, score: float
) -> None:
    """What the policy thought of: one of over a hundred for a decision of `ours_normalized`."""


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
    """What the engine calls. Chosen once, so that a call goes straight to its logger.

    None: not logged at this level, and not worth walking through what would be logged.
    """

    gen: Callable[[str, int, float], object]
    state: Callable[[str, int, float], object] | None
    cand: Callable[[str, int, str, float, int, float], object] | None
    sched: Callable[[str, int, str, int, float, float], object]
    exec: Callable[[str, int, str, int, float, float], object]
    done: Callable[[str, int, int, str, float, float, float, bool], object]
    drop: Callable[[str, int, float], object]


def declared(logger: attolog.Logger) -> Events:
    """The events as a logger's declared ones."""
    event = logger.event
    return Events(
        event(GEN), event(STATE), event(CAND), event(SCHED), event(EXEC), event(DONE), event(DROP)
    )


def names(level: Level) -> tuple[str, ...]:
    """The events that are logged at a level."""
    logged = LEVELS[: LEVELS.index(level) + 1]
    return tuple(name for name, first in _FIRST_LOGGED_AT.items() if first in logged)


def at_level(events: Events, level: Level) -> Events:
    """The same, with those that a level leaves out doing nothing."""
    logged = names(level)
    if "GEN" not in logged:
        events = replace(events, gen=_nothing)
    if "DONE" not in logged:
        events = replace(events, done=_nothing)
    if "DROP" not in logged:
        events = replace(events, drop=_nothing)
    if "STATE" not in logged:
        events = replace(events, state=None)
    if "CAND" not in logged:
        events = replace(events, cand=None)
    return events


def _nothing(*_: object) -> None:
    pass
