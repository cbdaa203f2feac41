"""What a print costs its thread under `attolog run` and under plain Python, by turns.

Bursts of 10,000 into a file, with a pause in which it is all shown; the loop and the values are
taken off. Plain Python has its buffer of 8 KiB.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import attolog
from benchmarks.machine import without_python
from benchmarks.row import Goal, Measures, Row, must_arrive

_BURST = 10_000
_PRINTS = {
    "f-string": 'print(f"[{model}] took {dt:.3f}s")',
    "event": 'print("GEN", model, i, dt)',
    "text": 'print("warm-up is done")',
    "values": "print(i, dt)",
}
_PROGRAM = """
import json, statistics, sys, time
model = "ResNet50"
def empty(n):
    start = time.perf_counter()
    for i in range(n):
        dt = i * 0.5
    return time.perf_counter() - start
def full(n):
    start = time.perf_counter()
    for i in range(n):
        dt = i * 0.5
        {statement}
    return time.perf_counter() - start
times = []
for _ in range({bursts}):
    times.append(full({burst}) - empty({burst}))
    sys.stdout.flush()
    time.sleep(0.02)
with open("times.json", "w") as file:
    json.dump(statistics.median(times) / {burst} * 1e9, file)
"""


def _ns(command: list[str], folder: Path, n: int) -> float:
    shown = folder / "shown"
    environment = without_python(os.environ) | {"XDG_CACHE_HOME": str(folder / "cache")}
    with shown.open("wb") as file:
        subprocess.run(
            command, cwd=folder, env=environment, check=True, stdout=file, stderr=subprocess.DEVNULL
        )
    must_arrive(shown.read_bytes().count(b"\n"), n)
    return float(json.loads((folder / "times.json").read_text()))


def run(quick: bool) -> Measures:
    """One run."""
    bursts, turns = (5, 1) if quick else (25, 3)
    n = bursts * _BURST
    measures: Measures = {}
    for what, statement in _PRINTS.items():
        plain: list[float] = []
        fast: list[float] = []
        with TemporaryDirectory(prefix="attolog-bench-") as name:
            folder = Path(name)
            source = _PROGRAM.format(statement=statement, bursts=bursts, burst=_BURST)
            (folder / "app.py").write_text(source, encoding="utf-8")
            for turn in range(turns):
                plain.append(_ns([sys.executable, "app.py"], folder, n))
                log = folder / f"{turn}.atto"
                command = [sys.executable, "-m", "attolog", "run", "-o", str(log), "app.py"]
                fast.append(_ns(command, folder, n))
                must_arrive(sum(1 for _ in attolog.read(log).records()), n)
        measures[f"{what}, plain, ns"] = statistics.median(plain)
        measures[f"{what}, run, ns"] = statistics.median(fast)
    ratios = {
        f"{what}, plain / run": measures[f"{what}, plain, ns"] / measures[f"{what}, run, ns"]
        for what in _PRINTS
    }
    return measures | ratios | {"least": min(ratios.values())}


ROW = Row(
    "print in plain Python / under attolog run",
    (
        Goal("f-string, plain / run", "an f-string", "x", 25.0, 18.0, more=True),
        Goal("least", "the least of four", "x", 8.0, 4.0, more=True),
    ),
    run,
    runs=3,
)
