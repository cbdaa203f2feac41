"""Programs that are killed at random moments and in system calls (rows A4, A7)."""

from __future__ import annotations

import os
import random
import signal
from functools import partial
from pathlib import Path

import pytest

from .harness import (
    FORMATS,
    Program,
    check,
    clear_rings,
    forked,
    killed_by,
    left_behind,
    read_rows,
    recover,
    status_of,
)
from .programs import LOG_AND, end_of

N = 20_000


# ---- A4: SIGKILL at random moments ---------------------------------------------------------------

FOUR_THREADS = """
log = attolog.AsyncFileLogger(path, buffer_bytes=int(sys.argv[3]))
size = int(sys.argv[4])
threads = [threading.Thread(target=work, args=(log, i, 10**9, size)) for i in range(4)]
for thread in threads: thread.start()
"""

SHORT, LONG = 3, pytest.param(250, marks=pytest.mark.torture)


@pytest.mark.parametrize("rounds", [SHORT, LONG])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a4_sigkill_loses_nothing_acknowledged(
    log_path: Path, tmp_path: Path, suffix: str, rounds: int
) -> None:
    for number in range(rounds):
        chance = random.Random(f"{suffix}{number}")
        path = log_path.with_name(f"run{number}").with_suffix(f".{suffix}")
        buffer_bytes = chance.choice([1 << 16, 1 << 18, 1 << 22])
        # Beyond a quarter of the ring a record goes through a file of its own.
        size = chance.choice([0, 0, 50, 1_000, 20_000])
        with Program(FOUR_THREADS, path, buffer_bytes, size) as program:
            most = 60_000 if size < 100 else 2_000 if size == 1_000 else 150
            program.await_acknowledged(chance.randrange(1, most))
            program.kill()
            assert program.stderr == ""
            acknowledged = program.acknowledged()
        for _ in range(chance.randrange(3)):
            pid = forked(partial(recover, path))
            for _ in range(chance.randrange(20_000)):
                pass
            os.kill(pid, signal.SIGKILL)
            status_of(pid)
        if suffix == "atto":
            check(read_rows(path), acknowledged, in_flight=1)
        assert recover(path)["messages"] == []
        check(read_rows(path), acknowledged, in_flight=1)
        assert left_behind(path) == []
        path.unlink()
        clear_rings(path)


GROWING = """
log = attolog.AsyncFileLogger(path)
def wave(first):
    for i in range(first, 10**9, 4):
        thread = threading.Thread(target=work, args=(log, i, 100 * 4 ** (i % 5)))
        thread.start()
        thread.join()
threads = [threading.Thread(target=wave, args=(i,)) for i in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.parametrize("rounds", [SHORT, LONG])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a4_sigkill_loses_nothing_while_rings_grow_and_are_given_back(
    log_path: Path, suffix: str, rounds: int
) -> None:
    for number in range(rounds):
        chance = random.Random(f"growing {suffix}{number}")
        path = log_path.with_name(f"run{number}").with_suffix(f".{suffix}")
        with Program(GROWING, path) as program:
            program.await_acknowledged(chance.randrange(1, 120_000))
            program.kill()
            assert program.stderr == ""
            acknowledged = program.acknowledged()
        assert recover(path)["messages"] == []
        check(read_rows(path), acknowledged, in_flight=1)
        assert left_behind(path) == []
        path.unlink()
        clear_rings(path)


def test_a4_a_session_that_was_never_opened_is_cleared_away(log_path: Path, faults: Path) -> None:
    path = log_path.with_suffix(".csv")
    fault = f"/{path.name}-|posix_fallocate|0|kill_after|1"
    with Program(LOG_AND.format(n=1, end=""), path, fault=(faults, fault)) as program:
        assert killed_by(program.wait())
    recover(path)
    assert left_behind(path) == []


def test_the_rings_of_a_killed_program_are_read_without_recovery(log_path: Path) -> None:
    path = log_path.with_suffix(".atto")
    end_of(LOG_AND.format(n=N, end="os.kill(os.getpid(), 9)"), path)
    before = path.read_bytes()
    check(read_rows(path), {0: N})
    assert path.read_bytes() == before
    assert recover(path, check=True)["sessions"] == 1


# ---- A7: killed in a system call -----------------------------------------------------------------


SLOWLY = """
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
for start in range(0, 4_000, 400):
    work(log, 0, 400, start=start)
    work(log, 1, 1, start=start // 400, size=20_000)
    log.flush()
"""


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("call", "action", "points"),
    [
        ("write", "kill", range(0, 12, 4)),
        ("write", "half", range(0, 12, 3)),
        ("write", "kill_after", range(0, 12, 3)),
        pytest.param("any", "kill", range(120), marks=pytest.mark.torture),
        pytest.param("any", "half", range(120), marks=pytest.mark.torture),
        pytest.param("any", "kill_after", range(120), marks=pytest.mark.torture),
    ],
)
def test_a7_a_writer_killed_in_a_system_call(
    log_path: Path, faults: Path, suffix: str, call: str, action: str, points: range
) -> None:
    for point in points:
        path = log_path.with_name(f"run{point}").with_suffix(f".{suffix}")
        fault = f"{path.stem}|{call}|{point}|{action}|1"
        with Program(SLOWLY, path, fault=(faults, fault)) as program:
            status = program.wait()
            acknowledged = program.acknowledged()
        assert killed_by(status) or (status == 0 and call == "any")
        if not path.exists() and not acknowledged:
            continue  # before there was anything
        if suffix == "atto":
            check(read_rows(path), acknowledged, in_flight=1)
        recover(path)
        if acknowledged:
            check(read_rows(path), acknowledged, in_flight=1)
        clear_rings(path)
