"""The program closes descriptors that it did not open, and gets their numbers again (B18)."""

from __future__ import annotations

from pathlib import Path

import pytest

from .harness import FORMATS, Program, check, left_behind, read_rows

# Files of the program's under the numbers that attolog had, or under all that there may be. At the
# end each must be open, locked and as it was.
OWN = """
import fcntl
own_path = path + ".own"

def close_all():
    os.closerange(3, 1024)

def take(own, number):
    try: os.dup2(own, number)
    except OSError: take(own, number)  # another thread is just opening a file under the number

def take_over():
    own = os.open(own_path, os.O_RDWR | os.O_CREAT, 0o600)
    taken = [number for number in range(3, 300) if number != own]
    for number in taken: take(own, number)
    fcntl.flock(own, fcntl.LOCK_EX)
    return [own, *taken]

def check_own(taken):
    for number in taken: os.fstat(number)
    assert os.path.getsize(own_path) == 0
    pid = os.fork()
    if pid == 0:
        try:
            fcntl.flock(os.open(own_path, os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0, "the program's lock is free"

"""


def run(path: Path, source: str) -> None:
    with Program(OWN + source, path) as program:
        assert (program.wait(), program.stderr) == (0, "")


@pytest.mark.parametrize("suffix", FORMATS)
def test_b18_logging_goes_on_in_the_file_and_the_programs_files_are_its_own(
    log_path: Path, suffix: str
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 1_000)
log.flush()
close_all()
work(log, 0, 1_000, start=1_000)
log.flush()
taken = take_over()
for start in range(2_000, 4_000, 100):
    work(log, 0, 100, start=start)
    assert log.flush()
thread = threading.Thread(target=work, args=(log, 1, 1_000))  # needs a ring
thread.start()
thread.join()
work(log, 0, 1, start=4_000, size=5_000_000)  # has to go through a file
assert log.close()
assert log.counts.dropped == 0
check_own(taken)
"""
    run(path, source)
    check(read_rows(path), {0: 4_001, 1: 1_000})
    assert left_behind(path) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_b18_a_daemon_that_closes_all_goes_on_logging(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 100)
log.flush()
if os.fork() == 0:
    os.setsid()
    pid = os.fork()
    if pid == 0:
        close_all()
        taken = take_over()
        work(log, 1, 1_000)
        log.flush()
        check_own(taken)
        log.close()
        os._exit(0)
    os._exit(os.waitpid(pid, 0)[1] >> 8)
assert os.wait()[1] == 0
work(log, 0, 100, start=100)
assert log.close()
"""
    run(path, source)
    check(read_rows(path), {0: 200, 1: 1_000})


def test_b18_more_events_than_the_session_had_room_for_outlast_it(log_path: Path) -> None:
    path = log_path.with_suffix(".log")
    source = """
log = attolog.AsyncFileLogger(path)
for i in range(3_000):  # more names than it has room for at first
    if i % 1_000 == 500: close_all()
    if i == 2_500: taken = take_over()
    log(f"EVENT_{i}", i)
    if i % 100 == 0: assert log.flush()
assert log.close()
assert log.counts.written == 3_000, log.counts
check_own(taken)
"""
    run(path, source)
    assert len(path.read_text("utf-8").splitlines()) == 3_000


def test_b18_statistics_outlast_it(log_path: Path) -> None:
    path = log_path.with_suffix(".jsonl")
    source = """
log = attolog.StatsLogger(path)
for i in range(1_000):
    if i == 300: close_all()
    if i == 600: taken = take_over()
    log("GEN", i)
    if i % 100 == 50: log.flush()
assert log.close()
assert log.counts.aggregated == 1_000, log.counts
check_own(taken)
"""
    run(path, source)


@pytest.mark.parametrize("suffix", FORMATS)
def test_b18_a_kill_behind_it_loses_nothing(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 1_000)
log.flush()
close_all()
taken = take_over()
work(log, 0, 5_000, start=1_000)
os.kill(os.getpid(), signal.SIGKILL)
"""
    with Program(OWN + source, path) as program:
        assert program.wait() == -9, program.stderr
    recover = "attolog.AsyncFileLogger(path).close()"
    with Program(recover, path) as program:
        assert program.wait() == 0
    check(read_rows(path), {0: 6_000})
