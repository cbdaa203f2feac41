"""Calls out of signal handlers, finalizers, hooks and `__str__` (rows C7 to C10)."""

from __future__ import annotations

from pathlib import Path

import pytest

from .harness import check, read_rows
from .programs import run

SIGNALS = """
signals = int(sys.argv[3])
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
class Slow:
    def __str__(self): return "<" + "x".join(map(str, range(50))) + ">"
log_next, log_alarm = worker_of(log, 0, 300), worker_of(log, 1)
inside = False
def on_alarm(number, frame):
    global inside
    if inside: return  # a busy machine: the next signal is there already, and would take its number
    inside = True
    log_alarm()
    inside = False
signal.signal(signal.SIGALRM, on_alarm)
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
others = 0
while acknowledged[1] < signals:
    for _ in range(100): log_next()
    log.info(Slow())
    others += 1
    if others % 10 == 0: log.flush()
signal.setitimer(signal.ITIMER_REAL, 0)
counted(log, sum(acknowledged) + others)
"""


@pytest.mark.parametrize("suffix", ["csv", "atto"])
@pytest.mark.parametrize("signals", [100, pytest.param(2000, marks=pytest.mark.torture)])
def test_c7_signals_every_5_ms(log_path: Path, suffix: str, signals: int) -> None:
    path = log_path.with_suffix(f".{suffix}")
    acknowledged = run(SIGNALS, path, signals)
    assert acknowledged[1] >= signals
    found = read_rows(path)
    check(found, acknowledged)
    assert len(found.others) == acknowledged[0] / 100


@pytest.mark.parametrize("threads", [1, 4, 16])
def test_c8_finalizers_log(log_path: Path, threads: int) -> None:
    path = log_path.with_suffix(".jsonl")
    acknowledged = run(
        """
import gc, itertools
gc.set_threshold(5)
n = int(sys.argv[3])
log = attolog.AsyncFileLogger(path)
deleted = itertools.count()
class Cycle:
    def __init__(self): self.me = self
    def __str__(self): return "x" * len([Cycle() for _ in range(3)])
    def __del__(self): log("DELETED", next(deleted))
def create(worker):
    for i in range(200):
        cycle = Cycle()
        log("CREATED", worker, i, cycle)
        log.debug("{worker} {cycle} {i:>5}", worker, cycle, i)
        work(log, worker, 1, start=i)
for thread in in_threads(n, create): thread.join()
gc.collect()
finalized = next(deleted)
assert finalized >= 200 * n * 7, finalized
counted(log, 3 * 200 * n + finalized)
""",
        path,
        threads,
    )
    check(read_rows(path), acknowledged)


def test_c9_hooks_log(log_path: Path) -> None:
    path = log_path.with_suffix(".jsonl")
    acknowledged = run(
        """
log = attolog.AsyncFileLogger(path)
hooked = 0
inside = False
def hook(*args):
    global hooked, inside
    if inside: return hook
    inside = True
    hooked += 1
    log("HOOK", args[0], hooked)
    log.info("{what} for the {n}th time", args[0], hooked)
    inside = False
    return hook
sys.addaudithook(hook)
sys.settrace(hook)
for i in range(100):
    work(log, 0, 1, start=i)
    log("OTHER", i, [i])
sys.settrace(None)
inside = True
assert hooked > 300, hooked
counted(log, 200 + 2 * hooked)
""",
        path,
    )
    check(read_rows(path), acknowledged)


@pytest.mark.parametrize("suffix", ["jsonl", "atto"])
def test_c10_values_that_log(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    run(
        """
log = attolog.AsyncFileLogger(path)
class Logs:
    def __init__(self, depth): self.depth = depth
    def __str__(self):
        if self.depth: log("INNER", Logs(self.depth - 1))
        return f"depth {self.depth}"
    __format__ = lambda self, spec: str(self) + "/" + spec
log("OUTER", Logs(3))
log.warning("see {x:spec}", Logs(1))   # its format and its value: each logs
log(Logs(1))
log.bind(a=Logs(1))("BOUND", 1)
class Endless:
    def __str__(self): log("ENDLESS", self); return "?"
before = log.counts.calls
log("ENDLESS", Endless())
assert log.counts.calls > before + 50, log.counts
counted(log, log.counts.calls)
""",
        path,
    )
    found = read_rows(path)
    assert found.others.count("see depth 1/spec") == 1
    assert found.others.count("depth 1") == 1
