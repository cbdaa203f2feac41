"""`log("SCHED", ...)` with four values, against an empty C function with the same arguments."""

from attolog import log
from benchmarks.bursts import bursts_of, calls_in, in_units, logging_to, measure, named, units
from benchmarks.row import Goal, Measures, Row


def run(quick: bool) -> Measures:
    """One run."""
    bursts = bursts_of(quick)
    with logging_to("run.atto", calls_in(bursts)):
        subjects = {"log": named(log), **units(named)}
        return in_units(measure(subjects, bursts=bursts), "log")


ROW = Row(
    'log("GEN", ...), 4 values / the same',
    (Goal("log / unit", "", "x", 2.2, 2.8),),
    run,
)
