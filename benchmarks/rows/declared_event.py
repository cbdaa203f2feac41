"""A declared event with four values, against an empty C function with the same arguments."""

from benchmarks.bursts import (
    bursts_of,
    calls_in,
    declared_event,
    four_values,
    in_units,
    logging_to,
    measure,
    units,
)
from benchmarks.row import Goal, Measures, Row


def run(quick: bool) -> Measures:
    """One run."""
    bursts = bursts_of(quick)
    with logging_to("run.atto", calls_in(bursts)):
        subjects = {"event": four_values(declared_event()), **units(four_values)}
        return in_units(measure(subjects, bursts=bursts), "event")


ROW = Row(
    "declared event, 4 values / empty C function",
    (Goal("event / unit", "", "x", 1.8, 2.4),),
    run,
)
