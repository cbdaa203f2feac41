"""Runs a program by plain Python and by `attolog run`, with the same screen."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 60.0
_CLOSING = re.compile(
    rb"[\d,]+ prints?, [\d,]+ lost, [\d.]+ s of the program's time(?: -> .*)?\r?\n"
)

# A session's first process makes the terminal its own, then becomes the program.
_TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

RUN = [sys.executable, "-m", "attolog", "run"]


@dataclass(frozen=True)
class Ran:
    """What a program showed."""

    out: bytes
    err: bytes
    status: int


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The tests' own, without what changes Python's behaviour."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    kept.pop("ATTOLOG", None)
    return {**kept, "XDG_CACHE_HOME": str(folder / "cache"), "TERM": "dumb", **more}


def _same_everywhere(text: bytes) -> bytes:
    """Addresses of objects differ from run to run."""
    return re.sub(rb" at 0x[0-9a-f]+", b"", text)


def without_closing(err: bytes) -> bytes:
    """What is left of standard error without attolog's last line, which must be there."""
    rest, n = _CLOSING.subn(b"", err)
    assert n == 1, err
    return rest


def write_app(folder: Path, source: str) -> None:
    """Write a program, which may be indented, as app.py."""
    (folder / "app.py").write_text(textwrap.dedent(source), encoding="utf-8")


def run(
    command: Sequence[str],
    folder: Path,
    how: str = "pipe",
    *,
    stdin: bytes = b"",
    **more: str,
) -> Ran:
    """Run a command in a folder; `how`: what its standard output is, pipe, file or pty.

    With "both" standard error is the same pipe; with "pty" both are one terminal. With "terminal"
    that is the process's own, and standard input too: `stdin` is typed where it asks.
    """
    env = environment(folder.parent, **more)
    if how in ("pty", "terminal"):
        return _run_in_terminal(command, folder, env, stdin, is_own=how == "terminal")
    if how == "file":
        path = folder.parent / "stdout"
        with path.open("wb") as file:
            done = subprocess.run(
                command, cwd=folder, env=env, input=stdin, stdout=file, stderr=subprocess.PIPE,
                timeout=TIMEOUT, check=False,
            )  # fmt: skip
        return Ran(path.read_bytes(), done.stderr, done.returncode)
    err = subprocess.STDOUT if how == "both" else subprocess.PIPE
    done = subprocess.run(
        command, cwd=folder, env=env, input=stdin, stdout=subprocess.PIPE, stderr=err,
        timeout=TIMEOUT, check=False,
    )  # fmt: skip
    return Ran(done.stdout, done.stderr or b"", done.returncode)


def _run_in_terminal(
    command: Sequence[str], folder: Path, env: dict[str, str], stdin: bytes, *, is_own: bool
) -> Ran:
    ours, theirs = pty.openpty()
    if is_own:
        command = [sys.executable, "-c", _TAKE_TERMINAL, *command]
    process = subprocess.Popen(
        command, cwd=folder, env=env, stdin=theirs if is_own else subprocess.PIPE, stdout=theirs,
        stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(stdin)
            process.stdin.close()
    shown = b""
    with contextlib.suppress(OSError):  # the terminal has gone with the last who had it
        while select.select([ours], [], [], TIMEOUT)[0]:
            piece = os.read(ours, 65536)
            if not piece:
                break
            shown += piece
            if is_own and piece.endswith(b": "):  # it asks
                os.write(ours, stdin)
    os.close(ours)
    return Ran(b"", shown, process.wait(TIMEOUT))


def compare(
    folder: Path,
    args: Sequence[str],
    how: str = "pipe",
    *,
    flags: Sequence[str] = (),
    options: Sequence[str] = (),
    stdin: bytes = b"",
    says_so: bool = True,
    **more: str,
) -> Ran:
    """Run a program both ways: all that is seen of it must be the same.

    Args:
        folder: Where it is.
        args: What stands behind python, or attolog run.
        how: As for `run`.
        flags: Python's own.
        options: Those of attolog run.
        stdin: What it reads.
        says_so: Whether attolog's last line has to come.
        more: For its environment.

    Returns:
        What was seen of it.
    """
    python = [sys.executable, *flags]
    if how in ("pty", "both"):
        more.setdefault("PYTHONUNBUFFERED", "1")  # else Python keeps its own order
    plain = run([*python, *args], folder, how, stdin=stdin, **more)
    plain = Ran(_same_everywhere(plain.out), _same_everywhere(plain.err), plain.status)
    ours = run([*python, "-m", "attolog", "run", *options, *args], folder, how, stdin=stdin, **more)
    if says_so:
        out, err = ours.out, ours.err
        out, err = (without_closing(out), err) if how == "both" else (out, without_closing(err))
        ours = Ran(out, err, ours.status)
    ours = Ran(_same_everywhere(ours.out), _same_everywhere(ours.err), ours.status)
    assert ours == plain, (ours.out.decode(), ours.err.decode())
    return ours
