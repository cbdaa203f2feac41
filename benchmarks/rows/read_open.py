"""`attolog.read` of a journal of 10 M records, up to the list of tables with counts.

The last ten records and three columns of the event are read behind it, from the page cache too.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import polars

import attolog
from attolog import log
from benchmarks.bursts import declared_event
from benchmarks.flood import flood_values, log_all, records_of
from benchmarks.row import Goal, Measures, Row, must_arrive


def run(quick: bool) -> Measures:
    """One run."""
    records = records_of(quick)
    clock = time.perf_counter
    with TemporaryDirectory(prefix="attolog-bench-") as folder:
        path = Path(folder, "run.atto")
        attolog.init_logger(path, quiet=True)
        log_all(declared_event(), flood_values(), records)
        log.close(timeout=None)
        start = clock()
        journal = attolog.read(path)
        counts = journal.events
        opened = clock()
        last = list(journal.records(last=10))
        found = clock()
        (name,) = counts
        columns = polars.DataFrame(journal[name].select(last=1)).columns[:3]
        before = clock()
        rows = len(polars.DataFrame(journal[name].select(*columns)))
        end = clock()
    must_arrive(sum(counts.values()), records)
    must_arrive(len(last), 10)
    must_arrive(rows, records)
    return {
        "open, s": opened - start,
        "last ten records, s": found - opened,
        "three columns, M rows/s": records / (end - before) / 1e6,
    }


ROW = Row(
    "read a journal of 10 M records",
    (
        Goal("open, s", "up to the tables with counts", "s", 0.03, 0.2),
        Goal("three columns, M rows/s", "three columns into polars", "M/s", 25.0, 8.0, more=True),
    ),
    run,
    runs=3,
)
