"""Runs a program before and after its rewriting, and compares what was printed with the log."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from attolog._read import Record, read
from attolog._rewrite import files

Stream = Literal["stdout", "stderr"]
STREAMS: tuple[Stream, ...] = ("stdout", "stderr")

MOST = 20
"""Differences that are looked for in a stream."""

_LOG = "prove.atto"


class ProofError(Exception):
    """There is nothing to compare; says why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A line that is not the same.

    Attributes:
        stream: Where the print wrote it.
        line: The number of the line there, from 1.
        printed: The line as it was printed; None behind the last one.
        logged: What the log, or what is still printed, has in its place; None if nothing.
        name: The event or template of what was logged.
    """

    stream: Stream
    line: int
    printed: bytes | None
    logged: bytes | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it.

    Attributes:
        n_records: How many records the rewritten program logged.
        n_bytes: How many bytes were printed before.
        statuses: The exit statuses before and after.
        differences: None is a proof.
    """

    n_records: int
    n_bytes: int
    statuses: tuple[int, int]
    differences: tuple[Difference, ...]

    @property
    def holds(self) -> bool:
        """Whether the text is the same to the byte, and the exit status."""
        return not self.differences and self.statuses[0] == self.statuses[1]


@dataclass(frozen=True, slots=True)
class Logged:
    """What a record's print wrote.

    Attributes:
        text: Its bytes.
        name: The event, or the text of the message.
    """

    text: bytes
    name: str


def prove(command: Sequence[str], rewritten: Mapping[str, bytes], folder: Path) -> Proof:
    """Run a program twice, each time in a copy of a folder of its own.

    Both runs have the same PYTHONHASHSEED and the same standard input: a file's, else none. The
    text of the log takes its place among what was still printed: the lines must be those of the
    first run, each stream for itself.

    Args:
        command: The program and its arguments.
        rewritten: The new bytes of files below the folder, by path.
        folder: What is copied; the program is started there.

    Raises:
        ProofError: A file is not below the folder, or the program cannot be started.
        OSError: A copy cannot be made.
    """
    stdin = _given_input()
    with tempfile.TemporaryDirectory(prefix="attolog-prove-") as name:
        before = _run(command, _copy(folder, Path(name, "before"), {}), stdin, None)
        after_folder = _copy(folder, Path(name, "after"), rewritten)
        log = Path(name, _LOG)
        after = _run(command, after_folder, stdin, log)
        if not log.exists():
            raise ProofError("the rewritten program logged nothing: does it import what was named?")
        records = list(read(log).records())
    differences: list[Difference] = []
    for stream in STREAMS:
        printed, left = getattr(before, stream), getattr(after, stream)
        differences += compare(stream, printed, left, list(logged_to(records, stream)))
    n_bytes = len(before.stdout) + len(before.stderr)
    statuses = (before.returncode, after.returncode)
    return Proof(len(records), n_bytes, statuses, tuple(differences))


def _given_input() -> bytes:
    """All of it, where it is sure to have an end."""
    with open(0, "rb", closefd=False) as file:
        return file.read() if stat.S_ISREG(os.fstat(0).st_mode) else b""


def _copy(folder: Path, to: Path, instead: Mapping[str, bytes]) -> Path:
    def left_out(at: str, names: list[str]) -> set[str]:
        return {name for name in names if files.is_skipped(os.path.join(at, name))}

    shutil.copytree(folder, to, symlinks=True, ignore=left_out)
    for path, new in instead.items():
        try:
            inside = Path(os.path.realpath(path)).relative_to(os.path.realpath(folder))
        except ValueError:
            raise ProofError(f"{path}: not below {folder}, where the program is run") from None
        (to / inside).write_bytes(new)
    return to


def _run(
    command: Sequence[str], folder: Path, stdin: bytes, log: Path | None
) -> subprocess.CompletedProcess[bytes]:
    environment = {name: v for name, v in os.environ.items() if not name.startswith("ATTOLOG")}
    environment |= {"PYTHONHASHSEED": "0", "ATTOLOG": "off" if log is None else str(log)}
    environment["PWD"] = str(folder)
    try:
        return subprocess.run(
            list(command), cwd=folder, env=environment, input=stdin, capture_output=True
        )
    except OSError as error:
        raise ProofError(f"{command[0]}: {error.strerror or error}") from None


def logged_to(records: Iterable[Record], stream: Stream) -> Iterator[Logged]:
    """What the prints to a stream wrote: warnings are those to stderr."""
    for record in records:
        is_error = record.level == "WARNING"
        if is_error == (stream == "stderr"):
            text = f"{record.message}\n" if is_error else as_printed(record)
            name = record.event or record.message or ""
            yield Logged(_encoded(text), name)


def _encoded(text: str) -> bytes:
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:  # which no print has written
        return text.encode(errors="surrogatepass")


def as_printed(record: Record) -> str:
    r"""The text that the print wrote which became this record's call.

    Example:
        >>> from attolog._read import Record
        >>> as_printed(Record(0, "event", "GEN", None, None, {"model": "r50", "n": 7}, "", 0))
        'GEN r50 7\n'
    """
    if record.kind == "event":
        return " ".join([str(record.event), *map(str, record.fields.values())]) + "\n"
    text = record.message or ""
    return text if record.kind == "print" else text + "\n"


def compare(
    stream: Stream, before: bytes, left: bytes, logged: Sequence[Logged]
) -> list[Difference]:
    """How `before` differs from `left` and `logged` laid into one another, each in its own order.

    Returns:
        The differences, each where the text first can be neither: that line and the record whose
        turn it is are taken for the same thing, and it goes on behind them. At most MOST.
    """
    differences: list[Difference] = []
    at, turn, used = 0, 0, 0
    while len(differences) < MOST:
        at, turn, used = _furthest(before, left, logged, (at, turn, used))
        is_end = at == len(before)
        if is_end and turn == len(logged) and used == len(left):
            break
        stop = before.find(b"\n", at) + 1 or len(before)
        start = before.rfind(b"\n", 0, at) + 1
        now = logged[turn] if turn < len(logged) else None
        differences.append(
            Difference(
                stream,
                before.count(b"\n", 0, at) + 1,
                None if is_end else before[start:stop],
                now.text if now is not None else None if used == len(left) else left[used:],
                now.name if now is not None else None,
            )
        )
        if is_end and now is None:
            break
        at, turn = stop, min(turn + 1, len(logged))
    return differences


def _furthest(
    before: bytes, left: bytes, logged: Sequence[Logged], start: tuple[int, int, int]
) -> tuple[int, int, int]:
    """How far `before`, `logged` and `left` go together from a start.

    Where the next text may be a record's or not, both ways are followed, the record's first.
    """
    furthest = start
    planned, seen = [start], {start}
    while planned and furthest[0] < len(before):
        at, turn, used = planned.pop()
        text = logged[turn].text if turn < len(logged) else None
        shared = min(len(before) - at, len(left) - used)
        step = 0
        while step < shared and before[at + step] == left[used + step]:
            if text is not None and before.startswith(text, at + step):
                break
            step += 1
        at, used = at + step, used + step
        furthest = max(furthest, (at, turn, used))
        found = []
        if text is not None and before.startswith(text, at):
            if at < len(before) and left[used : used + 1] == before[at : at + 1]:
                found.append((at + 1, turn, used + 1))
            found.append((at + len(text), turn + 1, used))
        for each in found:
            if each not in seen:
                seen.add(each)
                planned.append(each)
                furthest = max(furthest, each)
    return furthest
