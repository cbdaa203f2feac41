"""`attolog cat`: show a file."""

from __future__ import annotations

import glob
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO

import click

from attolog._cli.show import escape, line, open_journal
from attolog._read import is_journal

POLL_SECONDS = 0.2


@click.command("cat")
@click.argument("file", type=click.Path())
@click.option("-n", "--lines", type=click.IntRange(min=0), metavar="N", help="Only the last N.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is appended, until Ctrl-C.")
def command(file: str, lines: int | None, follow: bool) -> int:
    """Show FILE: the records of a journal, the lines of any other file."""
    opened = JournalLines(file) if is_journal(file) else TextLines(file, follow)
    with closing(opened) as source:
        new = source.new()
        _write(new if lines is None else iter(deque(new, maxlen=lines)))
        for problem in source.problems():
            click.echo(f"attolog: {escape(problem)}", err=True)
        if not follow:
            return 1 if source.problems() else 0
        while True:
            time.sleep(POLL_SECONDS)
            _write(source.new())


def _write(lines: Iterator[bytes]) -> None:
    out = sys.stdout.buffer
    is_terminal = out.isatty()
    for each in lines:
        if is_terminal:
            text = each.removesuffix(b"\n").decode(errors="backslashreplace")
            each = escape(text).encode(errors="backslashreplace") + b"\n"
        out.write(each)
    out.flush()


class TextLines:
    """The lines of a text file, and later those that were appended since.

    Args:
        path: The file. One that takes its place, as rotation does, is gone on with.
        follow: Hold a last line without its end back until that comes.
    """

    def __init__(self, path: str, follow: bool) -> None:
        self._path = path
        self._follow = follow
        self._file: BinaryIO = open(path, "rb")  # noqa: SIM115 (read on, call by call)
        self._pending = b""

    def new(self) -> Iterator[bytes]:
        """The lines that were not yet given."""
        yield from self._rest()
        if self._was_replaced():
            yield from self._rest()

    def problems(self) -> tuple[str, ...]:
        """Nothing: a text file is shown as it is."""
        return ()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

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


class JournalLines:
    """The records of a journal as lines, and later those that came since."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._state: object = None
        self._problems: tuple[str, ...] = ()
        # A record of another process may come late, but within a thread the order holds: so many
        # of each thread's records were given.
        self._given: Counter[tuple[int, str]] = Counter()

    def new(self) -> Iterator[bytes]:
        """The records that were not yet given."""
        state = self._files()
        if state == self._state:
            return
        self._state = state
        journal = open_journal(self._path)
        seen: Counter[tuple[int, str]] = Counter()
        for record in journal.records():
            thread = (record.pid, record.thread)
            seen[thread] += 1
            if seen[thread] > self._given[thread]:
                yield line(record).encode(errors="backslashreplace") + b"\n"
        self._given = seen
        self._problems = journal.problems

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the journal, as of the last call of `new`."""
        return self._problems

    def close(self) -> None:
        """Nothing is held open between two calls."""

    def _files(self) -> object:
        stem, suffix = os.path.splitext(glob.escape(self._path))
        paths = {self._path, *glob.glob(f"{stem}.*{suffix}")}
        states = []
        for path in sorted(paths):
            try:
                state = os.stat(path)
            except FileNotFoundError:
                continue
            states.append((path, state.st_ino, state.st_size, state.st_mtime_ns))
        return states
