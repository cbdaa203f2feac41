"""`attolog recover PID -o FILE`: what circular logs hold is saved from outside."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import attolog
from attolog._cli import main

from .helpers import cells

# Logs 1,000 events and a sampled one, says so, and waits for its end.
PROGRAM = """
import sys, attolog
box = attolog.CircularLogger(100)
for i in range(1000):
    box("E", i)
box.log("last words")
print("done", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def program() -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"done\n"
    return process


def end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


EXPECTED = [*(["E", str(i)] for i in range(901, 1000)), ["LOG", "last words"]]


def test_of_a_living_process(
    program: "subprocess.Popen[bytes]", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "box.csv"
    for _ in range(2):  # it is not disturbed, and can be asked again
        assert main(["recover", str(program.pid), "-o", str(path)]) == 0
        assert cells(path) == EXPECTED
        assert capsys.readouterr().out == (
            f"{path}: saved 100 records of process {program.pid}, which goes on\n"
        )
    assert main(["recover", str(program.pid), "--check"]) == 1
    assert program.stdin is not None
    program.stdin.close()
    assert program.wait() == 0
    assert program.stdout is not None
    program.stdout.close()


def test_of_a_killed_process(
    program: "subprocess.Popen[bytes]", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    end(program)
    assert program.returncode == -signal.SIGKILL
    path = tmp_path / "deep" / "box.csv"
    assert main(["recover", str(program.pid), "--check"]) == 1
    capsys.readouterr()
    assert main(["recover", str(program.pid), "-o", str(path)]) == 0
    assert cells(path) == EXPECTED
    assert capsys.readouterr().out == (
        f"{path}: saved 100 records of process {program.pid}, which was killed\n"
    )
    # It is done with.
    assert main(["recover", str(program.pid), "-o", str(path)]) == 1
    said = f"process {program.pid} has no circular log (made with ring_dir: add --ring-dir)"
    assert capsys.readouterr().err == f"attolog: {said}\n"


def test_of_a_log_with_a_folder_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rings, path = tmp_path / "rings", tmp_path / "box.csv"
    pid = os.fork()
    if pid == 0:
        box = attolog.CircularLogger(10, ring_dir=rings)
        box("E", 1)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert main(["recover", str(pid), "-o", str(path)]) == 1
    assert main(["recover", str(pid), "-o", str(path), "--ring-dir", str(tmp_path)]) == 1
    assert f"has no circular log in {tmp_path}" in capsys.readouterr().err
    assert main(["recover", str(pid), "-o", str(path), "--ring-dir", str(rings)]) == 0
    assert cells(path) == [["E", "1"]]


def test_what_cannot_be_saved_stays(
    program: "subprocess.Popen[bytes]", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    end(program)
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert main(["recover", str(program.pid), "-o", str(folder)]) == 1
    assert "folder.csv: Is a directory" in capsys.readouterr().err
    assert main(["recover", str(program.pid), "-o", str(tmp_path / "box.csv")]) == 0
    assert cells(tmp_path / "box.csv") == EXPECTED


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["123"], 2, "say where to save it: -o FILE"),
        (["999999999999", "-o", "x.csv"], 2, "999999999999 is no process id"),
        (["4000000", "-o", "x.csv"], 1, "process 4000000 has no circular log"),
        (["4000000", "-o", "x.foo"], 1, "path must end in .csv"),
        (["run.csv", "-o", "x.csv"], 2, "-o goes with the id of a process"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recover", *arguments]) == status
    output = capsys.readouterr()
    assert said in output.err
    assert output.err.count("\n") == 1


def test_a_process_saves_its_own_and_a_file_named_like_a_number_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    box = attolog.CircularLogger(10)
    box("E", 1)
    assert main(["recover", str(os.getpid()), "-o", str(tmp_path / "box.csv")]) == 0
    box.close()
    monkeypatch.chdir(tmp_path)
    Path("123").touch()
    assert main(["recover", "123"]) == 0
    assert "nothing to recover" in capsys.readouterr().out
