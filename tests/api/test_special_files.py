"""What is no regular file is refused in one line, and not waited for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import attolog


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def make_link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_folder(path: Path) -> None:
    path.mkdir()


Make = Callable[[Path], None]
SPECIAL = {
    "a pipe": make_pipe,
    "a socket": make_socket,
    "a device": make_link_to_device,
}


@contextmanager
def within(folder: Path) -> Iterator[None]:
    """A socket's path is short."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.mark.parametrize("suffix", [".atto", ".csv", ".log"])
@pytest.mark.parametrize("what", SPECIAL)
def test_read_refuses(tmp_path: Path, what: str, suffix: str) -> None:
    name = Path("run").with_suffix(suffix)
    with within(tmp_path):
        SPECIAL[what](name)
        with pytest.raises(ValueError, match=f"^{name} is {what}; attolog reads regular files$"):
            attolog.read(name)
        with pytest.raises(ValueError, match=f"^{name} is {what}; attolog reads regular files$"):
            attolog.read_csv(name)


def test_a_folder_without_journals_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="has no journal"):
        attolog.read(tmp_path)
    with pytest.raises(IsADirectoryError):
        attolog.read_csv(tmp_path)


@pytest.mark.parametrize("verb", ["cat", "stats"])
@pytest.mark.parametrize("what", SPECIAL)
def test_the_command_line_says_so_in_one_line(tmp_path: Path, what: str, verb: str) -> None:
    with within(tmp_path):
        SPECIAL[what](Path("run.atto"))
    done = subprocess.run(
        [sys.executable, "-m", "attolog", verb, "run.atto"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = "attolog: run.atto is not a regular file\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


@pytest.mark.parametrize("suffix", [".atto", ".csv", ".log"])
@pytest.mark.parametrize("make", [make_pipe, make_socket, make_folder])
def test_run_says_so_in_one_line(tmp_path: Path, make: Make, suffix: str) -> None:
    (tmp_path / "app.py").write_text("print('never')\n")
    with within(tmp_path):
        make(Path("run").with_suffix(suffix))
    done = subprocess.run(
        [sys.executable, "-m", "attolog", "run", "-o", f"run{suffix}", "app.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert done.stdout == ""
    assert f"run{suffix}: " in done.stderr and done.stderr.startswith("attolog: ")
    assert done.stderr.count("\n") == 1
