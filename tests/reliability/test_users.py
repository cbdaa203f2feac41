"""Files that users, programs and starts share: who stops, moves, gives up what (A9, A17, A18)."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from attolog import _core

from .harness import (
    FORMATS,
    Program,
    check,
    killed_by,
    left_behind,
    read_rows,
    recover,
    states,
    wait_until,
)
from .mixed import read_mixed
from .programs import COUNTED

LINES = [
    suffix for suffix in FORMATS if suffix != "atto"
]  # which all processes write into one file

# ---- A9: a process is stopped within its write ---------------------------------------------------

LOGS = """
log = attolog.AsyncFileLogger(path)
say("open")
work(log, int(sys.argv[3]), 1_000)
try:
    say("logged")
    log.flush()
except KeyboardInterrupt: say("interrupted")
sys.stdin.readline()
log.close()
"""


@pytest.mark.parametrize(
    ("suffix", "goes_on"),
    [
        ("csv", True),
        ("log", False),
        pytest.param("jsonl", True, marks=pytest.mark.torture),
        pytest.param("jsonl", False, marks=pytest.mark.torture),
        pytest.param("csv", False, marks=pytest.mark.torture),
        pytest.param("log", True, marks=pytest.mark.torture),
    ],
)
def test_a9_others_start_while_one_is_stopped_within_its_write(
    log_path: Path, faults: Path, suffix: str, goes_on: bool
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    fault = (faults, f"/{path.name}|write|0|stop|1")
    with Program(LOGS, path, 0, fault=fault) as stopped:
        wait_until(lambda: states(stopped.pid) == {"T"})
        with Program(LOGS, path, 1) as other:
            assert [other.await_word(), other.await_word()] == ["open", "logged"]
            other.process.send_signal(signal.SIGINT)
            assert other.await_word() == "interrupted"
            wait_until(lambda: f"process {stopped.pid} holds its lock" in other.stderr)
            if goes_on:
                stopped.process.send_signal(signal.SIGCONT)
                stopped.tell()
                assert stopped.wait() == 0
            else:
                stopped.kill()
            other.tell()
            assert other.wait() == 0
        acknowledged = stopped.acknowledged() | {1: 1_000}
    recover(path)
    check(read_rows(path), acknowledged, in_flight=1)
    assert left_behind(path) == []


# ---- A17: other writers --------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
def test_a17_a_line_behind_a_torn_record_stays_and_the_record_is_there_once_more(
    log_path: Path, faults: Path, suffix: str
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    # Each record is longer than all before it: half of any batch ends within its last one.
    source = """
log = attolog.AsyncFileLogger(path)
for i in range(8): work(log, 0, 1, size=100 * 3**i, start=i)
"""
    with Program(source, path, fault=(faults, f"/{path.name}|write|0|half|1")) as program:
        assert killed_by(program.wait())
        acknowledged = program.acknowledged()
    with path.open("ab") as file:
        file.write(b"[other 1 0 ooo]\n")
    recover(path)
    mixed = read_mixed([path])
    check(mixed.found, acknowledged, in_flight=1)
    assert mixed.others == [(1, 0)]
    assert len(mixed.torn) == (0 if suffix == "atto" else 1)


@pytest.mark.parametrize("suffix", LINES)
def test_a17_no_record_goes_on_a_line_that_another_program_has_left_open(
    log_path: Path, suffix: str
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = """
log = attolog.AsyncFileLogger(path)
for i in range(3):
    work(log, 0, 1, start=i)
    log.flush()
    say("flushed")
    sys.stdin.readline()
"""
    with Program(source, path) as program:
        for i in range(3):
            assert program.await_word() == "flushed"
            with path.open("ab") as file:
                file.write(b"[other 1 %d ooo]" % i)
            program.tell()
        assert program.wait() == 0
    rows = [line for line in path.read_bytes().splitlines() if b"<" in line]
    assert len(rows) == 3
    assert not any(b"[other" in line for line in rows)


KILLED = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 1_000)
os.kill(os.getpid(), signal.SIGKILL)
"""
NEXT = COUNTED + "log = attolog.AsyncFileLogger(path)\nwork(log, 1, 10)\ncounted(log, 10)\n"


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("is_renamed", [True, False])
def test_a17_a_new_file_under_the_name_gets_nothing_of_a_killed_run(
    log_path: Path, suffix: str, is_renamed: bool
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    with Program(KILLED, path) as program:
        assert killed_by(program.wait())
    homes = _core.places(str(path))["homes"]
    old = path.with_stem("old")
    path.rename(old)
    if not is_renamed:
        old.unlink()
    with Program(NEXT, path) as program:
        assert (program.wait(), program.stderr) == (0, "")
    for home in homes:
        _core.recover_place(home, forget=True)
    check(read_rows(path), {1: 10})
    if is_renamed:
        check(read_rows(old), {0: 1_000})
    assert left_behind(path) == []


# ---- A18: users ----------------------------------------------------------------------------------

GIVES_UP = """
def give_up():
    os.setgroups([]); os.setgid(65534); os.setuid(65534)

log = attolog.AsyncFileLogger(path)
work(log, 0, 1_000)
if sys.argv[3] == "alone":
    give_up()
    work(log, 0, 2_000, start=1_000)
    counted(log, 3_000)
else:
    children = []
    for worker in (1, 2):
        if (pid := os.fork()) == 0:
            signal.alarm(60)
            give_up()
            work(log, worker, 2_000)
            if worker == 1: counted(log, 2_000)
            # Nobody but root can put into root's file what is in this user's rings.
            assert log.flush()
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0]
    counted(log, 1_000)
"""


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("how", ["alone", "workers"])
@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_a18_whoever_gives_up_its_rights_goes_on_logging(
    yard: Path, suffix: str, how: str, mode: int
) -> None:
    folder = yard / "logs"
    folder.mkdir()
    folder.chmod(mode)
    path = folder / f"run.{suffix}"
    with Program(COUNTED + GIVES_UP, path, how) as program:
        assert program.wait() == 0, program.stderr
        acknowledged = program.acknowledged()
    expected = {0: 3_000} if how == "alone" else {0: 1_000, 1: 2_000, 2: 2_000}
    assert acknowledged == expected
    as_nobody = """
os.setgroups([]); os.setgid(65534); os.setuid(65534)
from attolog import _core
for home in _core.places(path)["homes"]: _core.recover_place(home)
"""
    with Program(as_nobody, path) as program:
        assert program.wait() == 0, program.stderr
    recover(path)
    check(read_rows(path), acknowledged)
    assert sorted(each for each in os.listdir(folder) if each.startswith(".")) == []
