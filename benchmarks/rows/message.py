"""A message with four values, against an empty C function with the same arguments.

Its file, line and function are part of its site. Ours is the call as it is written,
`log.debug(...)`: the look-up of the method is included, though the unit has none.
"""

from attolog import log
from benchmarks.bursts import (
    bursts_of,
    calls_in,
    debug,
    in_units,
    logging_to,
    measure,
    template,
    units,
)
from benchmarks.row import Goal, Measures, Row


def run(quick: bool) -> Measures:
    """One run."""
    bursts = bursts_of(quick)
    with logging_to("run.atto", 2 * calls_in(bursts)):
        subjects = {"debug": debug(log), "log": template(log), **units(template)}
        times = measure(subjects, bursts=bursts)
    return in_units(times, "debug") | in_units(times, "log")


ROW = Row(
    "message with file, line and function / the same",
    (Goal("debug / unit", "", "x", 2.2, 2.8),),
    run,
)
