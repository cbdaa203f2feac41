"""A table of 10 M events into polars: from a journal, from attolog's CSV, and from Parquet."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import polars

import attolog
from benchmarks.reading import QUICK_RECORDS, RECORDS, write_gen
from benchmarks.row import Goal, Measures, Row, must_arrive

_NAMES = ["time", "event", "model", "task_id", "arrival"]


def run(quick: bool) -> Measures:
    """One run: each way three times, by turns; the fastest counts."""
    records = QUICK_RECORDS if quick else RECORDS
    with TemporaryDirectory(prefix="attolog-bench-") as folder:
        journal, csv, parquet = (Path(folder, f"run.{end}") for end in ("atto", "csv", "parquet"))
        write_gen(journal, records)
        write_gen(csv, records)
        polars.DataFrame(attolog.read(journal)["GEN"]).write_parquet(parquet, compression="zstd")
        ways: dict[str, Callable[[], polars.DataFrame]] = {
            "journal": lambda: polars.DataFrame(attolog.read(journal)["GEN"]),
            "CSV": lambda: polars.read_csv(csv, has_header=False, new_columns=_NAMES),
            "Parquet": lambda: polars.read_parquet(parquet),
        }
        seconds = dict.fromkeys(ways, float("inf"))
        for _ in range(3):
            for name, way in ways.items():
                start = time.perf_counter()
                frame = way()
                seconds[name] = min(seconds[name], time.perf_counter() - start)
                must_arrive(len(frame), records)
    measures = {f"{name}, M rows/s": records / took / 1e6 for name, took in seconds.items()}
    measures["journal / CSV"] = seconds["CSV"] / seconds["journal"]
    measures["journal / Parquet"] = seconds["Parquet"] / seconds["journal"]
    return measures


ROW = Row(
    "read a table of 10 M events into polars",
    (
        Goal("journal / CSV", "against polars.read_csv", "x", 5.0, 2.0, more=True),
        Goal("journal / Parquet", "against polars.read_parquet", "x", 1.0, 0.33, more=True),
    ),
    run,
    runs=3,
)
