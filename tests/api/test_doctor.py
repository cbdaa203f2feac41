"""`attolog doctor` and `attolog recover --all`: where records wait, and what is left there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import attolog
from attolog import _core
from attolog._cli import main

LEAVE = """
import attolog, os, sys
logs = [attolog.AsyncFileLogger(path, ring_dir=sys.argv[1]) for path in sys.argv[2:]]
for log in logs:
    for i in range(12): log("E", i)
os._exit(0)
"""


@pytest.fixture
def rings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of the test's own, in which the commands look."""
    folder = tmp_path / "rings"
    places = _core.places

    def ours(path: str, ring_dir: str | None = None) -> object:
        return places(path, ring_dir or str(folder))

    monkeypatch.setattr(_core, "places", ours)
    monkeypatch.chdir(tmp_path)
    return folder


def leave(rings: Path, *paths: Path) -> None:
    """A killed program's 12 records for each file."""
    subprocess.run([sys.executable, "-c", LEAVE, rings, *paths], check=True)


def home(rings: Path) -> Path:
    return rings / f"attolog-{os.geteuid()}"


def test_doctor_says_where_records_wait(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "run.csv")
    first = _core.places(path)["homes"][0]
    main(["doctor", path])
    assert f"Records wait in {first} until they are in the file." in capsys.readouterr().out


def test_doctor_tells_of_loggers_and_of_what_killed_processes_left(
    rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.csv"
    with attolog.AsyncFileLogger(path, ring_dir=str(rings)):
        assert main(["doctor", "run.csv"]) == 0
    leave(rings, path)
    assert main(["doctor", "run.csv"]) == 1
    out = capsys.readouterr().out
    assert f"In {home(rings)} 1 killed process left 12 records: attolog recover --all" in out


def test_recover_all_recovers_every_file_of_a_place(
    rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / f"{name}.csv" for name in "abc"]
    leave(rings, *paths)
    assert main(["recover", "--all", "--check"]) == 1
    assert main(["recover", "--all"]) == 0
    assert main(["recover", "--all", "--check"]) == 0
    place = home(rings)
    assert capsys.readouterr().out.splitlines() == [
        f"{place}: would recover 36 records of 3 killed processes",
        f"{place}: recovered 36 records of 3 killed processes",
        f"{place}: nothing to recover",
    ]
    assert [path.read_text().count(",E,") for path in paths] == [12, 12, 12]
    assert os.listdir(place) == []


def test_what_is_left_of_a_file_that_is_gone_can_be_removed(
    rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.csv"
    leave(rings, path)
    path.unlink()
    assert main(["doctor", "run.csv"]) == 1
    forget = "the log files of 1 killed process are gone: attolog recover --all --forget"
    assert capsys.readouterr().out.splitlines()[-1] == f"In {home(rings)} {forget}"
    assert main(["recover", "--all", "--check"]) == 1
    capsys.readouterr()
    assert main(["recover", "--all"]) == 0
    assert main(["recover", "--all", "--forget"]) == 0
    place = home(rings)
    assert capsys.readouterr().out.splitlines() == [
        f"{place}: nothing to recover",
        f"{place}: the log files of 1 killed process are gone; --forget removes their records",
        f"{place}: nothing to recover",
        f"{place}: the log files of 1 killed process are gone; 12 records removed",
    ]
    assert os.listdir(place) == []
    assert not path.exists()


def test_the_circular_log_of_a_killed_process_is_listed_with_the_command_that_saves_it(
    rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = LEAVE.replace("AsyncFileLogger(path", "CircularLogger(10").replace("[2:]", "[1:]")
    killed = subprocess.Popen([sys.executable, "-c", code, rings])
    assert killed.wait() == 0
    with attolog.CircularLogger(10, ring_dir=str(rings)) as living:
        living("E", 1)
        assert main(["doctor", "run.csv"]) == 1
        assert main(["recover", "--all", "--check", "--ring-dir", str(rings)]) == 1
    left = f"killed process {killed.pid} left a circular log of 10 records"
    saving = ["recover", str(killed.pid), "-o", "last.csv"]
    nothing, listed = capsys.readouterr().out.splitlines()[-2:]
    assert nothing == f"{home(rings)}: nothing to recover"
    assert listed == (
        f"{home(rings)}: {left}: attolog {' '.join([*saving[:-1], 'FILE'])} --ring-dir {rings}"
    )
    assert main([*saving, "--ring-dir", str(rings)]) == 0
    assert (tmp_path / "last.csv").read_text().count(",E,") == 10
    assert main(["recover", "--all", "--check", "--ring-dir", str(rings)]) == 0
    assert main(["doctor", "run.csv"]) == 0


def test_doctor_names_the_command_that_saves_a_circular_log(
    rings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = LEAVE.replace("AsyncFileLogger(path", "CircularLogger(100").replace("[2:]", "[1:]")
    killed = subprocess.Popen([sys.executable, "-c", code, rings])
    assert killed.wait() == 0
    assert main(["doctor", "run.csv"]) == 1
    left = f"killed process {killed.pid} left a circular log of 12 records"
    command = f"attolog recover {killed.pid} -o FILE"
    assert capsys.readouterr().out.splitlines()[-1] == f"In {home(rings)} {left}: {command}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a FILE, a PID with -o FILE, or --all"),
        (["--all", "run.csv"], "--all takes no FILE and no -o"),
        (["--forget", "run.csv"], "--forget goes with --all"),
    ],
)
def test_recover_is_told_one_thing(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recover", *arguments]) == 2
    assert said in capsys.readouterr().err
