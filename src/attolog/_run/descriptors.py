"""Functions of `os` that the screen has to be up to date for: they write to it, lead it elsewhere, or
end the process. Python audits others (`_core.drain_before`), but not these.
"""

from __future__ import annotations

import functools
import os
from contextlib import suppress
from typing import NoReturn

from attolog import _core
from attolog._run.streams import Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

LAST_SECONDS = 1.0
"""How long a process that is ended at once is held up."""


def wrap(logger: _core.Logger, streams: Streams) -> None:
    """Drain the echo before these functions do what they do."""
    write, dup2, close, leave, abort = os.write, os.dup2, os.close, os._exit, os.abort

    def drain() -> None:
        with suppress(KeyboardInterrupt):
            _core.drain_echo(logger, LAST_SECONDS)

    @functools.wraps(write)
    def wrapped_write(fd: int, data: ReadableBuffer, /) -> int:
        if fd == 1 or fd == 2:
            _core.drain_echo(logger)
        return write(fd, data)

    @functools.wraps(dup2)
    def wrapped_dup2(fd: int, fd2: int, inheritable: bool = True) -> int:
        if fd2 == 1 or fd2 == 2:
            _core.drain_echo(logger)
            streams.lead_elsewhere(fd2)
        return dup2(fd, fd2, inheritable)

    @functools.wraps(close)
    def wrapped_close(fd: int) -> None:
        if fd == 1 or fd == 2:
            _core.drain_echo(logger)
        close(fd)

    @functools.wraps(leave)
    def wrapped_exit(status: int) -> NoReturn:
        drain()
        leave(status)

    @functools.wraps(abort)
    def wrapped_abort() -> NoReturn:
        drain()
        abort()

    os.write, os.dup2, os.close = wrapped_write, wrapped_dup2, wrapped_close
    os._exit, os.abort = wrapped_exit, wrapped_abort
