"""Statistics, circular logs, boxes of files and samplers in programs that fork and are killed.

A worker numbers its records from 0, so that a count and a sum tell whether windows have its first
so many, each once.
"""

from __future__ import annotations

import json
import os
import random
import signal
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog import _core

from .harness import (
    Program,
    clear_rings,
    forked,
    killed_by,
    left_behind,
    read_rows,
    recover,
    status_of,
)
from .programs import THREADS, run

SHORT, LONG = 3, pytest.param(150, marks=pytest.mark.torture)
SUFFIXES = ("csv", "jsonl", "atto")


def stats_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of statistics in a file; each is to have one value of `by`, named worker."""
    if path.suffix == ".atto":
        yield from (each.fields for each in attolog.read(path).records() if each.event == "STATS")
    elif path.suffix == ".jsonl":
        rows = (json.loads(line) for line in path.read_text().splitlines())
        yield from (row for row in rows if row.get("event") == "STATS")
    else:
        names = ["of", "worker", "field", "window", "count", "rate", "sum", "min", "max"]
        for line in path.read_text().splitlines():
            _, event, *cells = line.split(",")
            if event == "STATS":
                row: dict[str, Any] = dict(zip(names, cells, strict=False))
                for name in ("worker", "count", "sum"):
                    row[name] = float(row[name]) if row[name] else None
                yield row | {"field": row["field"] or None}


def check_windows(path: Path, acknowledged: dict[int, int], in_flight: int = 1) -> None:
    """Assert that windows have the first records of each worker, all that it had acknowledged."""
    counts: dict[int, int] = defaultdict(int)
    numbers: dict[int, int] = defaultdict(int)
    sums: dict[int, int] = defaultdict(int)
    for row in stats_rows(path):
        worker = int(row["worker"])
        if row["field"] is None:
            counts[worker] += int(row["count"])
        else:
            numbers[worker] += int(row["count"])
            sums[worker] += int(row["sum"])
    assert counts == numbers
    for worker in {*acknowledged, *counts}:
        n = counts[worker]
        assert acknowledged.get(worker, 0) <= n <= acknowledged.get(worker, 0) + in_flight
        assert sums[worker] == n * (n - 1) // 2, f"worker {worker}: not its first {n}, once each"


def kill_some(chance: random.Random, action: Any) -> None:
    """Do it in up to two processes that are killed while they are at it."""
    for _ in range(chance.randrange(3)):
        pid = forked(action)
        for _ in range(chance.randrange(20_000)):
            pass
        os.kill(pid, signal.SIGKILL)
        status_of(pid)


# ---- statistics --------------------------------------------------------------------------------

COUNTING = (
    THREADS
    + """
def count(log, worker, n=10**9, start=0):
    record = log.event("N", "worker", "seq")
    for seq in range(start, start + n):
        record(worker, seq)
        acknowledged[worker] = seq + 1
"""
)

THREE_COUNT = (
    COUNTING
    + """
stats = attolog.StatsLogger(path, window=sys.argv[3], by="worker", buffer_bytes=int(sys.argv[4]))
in_threads(3, lambda worker: count(stats, worker))
"""
)


@pytest.mark.parametrize("rounds", [SHORT, LONG])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_kill_leaves_every_record_in_one_window(log_path: Path, suffix: str, rounds: int) -> None:
    for number in range(rounds):
        chance = random.Random(f"windows {suffix} {number}")
        path = log_path.with_name(f"rates{number}.{suffix}")
        window = chance.choice(["1ms", "20ms", "5m"])
        with Program(THREE_COUNT, path, window, chance.choice([1 << 16, 1 << 20])) as program:
            program.await_acknowledged(chance.randrange(1, 60_000))
            program.kill()
            assert program.stderr == ""
            acknowledged = program.acknowledged()
        kill_some(chance, partial(recover, path))
        if chance.randrange(2):
            assert recover(path)["messages"] == []
        else:
            assert attolog.AsyncFileLogger(path).close()
        check_windows(path, acknowledged)
        assert left_behind(path) == []
        clear_rings(path)


BOTH = (
    COUNTING
    + """
log = attolog.AsyncFileLogger(path, buffer_bytes=65536, rules={"N": "stats:2ms@worker"})
for start in range(0, 3_000, 300):
    count(log, 0, 300, start)
    work(log, 1, 300, start=start)
    log.flush()
"""
)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("call", "action", "points"),
    [
        ("write", "kill", range(0, 12, 4)),
        ("write", "half", range(0, 12, 3)),
        ("write", "kill_after", range(0, 12, 3)),
        pytest.param("any", "kill", range(150), marks=pytest.mark.torture),
        pytest.param("any", "half", range(150), marks=pytest.mark.torture),
        pytest.param("any", "kill_after", range(150), marks=pytest.mark.torture),
    ],
)
def test_a_writer_killed_in_a_system_call_counts_once(
    log_path: Path, faults: Path, suffix: str, call: str, action: str, points: range
) -> None:
    for point in points:
        path = log_path.with_name(f"run{point}.{suffix}")
        fault = f"{path.stem}|{call}|{point}|{action}|1"
        with Program(BOTH, path, fault=(faults, fault)) as program:
            status = program.wait()
            acknowledged = program.acknowledged()
        assert killed_by(status) or (status == 0 and call == "any")
        if not path.exists() and not acknowledged:
            continue  # before there was anything
        recover(path)
        if acknowledged:
            check_windows(path, {k: n for k, n in acknowledged.items() if k == 0})
            written = read_rows(path).workers().get(1, [])
            assert acknowledged.get(1, 0) <= len(written) <= acknowledged.get(1, 0) + 1
            assert written == list(range(len(written)))
        clear_rings(path)


# ---- circular logs -----------------------------------------------------------------------------

BOX = (
    THREADS
    + """
size, n_threads, pad_size = map(int, sys.argv[3:6])
box = attolog.CircularLogger(size, buffer_bytes=65536, max_bytes=1 << 22)
in_threads(n_threads, lambda worker: work(box, worker, 10**9, pad_size))
"""
)


def check_last(
    rows: dict[int, list[int]], acknowledged: dict[int, int], in_flight: int = 1
) -> None:
    """Assert that what is held of each worker are its last records, in order, without a gap."""
    for worker, sequence in rows.items():
        n = acknowledged[worker]
        assert sequence == list(range(sequence[0], sequence[0] + len(sequence)))
        assert n - 1 <= sequence[-1] <= n - 1 + in_flight


@pytest.mark.parametrize("rounds", [SHORT, LONG])
@pytest.mark.parametrize("n_threads", [1, 4])
def test_a_killed_program_s_circular_log_is_saved_whole(
    tmp_path: Path, n_threads: int, rounds: int
) -> None:
    for number in range(rounds):
        chance = random.Random(f"box {n_threads} {number}")
        path = tmp_path / f"saved{number}.{chance.choice(SUFFIXES)}"
        size = chance.choice([1, 10, 1000])
        pad_size = chance.choice([0, 50, 20_000])
        with Program(BOX, path, size, n_threads, pad_size) as program:
            program.await_acknowledged(chance.randrange(1, 30_000 if pad_size < 100 else 500))
            program.kill()
            assert program.stderr == ""
            acknowledged = program.acknowledged()
        kill_some(chance, partial(_core.rescue, program.pid, str(path)))
        before = path.read_bytes() if path.exists() else b""
        saved = _core.rescue(program.pid, str(path))
        assert saved["messages"] == []
        if saved["sessions"] == 0:  # one of those that were killed had done it
            assert before
        calls = sum(acknowledged.values())
        rows = read_rows(path).workers()
        held = sum(len(sequence) for sequence in rows.values())
        if pad_size < 100:
            assert min(size, calls) <= held <= min(size, calls + n_threads)
        assert 1 <= held <= size
        check_last(rows, acknowledged)
        assert _core.rescue(program.pid, str(path), check=True)["sessions"] == 0


TEE = (
    THREADS
    + """
full = attolog.AsyncFileLogger(path)
box = attolog.CircularLogger(500)
both = attolog.tee(full, box)
in_threads(4, lambda worker: work(both, worker, 10**9 if worker else 10))
"""
)


def test_a_killed_circular_log_is_the_end_of_the_full_log(log_path: Path, tmp_path: Path) -> None:
    path, saved = log_path.with_suffix(".atto"), tmp_path / "saved.atto"
    with Program(TEE, path) as program:
        program.await_acknowledged(20_000)
        program.kill()
    recover(path)
    assert _core.rescue(program.pid, str(saved))["records"] == 500
    full = {entry(record): record.time for record in attolog.read(path).records()}
    box = list(attolog.read(saved).records())
    rows = {entry(record) for record in box}
    assert rows <= {*full}
    # A call is in the full log first: what the box has not of it came before the box's oldest, or
    # is the last one of its thread. Each has a clock of its own, read at its start.
    oldest, slack = box[0].time, 50_000
    ends = {worker: max(seq for w, seq in full if w == worker) for worker, _ in full}
    assert all(full[row] <= oldest + slack or ends[row[0]] == row[1] for row in {*full} - rows)


def entry(record: attolog.Record) -> tuple[int, int]:
    return record.fields["worker"], record.fields["seq"]


def test_a_living_program_s_circular_log_is_saved_without_stopping_it(tmp_path: Path) -> None:
    with Program(BOX, tmp_path / "unused.csv", 1000, 4, 0) as program:
        program.await_acknowledged(5_000)
        for number in range(20):
            path = tmp_path / f"saved{number}.{SUFFIXES[number % 3]}"
            before = program.acknowledged()
            saved = _core.rescue(program.pid, str(path))
            after = program.acknowledged()
            if saved["messages"]:
                assert saved["records"] == 0  # it says so where it was overtaken
                continue
            assert saved["living"] == 1
            rows = read_rows(path).workers()
            assert 1 <= sum(len(sequence) for sequence in rows.values()) <= 1000 + 65536 // 32 * 4
            for worker, sequence in rows.items():
                assert sequence == list(range(sequence[0], sequence[0] + len(sequence)))
                assert sequence[-1] <= after[worker]
            program.await_acknowledged(sum(before.values()) + 1000)  # it goes on
        assert program.process.poll() is None
        assert program.stderr == ""


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), signal.SIGTERM)"])
def test_a_sudden_end_leaves_the_circular_log(tmp_path: Path, end: str) -> None:
    source = f"box = attolog.CircularLogger(100)\nwork(box, 0, 1000)\n{end}"
    with Program(source, tmp_path / "unused.csv") as program:
        program.wait()
        assert program.acknowledged() == {0: 1000}
    assert _core.rescue(program.pid, str(tmp_path / "saved.csv"))["records"] == 100
    assert read_rows(tmp_path / "saved.csv").workers() == {0: list(range(900, 1000))}


FORKED_BOX = """
folder = os.path.dirname(path)
box = attolog.CircularLogger(100, path=folder + "/self-{pid}.csv", signals="SIGUSR1")
work(box, 0, 150)
pid = os.fork()
if pid == 0:
    signal.alarm(60)
    work(box, 1, 120)
    assert len(box) == 100 and box.counts.calls == sum(box.counts[1:]) == 120, box.counts
    if sys.argv[3] == "signal": os.kill(os.getpid(), signal.SIGUSR1)
    elif sys.argv[3] == "save": assert box.save(path) == 100
    elif sys.argv[3] == "kill":
        say(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(0)
os.waitpid(pid, 0)
assert len(box) == 100 and box.counts.calls == sum(box.counts[1:]) == 150, box.counts
work(box, 0, 20, start=150)
box.trigger("parent")
assert box.close()
"""


@pytest.mark.parametrize("way", ["signal", "save", "kill", "nothing"])
def test_a_forked_child_has_a_circular_log_of_its_own(log_path: Path, way: str) -> None:
    path = log_path.with_suffix(".csv")
    with Program(FORKED_BOX, path, way) as program:
        if way == "kill":
            child = int(program.await_word())
        assert program.wait() == 0, program.stderr
    if way == "kill":
        assert _core.rescue(child, str(path))["records"] == 100
    if way != "nothing":
        of_child = path if way != "signal" else None
        for each in path.parent.glob("self-*.csv"):
            if each.name != f"self-{program.pid}.csv":
                of_child = each
        assert of_child is not None
        rows = [line for line in of_child.read_text().splitlines() if ",R," in line]
        assert [int(row.split(",")[4]) for row in rows] == list(range(20, 120))
    of_parent = (path.parent / f"self-{program.pid}.csv").read_text().splitlines()
    rows = [line for line in of_parent if ",R," in line]
    assert [int(row.split(",")[4]) for row in rows] == list(range(70, 170))


# ---- boxes of files ----------------------------------------------------------------------------

KEEPING = (
    THREADS
    + """
log = attolog.AsyncFileLogger(path, buffer_bytes=65536, rules={"R": "last:" + sys.argv[3]})
in_threads(int(sys.argv[4]), lambda worker: work(log, worker, int(sys.argv[5]), int(sys.argv[6])))
"""
)


@pytest.mark.parametrize("rounds", [SHORT, LONG])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_last_records_for_a_file_survive_a_kill(
    log_path: Path, suffix: str, rounds: int
) -> None:
    for number in range(rounds):
        chance = random.Random(f"last {suffix} {number}")
        path = log_path.with_name(f"run{number}.{suffix}")
        size, n_threads = chance.choice([1, 50, 2000]), chance.choice([1, 4])
        pad_size = chance.choice([0, 20_000])
        with Program(KEEPING, path, size, n_threads, 10**9, pad_size) as program:
            program.await_acknowledged(chance.randrange(1, 500 if pad_size else 20_000))
            program.kill()
            assert program.stderr == ""
            acknowledged = program.acknowledged()
        kill_some(chance, partial(recover, path))
        assert recover(path)["messages"] == []
        rows = read_rows(path).workers()
        held, calls = sum(map(len, rows.values())), sum(acknowledged.values())
        assert 1 <= held <= size
        if pad_size == 0:
            assert min(size, calls) <= held
        check_last(rows, acknowledged)
        assert left_behind(path) == []
        clear_rings(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_last_records_stand_in_the_file_at_the_end(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    assert run(KEEPING, path, 100, 1, 1000, 30) == {0: 1000}
    assert read_rows(path).workers() == {0: list(range(900, 1000))}
    assert left_behind(path) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("action", ["kill", "half", "kill_after"])
def test_a_kill_while_they_are_written_doubles_none(
    log_path: Path, faults: Path, suffix: str, action: str
) -> None:
    """More than a batch, so that some are in the file and others in the box yet."""
    for point in range(3):
        path = log_path.with_name(f"run{point}.{suffix}")
        fault = f"{path.stem}|write|{point}|{action}|1"
        with Program(KEEPING, path, 30_000, 1, 3000, 1000, fault=(faults, fault)) as program:
            assert killed_by(program.wait())
        recover(path)
        assert read_rows(path).workers() == {0: list(range(3000))}
        assert left_behind(path) == []
        clear_rings(path)


# ---- samplers ----------------------------------------------------------------------------------

SAMPLED = """
few = attolog.SampledLogger(path, strategy=sys.argv[3])
work(few, 0, 1000)
for worker in 1, 2, 3:
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        work(few, worker, 1000)
        counts = few.counts
        assert counts.calls == sum(counts[1:]) == 1000, counts
        assert few.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
work(few, 0, 1000, start=1000)
assert few.close()
assert few.counts.calls == sum(few.counts[1:]) == 2000, few.counts
"""


@pytest.mark.parametrize(
    "how", ["every:10", "sample:0.1", "first:5,50", "cap:20", "sample:0.2@seq"]
)
def test_samplers_in_forked_children_add_up(log_path: Path, how: str) -> None:
    path = log_path.with_suffix(".jsonl")
    run(SAMPLED, path, how)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    kept = [row for row in rows if row["event"] == "R"]
    left_out = sum(row["n"] for row in rows if row["event"] == "SKIPPED")
    entries = [(row["pid"], row["worker"], row["seq"]) for row in kept]
    assert len(set(entries)) == len(entries)
    assert {row["worker"] for row in kept} == {0, 1, 2, 3}
    if how.startswith(("first", "cap")):
        assert sum(row["weight"] for row in kept) + left_out == 5000
    if how == "every:10":
        assert sum(row["weight"] for row in kept) == 5000
    assert left_behind(path) == []


def test_a_killed_sampler_s_records_are_all_there(log_path: Path) -> None:
    path = log_path.with_suffix(".jsonl")
    source = "few = attolog.SampledLogger(path, strategy='every:10')\nwork(few, 0, 10**9)"
    with Program(source, path) as program:
        program.await_acknowledged(20_000)
        program.kill()
        n = program.acknowledged()[0]
    recover(path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    numbers = [row["seq"] for row in rows]
    assert numbers == list(range(numbers[0], numbers[-1] + 1, 10))
    assert 0 <= numbers[0] < 10
    assert n - 10 <= numbers[-1] <= n
