"""A declared event with four values, against `time.perf_counter()`."""

import time

from benchmarks.bursts import (
    bursts_of,
    calls_in,
    declared_event,
    four_values,
    logging_to,
    measure,
    no_values,
)
from benchmarks.row import Goal, Measures, Row


def run(quick: bool) -> Measures:
    """One run."""
    bursts = bursts_of(quick)
    with logging_to("run.atto", calls_in(bursts)):
        subjects = {"event": four_values(declared_event()), "clock": no_values(time.perf_counter)}
        times = measure(subjects, bursts=bursts)
    loop, event, clock = times["loop"], times["event"], times["clock"]
    return {
        "event / perf_counter": (event - loop) / (clock - loop),
        "event / perf_counter, loop included": event / clock,
        "event, ns": event - loop,
        "perf_counter, ns": clock - loop,
    }


ROW = Row(
    "declared event / time.perf_counter()",
    (Goal("event / perf_counter", "", "x", 0.6, 0.8),),
    run,
)
