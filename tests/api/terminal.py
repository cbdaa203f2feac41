"""A terminal for programs, and what they write to it."""

import os
import pty
import subprocess
import sys


def environment(**more: str) -> dict[str, str]:
    """The environment of a program on a terminal without colours, which imports what we do."""
    ours = {key: value for key, value in os.environ.items() if key not in ("LESS", "PAGER")}
    path = os.pathsep.join(sys.path)
    return {**ours, "PYTHONPATH": path, "TERM": "dumb", "COLUMNS": "120", **more}


def on_a_terminal(*args: str, status: int = 0, **more: str) -> bytes:
    """What `attolog ARGS` writes to a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "attolog", *args]
    with subprocess.Popen(command, env=environment(**more), stdin=theirs, stdout=theirs) as process:
        os.close(theirs)
        written = b""
        try:
            while part := os.read(ours, 4096):
                written += part
        except OSError:  # Linux's way to say that the other side is closed
            pass
        os.close(ours)
    assert process.returncode == status
    return written.replace(b"\r\n", b"\n")
