"""What `attolog run` adds to the time of a program that does nothing, start to end.

An empty script, and one of 1,000 lines with 250 prints, none of which is reached. Plain Python and
`attolog run` take turns. Cold: nothing is in the cache of `attolog run`; Python's own bytecode is.

Longer scripts are started cold only, to show that each line costs as much as in a short one.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.machine import without_python
from benchmarks.row import Goal, Measures, Row

_LONG = (1_000, 10_000, 40_000)

_FUNCTION = """
def step_{i}(task, queue):
    print("GEN", task.model, task.task_id, {i})
    print(f"[{{task.model}}] waits for {{len(queue)}} at {{task.arrival:.3f}}")
    for other in queue:
        if other.deadline < task.deadline:
            queue.remove(other)
            task.waited += other.arrival
    return task.waited
"""


def _script(lines: int) -> str:
    functions = [_FUNCTION.format(i=i) for i in range(lines // 8)]
    return "\n".join("".join(functions).splitlines()[:lines]) + "\n" if lines else ""


def _seconds(command: list[str], folder: Path) -> float:
    environment = without_python(os.environ) | {"XDG_CACHE_HOME": str(folder / "cache")}
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


def run(quick: bool) -> Measures:
    """One run."""
    turns = 5 if quick else 15
    added: dict[str, list[float]] = {}
    plain: dict[str, list[float]] = {}
    with TemporaryDirectory(prefix="attolog-bench-") as name:
        folder = Path(name)
        # What a user calls: the script that pip has made.
        command = [str(Path(sys.executable).with_name("attolog")), "run", "-o", "run.atto"]
        for lines in (0, 1000):
            script = folder / f"lines_{lines}.py"
            script.write_text(_script(lines), encoding="utf-8")
            what = f"{lines} lines" if lines else "empty"
            _seconds([*command, script.name], folder)
            for _ in range(turns):
                without = _seconds([sys.executable, script.name], folder)
                warm = _seconds([*command, script.name], folder)
                shutil.rmtree(folder / "cache", ignore_errors=True)
                cold = _seconds([*command, script.name], folder)
                plain.setdefault(what, []).append(without)
                added.setdefault(f"{what}, cold", []).append(cold - without)
                added.setdefault(f"{what}, warm", []).append(warm - without)
        lengths = _LONG[:2] if quick else _LONG
        a_line = {n: _added_by_a_line(n, command, folder, turns // 5) for n in lengths}
    measures: Measures = {}
    for what, times in added.items():
        measures[f"{what}, added, ms"] = statistics.median(times) * 1e3
    for what, times in plain.items():
        measures[f"{what}, plain Python, ms"] = statistics.median(times) * 1e3
    for n, seconds in a_line.items():
        measures[f"{n} lines, cold, added by a line, us"] = seconds * 1e6
    measures["a line of the longest / of the shortest"] = a_line[max(a_line)] / a_line[min(a_line)]
    return measures


def _added_by_a_line(lines: int, command: list[str], folder: Path, turns: int) -> float:
    """Seconds that a cold start adds, less those of an empty script, by line."""
    added: dict[int, list[float]] = {0: [], lines: []}
    for _ in range(turns):
        for n, found in added.items():
            script = folder / f"long_{n}.py"
            script.write_text(_script(n), encoding="utf-8")
            shutil.rmtree(folder / "cache", ignore_errors=True)
            without = _seconds([sys.executable, script.name], folder)
            found.append(_seconds([*command, script.name], folder) - without)
    return (statistics.median(added[lines]) - statistics.median(added[0])) / lines


ROW = Row(
    "start-up added by attolog run",
    (
        Goal("empty, warm, added, ms", "empty", "ms", 15.0, 25.0),
        Goal("1000 lines, cold, added, ms", "1,000 lines, first", "ms", 50.0, 100.0),
        Goal("1000 lines, warm, added, ms", "1,000 lines, later", "ms", 15.0, 25.0),
        Goal("a line of the longest / of the shortest", "a line of 40,000 / of 1,000", "x", 1.2, 2),
    ),
    run,
    runs=3,
)
