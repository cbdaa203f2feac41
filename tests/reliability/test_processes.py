"""Forks, pools, programs that share a path, subinterpreters (rows C2, C4, C5, C15)."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from .harness import FORMATS, PATIENCE, Program, check, left_behind, read_rows
from .programs import COUNTED, everything, run

# ---- C2, C4: fork --------------------------------------------------------------------------------

FORKS = """
forks = int(sys.argv[3])
log = attolog.AsyncFileLogger(path)
stop = threading.Event()
def until_told(worker):
    log_next = worker_of(log, worker)
    while not stop.is_set():
        for _ in range(20): log_next()
        log.counts, log.flush(0)
threads = in_threads(3, until_told)
statuses = []
for i in range(forks):
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)  # a child that hangs dies
        if i % 3 == 1: log.flush()
        work(log, 3 + i, 100)
        if i % 3 == 2: assert log.flush() and log.counts.written == 100, log.counts
        os._exit(0)
    statuses.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
stop.set()
for thread in threads: thread.join()
assert statuses == [0] * forks, statuses
counted(log, sum(acknowledged[:3]))
"""


def check_forks(path: Path, forks: int, patience: float) -> None:
    acknowledged = run(FORKS, path, forks, patience=patience)
    assert [acknowledged[3 + i] for i in range(forks)] == [100] * forks
    found = everything(path)
    check(found, acknowledged)
    pids = {row.worker: row.pid for row in found.rows}
    assert len({pids[3 + i] for i in range(forks)} - {pids[0]}) == forks  # each child under its own


@pytest.mark.parametrize("suffix", FORMATS)
def test_c2_c4_fork_while_threads_log(log_path: Path, suffix: str) -> None:
    check_forks(log_path.with_suffix(f".{suffix}"), 12, PATIENCE)


@pytest.mark.torture
@pytest.mark.parametrize("suffix", FORMATS)
def test_c2_two_hundred_forks(log_path: Path, suffix: str) -> None:
    check_forks(log_path.with_suffix(f".{suffix}"), 200, 600)


@pytest.mark.parametrize("suffix", FORMATS)
def test_c4_a_grandchild_logs(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    acknowledged = run(
        """
log = attolog.AsyncFileLogger(path)
work(log, 0, 10)
def child(depth):
    signal.alarm(60)
    work(log, depth, 100)
    if depth < 3 and (pid := os.fork()): assert os.waitpid(pid, 0)[1] == 0
    elif depth < 3: child(depth + 1)
    os._exit(0)
pid = os.fork()
if pid == 0: child(1)
assert os.waitpid(pid, 0)[1] == 0
counted(log, 10)
""",
        path,
    )
    found = everything(path)
    check(found, acknowledged)
    assert len({row.pid for row in found.rows}) == 4


# ---- C5: processes that share a path -------------------------------------------------------------

POOL = """
import multiprocessing, os, sys
import attolog

def task(argument):
    path, worker, n, size = argument
    log = attolog.AsyncFileLogger(path)
    record = log.event("R", "pid", "worker", "seq", "pad")
    for seq in range(n):
        record(os.getpid(), worker, seq, f"<{seq}:{size}:{'x' * size}>")
    assert log.close() and log.counts.written == log.counts.calls == n, log.counts
    return worker

if __name__ == "__main__":
    method, path, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with multiprocessing.get_context(method).Pool(4) as pool:
        tasks = [(path, i, n, (50, 20_000)[i % 2]) for i in range(8)]
        assert sorted(pool.imap_unordered(task, tasks)) == list(range(8))
        pool.close()
        pool.join()
"""


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_c5_pools_write_one_path(log_path: Path, tmp_path: Path, method: str, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    script = tmp_path / "pooled.py"
    script.write_text(POOL)
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(script), method, str(path), "200"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")
    check(everything(path), dict.fromkeys(range(8), 200))


@pytest.mark.parametrize("suffix", FORMATS)
def test_c5_four_programs_at_once(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = COUNTED + (
        """
worker = int(sys.argv[3])
log = attolog.AsyncFileLogger(path)
say("open")
sys.stdin.readline()
for start in range(0, 2000, 100):
    work(log, worker, 100, size=(50, 20_000)[start // 100 % 2], start=start)
counted(log, 2000)
"""
    )
    acknowledged: dict[int, int] = {}
    with ExitStack() as stack:
        programs = []
        for worker in range(4):  # one after the other: who comes to a living one gets a part
            programs.append(stack.enter_context(Program(source, path, worker)))
            assert programs[-1].await_word() == "open"
        for program in programs:
            program.tell()
        for program in programs:
            assert (program.wait(), program.stderr) == (0, "")
            acknowledged |= program.acknowledged()
    assert acknowledged == dict.fromkeys(range(4), 2000)
    check(everything(path), acknowledged)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("threads", [1, 4, 16])
def test_c5_two_loggers_of_one_path(log_path: Path, suffix: str, threads: int) -> None:
    path = log_path.with_suffix(f".{suffix}")
    acknowledged = run(
        """
n = int(sys.argv[3])
logs = [attolog.AsyncFileLogger(path) for _ in range(2)]
threads = in_threads(2 * n, lambda worker: work(logs[worker % 2], worker, 500))
for thread in threads: thread.join()
for log in logs: counted(log, 500 * n)
""",
        path,
        threads,
    )
    assert acknowledged == dict.fromkeys(range(2 * threads), 500)
    check(everything(path), acknowledged)


def test_c5_csv_columns_are_the_files(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    run(
        """
one, two = [attolog.AsyncFileLogger(path) for _ in range(2)]
one("E", a=1, b=2); one.flush()
two("E", b=4, a=3); two("E", c=5); two.flush()
one("E", d=8, c=7); one("E", b=10)
counted(one, 3)
counted(two, 2)
""",
        path,
    )
    rows = [line.split(",", 1)[1] for line in path.read_text().splitlines()]
    assert rows == ["E,1,2", "E,3,4", "E,,,5", "E,,,7,8", "E,,10,,"]


# ---- C15: subinterpreters ------------------------------------------------------------------------


def test_c15_a_subinterpreter_works_or_is_refused(tmp_path: Path) -> None:
    source = """
import sys
try: import _interpreters as interpreters
except ImportError: import _xxsubinterpreters as interpreters
import attolog
inside = '''
try:
    import attolog
    log = attolog.AsyncFileLogger(r"PATH"); log("E", x=1)
    assert log.close() and log.counts.written == 1
except ImportError as error: assert "attolog" in str(error), error
'''
each = interpreters.create()
failure = interpreters.run_string(each, inside.replace("PATH", sys.argv[1]))
assert failure is None, failure
interpreters.destroy(each)
log = attolog.AsyncFileLogger(sys.argv[1])
log("E", x=2)
assert log.close()
"""
    path = tmp_path / "run.csv"
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "default"}
    done = subprocess.run(
        [sys.executable, "-c", source, path],
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert path.read_text().splitlines()[-1].endswith(",E,2")


# ---- children that cannot log, or are about to exec ----------------------------------------------

CANNOT_OPEN = """
import sys, os
log = attolog.AsyncFileLogger(path)
loggers = {
    "a file": log,
    "samples": attolog.SampledLogger(log, strategy="every:2"),
    "statistics": attolog.StatsLogger(log),
    "a tee": attolog.tee(log),
    "bound": log.bind(request=1),
}
log("PARENT")
assert log.flush()
folder = os.path.dirname(path)
if (pid := os.fork()) == 0:
    signal.alarm(60)
    os.rename(folder, folder + ".away")
    open(folder, "w").close()  # no folder can be made there
    logger = loggers[sys.argv[3]]
    declared = logger.event("E", "i")
    for i in range(250):
        logger("W", i); logger.info("{i}", i); logger.log("text"); declared(i)
        counts = logger.counts
        assert counts.calls == sum(counts[1:]) == 4 * (i + 1), (i, counts)
    assert logger.close()
    logger("LATE")
    assert logger.counts.calls == 1001, logger.counts
    os.unlink(folder)
    os.rename(folder + ".away", folder)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
assert log.close() and log.counts.calls == 1, log.counts
"""


@pytest.mark.parametrize("suffix", FORMATS)
def test_c2_a_child_that_outlives_its_parent_takes_in_what_that_has_left(
    log_path: Path, suffix: str
) -> None:
    source = """
over, is_over = os.pipe()
gone, is_gone = os.pipe()
pid = os.fork()
if pid != 0:
    os.close(is_over)
    os.waitpid(pid, 0)
    os.write(is_gone, b"!")
    assert os.read(over, 1) == b"!"
else:
    log = attolog.AsyncFileLogger(path)
    work(log, 0, 100)
    if os.fork() != 0: os._exit(0)
    os.read(gone, 1)
    work(log, 1, 100)
    assert log.close()
    os.write(is_over, b"!")
    os._exit(0)
"""
    path = log_path.with_suffix(f".{suffix}")
    with Program(source, path) as program:
        assert program.wait() == 0, program.stderr
        assert program.stderr == ""
    check(read_rows(path), {0: 100, 1: 100})
    assert left_behind(path) == []


@pytest.mark.parametrize("logger", ["a file", "samples", "statistics", "a tee", "bound"])
def test_c2_the_calls_of_a_child_that_cannot_open_the_file_are_counted(
    log_path: Path, logger: str
) -> None:
    with Program(CANNOT_OPEN, log_path.with_suffix(".csv"), logger) as program:
        assert program.wait() == 0, program.stderr
        first, *others = program.stderr.splitlines()
        assert first.endswith("does not log: its calls are counted as dropped")
        assert all("after the logger was closed" in line for line in others)  # the logger's own end


def test_c2_calls_after_close_are_those_of_their_own_process(log_path: Path) -> None:
    source = """
log = attolog.AsyncFileLogger(path)
log.close()
for i in range(7): log("LATE", i)
if (pid := os.fork()) == 0:
    assert log.counts.calls == 0, log.counts
    log("LATE", 1)
    assert log.counts.calls == 1, log.counts
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
assert log.counts.calls == log.counts.dropped == 7, log.counts
"""
    with Program(source, log_path.with_suffix(".csv")) as program:
        assert program.wait() == 0, program.stderr


def test_c2_a_child_that_logs_before_it_executes_says_nothing_of_closed_files(
    log_path: Path,
) -> None:
    source = """
import subprocess
log = attolog.AsyncFileLogger(path)
work(log, 0, 10)
def prepare():
    work(log, 1, 10)
    os.closerange(3, 256)  # as subprocess does it itself, behind this
    log("R", 0, 0, 0, "")
    assert log.flush()  # it is opened again
for _ in range(2): subprocess.run(["true"], preexec_fn=prepare, check=True)
"""
    with Program(source, log_path.with_suffix(".csv")) as program:
        assert program.wait() == 0, program.stderr
        assert program.stderr == ""
