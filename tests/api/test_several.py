"""attolog.read of a folder, a glob or a list: several journals as one."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import attolog

from .helpers import TIME


def log_numbers(path: Path, numbers: Any) -> Path:
    with attolog.AsyncFileLogger(path) as log:
        for n in numbers:
            log.set_time(TIME + n)
            log("request", n=n)
    return path


def numbers(paths: Any) -> list[Any]:
    return [record.fields["n"] for record in attolog.read(paths).records()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, start in ("a", 0), ("b", 1), ("c", 2):
        log_numbers(tmp_path / f"{name}.atto", range(start, 30, 3))
    (tmp_path / "notes.txt").write_text("no journal")
    return tmp_path


def test_the_journals_of_a_folder_are_merged_by_time(folder: Path) -> None:
    assert numbers(folder) == list(range(30))
    run = attolog.read(folder)
    assert run.events == {"request": 30}
    assert (run["request"].first, run["request"].last) == (TIME, TIME + 29)


def test_a_glob_stands_for_the_files_that_it_fits(folder: Path) -> None:
    assert numbers(folder / "[ab].atto") == [n for n in range(30) if n % 3 < 2]
    log_numbers(folder / "c.atto", [50])
    (folder / "deep" / "er").mkdir(parents=True)
    log_numbers(folder / "deep" / "er" / "c.atto", [60])
    assert numbers(str(folder / "**" / "c.atto")) == [*range(2, 30, 3), 50, 60]


def test_a_file_with_a_name_like_a_glob_is_that_file(folder: Path) -> None:
    log_numbers(folder / "[ab].atto", [99])
    assert numbers(folder / "[ab].atto") == [99]


def test_a_list_has_files_folders_and_globs_and_counts_each_file_once(folder: Path) -> None:
    (folder / "more").mkdir()
    other = log_numbers(folder / "more" / "d.atto", [40])
    paths: list[Path | str] = [folder / "a.atto", str(folder / "a*"), folder, other]
    assert numbers(paths) == [*range(30), 40]
    assert repr(attolog.read(paths)).startswith(f"<attolog.Journal '{folder}/a.atto and 3 more'")


def test_one_journal_by_two_names_is_read_once(folder: Path) -> None:
    (folder / "link").symlink_to(folder)
    assert numbers([folder / "a.atto", folder / "link" / "a.atto"]) == list(range(0, 30, 3))


def test_parts_are_read_once_with_their_journal_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    source = (
        "import attolog, os, sys\n"
        "log = attolog.AsyncFileLogger(sys.argv[1])\n"
        "log('request', n=1)\n"
        "log.flush()\n"
        "if os.fork() == 0:\n"
        "    log('request', n=2)\n"
        "    log.flush()\n"
        "    os.kill(os.getpid(), 9)\n"
        "os.wait()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", source, path], check=False, timeout=60)
    part = next(each for each in tmp_path.glob("*.atto") if each != path)
    assert numbers(tmp_path) == numbers([path, part]) == numbers([part, path]) == [1, 2]
    assert numbers(part) == [2]


def test_what_killed_processes_left_is_read_with_each_journal(tmp_path: Path) -> None:
    source = (
        "import attolog, os, sys\n"
        "log = attolog.AsyncFileLogger(sys.argv[1])\n"
        "log('request', n=int(sys.argv[2]))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    for n in 1, 2:
        command = [sys.executable, "-c", source, str(tmp_path / f"{n}.atto"), str(n)]
        subprocess.run(command, check=False, timeout=60)
    assert sorted(numbers(tmp_path)) == [1, 2]
    assert len({record.pid for record in attolog.read(tmp_path).records()}) == 2


def test_nothing_to_read_is_an_error_that_names_it(folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"empty has no journal: no file in \.atto"):
        attolog.read(folder / "empty")
    with pytest.raises(FileNotFoundError, match=r"x\*\.atto fits no file"):
        attolog.read(folder / "x*.atto")
    with pytest.raises(FileNotFoundError, match="the list is empty"):
        attolog.read([])
    with pytest.raises(FileNotFoundError, match=r"gone\.atto"):
        attolog.read([folder / "a.atto", folder / "gone.atto"])


def test_each_file_must_be_a_journal(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"notes\.txt is no journal"):
        attolog.read([folder / "a.atto", folder / "notes.txt"])
    os.mkfifo(folder / "pipe.atto")
    with pytest.raises(ValueError, match=r"pipe\.atto is a pipe"):
        attolog.read([folder / "a.atto", folder / "pipe.atto"])
    assert numbers(folder) == list(range(30))
