"""The table of the user's document, measured: the four strategies against `print`.

A method logs 100,000 records at a time, by turns with the others: `log("GEN", model, task_id,
arrival)`, or the document's `print` of an f-string to a file, to a pipe that another process reads,
and to /dev/null, buffered as Python does where it is no terminal. What counts is the time that the
calls take in the program's thread, waiting for a full ring or pipe included; the other time ends
when the file has it all, or, for statistics and the circular log, the memory that they keep.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter_ns
from typing import Any, TextIO

import attolog
from benchmarks.baselines.peer import lines, values
from benchmarks.row import Measures, Row, must_arrive
from benchmarks.table import summary

_RECORDS = 100_000
_PRINTS = ("print() to a file", "print() to a pipe", "print() to /dev/null")


@dataclass(frozen=True)
class _Method:
    log_all: Callable[[list[tuple[int, float]]], None]
    drain: Callable[[], object]


def _print(file: TextIO) -> _Method:
    def log_all(pairs: list[tuple[int, float]]) -> None:
        model_name = "ResNet50"
        for task_id, arrival_time in pairs:
            print(f"[Generator-{model_name}] New task {task_id} at {arrival_time:.6f}", file=file)

    return _Method(log_all, file.flush)


def _log(log: Any) -> _Method:
    def log_all(pairs: list[tuple[int, float]]) -> None:
        model = "ResNet50"
        for task_id, arrival in pairs:
            log("GEN", model, task_id, arrival)

    return _Method(log_all, log.flush)


@contextmanager
def _reader_of_a_pipe(output: Path) -> Iterator[TextIO]:
    """The end of a pipe whose other end a process reads, which writes on to the file."""
    with (
        output.open("wb") as file,
        subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file) as process,
    ):
        assert process.stdin is not None
        with open(process.stdin.fileno(), "w", closefd=False) as text:
            yield text
        process.stdin.close()


def run(quick: bool) -> Measures:
    """One run."""
    turns = 3 if quick else 15
    pairs = values(_RECORDS)
    with TemporaryDirectory(prefix="attolog-bench-") as name:
        folder = Path(name)
        everything = attolog.AsyncFileLogger(folder / "run.csv")
        few = attolog.SampledLogger(folder / "few.csv", 0.01)
        stats = attolog.StatsLogger(folder / "rates.csv")
        circular = attolog.CircularLogger()
        times: dict[str, list[int]]
        with ExitStack() as files:
            to_file = files.enter_context((folder / "printed").open("w"))
            to_pipe = files.enter_context(_reader_of_a_pipe(folder / "piped"))
            to_null = files.enter_context(open(os.devnull, "w"))
            methods = {
                **dict(zip(_PRINTS, map(_print, (to_file, to_pipe, to_null)), strict=True)),
                "AsyncFileLogger": _log(everything),
                "SampledLogger (1 %)": _log(few),
                "StatsLogger": _log(stats),
                "CircularLogger": _log(circular),
            }
            times = {what: [] for what in methods}
            until_done: dict[str, list[int]] = {what: [] for what in methods}
            gc.disable()
            for turn in range(-1, turns):
                for what, method in methods.items():
                    start = perf_counter_ns()
                    method.log_all(pairs)
                    called = perf_counter_ns()
                    method.drain()
                    if turn >= 0:
                        times[what].append(called - start)
                        until_done[what].append(perf_counter_ns() - start)
            gc.enable()
        logged = (turns + 1) * _RECORDS
        must_arrive(lines(folder / "printed"), logged)
        must_arrive(lines(folder / "piped"), logged)
        held = len(circular)
        must_arrive(held + circular.counts.overwritten, logged)
        for log in (everything, few, stats, circular):
            log.close(timeout=None)
        must_arrive(lines(folder / "run.csv"), logged)
        must_arrive(lines(folder / "few.csv") + few.counts.sampled_out, logged)
        must_arrive(stats.counts.aggregated, logged)
    measures: Measures = {}
    for what in methods:
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


ROW = Row("the user's document's table, 100,000 records", (), run, show=show)
