"""Calls by the strategies that do not keep everything, against an empty C function.

Each has the arguments of its unit: a name and four values, or, for statistics, a name and one
number; declared events the same without the name. All take turns in one run.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attolog
from benchmarks.bursts import (
    bursts_of,
    calls_in,
    four_values,
    in_units,
    measure,
    named,
    named_one,
    one_value,
    units,
)
from benchmarks.row import Goal, Measures, Row, must_arrive

_NONE_KEPT = "every:1000000000"


def _sched(log: Any) -> Any:
    return log.event("SCHED", "model", "task_id", "arrival", "exit")


def run(quick: bool) -> Measures:
    """One run."""
    bursts = bursts_of(quick)
    with TemporaryDirectory(prefix="attolog-bench-") as folder:
        out = attolog.SampledLogger(Path(folder, "out.atto"), strategy=_NONE_KEPT)
        few = attolog.SampledLogger(Path(folder, "few.atto"), 0.01)
        keyed = attolog.SampledLogger(Path(folder, "keyed.atto"), 0.01, key="task_id")
        circular = attolog.CircularLogger()
        stats = attolog.StatsLogger(Path(folder, "stats.atto"))
        off = attolog.AsyncFileLogger(Path(folder, "off.atto"), rules={"SCHED": "off"})
        all_of_them = (out, few, keyed, circular, stats, off)
        subjects = {
            "sampled out, log": named(out),
            "sampled out, event": four_values(_sched(out)),
            "1 % kept, log": named(few),
            "1 % of task_id kept, log": named(keyed),
            "circular, log": named(circular),
            "circular, event": four_values(_sched(circular)),
            "statistics, log": named_one(stats),
            "statistics, event": one_value(stats.event("DONE", "total_ms")),
            "off, log": named(off),
            "off, event": four_values(_sched(off)),
            **units(named, "unit of log"),
            **units(four_values, "unit of event"),
            **units(named_one, "unit of DONE log"),
            **units(one_value, "unit of DONE event"),
        }
        times = measure(
            subjects, bursts=bursts, before=lambda: [each.flush() for each in all_of_them]
        )
        calls = calls_in(bursts)
        circular.flush()
        must_arrive(len(circular) + circular.counts.overwritten, 2 * calls)
        for each in all_of_them:
            each.close(timeout=None)
        must_arrive(out.counts.sampled_out + out.counts.written, 2 * calls)
        must_arrive(few.counts.sampled_out + few.counts.written, calls)
        must_arrive(keyed.counts.sampled_out + keyed.counts.written, calls)
        must_arrive(stats.counts.aggregated, 2 * calls)
        rows = attolog.read(Path(folder, "stats.atto")).records()
        counted = sum(row.fields["count"] for row in rows if row.fields["field"] is None)
        must_arrive(counted, 2 * calls)
        must_arrive(off.counts.calls, 0)
    measures: Measures = {}
    for what in subjects:
        if not what.startswith("unit"):
            form = "log" if what.endswith("log") else "event"
            kind = "DONE " if what.startswith("statistics") else ""
            measures |= in_units(times, what, f"unit of {kind}{form}")
    return measures


def _goal(what: str, form: str, reach: float, hold: float) -> Goal:
    kind = "DONE " if what == "statistics" else ""
    named = "log(...)" if form == "log" else "declared event"
    measure = f"{what}, {form} / unit of {kind}{form}"
    return Goal(measure, f"{what}, {named}", "x", reach, hold)


ROW = Row(
    "strategies",
    (
        _goal("sampled out", "log", 1.6, 2.0),
        _goal("sampled out", "event", 1.4, 1.7),
        _goal("circular", "log", 2.3, 3.0),
        _goal("circular", "event", 2.1, 2.6),
        _goal("statistics", "log", 2.6, 3.2),
        _goal("statistics", "event", 2.1, 2.6),
        _goal("off", "log", 1.4, 1.8),
        _goal("off", "event", 1.2, 1.5),
    ),
    run,
)
