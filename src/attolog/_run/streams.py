"""What stands in for sys.stdout and sys.stderr: what is written there becomes records.

They work until the interpreter's very end, when modules have lost their names: what the methods
need then, they hold.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Callable
from typing import Any

from attolog import _core
from attolog._run.screen import Screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_NAMES = ("stdout", "stderr")


class _Buffer(io.BufferedIOBase):
    """The bytes below a stream.

    Args:
        number: 1 or 2.
        real: The stream that it stands for.
        screen: What is shown of them.
    """

    mode = "wb"

    def __init__(self, number: int, real: io.TextIOWrapper, screen: Screen) -> None:
        self.name = real.name
        self._number = number
        self._screen = screen
        self._kind = type(real.buffer)
        self._real = real  # which would flush what it has when it is collected
        self._raw: Any = getattr(real.buffer, "raw", real.buffer)
        self._on_close = _core.close_stream

    @property
    def __class__(self) -> Any:
        """Python's own, for all that ask for it."""
        return self._kind

    @__class__.setter
    def __class__(self, kind: Any) -> None:
        raise TypeError("__class__ assignment only supported for mutable types")

    def write(self, data: ReadableBuffer, _write: Callable[..., int] = _core.write_to) -> int:
        self._check("write to closed file")
        if isinstance(data, str):
            raise TypeError("a bytes-like object is required, not 'str'")
        return _write(self._number, data)

    def flush(self, _reason: Callable[[int], str] = os.strerror) -> None:
        self._check("flush of closed file")
        self._screen.drain()
        error = self._screen.error(self._number)
        if error:
            raise OSError(error, _reason(error))

    def close(self) -> None:
        if not self.closed:
            try:
                super().close()
            finally:
                self._on_close(self._number)

    @property
    def raw(self) -> Any:
        """The file itself. What is written to it does not come to the log."""
        self._screen.drain()
        return self._raw

    def detach(self) -> Any:
        return self.raw

    def fileno(self) -> int:
        self._check()
        self._screen.drain()  # the caller may write to the descriptor
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        self._check()
        return bool(self._raw.isatty())

    def readable(self) -> bool:
        self._check()
        return False

    def writable(self) -> bool:
        self._check()
        return True

    def seekable(self) -> bool:
        self._check()
        return bool(self._raw.seekable())

    def tell(self) -> int:
        self.flush()
        return int(self._raw.tell())

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self.flush()
        return int(self._raw.seek(offset, whence))

    def truncate(self, size: int | None = None, /) -> int:
        self.flush()
        return int(self._raw.truncate(size))

    def _check(self, message: str = "I/O operation on closed file") -> None:
        if self.closed:
            raise ValueError(message)


def install_streams(logger: _core.Logger, screen: Screen, *, is_quiet: bool = False) -> None:
    """Put both streams in their places, and the print that goes with them.

    Args:
        logger: Where the records go.
        screen: What is shown of them.
        is_quiet: What goes to sys.stdout is not shown; sys.stderr still is.
    """
    fast: Any = _core.redirect_prints(logger)
    for number in (1, 2):
        _install_stream(number, screen, is_quiet=is_quiet)
    builtins.print = fast


def _install_stream(number: int, screen: Screen, *, is_quiet: bool) -> None:
    """Put one in the place of `sys.stdout` (1) or `sys.stderr` (2)."""
    name = _NAMES[number - 1]
    real = getattr(sys, name)
    # None where the descriptor is closed; something else where somebody was here before.
    if type(real) is not io.TextIOWrapper or real is not getattr(sys, f"__{name}__"):
        return
    real.flush()
    stream: Any = _core.Stream(
        _Buffer(number, real, screen),
        real.encoding,
        real.errors,
        newline="\n",
        line_buffering=real.line_buffering,
        write_through=True,
    )
    stream.mode = "w"
    is_shown = not is_quiet or number == 2
    _core.attach_stream(number, stream, is_shown, not is_quiet, real.write_through)
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)
