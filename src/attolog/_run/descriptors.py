"""Functions of `os` that have to find the screen up to date.

They write to it, lead it elsewhere, or end the process. Python audits others, not these.
"""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

from attolog._run.screen import LAST_SECONDS, Screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_Result = TypeVar("_Result")


def wrap(screen: Screen) -> None:
    """Drain the echo before these functions do what they do."""
    write, dup2, close, leave, abort = os.write, os.dup2, os.close, os._exit, os.abort
    close_range = os.closerange

    def drain(timeout: float | None = None) -> None:
        with suppress(KeyboardInterrupt):
            screen.drain(timeout)

    @functools.wraps(write)
    def wrapped_write(fd: int, data: ReadableBuffer, /) -> int:
        if fd == 1 or fd == 2:
            screen.drain()
        return write(fd, data)

    @functools.wraps(dup2)
    def wrapped_dup2(fd: int, fd2: int, inheritable: bool = True) -> int:
        if fd2 != 1 and fd2 != 2:
            return dup2(fd, fd2, inheritable)
        screen.drain()
        number = dup2(fd, fd2, inheritable)
        screen.forget_error(fd2)
        return number

    @functools.wraps(close)
    def wrapped_close(fd: int) -> None:
        if fd == 1 or fd == 2:
            screen.drain()
        close(fd)

    @functools.wraps(close_range)
    def wrapped_closerange(fd_low: int, fd_high: int, /) -> None:
        if fd_low <= 2 and fd_high > 1:
            screen.drain()
        close_range(fd_low, fd_high)

    @functools.wraps(leave)
    def wrapped_exit(status: int) -> NoReturn:
        drain()
        leave(status)

    @functools.wraps(abort)
    def wrapped_abort() -> NoReturn:
        drain(LAST_SECONDS)
        abort()

    if sys.version_info >= (3, 12):
        os.fork = _without_warning(os.fork)
        os.forkpty = _without_warning(os.forkpty)
    os.write, os.dup2, os.close = (
        _Function(wrapped_write),
        _Function(wrapped_dup2),
        _Function(wrapped_close),
    )
    os.closerange = _Function(wrapped_closerange)
    os._exit, os.abort = _Function(wrapped_exit), _Function(wrapped_abort)


class _Function:
    """What is called as a function of C is: of a class's attribute it makes no method."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)


def _without_warning(fork: Callable[[], _Result]) -> Callable[[], _Result]:
    """Python warns of other threads: the writer's knows how to fork, and plain Python has none."""

    @functools.wraps(fork)
    def wrapped_fork() -> _Result:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This process", DeprecationWarning)
            return fork()

    return wrapped_fork
