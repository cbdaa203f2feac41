"""The lines of a text file, and those that come while it is followed."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from attolog._cli import colours
from attolog._cli.show import escape


@dataclass(frozen=True, slots=True)
class Choice:
    """The records that are shown."""

    tables: tuple[str, ...] = ()
    where: str | None = None
    level: str | None = None
    thread: str | None = None
    grep: re.Pattern[str] | None = None
    columns: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    last: int | None = None
    context: int = 0

    def matching(self) -> str | None:
        """The expression for the native reader that says which records match."""
        parts = [f"({self.where})"] if self.where is not None else []
        if self.level is not None:
            parts.append(f"(level >= {self.level!r} or event == 'DROPPED')")
        return " and ".join([*parts, *self._there()]) or None

    def around(self) -> str | None:
        """The expression that says which records are there, to be shown around the others."""
        return " and ".join(self._there()) or None

    def _there(self) -> list[str]:
        return [f"thread == {self.thread!r}"] if self.thread is not None else []


@dataclass(frozen=True, slots=True)
class Layout:
    """The form of a line."""

    origin: bool = False
    local: bool = False
    delta: bool = False
    is_escaped: bool = False
    """Control characters of a text file are shown as escapes, as on a terminal."""
    is_coloured: bool = False
    is_linked: bool = False
    """The level of a record leads to the line of its call."""


ALL = Choice()
PLAIN = Layout()


class TextLines:
    """The lines of a text file, and later those that were appended since.

    Args:
        path: The file. One that takes its place, as rotation does, is gone on with.
        follow: Hold a last line without its end back until that comes.
        choice: Of its conditions, `grep` and `last` count.
        layout: Of the form, what a terminal needs counts.
    """

    def __init__(
        self,
        path: str,
        follow: bool,
        choice: Choice = ALL,
        layout: Layout = PLAIN,
    ) -> None:
        self._path = path
        self._follow = follow
        self._grep = choice.grep
        self._last = choice.last
        self._layout = layout
        self._file: BinaryIO = open(path, "rb")  # noqa: SIM115 (read on, call by call)
        self._pending = b""

    def new(self) -> Iterator[bytes]:
        """The lines that were not yet given."""
        found = self._found()
        if self._last is not None:
            found = iter(deque(found, maxlen=self._last))
            self._last = None
        return found

    def problems(self) -> tuple[str, ...]:
        """Nothing: a text file is shown as it is."""
        return ()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _found(self) -> Iterator[bytes]:
        is_plain = self._grep is None and not self._layout.is_escaped
        for each in self._lines():
            if is_plain:
                yield each
                continue
            text = each.removesuffix(b"\n").decode(errors="backslashreplace")
            if self._grep is not None and self._grep.search(text) is None:
                continue
            if self._layout.is_escaped:
                text = escape(text)
                if self._layout.is_coloured:
                    text = colours.paint(text, self._grep.search(text) if self._grep else None)
                each = text.encode(errors="backslashreplace") + b"\n"
            yield each

    def _lines(self) -> Iterator[bytes]:
        yield from self._rest()
        if self._was_replaced():
            yield from self._rest()

    def _rest(self) -> Iterator[bytes]:
        for each in self._file:
            whole = self._pending + each
            if self._follow and not whole.endswith(b"\n"):
                self._pending = whole
                continue
            self._pending = b""
            yield whole

    def _was_replaced(self) -> bool:
        try:
            there = os.stat(self._path)
        except FileNotFoundError:  # being rotated
            return False
        mine = os.fstat(self._file.fileno())
        if (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino):
            self._file.close()
            self._file = open(self._path, "rb")  # noqa: SIM115
        elif there.st_size < self._file.tell():
            self._file.seek(0)
        else:
            return False
        self._pending = b""
        return True
