"""A pager for what is longer than the screen, as git has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO


@contextmanager
def paged(is_wanted: bool = True) -> Iterator[IO[bytes]]:
    """Standard output, through `$PAGER` if it is a terminal.

    The pager is `less` by default, which shows colours and leaves alone what fits on the screen
    (`LESS=FRX`, unless LESS is set). A pager that is left early ends the verb without an error.

    Args:
        is_wanted: False: never through a pager.
    """
    command = _command() if is_wanted and sys.stdout.isatty() else None
    if command is None:
        yield sys.stdout.buffer
        return
    sys.stdout.flush()
    environment = {"LESS": "FRX", **os.environ}
    with subprocess.Popen(command, shell=True, stdin=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        try:
            with suppress(BrokenPipeError):
                yield process.stdin
        finally:
            with suppress(BrokenPipeError):
                process.stdin.close()
            _wait(process)


def _command() -> str | None:
    """What to start; None where there is no pager, or none is wanted."""
    if os.environ.get("TERM", "dumb") == "dumb":
        return None
    command = os.environ.get("PAGER", "less").strip()
    if command in ("", "cat"):
        return None
    return command if shutil.which(command.split()[0]) else None


def _wait(process: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            process.wait()
        except KeyboardInterrupt:  # it is the pager's, too, which goes on
            continue
        return
