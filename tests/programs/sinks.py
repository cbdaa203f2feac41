"""Runs a command with its output on a file, a pipe, a terminal, or `| head`."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import tempfile
import termios
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

HEAD = 5  # lines

LIMIT = 120.0  # seconds for one run

_ROWS, _COLUMNS = 24, 80


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run. On a terminal all text is stdout, in the order in which it came.

    Attributes:
        status: The exit status.
        stdout: Its bytes.
        stderr: Its bytes.
    """

    status: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, slots=True)
class Job:
    """What is run.

    Attributes:
        command: The program and its arguments.
        folder: Where.
        environment: All its variables.
        stdin: What it reads; None: nothing, and no terminal is its standard input.
    """

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    stdin: bytes | None


def to_file(job: Job) -> Ran:
    """Run it with stdout and stderr in a file each."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with _Started(job, out, err) as process:
            status = process.wait(LIMIT)
        return Ran(status, _all_of(out), _all_of(err))


def to_pipe(job: Job) -> Ran:
    """Run it with stdout and stderr on a pipe each."""
    with _Started(job, subprocess.PIPE, subprocess.PIPE) as process:
        out, err = process.communicate(timeout=LIMIT)
    return Ran(process.returncode, out, err)


def to_terminal(job: Job) -> Ran:
    """Run it with stdout and stderr on one terminal, and stdin too if it reads anything."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    _no_typing_shown(terminal)
    chunks: list[bytes] = []
    reader = threading.Thread(target=_read_all, args=(master, chunks))
    reader.start()
    try:
        if job.stdin is not None:
            os.write(master, job.stdin + b"\x04")  # typed ahead, and Ctrl-D
        stdin = None if job.stdin is None else terminal
        with _Started(job, terminal, terminal, stdin) as process:
            status = process.wait(LIMIT)
    finally:
        os.close(terminal)
        reader.join()
        os.close(master)
    return Ran(status, b"".join(chunks), b"")


def to_head(job: Job) -> Ran:
    """Run it with stdout on a pipe that `head` reads some lines of."""
    with tempfile.TemporaryFile() as err:
        with _Started(job, subprocess.PIPE, err) as process:
            head = ["head", "-n", str(HEAD)]
            assert process.stdout is not None
            with subprocess.Popen(head, stdin=process.stdout, stdout=subprocess.PIPE) as reader:
                process.stdout.close()
                out = reader.communicate(timeout=LIMIT)[0]
            status = process.wait(LIMIT)
        return Ran(status, out, _all_of(err))


SINKS: dict[str, Callable[[Job], Ran]] = {
    "pipe": to_pipe,
    "file": to_file,
    "pty": to_terminal,
    "head": to_head,
}


class _Started:
    """The process while a `with` lasts; if that ends early, so do the process and its children."""

    def __init__(
        self, job: Job, out: int | IO[bytes], err: int | IO[bytes], stdin: int | None = None
    ) -> None:
        with tempfile.TemporaryFile() as given:
            given.write(job.stdin or b"")
            given.seek(0)
            self._process = subprocess.Popen(
                job.command,
                cwd=job.folder,
                env=dict(job.environment),
                stdin=given if stdin is None else stdin,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self._process

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _all_of(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _no_typing_shown(terminal: int) -> None:
    """Typed text would stand among the output, wherever it comes in time."""
    settings = termios.tcgetattr(terminal)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, settings)


def _read_all(master: int, chunks: list[bytes]) -> None:
    while True:
        try:
            data = os.read(master, 1 << 16)
        except OSError:  # EIO: Linux's end of a terminal
            return
        if not data:
            return
        chunks.append(data)
