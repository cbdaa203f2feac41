"""One logger that threads use in every way at once: what a build without a GIL must bear.

The same programs run under ThreadSanitizer (make sanitize-threads), which then looks for races.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from .harness import FORMATS, Found, Program, check, read_rows

THREADS = """
def in_threads(n, action):
    threads = [threading.Thread(target=action, args=(i,)) for i in range(n)]
    for thread in threads: thread.start()
    return threads
"""


def run(source: str, path: Path, *arguments: object) -> tuple[dict[int, int], str]:
    """Run a program that must end well; what it has had acknowledged, and what it said."""
    with Program(THREADS + source, path, *arguments) as program:
        assert program.wait(120) == 0, program.stderr
        return program.acknowledged(), program.stderr


@pytest.mark.parametrize("suffix", FORMATS)
def test_threads_that_use_new_sites_at_once_lose_nothing(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    acknowledged, said = run(
        """
log = attolog.AsyncFileLogger(path)
together = threading.Barrier(4)
codes = [compile(f"log('S{i}', {i}); log.info('site {i} of {{n}}', {i})", "<s>", "exec")
         for i in range(100)]
def use(worker):
    pid = os.getpid()
    for seq, code in enumerate(codes):
        together.wait()  # all four find it new
        exec(code, {"log": log})
        bound = log.bind(worker=worker)  # the same sites for all of them
        bound("B", seq); bound.log(f"text {seq}"); bound.print("printed", seq)
        log.event("R", "pid", "worker", "seq", "pad")(pid, worker, seq, pad(seq, 9))
        acknowledged[worker] = seq + 1
for thread in in_threads(4, use): thread.join()
assert log.close(), log.counts
assert log.counts == (2400, 2400, 0, 0, 0, 0, 0), log.counts
""",
        path,
    )
    assert said == ""
    if suffix == "csv":
        lines = path.read_text().splitlines()
        events = Counter(line.split(",")[1] for line in lines)
        assert [events.pop(f"S{i}") for i in range(100)] == [4] * 100
        assert events == {"R": 400, "B": 400, "INFO": 400, "LOG": 400, "PRINT": 400}
    else:
        check(read_rows(path), acknowledged)


@pytest.mark.parametrize("suffix", FORMATS)
def test_closing_while_threads_log_counts_every_call(log_path: Path, suffix: str) -> None:
    for i in range(5):
        path = log_path.with_suffix(f".{i}.{suffix}")
        made, said = run(
            """
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
told = threading.Event()
together = threading.Barrier(5)
def until_told(worker):
    record = log.event("R", "pid", "worker", "seq", "pad")
    pid, seq = os.getpid(), 0
    together.wait()
    while not told.is_set():
        record(pid, worker, seq, pad(seq, 5)); seq += 1
        if seq % 7 == 0: log("R", pid=pid, worker=worker, seq=seq, pad=pad(seq, 99)); seq += 1
        acknowledged[worker] = seq
threads = in_threads(4, until_told)
together.wait()
while log.counts.written < 1000: pass
assert log.close()
counts = log.counts  # of the threads' calls only those after the end may still come
assert counts.waiting == 0, counts
told.set()
for thread in threads: thread.join()
assert log.counts[1:3] == counts[1:3], (counts, log.counts)
assert log.counts.calls == sum(acknowledged) == counts.written + log.counts.dropped, log.counts
acknowledged[511] = counts.written
""",
            path,
        )
        written = made.pop(511)
        assert re.fullmatch(r"(attolog: a call came after the logger was closed; .*\n)?", said)
        found = read_rows(path)
        assert len(found.rows) == written
        # What was written of each thread is all that came before the end.
        check(found, {worker: len(sequence) for worker, sequence in found.workers().items()})


def test_switching_closing_and_muting_from_all_threads_adds_up(log_path: Path) -> None:
    paths = [log_path.with_suffix(f".{i}.jsonl") for i in range(3)]
    _, said = run(
        """
log = attolog.log
together = threading.Barrier(5)
def use(worker):
    record = log.event("R", "pid", "worker", "seq", "pad")
    together.wait()
    for i in range(600):
        record(os.getpid(), worker, i, pad(i, 3))
        log.info("{i} of {worker}", i, worker)
        log.bind(a=i).warning("bound")
        match (i + worker) % 12:
            case 0: attolog.init_logger(f"{path[:-3]}{i % 3}.jsonl", quiet=True)
            case 1: log.level = "WARNING" if i % 2 else "DEBUG"
            case 2: log.enabled = False
            case 3: log.enabled = True
            case 4: log.set_time(1_700_000_000_000_000_000 + i)
            case 5: log.set_time(None)
            case 6: log.flush(0.001)
            case 7: repr(log), log.path, bool(log), log.level, log.enabled
            case 8 if i % 5 == 0: log.close()
            case 9:
                with attolog.AsyncFileLogger(f"{path[:-3]}own.{worker}.log") as own:
                    own("OWN", i)
                assert own.counts.written == 1
            case _:
                counts = log.counts
                assert counts.calls == sum(counts[1:]), counts
threads = in_threads(4, use)
together.wait()
for thread in threads: thread.join()
log.enabled = True
assert log.close()
counts = log.counts
assert counts.calls == sum(counts[1:]) and counts.waiting == 0, counts
acknowledged[0] = counts.written
""",
        log_path.with_suffix(".xxx"),
    )
    assert re.fullmatch(r"(attolog: a call came after the logger was closed; .*\n)?", said)
    whole = Found()
    for path in paths:
        if path.exists():
            found = read_rows(path)  # every line is whole
            whole.rows += found.rows
    doubled = [row for row, times in Counter(whole.rows).items() if times > 1]
    assert doubled == []
