"""Reading a journal of 10 M records of two events: the reader, and the verbs of the command line.

The file is in the page cache. A verb is a process of its own, the start of Python included, but for
`cat -n 10`, whose time is that beyond a journal of ten records.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import polars

import attolog
from benchmarks.reading import QUICK_RECORDS, RECORDS, Command, peak_mib, write_mix
from benchmarks.row import Goal, Measures, Row, must_arrive

_STARTS = 9


def _start_ms(*command: str) -> float:
    times = []
    for _ in range(_STARTS):
        start = time.perf_counter()
        subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def _last_ten(path: Path) -> float:
    runs = [Command("cat", "-n", 10, path) for _ in range(_STARTS)]
    must_arrive(sum(run.lines for run in runs), 10 * _STARTS)
    return statistics.median(run.seconds for run in runs) * 1e3


def _reader(path: Path, records: int) -> Measures:
    clock = time.perf_counter
    start = clock()
    journal = attolog.read(path)
    counts = journal.events
    opened = clock()
    must_arrive(sum(counts.values()), records)
    before = clock()
    frame = polars.DataFrame(journal["GEN"].select("model", "task_id", "arrival"))
    end = clock()
    must_arrive(len(frame), records // 2)
    every = journal["*"]
    assert every.first is not None
    assert every.last is not None
    whole, _ = _lines(journal, every.first)
    part, found = _lines(journal, every.last - (every.last - every.first) // 100)
    return {
        "lines since 1 % before the end, of all, %": part / whole * 100,
        "lines since 1 % before the end": found,
        "open, s": opened - start,
        "three columns, M rows/s": len(frame) / (end - before) / 1e6,
    }


def _lines(journal: attolog.Journal, since: int) -> tuple[float, int]:
    """Seconds that the reader takes for the lines of a time and later, and their number."""
    start = time.perf_counter()
    found = sum(lines.count(b"\n") for lines in journal._reader.lines(since=since))
    return time.perf_counter() - start, found


def _verbs(path: Path, records: int) -> Measures:
    whole = Command("cat", path)
    must_arrive(whole.lines, records)
    threshold = 0.99 * polars.DataFrame(attolog.read(path)["GEN"])["arrival"].max()  # type: ignore[operator]
    some = Command("cat", path, "--where", f"arrival > {threshold}")
    stats = Command("stats", path)
    overview = Command("overview", path)
    return {
        "cat, M lines/s": whole.lines / whole.seconds / 1e6,
        "cat, peak RSS, MiB": peak_mib("cat", path),
        "cat --where, M records/s": records / some.seconds / 1e6,
        "cat --where, lines": some.lines,
        "stats, s": stats.seconds,
        "overview, s": overview.seconds,
    }


def run(quick: bool) -> Measures:
    """One run."""
    records = QUICK_RECORDS if quick else RECORDS
    with TemporaryDirectory(prefix="attolog-bench-") as folder:
        path, few = Path(folder, "run.atto"), Path(folder, "few.atto")
        write_mix(path, records)
        write_mix(few, 10)
        measures = _reader(path, records) | _verbs(path, records)
        measures["cat -n 10, ms beyond a small file"] = _last_ten(path) - _last_ten(few)
    plain = _start_ms("-c", "pass")
    measures["attolog --help, ms"] = _start_ms("-m", "attolog", "--help")
    measures["import attolog, ms"] = _start_ms("-c", "import attolog") - plain
    return measures


ROW = Row(
    "read a journal of 10 M records",
    (
        Goal("open, s", "up to the tables with counts", "s", 0.03, 0.2),
        Goal("three columns, M rows/s", "three columns into polars", "M/s", 25.0, 8.0, more=True),
        Goal("cat, M lines/s", "cat of everything", "M/s", 4.0, 1.0, more=True),
        Goal("cat --where, M records/s", "cat --where, looked at", "M/s", 20.0, 5.0, more=True),
        Goal("cat -n 10, ms beyond a small file", "cat -n 10", "ms", 10.0, 50.0),
        Goal("lines since 1 % before the end, of all, %", "since= of 1 %", "%", 2.0, 5.0),
        Goal("stats, s", "stats", "s", 0.7, 2.0),
        Goal("overview, s", "overview", "s", 1.0, 3.0),
        Goal("cat, peak RSS, MiB", "memory while streaming", "MiB", 100.0, 200.0),
        Goal("attolog --help, ms", "attolog --help", "ms", 100.0, 150.0),
        Goal("import attolog, ms", "import attolog", "ms", 5.0, 15.0),
    ),
    run,
    runs=3,
)
