"""The four strategies against `print`.

A method logs 100,000 records at a time, by turns with the others: `log("GEN", model, task_id,
arrival)`, or a `print` of an f-string to a file, to a pipe that another process reads,
and to /dev/null, buffered as Python does where it is no terminal. What counts is the time that the
calls take in the program's thread, waiting for a full ring or pipe included; the other time ends
when the file has it all, or, for statistics and the circular log, the memory that they keep.
"""

from __future__ import annotations

import gc
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter_ns

from attolog._bench.method import OpenLogger, values
from attolog._bench.methods import METHODS
from benchmarks.row import Measures, Row, must_arrive
from benchmarks.table import summary

_RECORDS = 100_000
_PRINTS = ("print() to a file", "print() to a pipe", "print() to /dev/null")
_METHODS = {
    **dict(zip(_PRINTS, ("print-file", "print-pipe", "print-null"), strict=True)),
    "AsyncFileLogger": "attolog-csv",
    "SampledLogger (1 %)": "attolog-sampled",
    "StatsLogger": "attolog-stats",
    "CircularLogger": "attolog-circular",
}


def run(quick: bool) -> Measures:
    """One run."""
    turns = 3 if quick else 15
    pairs = values(_RECORDS)
    with TemporaryDirectory(prefix="attolog-bench-") as name:
        opened: dict[str, OpenLogger] = {}
        for what, method in _METHODS.items():
            folder = Path(name, method)
            folder.mkdir()
            opened[what] = METHODS[method].open(folder)
        times: dict[str, list[int]] = {what: [] for what in opened}
        until_done: dict[str, list[int]] = {what: [] for what in opened}
        gc.disable()
        for turn in range(-1, turns):
            for what, logger in opened.items():
                start = perf_counter_ns()
                logger.log_all(pairs)
                called = perf_counter_ns()
                logger.drain()
                if turn >= 0:
                    times[what].append(called - start)
                    until_done[what].append(perf_counter_ns() - start)
        gc.enable()
        logged = (turns + 1) * _RECORDS
        for logger in opened.values():
            logger.close()
            output = logger.output(logged)
            if output.kept is not None and output.left_out is not None:
                must_arrive(output.kept + output.left_out, logged)
    measures: Measures = {}
    for what in _METHODS:
        measures[f"{what}, s"] = statistics.median(times[what]) / 1e9
        measures[f"{what}, s until done"] = statistics.median(until_done[what]) / 1e9
    return measures


def show(runs: list[Measures]) -> str:
    """The table, from the medians of the runs; speedups are those of one run as well."""
    head = "| method | time (s) | until done (s) | overhead per log | "
    head += " | ".join(f"against {what}" for what in _PRINTS) + " |"
    rows = ["", head, "|---" * 7 + "|"]
    for measure in runs[0]:
        what, _, unit = measure.rpartition(", ")
        if unit != "s":
            continue
        seconds = summary(runs, measure)[0]
        until_done = summary(runs, f"{what}, s until done")[0]
        speedups = [
            statistics.median(run[f"{printed}, s"] / run[measure] for run in runs)
            for printed in _PRINTS
        ]
        rows.append(
            f"| {what} | {seconds:.4f} | {until_done:.4f} | {seconds / _RECORDS * 1e6:.3f} us | "
            + " | ".join(f"{speedup:.1f} x" for speedup in speedups)
            + " |"
        )
    return "\n".join(rows)


ROW = Row("the strategies against print, 100,000 records", (), run, show=show)
