"""Programs that give up their rights, and files that are written in several places (row A18)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import Program, check, left_behind, read_rows, recover

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up rights")

DROP = """
def drop():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)

"""


@pytest.fixture
def path() -> Iterator[Path]:
    """A log file in a folder of root's that everybody may look into."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder, "run.csv")


@as_root
def test_a18_what_a_killed_worker_left_is_written_by_the_next_one(path: Path) -> None:
    source = """
log = attolog.AsyncFileLogger(path)
for worker in 0, 1:
    if os.fork() == 0:
        drop()
        work(log, worker, 1_000)
        if worker == 0: os.kill(os.getpid(), signal.SIGKILL)
        sys.exit(0 if log.close() else 1)
    os.wait()
log.close()
"""
    with Program(DROP + source, path) as program:
        assert program.wait() == 0
        assert program.acknowledged() == {0: 1_000, 1: 1_000}
    check(read_rows(path), {0: 1_000, 1: 1_000})


@as_root
def test_a18_children_that_are_forked_after_the_rights_are_gone_log(path: Path) -> None:
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 100)
drop()
for worker in 1, 2, 3:
    if os.fork() == 0:
        work(log, worker, 100)
        sys.exit(0 if log.close() else 1)
    os.wait()
work(log, 0, 100, start=100)
say(log.close())
"""
    with Program(DROP + source, path) as program:
        assert program.await_word() == "True", program.stderr
        assert program.wait() == 0
    check(read_rows(path), {0: 200, 1: 100, 2: 100, 3: 100})


WRITE = """
log = attolog.AsyncFileLogger(path, append=sys.argv[4] == "append", ring_dir=sys.argv[5] or None)
work(log, int(sys.argv[3]), 100)
log.flush()
say("written")
sys.stdin.readline()
say(log.close())
"""


def test_a18_a_file_that_is_written_in_another_place_is_not_replaced(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    elsewhere = log_path.parent / "rings"
    with Program(WRITE, path, 0, "append", elsewhere) as first:
        assert first.await_word() == "written"
        with Program(WRITE, path, 1, "replace", "") as second:
            assert second.await_word() == "written"
            assert "another logger writes it" in second.stderr
            for program in (first, second):
                program.tell()
                assert program.await_word() == "True"
                assert program.wait() == 0
    check(read_rows(path), {0: 100, 1: 100})
    with Program(WRITE, path, 2, "replace", "") as last:  # nobody is left
        assert last.await_word() == "written"
        last.tell()
        assert last.wait() == 0
    check(read_rows(path), {2: 100})


def test_a4_a_file_that_is_called_like_a_circular_log_is_none(log_path: Path) -> None:
    path = log_path.with_name("circular-job.csv")
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 1_000)
os.kill(os.getpid(), signal.SIGKILL)
"""
    with Program(source, path) as program:
        program.wait()
    with Program("attolog.CircularLogger(10).close()", log_path.with_suffix(".log")) as program:
        assert program.wait() == 0
    recover(path)
    check(read_rows(path), {0: 1_000})
    assert left_behind(path) == []
