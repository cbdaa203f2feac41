"""Instructions of a call, counted by valgrind: `python -m benchmarks.callgrind`.

Unlike times they are nearly the same on every run, and so show a change of the hot path that no
clock can. Each call is made a small and a large number of times, in a process of its own; the
difference of the instructions of the main thread, by that of the numbers, is what one turn of the
loop takes. The writer's thread is counted apart, and the turn of an empty loop is taken off.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

_PREPARE = """
import sys, time
from itertools import repeat
import attolog
from benchmarks.unit import empty_functions
empty = empty_functions()[0]
off = attolog.log.event("OFF", "model", "task_id", "arrival", "exit")
log = attolog.AsyncFileLogger(sys.argv[2])
event = log.event("SCHED", "model", "task_id", "arrival", "exit")
clock = time.perf_counter
out = attolog.SampledLogger(log, strategy="every:1000000000")
by_key = attolog.SampledLogger(log, 1e-9, key="task_id", seed=1)
keyed = by_key.event("SCHED", "model", "task_id", "arrival", "exit")
stats = attolog.StatsLogger(sys.argv[2] + ".csv")
circular = attolog.CircularLogger(buffer_bytes=16 << 20)
ruled = attolog.AsyncFileLogger(sys.argv[2] + ".jsonl", rules={"SCHED": "off"})
"""
_LOOP = """
def run(n, model="ResNet50", task_id=12_345, arrival=1707234567.123456, exit="layer1"):
    for _ in repeat(None, n):
        {call}
run(1000)
run(int(sys.argv[1]))
"""
_CALLS = {
    "empty C function": "empty(model, task_id, arrival, exit)",
    "time.perf_counter()": "clock()",
    "declared event": "event(model, task_id, arrival, exit)",
    "declared event, off": "off(model, task_id, arrival, exit)",
    "declared event, out by task_id": "keyed(model, task_id, arrival, exit)",
    'log("SCHED", ...)': 'log("SCHED", model, task_id, arrival, exit)',
    "the same, sampled out": 'out("SCHED", model, task_id, arrival, exit)',
    "the same, circular": 'circular("SCHED", model, task_id, arrival, exit)',
    "the same, statistics": 'stats("SCHED", model, task_id, arrival, exit)',
    "the same, off by a rule": 'ruled("SCHED", model, task_id, arrival, exit)',
    'log("SCHED", model=...)': (
        'log("SCHED", model=model, task_id=task_id, arrival=arrival, exit=exit)'
    ),
    "log.debug(template, ...)": 'log.debug("{} {} {} {}", model, task_id, arrival, exit)',
    "log(f-string)": 'log(f"{model} {task_id} {exit}")',
}
_FEW, _MANY = 5_000, 55_000  # all of them fit the ring: no call waits


def instructions(call: str, times: int) -> int:
    """What the main thread of a process executes that makes this call so often.

    Raises:
        RuntimeError: valgrind failed, or wrote no count.
    """
    with TemporaryDirectory(prefix="attolog-bench-") as folder:
        out = Path(folder, "callgrind")
        command = [
            *("valgrind", "--tool=callgrind", "--separate-threads=yes"),
            f"--callgrind-out-file={out}",
            *(sys.executable, "-c", _PREPARE + _LOOP.format(call=call)),
            *(str(times), str(Path(folder, "run.atto"))),
        ]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-1000:])
        found = re.search(r"^(?:totals|summary): (\d+)", Path(f"{out}-01").read_text(), re.M)
        if found is None:
            raise RuntimeError("callgrind wrote no total")
        return int(found[1])


def _turn(call: str) -> float:
    return (instructions(call, _MANY) - instructions(call, _FEW)) / (_MANY - _FEW)


def main() -> None:
    """Print the table."""
    loop = _turn("pass")
    for what, call in _CALLS.items():
        print(f"{what:<32} {_turn(call) - loop:8.1f}", flush=True)


if __name__ == "__main__":
    main()
