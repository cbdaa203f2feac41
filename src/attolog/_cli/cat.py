"""`attolog cat`: show a file."""

from __future__ import annotations

import heapq
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import BinaryIO

import click

from attolog import _core
from attolog._cli.show import check_regular, escape, line, line_with_origin
from attolog._cli.usage import whole_number
from attolog._reading.files import is_journal
from attolog._reading.journal import Journal, Record

POLL_SECONDS = 0.2


@click.command("cat")
@click.argument("file", type=click.Path())
@click.option(
    "-n", "--lines", type=whole_number(0, sys.maxsize), metavar="N", help="Only the last N."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines or records, until Ctrl-C.")
@click.option(
    "--origin",
    is_flag=True,
    help="Where they come from: file, line, function, thread, process, run.",
)
def command(file: str, lines: int | None, follow: bool, origin: bool) -> int:
    """Show FILE: the records of a journal, the lines of any other file."""
    check_regular(file)
    is_text = not is_journal(file)
    if is_text and origin:
        raise ValueError(f"{file} is no journal: it does not tell where its lines come from")
    opened = TextLines(file, follow) if is_text else JournalLines(file, follow, origin, lines)
    with closing(opened) as source:
        new = source.new()
        _write(new if lines is None else deque(new, maxlen=lines), is_text)
        is_damaged = _tell(source.problems())
        while follow:
            time.sleep(POLL_SECONDS)
            _write(source.new(), is_text)
            _tell(source.problems())
    return 1 if is_damaged else 0


def _tell(problems: tuple[str, ...]) -> bool:
    for problem in problems:
        click.echo(f"attolog: {escape(problem)}", err=True)
    return bool(problems)


def _write(lines: Iterable[bytes], is_text: bool) -> None:
    out = sys.stdout.buffer
    needs_escapes = is_text and out.isatty()
    for each in lines:
        if needs_escapes:
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
    """The records of a journal as lines, and later those that came since.

    Args:
        path: The journal.
        follow: A block that is not whole yet at the end is waited for, and is no problem.
        origin: Lines end with where their records come from.
        last: Without `follow`, only so many records are looked for.
    """

    def __init__(
        self, path: str, follow: bool, origin: bool = False, last: int | None = None
    ) -> None:
        self._path = path
        self._last = last
        self._origin = origin
        self._follower = _core.Follower(path) if follow else None
        self._problems: tuple[str, ...] = ()
        # What was shown from the rings of dead processes, and will be in the file when recovered.
        self._early: Counter[tuple[object, ...]] | None = None

    def new(self) -> Iterator[bytes]:
        """The records that were not yet given, in order of time; often some lines at once."""
        self._problems = ()
        if self._follower is None:
            yield from self._once()
            return
        show = line_with_origin if self._origin else line
        for record in self._since(self._follower):
            yield show(record).encode(errors="backslashreplace") + b"\n"

    def problems(self) -> tuple[str, ...]:
        """What the last call of `new` found wrong with the journal."""
        return self._problems

    def close(self) -> None:
        """Let go of the files."""
        self._follower = None

    def _once(self) -> Iterator[bytes]:
        reader = _core.Reader((self._path,))
        yield from reader.lines(last=self._last, origin=self._origin)
        self._problems = tuple(reader.problems())

    def _since(self, follower: _core.Follower) -> Iterator[Record]:
        # The files before the rings: what is recovered in between comes with the next poll.
        came = self._of(follower.poll())
        if self._early is None:
            left = list(self._of(follower.rings()))
            self._early = Counter(map(_identity, left))
            yield from heapq.merge(came, left, key=lambda record: record.time)
            return
        for record in came:
            if self._early and self._early[_identity(record)]:
                self._early[_identity(record)] -= 1
            else:
                yield record

    def _of(self, reader: _core.Reader | None) -> Iterator[Record]:
        if reader is not None:
            journal = Journal(self._path, lambda: reader)
            yield from journal.records()
            self._problems += journal.problems


def _identity(record: Record) -> tuple[object, ...]:
    return record.time, record.pid, record.thread, line(record)
