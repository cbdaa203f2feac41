"""Rules that are changed from outside while threads log: nothing is lost or doubled."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

from attolog import _core

from .harness import Found, Program, check, left_behind, read_rows, wait_until

WORKERS = 8
CHANGES = 40
OFTEN = 400

# Each worker logs by a call of its own kind, and acknowledges what has returned.
PROGRAM = """
log = attolog.AsyncFileLogger(path, buffer_bytes=1 << 18)
loggers = [log, attolog.tee(log), attolog.SampledLogger(log, 1.0), log.bind()]
told = threading.Event()
def until_told(worker):
    to = loggers[worker % 4]
    record = to.event("R", "pid", "worker", "seq", "pad")
    pid, seq = os.getpid(), 0
    while not told.is_set():
        if worker < 4: record(pid, worker, seq, pad(seq, 5))
        else: to("R", pid=pid, worker=worker, seq=seq, pad=pad(seq, 5))
        seq += 1
        acknowledged[worker] = seq
threads = [threading.Thread(target=until_told, args=(i,)) for i in range(8)]
for thread in threads: thread.start()
say("logging")
sys.stdin.readline()
told.set()
for thread in threads: thread.join()
for each in loggers[2:0:-1]: each.close()
assert log.close(), log.counts
for each in loggers:
    counts = each.counts
    assert counts.calls == sum(counts[1:]), counts
    assert (counts.waiting, counts.dropped) == (0, 0), counts
say(log.counts.written)
"""


def run(path: Path, strategies: tuple[str, ...], changes: int) -> tuple[Found, dict[int, int]]:
    """Let 8 threads log while rules change; what the file has, and what calls there were."""
    chance = random.Random(1)
    with Program(PROGRAM, path) as program:
        assert program.await_word() == "logging"
        for _ in range(changes):
            before = program.acknowledged()
            strategy = chance.choice(strategies)
            rule = chance.choice(("R", "R", "R*", "*"))
            request = f"set {rule}={strategy}" if strategy else f"unset {rule}"
            answer = _core.control_ask(program.pid, request, 60.0)
            assert answer is not None and answer.startswith(("ok", "error no rule was set"))
            # Every change meets calls; not each thread has to have made one.
            wait_until(lambda before=before: program.acknowledged() != before)  # type: ignore[misc]
        program.tell()
        assert program.wait(120) == 0, program.stderr
        assert program.stderr == ""
        written = int(program.await_word())
        calls = program.acknowledged()
    found = read_rows(path)
    assert len(found.rows) == written
    assert (found.dropped, found.others, left_behind(path)) == (0, [], [])
    assert set(calls) == set(range(WORKERS))
    return found, calls


@pytest.mark.parametrize("suffix", ["jsonl", "atto"])
@pytest.mark.parametrize(
    "changes", [CHANGES, pytest.param(OFTEN, marks=pytest.mark.torture)], ids=["", "often"]
)
def test_strategies_that_keep_everything_lose_and_double_nothing(
    log_path: Path, suffix: str, changes: int
) -> None:
    keep_all = ("all", "sample:1", "every:1", "first:1000000000", "")
    found, calls = run(log_path.with_suffix(f".{suffix}"), keep_all, changes)
    check(found, calls)


@pytest.mark.parametrize("suffix", ["jsonl", "atto"])
@pytest.mark.parametrize(
    "changes", [CHANGES, pytest.param(OFTEN, marks=pytest.mark.torture)], ids=["", "often"]
)
def test_what_is_switched_off_and_on_is_in_order_and_never_doubled(
    log_path: Path, suffix: str, changes: int
) -> None:
    switched = ("all", "off", "sample:1", "all", "")
    found, calls = run(log_path.with_suffix(f".{suffix}"), switched, changes)
    for worker, sequence in found.workers().items():
        assert all(a < b for a, b in pairwise(sequence)), f"worker {worker}"
        assert sequence[-1] < calls[worker]
