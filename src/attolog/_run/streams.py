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
        tee: Whether to write into the real stream as well, since the logger shows nothing.
        on_close: Called when it is closed.
    """

    mode = "wb"

    def __init__(
        self,
        number: int,
        real: io.TextIOWrapper,
        screen: Screen,
        *,
        tee: bool,
        on_close: Callable[[], None],
    ) -> None:
        self.name = real.name
        self._number = number
        self._screen = screen
        self._raw: Any = getattr(real.buffer, "raw", real.buffer)
        self._tee = real.buffer if tee else None
        self._on_close = on_close

    def write(self, data: ReadableBuffer, _write: Callable[..., int] = _core.write_to) -> int:
        self._check("write to closed file")
        if isinstance(data, str):
            raise TypeError("a bytes-like object is required, not 'str'")
        if self._tee is not None:
            self._tee.write(bytes(data))
            self._tee.flush()
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
                self._on_close()

    @property
    def raw(self) -> Any:
        """The file itself; whoever asks for it writes past the log."""
        self._screen.drain()
        return self._raw

    def detach(self) -> Any:
        return self.raw

    def fileno(self) -> int:
        self._check()
        self._screen.drain()  # likewise
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


class _Stream:
    """One of the two, and whether prints may go past it, straight into the log."""

    def __init__(
        self, number: int, screen: Screen, *, tee: bool, changed: Callable[[], None]
    ) -> None:
        name = _NAMES[number - 1]
        self._number = number
        self._changed = changed
        self._is_native = False
        self._newline: Any = "\n"
        self.buffer: _Buffer | None = None
        real = getattr(sys, name)
        # None where the descriptor is closed; something else where somebody was here before.
        if type(real) is not io.TextIOWrapper or real is not getattr(sys, f"__{name}__"):
            return
        real.flush()
        self._real = real  # which would flush what it has when it is collected
        self._may_be_native = not tee
        self.buffer = _Buffer(number, real, screen, tee=tee, on_close=self._look)
        self._proxy = io.TextIOWrapper(
            self.buffer,
            real.encoding,
            real.errors,
            newline="\n",
            line_buffering=real.line_buffering,
            write_through=True,
        )
        proxy: Any = self._proxy
        proxy.mode = "w"
        proxy.reconfigure = self._reconfigure
        proxy.detach = self._detach
        setattr(sys, name, proxy)
        setattr(sys, f"__{name}__", proxy)
        self._look()

    @property
    def native(self) -> io.TextIOWrapper | None:
        """The stream, while UTF-8 goes into it as it is."""
        return self._proxy if self._is_native else None

    def end(self, *, is_broken: bool) -> None:
        """The interpreter flushes it once more."""
        if is_broken and self.buffer is not None:
            proxy: Any = self._proxy
            proxy.flush = _core.stream_flush(self._number)

    def _look(self) -> None:
        assert self.buffer is not None
        is_native = self._may_be_native and not self.buffer.closed and self._is_plain()
        if is_native == self._is_native:
            return
        self._is_native = is_native
        proxy: Any = self._proxy
        if is_native:
            proxy.write = _core.stream_write(self._number)
        else:
            del proxy.write
        self._changed()

    def _is_plain(self) -> bool:
        encoding = self._proxy.encoding.lower().replace("_", "-")
        return encoding in ("utf-8", "utf8") and self._newline in (None, "", "\n")

    def _reconfigure(self, **options: Any) -> None:
        io.TextIOWrapper.reconfigure(self._proxy, **options)
        self._newline = options.get("newline", self._newline)
        self._look()

    def _detach(self) -> Any:
        buffer = io.TextIOWrapper.detach(self._proxy)
        self._may_be_native = False
        self._look()
        return buffer


class Streams:
    """Both streams, and the print that goes with them.

    Args:
        logger: Where the records go.
        screen: What is shown of them.
        is_quiet: What goes to sys.stdout is not shown; sys.stderr still is.
    """

    def __init__(self, logger: _core.Logger, screen: Screen, *, is_quiet: bool = False) -> None:
        self._logger = logger
        self._screen = screen
        self._streams: list[_Stream] = []
        self._print: Callable[..., None] = print
        for number, tee in ((1, False), (2, is_quiet)):
            self._streams.append(_Stream(number, screen, tee=tee, changed=self._take))
        self._take()
        builtins.print = self._print

    def end(self) -> None:
        """What the interpreter's last flush raises is shown with no frame of attolog's."""
        for number, each in enumerate(self._streams, 1):
            each.end(is_broken=self._screen.error(number) != 0)

    def _take(self) -> None:
        if len(self._streams) == 2:
            out, error = (each.native for each in self._streams)
            self._print = _core.take_prints(self._logger, out, error)
