"""Bytes of a journal for each record of the GEN/SCHED mix, whose floats have all their digits.

Differences of time are part of what is stored, and calls that come closer together take less; so
they are 20 us apart here, as in a busy program. Back to back is measured too.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import attolog
from benchmarks.bursts import records_in
from benchmarks.row import Goal, Measures, Row, must_arrive

_MODELS = ("ResNet50", "ResNet101", "ResNet152")
_EXITS = ("layer1", "layer2", "layer3", "final")


def _mix(records: int) -> Iterator[tuple[bool, str, int, float, str, int]]:
    random, arrival = Random(7), 0.0
    for number in range(records):
        arrival += random.expovariate(400)
        model = random.choice(_MODELS)
        yield number % 2 == 0, model, number // 2, arrival, random.choice(_EXITS), 1 + number % 10


def _size(suffix: str, records: int, gap: float) -> float:
    mix = list(_mix(records))
    clock = time.perf_counter
    with TemporaryDirectory(prefix="attolog-bench-") as folder:
        path = Path(folder, f"run{suffix}")
        log = attolog.AsyncFileLogger(path)
        gen = log.event("GEN", "model", "task_id", "arrival")
        sched = log.event("SCHED", "model", "batch_id", "exit", "batch_size")
        due = clock()
        for is_gen, model, number, arrival, exit_, size in mix:
            while clock() < due:
                pass
            due += gap
            if is_gen:
                gen(model, number, arrival)
            else:
                sched(model, number, exit_, size)
        log.close(timeout=None)
        must_arrive(records_in(path), records)
        return path.stat().st_size / records


def run(quick: bool) -> Measures:
    """One run."""
    records = 50_000 if quick else 200_000
    return {
        "journal, 20 us apart": _size(".atto", records, 20e-6),
        "journal, back to back": _size(".atto", records, 0),
        "CSV": _size(".csv", records, 0),
    }


ROW = Row(
    "bytes per record of a journal, GEN/SCHED mix",
    (Goal("journal, 20 us apart", "", "B", 6.0, 12.0),),
    run,
    runs=3,
)
