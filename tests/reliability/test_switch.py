"""A logger that is switched to another file, also while threads log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .harness import FORMATS, check, left_behind, read_rows
from .programs import run


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("threads", [1, 4, 16])
def test_a_switched_logger_loses_nothing(log_path: Path, suffix: str, threads: int) -> None:
    paths = [log_path.with_name(f"run{i}.{suffix}") for i in range(4)]
    acknowledged = run(
        """
suffix, n = sys.argv[3], int(sys.argv[4])
log = attolog.log
work(log, 0, 3)  # off: not logged
acknowledged[0] = 0
before = [log.event("R", "pid", "worker", "seq", "pad"), log.bind(), log]
barrier = threading.Barrier(n + 1)
def switched(worker):
    record = before[0]
    seq = 0
    for _ in range(4):
        barrier.wait()
        for i in range(500):
            record(os.getpid(), worker, seq, pad(seq, 5))
            seq += 1
        acknowledged[worker] = seq
        barrier.wait()
threads = in_threads(n, switched)
for i in range(4):
    attolog.init_logger(f"{path[:-4]}{i}.{suffix}", quiet=True)
    barrier.wait()  # all log
    barrier.wait()
    if i == 1: assert log.close() and not log
for thread in threads: thread.join()
counted(log, 2000 * n)
""",
        log_path.with_suffix(".xxx"),
        suffix,
        threads,
    )
    assert acknowledged == dict.fromkeys(range(threads), 2000)
    found = read_rows(*paths)
    check(found, acknowledged)
    assert [left_behind(path) for path in paths] == [[]] * 4


@pytest.mark.parametrize("suffix", FORMATS)
def test_switching_while_threads_log_counts_every_call(log_path: Path, suffix: str) -> None:
    paths = [log_path.with_name(f"run{i}.{suffix}") for i in range(3)]
    acknowledged = run(
        """
suffix = sys.argv[3]
log = attolog.log
attolog.init_logger(f"{path[:-4]}0.{suffix}", quiet=True, buffer_bytes=65536)
has_switched = threading.Event()
def switched(worker):
    work(log, worker, 2500, size=50)
    has_switched.wait()  # the rest of it at least goes elsewhere
    work(log, worker, 2500, start=2500, size=50)
threads = in_threads(4, switched)
i = 0
while any(thread.is_alive() for thread in threads):
    i += 1
    attolog.init_logger(f"{path[:-4]}{i % 3}.{suffix}", quiet=True, buffer_bytes=65536)
    has_switched.set()
for thread in threads: thread.join()
counted(log, 20_000)
""",
        log_path.with_suffix(".xxx"),
        suffix,
    )
    found = read_rows(*(path for path in paths if path.exists()))
    check(found, acknowledged, order=False)  # over three files


def test_what_was_bound_before_init_is_logged_after(log_path: Path) -> None:
    path = log_path.with_suffix(".jsonl")
    run(
        """
log = attolog.log
bound = log.bind(request=17)
EARLY = bound.event("EARLY", "x")
EARLY(0); bound("NAMED", x=0); bound.info("text"); log("NAMED", x=0)
assert log.counts.calls == 0
attolog.init_logger(path, quiet=True)
EARLY(1); bound("NAMED", x=1); bound.info("text"); bound.log("more"); log("NAMED", x=1)
counted(log, 5)
""",
        path,
    )
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        del record["time"]
    assert records == [
        {"event": "EARLY", "x": 1, "request": 17},
        {"event": "NAMED", "x": 1, "request": 17},
        {"level": "INFO", "message": "text", "request": 17},
        {"text": "more", "request": 17},
        {"event": "NAMED", "x": 1},
    ]


def test_flush_waits_for_the_files_before_a_switch_too(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    run(
        """
for i in range(20):
    first = f"{path}.{i}.csv"
    attolog.init_logger(first, quiet=True)
    for i in range(1_000): attolog.log("GEN", i)
    attolog.init_logger(path, quiet=True)
    assert attolog.log.flush()
    with open(first, "rb") as file: assert len(file.readlines()) == 1_000
""",
        path,
    )
