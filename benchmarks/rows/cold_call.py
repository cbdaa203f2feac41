"""Cold calls: 64 MB of other data and 5,000 Python objects are read before each single call.

attolog's three calls, an f-string that nothing is done with, `print` to a file and `logging` take
turns. Each stands between two readings of the clock. The pair alone is measured too, and taken off.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter_ns
from typing import Any, TextIO

from attolog import log
from attolog._bench.cold import OtherWork, Single, measure, quantile, values
from benchmarks.bursts import declared_event, logging_to, records_in
from benchmarks.row import Goal, Measures, Row, must_arrive

_WARM_UP = 200  # calls of each, without other work: the interpreter specializes them
_OURS = ("event", "log", "message")


def _nothing(task_id: int, arrival: float) -> int:
    clock = perf_counter_ns
    before = clock()
    return clock() - before


def _f_string(task_id: int, arrival: float) -> int:
    clock, model, exit_ = perf_counter_ns, "ResNet50", "layer1"
    before = clock()
    f"{model} runs {task_id}, here since {arrival}, to {exit_}"
    return clock() - before


def _event(call: Any) -> Single:
    def single(task_id: int, arrival: float) -> int:
        clock, model, exit_ = perf_counter_ns, "ResNet50", "layer1"
        before = clock()
        call(model, task_id, arrival, exit_)
        return clock() - before

    return single


def _log(task_id: int, arrival: float) -> int:
    clock, model, exit_ = perf_counter_ns, "ResNet50", "layer1"
    before = clock()
    log("SCHED", model, task_id, arrival, exit_)
    return clock() - before


def _message(task_id: int, arrival: float) -> int:
    clock, model, exit_ = perf_counter_ns, "ResNet50", "layer1"
    before = clock()
    log.debug("{} runs {}, here since {}, to {}", model, task_id, arrival, exit_)
    return clock() - before


def _print(file: TextIO) -> Single:
    def single(task_id: int, arrival: float) -> int:
        clock, now, model, exit_ = perf_counter_ns, time.time, "ResNet50", "layer1"
        before = clock()
        print(f"{now():.6f},SCHED,{model},{task_id},{arrival},{exit_}", file=file)
        return clock() - before

    return single


def _logging(logger: logging.Logger) -> Single:
    def single(task_id: int, arrival: float) -> int:
        clock, model, exit_ = perf_counter_ns, "ResNet50", "layer1"
        before = clock()
        logger.debug("%s runs %s, here since %s, to %s", model, task_id, arrival, exit_)
        return clock() - before

    return single


@contextmanager
def _others(calls: int) -> Iterator[dict[str, Single]]:
    """`print` and `logging`, to files of their own; at the end all lines are there."""
    with TemporaryDirectory(prefix="attolog-bench-") as folder:
        printed, logged = Path(folder, "print.log"), Path(folder, "logging.log")
        handler = logging.FileHandler(logged)
        handler.setFormatter(logging.Formatter("%(created).6f,%(thread)d,%(message)s"))
        logger = logging.getLogger("attolog.bench")
        logger.propagate = False
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
        with printed.open("w") as file:
            yield {"print": _print(file), "logging": _logging(logger)}
        handler.close()
        must_arrive(records_in(printed), calls)
        must_arrive(records_in(logged), calls)


def run(quick: bool) -> Measures:
    """One run."""
    turns = 100 if quick else 500
    calls = _WARM_UP + turns
    with logging_to("run.atto", len(_OURS) * calls), _others(calls) as others:
        ours = {"event": _event(declared_event()), "log": _log, "message": _message}
        singles: dict[str, Single] = {
            "clock alone": _nothing, **ours, "f-string": _f_string, **others,
        }  # fmt: skip
        for i in range(_WARM_UP):
            for single in singles.values():
                single(*values(i))
        times = measure(singles, turns, OtherWork())
    clock = quantile(times.pop("clock alone"), 0.5)
    measures: Measures = {"clock alone, median, ns": clock}
    for name, of in times.items():
        measures[f"{name}, median, ns"] = quantile(of, 0.5) - clock
        measures[f"{name}, p90, ns"] = quantile(of, 0.9) - clock
    for name in _OURS:
        measures[f"{name} / f-string"] = (
            measures[f"{name}, median, ns"] / measures["f-string, median, ns"]
        )
    return measures


ROW = Row(
    "a cold call: declared event / f-string alone",
    (Goal("event / f-string", "", "x", 0.1, 0.25),),
    run,
)
