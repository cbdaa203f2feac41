"""Single calls, each between two readings of the clock: the slowest of a thousand.

The two readings alone are measured in the same run; what a call is given here contains them.
"""

from __future__ import annotations

import time
from array import array
from time import perf_counter_ns, sleep

from benchmarks.bursts import declared_event, logging_to
from benchmarks.row import Goal, Measures, Row

_TURN = 10_000


def _quantile(times: array[int], share: float) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1000


def _back_to_back(event: object, times: array[int], start: int, values: list[float]) -> None:
    clock, model, exit_ = perf_counter_ns, "ResNet50", "layer1"
    for i, arrival in enumerate(values, start):
        before = clock()
        event(model, i, arrival, exit_)  # type: ignore[operator]
        times[i] = clock() - before


def _clock_alone(times: array[int], start: int, values: list[float]) -> None:
    clock = perf_counter_ns
    for i, _ in enumerate(values, start):
        before = clock()
        times[i] = clock() - before


def _paced(event: object, calls: int) -> tuple[array[int], array[int]]:
    """A call every millisecond, and half-way to the next one the clock alone."""
    clock, model, exit_ = perf_counter_ns, "ResNet50", "layer1"
    ours, alone = array("q", bytes(8 * calls)), array("q", bytes(8 * calls))
    due = time.perf_counter()
    for i in range(calls):
        due += 0.0005
        sleep(max(0.0, due - time.perf_counter()))
        before = clock()
        alone[i] = clock() - before
        due += 0.0005
        sleep(max(0.0, due - time.perf_counter()))
        before = clock()
        event(model, i, due, exit_)  # type: ignore[operator]
        ours[i] = clock() - before
    return ours, alone


def run(quick: bool) -> Measures:
    """One run."""
    turns, paced = (20, 2_000) if quick else (100, 10_000)
    values = [1707234567.123456 + 0.3137 * i for i in range(_TURN)]
    ours, alone = array("q", bytes(8 * _TURN * turns)), array("q", bytes(8 * _TURN * turns))
    with logging_to("run.atto", _TURN * (10 + turns) + paced):
        event = declared_event()
        for _ in range(10):
            _back_to_back(event, ours, 0, values)
        for turn in range(turns):
            _clock_alone(alone, turn * _TURN, values)
            _back_to_back(event, ours, turn * _TURN, values)
        ours_paced, alone_paced = _paced(event, paced)
    measures = {}
    for what, times in (
        ("back to back", ours),
        ("clock alone, back to back", alone),
        ("paced at 1 kHz", ours_paced),
        ("clock alone, paced at 1 kHz", alone_paced),
    ):
        for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("most", 1.0)):
            measures[f"{what}, {name}, us"] = _quantile(times, share)
    return measures


ROW = Row(
    "single calls, p99.9",
    (
        Goal("back to back, p99.9, us", "back to back", "us", 0.1, 0.3),
        Goal("paced at 1 kHz, p99.9, us", "paced at 1 kHz", "us", 2.0, 6.0),
    ),
    run,
)
