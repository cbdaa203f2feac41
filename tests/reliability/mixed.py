"""Reads log files that other programs append to as well, and asserts whose each byte is.

A file consists of whole records, of whole pieces by others, and of records that a kill has torn:
the beginning of a record that stands whole further on, with somebody else's piece behind it.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import attolog

from .harness import Found, Row, _row, check

_OTHER = re.compile(rb"\[other (\d+) (\d+) o*\](\n?)")
_PAD = rb"<\d+:\d+:x*>"
_RECORDS = {
    ".csv": re.compile(
        rb"\d{10}\.\d{6},(?:R,(\d+),(\d+),(\d+),(" + _PAD + rb")|"
        rb"N,(\d+),(\d+),(\d+),(" + _PAD + rb'),"a ""quote"",\nand more")\n'
    ),
    ".log": re.compile(
        rb"\d{4}-\S{21}Z EVENT    (?:R pid=(\d+) worker=(\d+) seq=(\d+) pad=(" + _PAD + rb")|"
        rb"N pid=(\d+) worker=(\d+) seq=(\d+) pad=("
        + _PAD
        + rb') note="a ""quote"",\\nand more")\n'
    ),
    ".jsonl": re.compile(rb'\{"time":\d{10}\.\d{6},"event":"[RN]",[^\n]*\}\n'),
}
_PAGE = 4096
# With what attolog ends a line of somebody else, or a torn record; a kill may leave a half of it.
_END = re.compile(rb'"?\n|"(?=\[other )')


@dataclass
class Mixed:
    """What is in some files: records, others' pieces, and torn beginnings of records."""

    found: Found = field(default_factory=Found)
    others: list[tuple[int, int]] = field(default_factory=list)
    torn: list[tuple[bytes, bytes]] = field(default_factory=list)
    """The beginning, and the record."""


def _row_of(suffix: str, match: re.Match[bytes]) -> Row:
    if suffix == ".jsonl":
        record = json.loads(match[0])
        return _row(*(record[name] for name in ("pid", "worker", "seq", "pad")))
    return _row(*(text.decode() for text in match.groups() if text is not None))


def _common(one: bytes, other: bytes) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


def _torn(suffix: str, data: bytes, at: int) -> tuple[bytes, bytes]:
    """The torn beginning of a record at `at`; it stands whole further on, and others follow."""
    rest = data[at : at + (1 << 16)]
    for match in _RECORDS[suffix].finditer(data, at + 1):
        length = _common(match[0], rest)
        for n in range(length, 0, -1):
            behind = rest[n:]
            if _END.match(behind) or _OTHER.match(behind):
                return rest[:n], match[0]
    raise AssertionError(
        f"whose is this, at {at}: {data[max(0, at - 200) : at]!r} >>> {rest[:300]!r}"
    )


def _tail(torn: list[tuple[bytes, bytes]], data: bytes, at: int) -> bytes:
    """The rest of the record that was torn last, where somebody wrote while it was finished."""
    start, record = torn[-1] if torn else (b"", b"")
    rest = record[len(start) :]
    return rest if data.startswith(rest, at) else b""


def _read_text(path: Path, mixed: Mixed) -> None:
    data = path.read_bytes()
    at, is_open = 0, False  # within a line that somebody else, or a kill, has left open
    while at < len(data):
        if match := _OTHER.match(data, at):
            mixed.others.append((int(match[1]), int(match[2])))
            # A write that crosses a page is seen in two steps: its end may look missing.
            is_seen_in_steps = match.start() // _PAGE != (match.end() - 1) // _PAGE
            at, is_open = match.end(), is_open or is_seen_in_steps or not match[3]
        elif match := _RECORDS[path.suffix].match(data, at):
            mixed.found.rows.append(_row_of(path.suffix, match))
            at, is_open = match.end(), False
        elif is_open and (end := _END.match(data, at)):
            at, is_open = end.end(), False
        elif tail := _tail(mixed.torn, data, at):
            at, is_open = at + len(tail), tail[-1:] != b"\n"
        else:
            mixed.torn.append(_torn(path.suffix, data, at))
            at, is_open = at + len(mixed.torn[-1][0]), True


def _read_journal(path: Path, mixed: Mixed) -> None:
    data = path.read_bytes()
    mixed.others += [(int(match[1]), int(match[2])) for match in _OTHER.finditer(data)]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # others' lines are no blocks
        copy = shutil.copy(path, Path(folder, "copy.atto"))  # which has no parts
        try:
            records = list(attolog.read(copy).records())
        except ValueError:
            assert b"ATTO" not in data
            return
    for record in records:
        assert record.kind == "event" and record.event in ("R", "N"), record
        values = [record.fields[name] for name in ("pid", "worker", "seq", "pad")]
        mixed.found.rows.append(_row(*values))


def read_mixed(paths: Iterable[Path]) -> Mixed:
    """Read log files that others append to.

    Raises:
        AssertionError: A byte is nobody's, or a record is torn and nowhere whole.
    """
    mixed = Mixed()
    for path in paths:
        (_read_journal if path.suffix == ".atto" else _read_text)(path, mixed)
    return mixed


def check_others(mixed: Mixed, written: Mapping[int, int]) -> None:
    """Assert that all that others have written is there once, each one's in its order."""
    for worker, n in written.items():
        sequence = sorted(seq for other, seq in mixed.others if other == worker)
        assert sequence in (list(range(n)), list(range(n + 1))), f"other {worker}: {n}, {sequence}"
    assert {worker for worker, _ in mixed.others} <= set(written)


def check_mixed(
    mixed: Mixed, acknowledged: Mapping[int, int], written: Mapping[int, int], kills: int
) -> None:
    """Assert that nothing is lost, nothing doubled, and no more torn than was killed."""
    check(mixed.found, acknowledged, in_flight=1, order=False)
    check_others(mixed, written)
    assert len(mixed.torn) <= kills, (kills, mixed.torn)
