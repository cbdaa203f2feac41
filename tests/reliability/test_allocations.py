"""Row B8: the Nth allocation of attolog fails, for every N. Nothing crashes, and all is counted.

One process imports attolog once; a forked child of it does all that a logger can do, with its Nth
allocation failing, and says what its calls came to. Its file is then recovered and read.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from .harness import clear_rings, read_rows, recover

# arguments: kind, folder, how many fail in a row, then each N.
SOURCE = """
import ctypes, json, os, signal, sys, threading
import attolog

shim = ctypes.CDLL(None)
kind, folder, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
path = {"csv": "run.csv", "atto": "run.atto", "stats": "run.csv", "circular": "run.csv"}[kind]

class Calls:
    n = 0
    def __call__(self, call, *args):
        call(*args)  # whatever there is no memory for: a log call does not raise
        Calls.n += 1

def attempt(action, *args):
    try:
        return action(*args)
    except (MemoryError, OSError) as error:
        return type(error).__name__

def open_logger():
    if kind == "circular":
        return attolog.CircularLogger(40, buffer_bytes=65536)
    if kind == "stats":
        return attolog.StatsLogger(path, window=0.001, by="worker", buffer_bytes=65536)
    return attolog.AsyncFileLogger(path, buffer_bytes=65536, exit_timeout=2)

def declared(log):
    for _ in range(20):  # as a program does that has memory again
        record = attempt(log.event, "R", "pid", "worker", "seq", "pad")
        if not isinstance(record, str):
            return record
    raise SystemExit(9)

def work(log, worker, n, size=0):
    call, record, pid = Calls(), declared(log), os.getpid()
    for seq in range(n):
        call(record, pid, worker, seq, f"<{seq}:{size}:{'x' * size}>")

def scenario(n):
    os.mkdir(f"{folder}/{n}")
    os.chdir(f"{folder}/{n}")
    shim.allocations_arm(ctypes.c_long(n), ctypes.c_long(times))
    said = {}
    log = attempt(open_logger)
    if isinstance(log, str):
        said["opened"] = log
        log = attempt(open_logger)
        if isinstance(log, str):  # more than one has failed
            return said
    work(log, 0, 25)
    threads = [threading.Thread(target=work, args=(log, worker, 20)) for worker in (1, 2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    said["flushed"] = attempt(log.flush, 5)
    work(log, 3, 3, 40_000)  # spilled
    if kind == "circular":
        attempt(log.save, f"{folder}/{n}/saved.csv")
    if kind == "stats":
        attempt(log.snapshot)
    call = Calls()
    for i in range(5):
        call(log.info, "a message of {}", i)
    work(log, 4, 5)
    said["closed"] = attempt(log.close, 5)
    said["counts"] = attempt(lambda: tuple(log.counts))
    said["calls"] = Calls.n
    return said

def run(n):
    signal.alarm(60)
    said = scenario(n)
    said["seen"] = ctypes.c_long(shim.allocations_seen()).value
    with open(f"{folder}/{n}/said", "w") as file:
        json.dump(said, file)

for n in map(int, sys.argv[4:]):
    pid = os.fork()
    if pid == 0:
        run(n)
        break
    print(n, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


def run(library: Path, folder: Path, kind: str, times: int, ns: Iterable[int]) -> dict[int, int]:
    """Let each N fail in a process of its own; the exit statuses."""
    folder.mkdir(exist_ok=True)
    env = {name: v for name, v in os.environ.items() if not name.startswith("ATTOLOG")}
    env |= {"PYTHONPATH": os.pathsep.join(sys.path), "LD_PRELOAD": str(library)}
    arguments = [kind, folder, times, *ns]
    with (folder / "stderr").open("ab") as stderr:
        done = subprocess.run(
            [sys.executable, "-c", SOURCE, *map(str, arguments)],
            env=env,
            check=False,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    return {int(n): int(status) for n, status in map(str.split, done.stdout.splitlines())}


def stats_calls(path: Path) -> int:
    """How many calls the rows of a file of statistics stand for."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row[1] == "STATS"]
    # of, worker, field, window, count: a group's own row has no field.
    return sum(int(row[6]) for row in rows if row[4] == "" and len(row) > 6)


def judge(folder: Path, kind: str, n: int, status: int) -> str:
    """What is wrong about the run whose Nth allocation failed; "" if nothing is."""
    if status != 0:
        return f"{kind} {n}: exit status {status}"
    said: dict[str, Any] = json.loads((folder / str(n) / "said").read_text())
    if "calls" not in said:
        return ""  # there was no logger
    counts = said["counts"]
    if sum(counts[1:]) != counts[0] or counts[0] != said["calls"]:
        return f"{kind} {n}: counts {counts} of {said['calls']} calls"
    if kind == "circular":
        return ""
    path = folder / str(n) / ("run.atto" if kind == "atto" else "run.csv")
    recover(path)
    clear_rings(path)
    if not path.exists():
        return "" if counts[1] == 0 else f"{kind} {n}: no file"
    if kind == "stats":
        in_file = stats_calls(path)
    else:
        found = read_rows(path)
        for worker, sequence in found.workers().items():
            if sequence != sorted(set(sequence)):
                return f"{kind} {n}: worker {worker} doubled or out of order: {sequence}"
        in_file = len(found.rows) + sum("a message" in other for other in found.others)
    missing = counts[0] - in_file - counts[3]
    if missing < 0 or (said["closed"] is True and missing != 0):
        return f"{kind} {n}: {in_file} in the file, {counts} counted, {said}"
    return ""


def try_all(library: Path, folder: Path, kind: str, times: int, step: int) -> list[str]:
    """Let every `step`-th allocation fail; what is wrong."""
    beyond = 10**6  # none fails: how many there are
    assert run(library, folder, kind, times, [beyond]) == {beyond: 0}
    said = json.loads((folder / str(beyond) / "said").read_text())
    assert said["seen"] > 200, "the library is not asked for memory"
    ns = range(0, said["seen"], step)
    statuses = run(library, folder, kind, times, ns)
    assert set(statuses) == set(ns)
    problems = [judge(folder, kind, beyond, 0)]
    problems += [judge(folder, kind, n, status) for n, status in statuses.items()]
    return [problem for problem in problems if problem]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs"


# Of each kind how far apart the allocations are that fail in the short form.
KINDS = {"csv": 29, "atto": 31, "stats": 97, "circular": 53}


@pytest.mark.parametrize("kind", KINDS)
def test_b8_an_allocation_that_fails_costs_counted_records_at_most(
    allocations: Path, folder: Path, kind: str
) -> None:
    assert try_all(allocations, folder, kind, 1, KINDS[kind]) == []


@pytest.mark.torture
@pytest.mark.parametrize("times", [1, 2, 7])
@pytest.mark.parametrize("kind", KINDS)
def test_b8_every_allocation_may_fail(
    allocations: Path, folder: Path, kind: str, times: int
) -> None:
    assert try_all(allocations, folder, kind, times, 1) == []


def test_b8_a_run_that_crashes_is_found_out(folder: Path) -> None:
    assert judge(folder, "csv", 1, -signal.SIGSEGV) == "csv 1: exit status -11"
