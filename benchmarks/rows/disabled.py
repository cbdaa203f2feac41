"""Calls that log nothing, against an empty C function with the same arguments.

The logger is off; `.debug` is also measured on a logger that is on, with a level above: the worse
of the two counts.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import attolog
from attolog import log
from benchmarks.bursts import (
    bursts_of,
    debug,
    declared_event,
    four_values,
    in_units,
    measure,
    named,
    template,
    units,
)
from benchmarks.row import Goal, Measures, Row, must_arrive


def run(quick: bool) -> Measures:
    """One run."""
    with TemporaryDirectory(prefix="attolog-bench-") as folder:
        above = attolog.AsyncFileLogger(Path(folder, "run.atto"))
        above.level = "INFO"
        subjects = {
            "event": four_values(declared_event()),
            "log": named(log),
            "debug, off": debug(log),
            "debug, level": debug(above),
            **units(four_values, "unit of event"),
            **units(named, "unit of log"),
            **units(template, "unit of debug"),
        }
        times = measure(subjects, bursts=bursts_of(quick), before=lambda: None)
        above.close()
        must_arrive(above.counts.calls + log.counts.calls, 0)
    times["debug"] = max(times["debug, off"], times["debug, level"])
    return (
        in_units(times, "event", "unit of event")
        | in_units(times, "debug, off", "unit of debug")
        | in_units(times, "debug, level", "unit of debug")
        | in_units(times, "debug", "unit of debug")
        | in_units(times, "log", "unit of log")
    )


ROW = Row(
    "disabled",
    (
        Goal("event / unit of event", "declared event", "x", 1.1, 1.3),
        Goal("debug / unit of debug", ".debug", "x", 1.1, 1.3),
        Goal("log / unit of log", "log(...)", "x", 1.2, 1.5),
    ),
    run,
)
