"""Runs a program before and after its rewriting, and compares what the prints wrote with the log."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from attolog._read import Record, read
from attolog._rewrite import files

Stream = Literal["stdout", "stderr"]
STREAMS: tuple[Stream, ...] = ("stdout", "stderr")

_LOG = "prove.atto"


class ProofError(Exception):
    """There is nothing to compare; says why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A line that is not the same.

    Attributes:
        stream: Where the print wrote it.
        line: The number of the line there, from 1; None for one that the log alone has.
        printed: What was printed; None if the log alone has it.
        logged: What the log has in its place, or besides; None if nothing.
        name: The event or template of what was logged.
    """

    stream: Stream
    line: int | None
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
class _Line:
    text: bytes
    name: str | None  # of the record that began it; None: it was printed


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
        logged = _lines(_texts(records, stream))
        left = [_Line(line, None) for line in _split(getattr(after, stream))]
        differences += compare(stream, _split(getattr(before, stream)), left, logged)
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


def _texts(records: Iterable[Record], stream: Stream) -> Iterator[tuple[str, str | None]]:
    """What each record's print wrote, and its event or template."""
    for record in records:
        if record.level == "WARNING":
            goes_to, text = "stderr", f"{record.message}\n"
        else:
            goes_to, text = "stdout", as_printed(record)
        if goes_to == stream:
            yield text, record.event or record.message


def as_printed(record: Record) -> str:
    """The text that the print wrote which became this record's call.

    Example:
        >>> from attolog._read import Record
        >>> as_printed(Record(0, "event", "GEN", None, None, {"model": "r50", "n": 7}, "", 0))
        'GEN r50 7\\n'
    """
    if record.kind == "event":
        return " ".join([str(record.event), *map(str, record.fields.values())]) + "\n"
    text = record.message or ""
    return text if record.kind == "print" else text + "\n"


def _split(text: bytes) -> list[bytes]:
    return text.splitlines(keepends=True)


def _lines(texts: Iterable[tuple[str, str | None]]) -> list[_Line]:
    """Records as lines: a print may end in the middle of one."""
    lines: list[_Line] = []
    for text, name in texts:
        for part in _split(text.encode(errors="surrogateescape")):
            if lines and not lines[-1].text.endswith(b"\n"):
                lines[-1] = _Line(lines[-1].text + part, lines[-1].name)
            else:
                lines.append(_Line(part, name))
    return lines


def compare(
    stream: Stream, before: Sequence[bytes], left: Sequence[_Line], logged: Sequence[_Line]
) -> list[Difference]:
    """How `before` differs from `left` and `logged`, each in its own order, laid into one another.

    Where there is a difference, its first line, and the lines that one side alone has.
    """
    # How much of `logged` may have been used by the lines so far; the rest of them are of `left`.
    used = {0}
    for i, line in enumerate(before):
        next_used = {j + 1 for j in used if j < len(logged) and logged[j].text == line}
        next_used |= {j for j in used if i - j < len(left) and left[i - j].text == line}
        if not next_used:
            return _differences(stream, before, left, logged, i, max(used))
        used = next_used
    if len(logged) in used and len(before) == len(left) + len(logged):
        return []
    return _differences(stream, before, left, logged, len(before), max(used))


def _differences(
    stream: Stream,
    before: Sequence[bytes],
    left: Sequence[_Line],
    logged: Sequence[_Line],
    at: int,
    used: int,
) -> list[Difference]:
    now = logged[used] if used < len(logged) else None
    printed = before[at] if at < len(before) else None
    first = Difference(
        stream,
        at + 1,
        printed,
        now.text if now is not None else None,
        now.name if now is not None else None,
    )
    found = [first]
    missing = Counter(before)
    missing.subtract(line.text for line in (*left, *logged))
    for number, text in enumerate(before, 1):
        if missing[text] > 0 and number != at + 1:
            missing[text] -= 1
            found.append(Difference(stream, number, text, None))
    for line in logged:
        if missing[line.text] < 0 and line is not now:
            missing[line.text] += 1
            found.append(Difference(stream, None, None, line.text, line.name))
    return found
