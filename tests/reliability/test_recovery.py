"""Who recovers what a killed program left, and what if recovery is killed (rows A8, A9)."""

from __future__ import annotations

import os
import random
import signal
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from .harness import (
    FORMATS,
    Program,
    Snapshot,
    check,
    clear_rings,
    forked,
    held,
    killed_by,
    left_behind,
    read_rows,
    recover,
    states,
    status_of,
    wait_until,
)
from .programs import LOG_AND, end_of

N = 20_000


# ---- A8: a recovery is killed --------------------------------------------------------------------


# Tries one fault after the other on a recovery, each in a child of its own; ends with the first
# that the recovery no longer comes to.
FAULTY_RECOVERY = """
import ctypes, pathlib
from reliability.harness import *

action, step = sys.argv[3], int(sys.argv[4])
call = "write" if action == "half" else "any"
path = pathlib.Path(path)
snapshot = Snapshot(path, path.parent.parent / "snapshot")
arm = ctypes.CDLL(None).fault_arm

def dies(point):
    arm(f"{path.stem}|{call}|{point}|{action}|1".encode())
    recover(path)

if action == "half":  # there are few writes
    step = 1
for tried, point in enumerate(range(0, 10_000, step)):
    snapshot.restore()
    status = status_of(forked(lambda: dies(point)))
    if path.suffix == ".atto":
        check(read_rows(path), {0: 3_000, 1: 6})
    assert recover(path)["messages"] == [], point
    check(read_rows(path), {0: 3_000, 1: 6})
    assert left_behind(path) == []
    if not killed_by(status):
        assert status == 0
        break
say(tried)
"""

KILLED = """
log = attolog.AsyncFileLogger(path, buffer_bytes=1 << 20)
work(log, 0, 1_000)
log.flush()
say("open")
sys.stdin.readline()
work(log, 0, 2_000, start=1_000)
work(log, 1, 6, size=300_000)  # beside the ring
os.kill(os.getpid(), signal.SIGKILL)
"""


def leave_records(path: Path) -> None:
    """Log 3,000 records and 6 large ones; all but 1,000 are left in the rings of a dead process."""
    with Program(KILLED, path) as program:
        assert program.await_word() == "open"
        with held(path):  # the writer waits for it, and dies waiting
            program.tell()
            assert killed_by(program.wait())
    waiting = recover(path, check=True)
    assert (waiting["records"], waiting["sessions"]) == (2_006, 1)


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.torture)])
@pytest.mark.parametrize("action", ["kill", "half", "kill_after"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a8_a_recovery_killed_anywhere_is_done_by_the_next(
    log_path: Path, faults: Path, suffix: str, action: str, step: int
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    leave_records(path)
    with Program(
        FAULTY_RECOVERY, path, action, step, fault=(faults, "none|any|0|kill|1")
    ) as program:
        said = program.await_word(patience=1800)
        assert (program.wait(), program.stderr) == (0, "")
        assert int(said) >= 2, "no call of a recovery was hit"


# ---- A9: who recovers ----------------------------------------------------------------------------


def _recover_on(path: Path, start: int, go: int) -> None:
    """Recover once the last one who has `go` open has closed it."""
    os.close(go)
    os.read(start, 1)
    assert recover(path)["messages"] == []


@pytest.mark.parametrize("rounds", [10, pytest.param(500, marks=pytest.mark.torture)])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a9_of_several_recoveries_at_once_one_wins(
    log_path: Path, tmp_path: Path, suffix: str, rounds: int
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    leave_records(path)
    snapshot = Snapshot(path, tmp_path / "snapshot")
    for _ in range(rounds):
        snapshot.restore()
        start, go = os.pipe()
        pids = [forked(partial(_recover_on, path, start, go)) for _ in range(4)]
        os.close(start)
        os.close(go)
        assert [status_of(pid) for pid in pids] == [0] * 4
        check(read_rows(path), {0: 3_000, 1: 6})
        assert left_behind(path) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_a9_what_a_living_program_logs_is_left_to_it(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = """
log = attolog.AsyncFileLogger(path)
for start in range(0, N, 1_000):
    work(log, 0, 1_000, start=start)
    say("more")
    sys.stdin.readline()
""".replace("N", str(N))
    with Program(source, path) as program:
        for _ in range(N // 1_000):
            assert program.await_word() == "more"
            recovered = recover(path)
            assert (recovered["living"], recovered["records"], recovered["sessions"]) == (1, 0, 0)
            program.tell()
        assert (program.wait(), program.stderr) == (0, "")
        check(read_rows(path), program.acknowledged())


def test_a9_a_living_program_takes_in_what_a_dead_one_left(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    living = """
log = attolog.AsyncFileLogger(path)
say("open")
sys.stdin.readline()
"""
    killed = LOG_AND.replace("work(log, 0", "work(log, 1")
    with Program(living, path) as program:
        assert program.await_word() == "open"
        assert killed_by(end_of(killed.format(n=N, end="os.kill(os.getpid(), 9)"), path)[0])
        wait_until(lambda: len(read_whole_rows(path)) == N)
        program.tell()
        assert (program.wait(), program.stderr) == (0, "")
    check(read_rows(path), {1: N})


def read_whole_rows(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def test_a9_a_childs_records_are_in_the_file_when_the_parent_closes(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 1_000)
pid = os.fork()
if pid == 0:
    work(log, 1, 1_000)
    os._exit(0)
os.waitpid(pid, 0)
say(log.close())
"""
    with Program(source, path) as program:
        assert program.await_word() == "True"
        assert (program.wait(), program.stderr) == (0, "")
    check(read_rows(path), {0: 1_000, 1: 1_000})


def _is_nobodys(path: Path) -> bool:
    return recover(path, check=True)["living"] == 0


def _is_recovered(path: Path) -> bool:
    recover(path)
    return left_behind(path) == []


@pytest.mark.parametrize("rounds", [2, pytest.param(100, marks=pytest.mark.torture)])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a9_processes_that_share_a_path_and_are_killed(
    log_path: Path, suffix: str, rounds: int
) -> None:
    source = """
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
for i in range(3):
    if os.fork() == 0:
        work(log, i, 10**9)
work(log, 3, 10**9)
"""
    for number in range(rounds):
        chance = random.Random(f"{suffix}{number}")
        path = log_path.with_name(f"run{number}").with_suffix(f".{suffix}")
        with Program(source, path, start_new_session=True) as program:
            program.await_acknowledged(chance.randrange(4, 40_000))
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()
            # The children are not ours to wait for: they have ended once their locks are free.
            wait_until(partial(_is_nobodys, path))
            acknowledged = program.acknowledged()
            assert program.stderr == ""
        # One that was killed while it opened its session may be at that for a moment still.
        wait_until(partial(_is_recovered, path))
        check(read_rows(path), acknowledged, in_flight=1)
        clear_rings(path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a9_programs_that_open_one_path_at_the_same_time(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = """
say("ready")
sys.stdin.readline()
log = attolog.AsyncFileLogger(path, append=False)
work(log, int(sys.argv[3]), 2_000)
say("logged")
sys.stdin.readline()
"""
    with ExitStack() as stack:
        programs = [stack.enter_context(Program(source, path, i)) for i in range(6)]
        for word in ("ready", "logged"):
            assert [program.await_word() for program in programs] == [word] * 6
            for program in programs:
                program.tell()
        assert [program.wait() for program in programs] == [0] * 6
    check(read_rows(path), dict.fromkeys(range(6), 2_000))


@pytest.mark.parametrize("append", [True, False])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a9_a_program_that_was_about_to_open_the_path(
    log_path: Path, faults: Path, suffix: str, append: bool
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = """
log = attolog.AsyncFileLogger(path, append=sys.argv[4] == "True")
work(log, int(sys.argv[3]), 2_000)
log.flush()
say("logged")
sys.stdin.readline()
"""
    # The first has looked who else writes the file, and has not yet said that it does so itself.
    fault = f"/{path.name}-|open|0|stop|1"
    with Program(source, path, 0, append, fault=(faults, fault)) as first:
        wait_until(lambda: states(first.pid) == {"T"})
        with Program(source, path, 1, append) as second:
            assert second.await_word() == "logged"
            first.process.send_signal(signal.SIGCONT)
            assert first.await_word() == "logged"
            for program in (first, second):
                program.tell()
                assert program.wait() == 0
    check(read_rows(path), {0: 2_000, 1: 2_000})


@pytest.mark.parametrize("suffix", FORMATS)
def test_a9_a_program_that_was_about_to_replace_the_path(
    log_path: Path, faults: Path, suffix: str
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = """
log = attolog.AsyncFileLogger(path, append=False)
work(log, int(sys.argv[3]), 2_000)
log.flush()
say("logged")
sys.stdin.readline()
"""
    # The first has said that it writes the file, and has not yet emptied it.
    fault = ".ring|posix_fallocate|0|stop|1"
    with Program(source, path, 0, fault=(faults, fault)) as first:
        wait_until(lambda: states(first.pid) == {"T"})
        with Program(source, path, 1) as second:
            assert second.await_word() == "logged"
            first.process.send_signal(signal.SIGCONT)
            assert first.await_word() == "logged"
            for program in (first, second):
                program.tell()
                assert program.wait() == 0
    check(read_rows(path), {0: 2_000, 1: 2_000})


def test_a9_a_ring_that_was_never_used_is_no_damage(log_path: Path, faults: Path) -> None:
    path = log_path.with_suffix(".atto")
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 1_000)
thread = threading.Thread(target=work, args=(log, 1, 1_000))  # whose ring kills it
thread.start()
thread.join()
"""
    fault = ".1.ring|posix_fallocate|0|kill_after|1"
    with Program(source, path, fault=(faults, fault)) as program:
        assert killed_by(program.wait())
    check(read_rows(path), {0: 1_000})
    assert recover(path)["messages"] == []
    check(read_rows(path), {0: 1_000})
    assert left_behind(path) == []
