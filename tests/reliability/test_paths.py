"""Paths that cannot be written, or become something else meanwhile (rows B13-B15, B17)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

import attolog

from .harness import (
    FORMATS,
    Program,
    check,
    clear_rings,
    held,
    left_behind,
    read_rows,
    recover,
    ring_folder,
    states,
    wait_until,
)

# ---- B13, B15: paths that cannot be written ------------------------------------------------------


def test_b13_missing_parents_are_made(log_path: Path) -> None:
    path = log_path / "a" / "b" / "run.csv"
    with attolog.AsyncFileLogger(path) as log:
        log("GEN", x=1)
    assert path.read_text("utf-8").endswith(",GEN,1\n")
    clear_rings(path)


def _make_its_parent_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("")


def _make_it_readable_only(path: Path) -> None:
    path.write_text("")
    path.chmod(0o444)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda path: path.mkdir(), IsADirectoryError),
        (_make_its_parent_a_file, OSError),
        (lambda path: path.parent.chmod(0o555), PermissionError),
        (_make_it_readable_only, PermissionError),
    ],
    ids=["is_a_folder", "parent_is_a_file", "read_only_folder", "read_only_file"],
)
def test_b13_a_path_that_cannot_be_written_is_an_error_that_names_it(
    make: Callable[[Path], object], error: type[OSError]
) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to others
        Path(folder).chmod(0o755)
        path = Path(folder, "logs", "run.csv")
        path.parent.mkdir()
        make(path)
        source = f"""
if os.geteuid() == 0:  # whom no permission stops
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    attolog.AsyncFileLogger(path, ring_dir=os.path.dirname(path))
except {error.__name__} as error:
    say(path in str(error))
"""
        with Program(source, path) as program:
            assert program.await_word() == "True", program.stderr
            assert program.wait() == 0


def test_b15_a_fifo_without_a_reader_is_an_error(log_path: Path) -> None:
    path = log_path.with_suffix(".log")
    os.mkfifo(path)
    with pytest.raises(OSError, match="FIFO without a reader"):
        attolog.AsyncFileLogger(path)


def test_b9_a_start_beside_a_process_stopped_in_its_write_goes_on_and_says_why(
    log_path: Path,
) -> None:
    path = log_path.with_suffix(".csv")
    attolog.AsyncFileLogger(path).close()
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 100)
say("open")
sys.stdin.readline()
say(log.close())
"""
    with Program(source, path) as program, held(path):
        assert program.await_word() == "open"
        assert f"process {os.getpid()} holds its lock" in program.stderr
        assert path.read_bytes() == b""
        program.tell()
        wait_until(lambda: states(program.pid) <= {"S", "R"})
    with Program(source, path) as program:
        assert program.await_word() == "open"
        program.tell()
        assert program.await_word() == "True"
        assert program.wait() == 0


def test_b17_a_file_renamed_in_a_folder_where_none_may_be_made_is_written_on() -> None:
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 100)
log.flush()
if os.geteuid() == 0:  # whom no permission stops
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
say("written")
sys.stdin.readline()
work(log, 0, 100, start=100)
say(log.flush())
say(log.close())
"""
    with tempfile.TemporaryDirectory() as folder:
        path, old = Path(folder, "run.csv"), Path(folder, "run.old.csv")
        with Program(source, path) as program:
            assert program.await_word() == "written"
            path.rename(old)
            Path(folder).chmod(0o555)
            program.tell()
            assert program.await_word() == "True", program.stderr
            assert program.await_word() == "True"
            assert program.wait() == 0
        Path(folder).chmod(0o755)
        assert not path.exists()
        check(read_rows(old), {0: 200})


@pytest.mark.parametrize("suffix", FORMATS)
def test_b17_a_killed_program_s_file_may_be_renamed_before_the_next_start(
    log_path: Path, suffix: str
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    old = path.with_name(f"old.{suffix}")
    source = """
log = attolog.AsyncFileLogger(path)
work(log, int(sys.argv[3]), 5_000)
if sys.argv[3] == "0": os.kill(os.getpid(), signal.SIGKILL)
log.close()
"""
    with Program(source, path, 0) as program:
        program.wait()
        assert program.acknowledged() == {0: 5_000}
    path.rename(old)
    with Program(source, path, 1) as program:  # any start recovers what is left
        assert program.wait() == 0
    check(read_rows(path), {1: 5_000})
    check(read_rows(old), {0: 5_000})


@pytest.mark.parametrize("suffix", FORMATS)
def test_b17_a_program_killed_after_a_rotation_leaves_its_records_for_the_new_file(
    log_path: Path, suffix: str
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    old = path.with_name(f"old.{suffix}")
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 100)
log.flush()
say("written")
sys.stdin.readline()
work(log, 0, 100, start=100)
log.flush()
work(log, 0, 1_000, start=200)
os.kill(os.getpid(), signal.SIGKILL)
"""
    with Program(source, path) as program:
        assert program.await_word() == "written"
        path.rename(old)
        program.tell()
        program.wait()
    recover(path)
    assert left_behind(path) == []
    check(read_rows(old, path), {0: 1_200})
    assert min(row.seq for row in read_rows(path).rows) == 100


def test_values_stay_in_their_columns_where_the_attribute_has_no_room(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    source = """
with attolog.AsyncFileLogger(path) as log:
    for i in range(200):
        log(f"EVENT_NUMBER_{i}", first_column=1, second_column=2)
    log("DONE", latency=10, queue=20)
    log.flush()
    log("B", x=1)
    log.flush()
    log("DONE", queue=20, latency=10)
    with attolog.AsyncFileLogger(path) as other:
        other("DONE", queue=20, latency=10)
"""
    with Program(source, path) as program:
        assert program.wait() == 0
        assert program.stderr.count("has no room in its attribute") <= 2
    rows = [line.partition(",")[2] for line in path.read_text().splitlines() if ",DONE," in line]
    assert rows == ["DONE,10,20"] * 3


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_file_that_ends_inside_a_record_swallows_no_other(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    torn = "1700000000.000000,GE" if suffix == "csv" else '{"time":1700000000.0,"ev'
    path.write_text(torn)  # as a power cut leaves it
    with attolog.AsyncFileLogger(path) as log:
        log("GEN", x=1)
    first, second = path.read_text("utf-8").splitlines()
    assert first == torn
    assert "GEN" in second


# ---- B14, B17: moved, removed, replaced ----------------------------------------------------------

IN_ROUNDS = """
log = attolog.AsyncFileLogger(path)
for line in sys.stdin:
    work(log, 0, 1_000, start=acknowledged[0])
    say(log.flush())
"""


def log_more(program: Program) -> str:
    """Have IN_ROUNDS log 1,000 records more; "True" if they are in the file."""
    program.tell()
    return program.await_word()


def take_away(folder: Path, to: Path) -> None:
    """Delete a folder at once: what is emptied first could be written to meanwhile."""
    folder.rename(to)
    shutil.rmtree(to)


@pytest.mark.parametrize("suffix", FORMATS)
def test_b14_a_folder_that_was_deleted_is_made_again(
    log_path: Path, tmp_path: Path, suffix: str
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    with Program(IN_ROUNDS, path) as program:
        assert log_more(program) == "True"
        check(read_rows(path), {0: 1_000})
        take_away(path.parent, to=tmp_path / "away")
        assert log_more(program) == "True"
        program.close_input()
        assert (program.wait(), program.stderr) == (0, "")
    assert read_rows(path).workers() == {0: list(range(1_000, 2_000))}


def test_b14_a_folder_of_rings_that_was_deleted_is_said_and_stops_nothing(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    with Program(IN_ROUNDS, path) as program:
        assert log_more(program) == "True"
        take_away(ring_folder(path), to=ring_folder(path).with_suffix(".away"))
        wait_until(lambda: "was taken away" in program.stderr)
        assert log_more(program) == "True"
        program.close_input()
        assert program.wait() == 0
        assert len(program.stderr.splitlines()) == 1, program.stderr
    check(read_rows(path), {0: 2_000})


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("how", ["rename", "copytruncate"])
def test_b17_a_rotated_file_loses_nothing(log_path: Path, suffix: str, how: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    old = path.with_name(f"old.{suffix}")
    with Program(IN_ROUNDS, path) as program:
        assert log_more(program) == "True"
        if how == "rename":
            path.rename(old)
        else:
            shutil.copy(path, old)
            os.truncate(path, 0)
        assert log_more(program) == "True"
        program.close_input()
        assert (program.wait(), program.stderr) == (0, "")
    assert read_rows(old).workers() == {0: list(range(1_000))}
    assert read_rows(path).workers() == {0: list(range(1_000, 2_000))}


@pytest.mark.parametrize("what", ["symlink", "hard_link", "fifo", "folder"])
def test_b17_a_path_that_became_something_else_is_counted_not_fatal(
    log_path: Path, what: str
) -> None:
    path = log_path.with_suffix(".csv")
    old, elsewhere = path.with_name("old.csv"), path.with_name("elsewhere.csv")
    with Program(IN_ROUNDS, path) as program:
        assert log_more(program) == "True"
        path.rename(old)
        elsewhere.write_text("")
        if what == "symlink":
            path.symlink_to(elsewhere)
        elif what == "hard_link":
            path.hardlink_to(elsewhere)
        elif what == "fifo":
            os.mkfifo(path)
        else:
            path.mkdir()
        assert log_more(program) == "False", program.stderr
        path.rmdir() if what == "folder" else path.unlink()
        log_more(program)  # a failing output is tried again from time to time, and at the end
        program.close_input()
        assert program.wait() == 0, program.stderr
        assert str(path) in program.stderr
    assert elsewhere.read_text() == ""
    check(read_rows(old, path), {0: 3_000})
