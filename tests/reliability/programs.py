"""Programs that several modules run, and how they are run.

In a process of their own, so that a hang or a crash is a failed test and no more.
"""

from __future__ import annotations

from pathlib import Path

from .harness import PATIENCE, Found, Program, left_behind, read_rows

LOG_AND = """
log = attolog.AsyncFileLogger(path)
work(log, 0, {n})
{end}
"""


def end_of(source: str, path: Path) -> tuple[int, str]:
    """Run a program that may end in any way; its exit status and what it said on stderr."""
    with Program(source, path) as program:
        return program.wait(), program.stderr


# What programs say at their end: calls must be the sum of the other figures, and all is written.
COUNTED = """
def worker_of(log, worker, size=0):
    record = log.event("R", "pid", "worker", "seq", "pad")
    def log_next():
        seq = acknowledged[worker]
        record(os.getpid(), worker, seq, pad(seq, size))
        acknowledged[worker] = seq + 1
    return log_next

def counted(log, calls):
    assert log.close(), log.counts
    counts = log.counts
    assert counts.calls == sum(counts[1:]) == calls, counts
    assert counts.written == calls, counts
"""

THREADS = """
def in_threads(n, action):
    threads = [threading.Thread(target=action, args=(i,)) for i in range(n)]
    for thread in threads: thread.start()
    return threads
"""


def run(source: str, path: Path, *arguments: object, patience: float = PATIENCE) -> dict[int, int]:
    """Run a program that must end well and say nothing; what it has had acknowledged."""
    with Program(COUNTED + THREADS + source, path, *arguments) as program:
        assert program.wait(patience) == 0, program.stderr
        assert program.stderr == "", program.stderr
        return program.acknowledged()


def everything(path: Path) -> Found:
    """What the file holds; a journal has its parts by itself."""
    found = read_rows(path)
    assert (found.dropped, found.others, left_behind(path)) == (0, [], [])
    return found
