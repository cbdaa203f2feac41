"""`attolog cat -f` of journals that grow."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from attolog import AsyncFileLogger, _core
from attolog._cli.journal_lines import JournalLines

from .helpers import TIME, run_python

LEAVES = """
import attolog, os, sys
log = attolog.AsyncFileLogger(sys.argv[1])
log.set_time(int(sys.argv[2]))
for step in sys.argv[3:]:
    if step == "flush":
        log.flush()
    else:
        log("LEFT", n=int(step))
os._exit(0)
"""
"""Logs the numbers it is given, and dies with what came after the last `flush` in its ring."""


LOGS_WHEN_TOLD = """
import attolog, sys
print("ready", flush=True)
sys.stdin.readline()
with attolog.AsyncFileLogger(sys.argv[1]) as log:
    log.set_time(int(sys.argv[2]))
    log("LEFT", n=3)
"""

EXECS = """
import attolog, os, sys
log = attolog.AsyncFileLogger(sys.argv[1])
log.set_time(int(sys.argv[2]))
log("LEFT", n=3)
os.execv(sys.executable, [sys.executable, "-c", sys.argv[3], *sys.argv[1:3]])
"""
"""Leaves a record in its ring, and goes on as another program of the same process."""


class Followed:
    """What `cat -f` shows of a journal, poll by poll: the values of `n`."""

    def __init__(self, path: Path) -> None:
        self._lines = JournalLines(str(path), follow=True)
        self.problems: list[str] = []

    def new(self) -> list[int]:
        lines = list(self._lines.new())
        self.problems += self._lines.problems()
        return [int(re.findall(rb"n=(\d+)", line)[0]) for line in lines]

    def close(self) -> None:
        self._lines.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.atto"


@pytest.fixture
def log(path: Path) -> Iterator[AsyncFileLogger]:
    with AsyncFileLogger(path) as log:
        yield log


def log_at(log: AsyncFileLogger, time: int, *numbers: int) -> None:
    log.set_time(TIME + time)
    for n in numbers:
        log("E", n=n)
    assert log.flush()


def test_each_record_is_shown_once_also_when_the_time_goes_back(
    log: AsyncFileLogger, path: Path
) -> None:
    log_at(log, 50, 1, 2)
    followed = Followed(path)
    assert followed.new() == [1, 2]
    assert followed.new() == []
    log_at(log, 10, 3)
    log_at(log, 60, 4)
    log_at(log, 5, 5, 6)
    assert followed.new() == [5, 6, 3, 4]  # what comes together is in order of time
    log_at(log, 5, 5)  # the same again is another record
    assert followed.new() == [5]
    assert followed.new() == []
    assert followed.problems == []


def test_the_parts_of_other_processes_are_followed(log: AsyncFileLogger, path: Path) -> None:
    log_at(log, 0, 1)
    followed = Followed(path)
    assert followed.new() == [1]
    run_python(LEAVES, path, str(TIME), "2", "flush")
    assert len(list(path.parent.iterdir())) == 2
    log_at(log, 1, 3)
    assert followed.new() == [2, 3]


def test_what_a_killed_process_left_is_shown_once(path: Path) -> None:
    run_python(LEAVES, path, str(TIME), "1", "flush", "2", "3", "3")
    followed = Followed(path)
    assert followed.new() == [1, 2, 3, 3]
    assert _core.recover(str(path))["records"] == 3
    assert followed.new() == []
    with AsyncFileLogger(path) as log:
        log_at(log, 0, 3)
        assert followed.new() == [3]


def test_the_same_record_once_more_is_another_one(path: Path) -> None:
    command = [sys.executable, "-c", EXECS, str(path), str(TIME), LOGS_WHEN_TOLD]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        followed = Followed(path)
        assert followed.new() == [3]
        process.communicate("\n")
    assert process.returncode == 0
    assert followed.new() == [3]  # of the two that are in the file now


def test_what_a_process_leaves_while_it_is_followed_comes_when_it_is_recovered(
    log: AsyncFileLogger, path: Path
) -> None:
    log_at(log, 0, 1)
    followed = Followed(path)
    assert followed.new() == [1]
    run_python(LEAVES, path, str(TIME), "2", "flush", "3")
    seen = followed.new()
    assert seen in ([2], [2, 3])  # our own logger may have taken it in already
    _core.recover(str(path))
    assert seen + followed.new() == [2, 3]


def test_a_journal_that_is_begun_anew(path: Path) -> None:
    with AsyncFileLogger(path) as log:
        log_at(log, 0, 1, 2, 3)
    followed = Followed(path)
    assert followed.new() == [1, 2, 3]
    with AsyncFileLogger(path, append=False) as log:
        log_at(log, 0, 1, 2, 3)  # as many bytes, at the same times
        log_at(log, 1, 4)
        assert followed.new() == [1, 2, 3, 4]


def test_a_journal_that_is_rotated_away(log: AsyncFileLogger, path: Path) -> None:
    log_at(log, 0, 1)
    followed = Followed(path)
    assert followed.new() == [1]
    log_at(log, 1, 2)
    path.rename(path.with_suffix(".old"))
    assert followed.new() == [2]
    assert followed.new() == []  # there is none now
    log_at(log, 2, 3)
    assert followed.new() == [3]


def test_a_journal_is_read_only_where_it_is_new(log: AsyncFileLogger, path: Path) -> None:
    log_at(log, 0, 1)
    followed = Followed(path)
    assert followed.new() == [1]
    with path.open("r+b") as file:  # the block's payload
        file.seek(-1, os.SEEK_END)
        file.write(b"\0")
    log_at(log, 1, 2)
    assert followed.new() == [2]
    assert followed.problems == []


def test_damage_is_told_once(log: AsyncFileLogger, path: Path) -> None:
    log_at(log, 0, 1)
    followed = Followed(path)
    assert followed.new() == [1]
    with path.open("ab") as file:
        file.write(b"rubbish")
    for n in (2, 3):
        log_at(log, n, n)
        assert followed.new() == [n]
    assert len(followed.problems) == 1
    assert followed.problems[0].endswith("here is none, 7 bytes skipped")


def _take_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the background of a shell ignores it


def test_the_command(log: AsyncFileLogger, path: Path) -> None:
    command = [sys.executable, "-m", "attolog", "cat", "-f", str(path)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_take_ctrl_c,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        for n in (1, 2, 3):
            log_at(log, 4 - n, n)
            assert process.stdout.readline().endswith(f" E n={n}\n")
        process.send_signal(signal.SIGINT)
        shown, said = process.communicate()
    assert (process.returncode, shown, said.strip()) == (130, "", "")
