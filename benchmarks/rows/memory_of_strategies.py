"""Memory of the strategies above that of an empty interpreter, after 1 M records of one thread.

What is stated for each is taken off: the ring (4 MiB; 2 MiB of a circular log), and the 100,000
times 128 bytes that a circular log holds its records in. Statistics are those of two fields for
each value of `by` in a window without end, of which there are more than the 1,000 that are kept
apart: more memory than that they never need. RSS counts.
"""

from tempfile import TemporaryDirectory

from benchmarks.row import Goal, Measures, Row
from benchmarks.rows.memory import memory_of

_STATED = {
    "sampling": 4.0,
    "statistics": 4.0,
    "circular": 2.0 + 100_000 * 128 / 2**20,
}  # MiB
_OPEN = """
import sys
import attolog
folder, records = sys.argv[1], int(sys.argv[2])
log = {open}
DONE = log.event("DONE", "model", "task_id", "total_ms")
for i in range(records):
    DONE("ResNet50", i % 5_000, 0.1 + i * 0.3137)
log.flush()
assert log.counts.calls == records and log.counts.dropped == 0
"""
_LOGGERS = {
    "sampling": 'attolog.SampledLogger(folder + "/few.atto", 0.01)',
    "statistics": 'attolog.StatsLogger(folder + "/rates.atto", window=1e9, by="task_id")',
    "circular": "attolog.CircularLogger()",
}


def run(quick: bool) -> Measures:
    """One run."""
    measures: Measures = {}
    empty, _ = memory_of("")
    records = 200_000 if quick else 1_000_000
    for what, logger in _LOGGERS.items():
        with TemporaryDirectory(prefix="attolog-bench-") as folder:
            rss, _ = memory_of(_OPEN.format(open=logger), folder, str(records))
        measures[f"{what}, RSS above what is stated"] = rss - empty - _STATED[what]
        measures[f"{what}, RSS in all"] = rss - empty
    return measures


ROW = Row(
    "memory above the empty interpreter and what is stated",
    tuple(Goal(f"{what}, RSS above what is stated", what, "MiB", 4.0, 16.0) for what in _STATED),
    run,
    runs=3,
)
