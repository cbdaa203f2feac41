"""Runs a program before and after its rewriting, and compares what was printed with the log."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from attolog._reading.journal import Record, read
from attolog._rewrite import files

Stream = Literal["stdout", "stderr"]
STREAMS: tuple[Stream, ...] = ("stdout", "stderr")

MOST = 20
"""Differences that are looked for in a stream."""

_LOG = "prove.atto"
_SAID = re.compile(rb"^\[INFO\] Debug logging to: .*\n", re.MULTILINE)
_FARTHEST = 12  # lines that may be missing or new at one place
_WINDOW = 1 << 16  # bytes that are looked at to see where both go on alike


class ProofError(Exception):
    """There is nothing to compare; says why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A line that differs.

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
        """Whether text and exit status are equal, to the byte."""
        return not self.differences and self.statuses[0] == self.statuses[1]


@dataclass(frozen=True, slots=True)
class LoggedText:
    """What a record's print wrote.

    Attributes:
        text: Its bytes.
        name: The event, or the text of the message.
    """

    text: bytes
    name: str


def prove(
    command: Sequence[str],
    rewritten: Mapping[str, bytes],
    folder: Path,
    ignored: re.Pattern[bytes] | None = None,
    *,
    shows: bool = False,
) -> Proof:
    """Run a program twice, each time in a fresh copy of a folder, at one path.

    Both runs have one PYTHONHASHSEED and one standard input: a file's, else none. The
    text of the log takes its place among what was still printed: the lines must be those of the
    first run, each stream for itself.

    Args:
        command: The program and its arguments.
        rewritten: The new bytes of files below the folder, by path.
        folder: What is copied; the program is started there.
        ignored: What lines may differ.
        shows: The program turns the log on itself, and shows what it logs: the screens are
            compared. Else the log is compared, which the environment turns on.

    Raises:
        ProofError: A file is not below the folder, or the program cannot be started.
        OSError: A copy cannot be made.
    """
    stdin = _given_input()
    with tempfile.TemporaryDirectory(prefix="attolog-prove-") as name:
        at, log = Path(name, folder.resolve().name or "program"), Path(name, "log", _LOG)
        before = _run(command, _copy(folder, at, {}), stdin, "off")
        shutil.rmtree(at)  # what the program tells of paths is equal
        _copy(folder, at, rewritten)
        after = _run(command, at, stdin, None if shows else str(log))
        records = [] if shows or not log.exists() else list(read(log).records())
        n_records = _count_shown(at) if shows else len(records)
    if not n_records:
        raise ProofError("the rewritten program logged nothing: does it import what was named?")
    differences: list[Difference] = []
    for stream in STREAMS:
        printed, left = getattr(before, stream), getattr(after, stream)
        if shows:
            left = _SAID.sub(b"", left, count=1)
        differences += compare(stream, printed, left, list(logged_to(records, stream)), ignored)
    n_bytes = len(before.stdout) + len(before.stderr)
    statuses = (before.returncode, after.returncode)
    return Proof(n_records, n_bytes, statuses, tuple(differences))


def _count_shown(folder: Path) -> int:
    """The lines in the logs that the rewritten program has made."""
    logs = folder.glob("logs/debug_*.log")
    return sum(log.read_bytes().count(b"\n") for log in logs)


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
    command: Sequence[str], folder: Path, stdin: bytes, log: str | None
) -> subprocess.CompletedProcess[bytes]:
    environment = {name: v for name, v in os.environ.items() if not name.startswith("ATTOLOG")}
    environment |= {"PYTHONHASHSEED": "0", "PWD": str(folder)}
    if log is not None:
        environment["ATTOLOG"] = log
    try:
        return subprocess.run(
            list(command), cwd=folder, env=environment, input=stdin, capture_output=True
        )
    except OSError as error:
        raise ProofError(f"{command[0]}: {error.strerror or error}") from None


def logged_to(records: Iterable[Record], stream: Stream) -> Iterator[LoggedText]:
    """What the prints to a stream wrote: warnings are those to stderr."""
    for record in records:
        is_error = record.level == "WARNING"
        if is_error == (stream == "stderr"):
            text = f"{record.message}\n" if is_error else as_printed(record)
            name = record.event or record.message or ""
            yield LoggedText(_encoded(text), name)


def _encoded(text: str) -> bytes:
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:  # which no print has written
        return text.encode(errors="surrogatepass")


def as_printed(record: Record) -> str:
    r"""The text that the print wrote which became this record's call.

    Example:
        >>> from attolog._reading.journal import Record
        >>> as_printed(Record(0, "event", "login", None, None, {"user": "ann", "n": 7}, "", 0))
        'login ann 7\n'
    """
    if record.kind == "event":
        return " ".join([str(record.event), *map(str, record.fields.values())]) + "\n"
    text = record.message or ""
    return text if record.kind == "print" else text + "\n"


def compare(
    stream: Stream,
    before: bytes,
    left: bytes,
    logged: Sequence[LoggedText],
    ignored: re.Pattern[bytes] | None = None,
) -> list[Difference]:
    """How `before` differs from `left` and `logged` laid into one another, each in its own order.

    Args:
        stream: Where the prints wrote.
        before: What was printed.
        left: What is still printed.
        logged: What is logged.
        ignored: Lines in which it is found count as equal, whether they are there or not.

    Returns:
        The differences, line by line: where the texts part, lines and records are passed over, as
        few as can be, until both go on alike. At most MOST.
    """
    numbers: Sequence[int] = range(1, before.count(b"\n") + 2)
    if ignored is not None:
        lines = [*before.splitlines(keepends=True), b""]
        numbered = [(n, line) for n, line in enumerate(lines, 1) if not ignored.search(line)]
        numbers = [n for n, _ in numbered] or [1]
        before = b"".join(line for _, line in numbered)
        left = b"".join(line for line in left.splitlines(keepends=True) if not ignored.search(line))
        logged = [each for each in logged if not ignored.search(each.text)]
    differences: list[Difference] = []
    at = _At(0, 0, 0)
    while len(differences) < MOST:
        at = _At(*_furthest(before, left, logged, at))
        if at == (len(before), len(logged), len(left)):
            break
        start = _start_of_line(before, left, at)
        passed = _next_alike(before, left, logged, start)
        printed = before[start.before : passed.before].splitlines(keepends=True)
        others = [*logged[start.turn : passed.turn]]
        others += [LoggedText(line, "") for line in left[start.left : passed.left].splitlines(True)]
        first = before.count(b"\n", 0, start.before)
        for i in range(max(len(printed), len(others))):
            other = others[i] if i < len(others) else None
            differences.append(
                Difference(
                    stream,
                    numbers[min(first + min(i, len(printed)), len(numbers) - 1)],
                    printed[i] if i < len(printed) else None,
                    None if other is None else other.text,
                    None if other is None else other.name or None,
                )
            )
        at = passed
    return differences[:MOST]


class _At(NamedTuple):
    """How far all three are: bytes, records, bytes."""

    before: int
    turn: int
    left: int


def _start_of_line(before: bytes, left: bytes, at: _At) -> _At:
    """Where the line starts in which the texts part; what of it is still printed starts there."""
    start = before.rfind(b"\n", 0, at.before) + 1
    shared = at.before - start
    if at.left == len(left):
        return at._replace(before=start)
    if left[at.left - shared : at.left] == before[start : at.before] and shared <= at.left:
        return _At(start, at.turn, at.left - shared)
    return at._replace(before=start)


def _next_alike(before: bytes, left: bytes, logged: Sequence[LoggedText], start: _At) -> _At:
    """Where they go on alike, as few lines further as can be."""
    ends = [_line_ends(before, start.before), _line_ends(left, start.left)]
    best, most = None, -_FARTHEST
    for farthest in range(1, _FARTHEST + 1):
        for n_before, n_records, n_left in _passes(farthest):
            if n_before >= len(ends[0]) or n_left >= len(ends[1]):
                continue
            if start.turn + n_records > len(logged):
                continue
            way = _At(ends[0][n_before], start.turn + n_records, ends[1][n_left])
            window = before[: way.before + _WINDOW]
            reached = _furthest(window, left, logged, way)
            if way != reached == (len(before), len(logged), len(left)):
                return way
            n_alike = before.count(b"\n", way.before, reached[0])
            if n_alike and n_alike - farthest > most:
                best, most = way, n_alike - farthest
        # A line or two may be alike by chance.
        if best is not None and most > 2 * farthest:
            return best
    # Nothing is alike from here: the texts end here, and all that is left of them differs.
    return best or _At(len(before), len(logged), len(left))


def _passes(farthest: int) -> Iterator[tuple[int, int, int]]:
    """How many lines, records and lines to pass over: the longer side is `farthest`."""
    for shorter in range(farthest, -1, -1):
        for n_records in range(farthest, -1, -1):
            if n_records <= shorter:
                yield farthest, n_records, shorter - n_records
            if shorter < farthest:
                yield shorter, n_records, farthest - n_records


def _line_ends(text: bytes, start: int) -> list[int]:
    """Where the lines behind a start end, itself first."""
    ends = [start]
    while ends[-1] < len(text) and len(ends) <= _FARTHEST:
        ends.append(text.find(b"\n", ends[-1]) + 1 or len(text))
    return ends


def _furthest(
    before: bytes, left: bytes, logged: Sequence[LoggedText], start: tuple[int, int, int]
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
