"""What a fork costs whose child prints and ends, under plain Python and under `attolog run`.

The parent waits for each child, and takes the time itself. A child without a print stands below.
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

_PROGRAM = """
import json, os, statistics, sys, time

def ms_of_forks(body):
    times = []
    for n in range(int(sys.argv[1])):
        start = time.perf_counter()
        pid = os.fork()
        if pid == 0:
            body(n)
            os._exit(0)
        os.waitpid(pid, 0)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3

bodies = {"silent": lambda n: None, "a print": lambda n: print("CHILD", n)}
print(json.dumps({name: ms_of_forks(body) for name, body in bodies.items()}), file=sys.stderr)
"""


def run(quick: bool) -> Measures:
    """One run."""
    forks, turns = (50, 3) if quick else (200, 5)
    found: dict[str, list[float]] = {}
    with TemporaryDirectory(prefix="attolog-bench-") as name:
        folder = Path(name)
        (folder / "app.py").write_text(_PROGRAM, encoding="utf-8")
        attolog_run = ["-m", "attolog", "run"]
        for _ in range(turns):
            for way, options in {"plain": [], "run": attolog_run}.items():
                for each, ms in _times([sys.executable, *options, "app.py"], folder, forks).items():
                    found.setdefault(f"{each}, {way}, ms", []).append(ms)
            must_arrive(len(attolog.read(folder / "app.atto")["CHILD"]), forks)
            (folder / "app.atto").unlink()
    return {name: statistics.median(times) for name, times in found.items()}


def _times(command: list[str], folder: Path, forks: int) -> dict[str, float]:
    ran = subprocess.run(
        [*command, str(forks)],
        cwd=folder,
        env=without_python(os.environ),
        check=True,
        capture_output=True,
        text=True,
    )
    times: dict[str, float] = json.loads(ran.stderr.splitlines()[0])
    return times


ROW = Row(
    "a fork whose child prints, under attolog run",
    (Goal("a print, run, ms", "", "ms", 2.0, 4.0),),
    run,
    runs=3,
)
