"""Memory above that of an empty interpreter, after 1 M and after 10 M records of one thread.

The ring (4 MiB) is taken off. RSS counts, with all pages shared with other processes, such as
those of libstdc++; PSS counts these in part.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bursts import records_in
from benchmarks.row import Goal, Measures, Row, must_arrive

_RING = 4.0  # MiB
_MEASURE = """
sizes = {}
for line in open("/proc/self/smaps_rollup"):
    name, value, *unit = line.split()
    if name in ("Rss:", "Pss:"):
        sizes[name] = int(value) / 1024
print(sizes["Rss:"], sizes["Pss:"])
"""
_LOG = """
import sys
import attolog
path, records = sys.argv[1], int(sys.argv[2])
log = attolog.init_logger(path, quiet=True)
SCHED = log.event("SCHED", "model", "task_id", "arrival", "exit")
for i in range(records):
    SCHED("ResNet50", i, i * 0.3137, "layer1")
"""


def memory_of(program: str, *args: str) -> tuple[float, float]:
    """RSS and PSS in MiB of an interpreter that has run the program."""
    command = [sys.executable, "-c", program + _MEASURE, *args]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rss, pss = map(float, done.stdout.split())
    return rss, pss


def run(quick: bool) -> Measures:
    """One run."""
    measures: Measures = {}
    empty_rss, empty_pss = memory_of("")
    few, many = (100_000, 1_000_000) if quick else (1_000_000, 10_000_000)
    for what, records in (("few", few), ("many", many)):
        with TemporaryDirectory(prefix="attolog-bench-") as folder:
            path = Path(folder, "run.atto")
            rss, pss = memory_of(_LOG, str(path), str(records))
            must_arrive(records_in(path), records)
        measures[f"{what}, RSS above rings"] = rss - empty_rss - _RING
        measures[f"{what}, PSS above rings"] = pss - empty_pss - _RING
    measures["most, RSS above rings"] = max(
        measures["few, RSS above rings"], measures["many, RSS above rings"]
    )
    measures["RSS of 10 times as many records, more"] = (
        measures["many, RSS above rings"] - measures["few, RSS above rings"]
    )
    return measures


ROW = Row(
    "memory above the empty interpreter and the rings",
    (Goal("most, RSS above rings", "", "MiB", 4.0, 8.0),),
    run,
    runs=3,
)
