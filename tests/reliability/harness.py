"""What the reliability tests stand on: programs that are run and killed, and one checker.

Every test record is an event R with (pid, worker, seq) and a pad that repeats seq and its own
length. So one look at a file in any of the four formats finds loss, duplicates, disorder and torn
records.
A program acknowledges each record, once its call has returned, in mapped memory that outlives it.
"""

from __future__ import annotations

import csv
import fcntl
import json
import mmap
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, NoReturn, cast

import attolog
from attolog import _core

FORMATS = ("csv", "jsonl", "log", "atto")
PATIENCE = 60.0  # seconds; a program that takes longer hangs

# What every program starts with: its path, its page of acknowledgements, and a way to log records.
PRELUDE = """
import mmap, os, signal, sys, threading
import attolog

signal.signal(signal.SIGINT, signal.default_int_handler)  # the background of a shell ignores it
path = sys.argv[1]
acknowledged = memoryview(mmap.mmap(os.open(sys.argv[2], os.O_RDWR), 0)).cast("Q")

def pad(seq, size):
    return f"<{seq}:{size}:{'x' * size}>"

def work(log, worker, n, size=0, start=0):
    record = log.event("R", "pid", "worker", "seq", "pad")
    pid = os.getpid()
    for seq in range(start, start + n):
        record(pid, worker, seq, pad(seq, size))
        acknowledged[worker] = seq + 1

def say(word):
    print(word, flush=True)

"""


class Row(NamedTuple):
    pid: int
    worker: int
    seq: int


@dataclass
class Found:
    """What a file holds: the test's records in file order, and what it says was dropped."""

    rows: list[Row] = field(default_factory=list)
    dropped: int = 0
    others: list[str] = field(default_factory=list)

    def workers(self) -> dict[int, list[int]]:
        """The sequences of each worker, in file order."""
        sequences: dict[int, list[int]] = defaultdict(list)
        for row in self.rows:
            sequences[row.worker].append(row.seq)
        return dict(sequences)


_PAD = re.compile(r"<(\d+):(\d+):(x*)>")
_LINE = re.compile(r'\d{4}-\S+Z EVENT +R pid=(\d+) worker=(\d+) seq=(\d+) pad="?([^"\n]*)"?')
_DROPPED_LINE = re.compile(r"\d{4}-\S+Z WARNING +DROPPED n=(\d+) since=\S+")
_STAMP = re.compile(r"\d{10}\.\d{6}")


def _row(pid: object, worker: object, seq: object, pad: object) -> Row:
    row = Row(int(str(pid)), int(str(worker)), int(str(seq)))
    whole = _PAD.fullmatch(str(pad))
    assert whole is not None, f"torn record: {row} {str(pad)[:80]!r}"
    assert (int(whole[1]), int(whole[2])) == (row.seq, len(whole[3])), f"mixed record: {row}"
    return row


def _read_csv(path: Path, found: Found) -> None:
    csv.field_size_limit(1 << 30)
    with path.open(newline="", encoding="utf-8") as file:
        for cells in csv.reader(file, strict=True):
            assert len(cells) >= 3 and _STAMP.fullmatch(cells[0]), f"torn row: {cells!r:.200}"
            if cells[1] == "R":
                assert len(cells) == 6, f"torn row: {cells!r:.200}"
                found.rows.append(_row(*cells[2:]))
            elif cells[1] == "DROPPED":
                found.dropped += int(cells[2])
            else:
                found.others.append(cells[2])


def _read_jsonl(path: Path, found: Found) -> None:
    for line in path.read_text("utf-8").splitlines():
        record = json.loads(line)
        if record.get("event") == "R":
            found.rows.append(_row(*(record[name] for name in ("pid", "worker", "seq", "pad"))))
        elif record.get("event") == "DROPPED":
            found.dropped += record["n"]
        else:
            found.others.append(str(record.get("text", record.get("message"))))


def _read_log(path: Path, found: Found) -> None:
    for line in path.read_text("utf-8").splitlines():
        if match := _LINE.fullmatch(line):
            found.rows.append(_row(*match.groups()))
        elif match := _DROPPED_LINE.fullmatch(line):
            found.dropped += int(match[1])
        else:
            assert " R pid=" not in line and "<" not in line, f"torn line: {line:.200}"
            found.others.append(line)


def _read_atto(path: Path, found: Found) -> None:
    for record in attolog.read(path).records():
        if record.event == "R":
            found.rows.append(_row(*(record.fields[n] for n in ("pid", "worker", "seq", "pad"))))
        elif record.kind == "dropped":
            found.dropped += record.fields["n"]
        else:
            found.others.append(str(record.message))


_READERS: dict[str, Callable[[Path, Found], None]] = {
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
    ".log": _read_log,
    ".atto": _read_atto,
}


def read_rows(*paths: Path) -> Found:
    """Read log files in any format.

    Raises:
        AssertionError: A record is torn or mixed up with another.
    """
    found = Found()
    for path in paths:
        data = path.read_bytes()[-1:]
        assert path.suffix == ".atto" or data in (b"", b"\n"), f"{path.name} ends inside a record"
        _READERS[path.suffix](path, found)
    return found


def check(
    found: Found, acknowledged: Mapping[int, int], *, in_flight: int = 0, order: bool = True
) -> None:
    """Assert that every acknowledged record is there once, and in its thread's order.

    Args:
        found: What `read_rows` gave.
        acknowledged: How many records each worker has had acknowledged; they count from 0.
        in_flight: How many more a worker may have, whose calls were cut off before they returned.
        order: Whether the file is in the order of each worker's calls.

    Raises:
        AssertionError: Records are lost, doubled, out of order or were never logged.
    """
    workers = found.workers()
    for worker in sorted({*acknowledged, *workers}):
        n, sequence = acknowledged.get(worker, 0), workers.get(worker, [])
        doubled = [seq for seq, times in Counter(sequence).items() if times > 1]
        lost = sorted(set(range(n)) - set(sequence))
        assert not doubled, f"worker {worker}: {len(doubled)} doubled, {doubled[:5]} ..."
        assert not lost, f"worker {worker}: {len(lost)} of {n} lost, {lost[:5]} ..."
        assert len(sequence) <= n + in_flight, f"worker {worker}: {len(sequence)} of {n} calls"
        assert not order or sequence == sorted(sequence), f"worker {worker}: out of order"


def check_drops(found: Found, calls: Mapping[int, int]) -> None:
    """Assert the law of conservation: calls = records in the file + what it says was dropped."""
    workers = found.workers()
    for worker, sequence in workers.items():
        assert sequence == sorted(set(sequence)), f"worker {worker}: doubled or out of order"
        assert not sequence or sequence[-1] < calls[worker]
    assert len(found.rows) + found.dropped == sum(calls.values())


def ring_folder(path: Path) -> Path:
    """Where the rings of the log file `path` are; a path of nothing where it has none."""
    if path.exists():
        for folder in _core.places(str(path))["folders"]:
            return Path(folder)
    return path.parent / "no rings"


def clear_rings(path: Path) -> None:
    """Remove the rings of a log file, if it has any."""
    shutil.rmtree(ring_folder(path), ignore_errors=True)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Nobody writes the log file meanwhile: whoever wants to waits for its lock."""
    file = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def left_behind(path: Path) -> list[str]:
    """What lies in the folder of a log file besides what the sink remembers."""
    folder = ring_folder(path)
    names = os.listdir(folder) if folder.exists() else []
    return sorted(name for name in names if not name.endswith(".memory"))


def recover(path: Path, check: bool = False) -> Mapping[str, object]:
    """Recover a log file in this process."""
    return cast("Mapping[str, object]", _core.recover(str(path), check))


class Program:
    """A program in a process of its own, which keeps a page of acknowledgements.

    Args:
        source: What it does, after PRELUDE.
        log: The path it is given.
        arguments: The rest of its arguments, from `sys.argv[3]`.
        fault: What the preloaded library of `faults.c` is to do, and that library.
    """

    SLOTS = 512

    def __init__(
        self,
        source: str,
        log: Path,
        *arguments: object,
        fault: tuple[Path, str] | None = None,
        environment: Mapping[str, str] | None = None,
        **options: object,
    ) -> None:
        # Not beside the log file: some tests take its folder away or fill it.
        self._folder = Path(_scratch(), f"{os.getpid()}-{time.monotonic_ns()}")
        self._folder.mkdir()
        self._said = b""  # and not yet asked for
        page = self._folder / "acknowledged"
        page.write_bytes(bytes(8 * self.SLOTS))
        with page.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), 0)
        env = {name: v for name, v in os.environ.items() if not name.startswith("ATTOLOG")}
        env["PYTHONPATH"] = os.pathsep.join(sys.path)
        env |= environment or {}
        if fault is not None:
            env |= {"LD_PRELOAD": str(fault[0]), "FAULT": fault[1]}
        with (self._folder / "stderr").open("wb") as stderr:
            self.process: subprocess.Popen[str] = subprocess.Popen(
                [sys.executable, "-c", PRELUDE + source, log, page, *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=env,
                text=True,
                **options,  # type: ignore[call-overload]
            )

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self._page.close()
        shutil.rmtree(self._folder)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def stderr(self) -> str:
        return (self._folder / "stderr").read_text("utf-8", "replace")

    def acknowledged(self) -> dict[int, int]:
        """How many records each worker has had acknowledged."""
        counts = struct.unpack(f"{self.SLOTS}Q", self._page[:])
        return {worker: n for worker, n in enumerate(counts) if n}

    def await_acknowledged(self, n: int) -> None:
        """Wait until `n` records have been acknowledged, or the program has ended."""
        wait_until(
            lambda: sum(self.acknowledged().values()) >= n or self.process.poll() is not None
        )

    def await_word(self, patience: float = PATIENCE) -> str:
        """The next line that the program prints; "" at its end."""
        assert self.process.stdout is not None
        pipe = self.process.stdout.fileno()
        while b"\n" not in self._said and (piece := read_some(pipe, patience)):
            self._said += piece
        line, _, self._said = self._said.partition(b"\n")
        return line.decode().strip()

    def tell(self, word: str = "") -> None:
        """Give the program a line to read."""
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def close_input(self) -> None:
        """Have nothing more to tell it."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def kill(self) -> None:
        """Kill it, whatever it is doing; returns once it is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def wait(self, timeout: float = PATIENCE) -> int:
        """Its exit status; negative for a signal."""
        return self.process.wait(timeout)


_scratch_folder: list[str] = []


def _scratch() -> str:
    if not _scratch_folder:
        import atexit
        import tempfile

        _scratch_folder.append(tempfile.mkdtemp(prefix="reliability-"))
        os.chmod(_scratch_folder[0], 0o755)
        atexit.register(shutil.rmtree, _scratch_folder[0], ignore_errors=True)
    return _scratch_folder[0]


def wait_until(condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait for something that the program under test has no way to announce."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.0005)


def read_some(pipe: int, patience: float = PATIENCE) -> bytes:
    """What comes next out of a pipe; b"" at its end."""
    assert select.select([pipe], [], [], patience)[0], "nothing comes, and the pipe stays open"
    return os.read(pipe, 1 << 16)


def states(pid: int) -> set[str]:
    """The states of a program's threads: S sleeps, T is stopped (see proc(5))."""
    threads = Path(f"/proc/{pid}/task").glob("*/stat")
    return {thread.read_text().rpartition(")")[2].split()[0] for thread in threads}


def forked(action: Callable[[], object]) -> int:
    """Start `action` in a forked child, which then ends without cleaning up; its pid."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(int(PATIENCE))  # one that hangs dies
        end_by(action)
    return pid


def end_by(action: Callable[[], object]) -> NoReturn:
    """Do the last thing that this process does, and end without cleaning up."""
    status = 1
    try:
        action()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def status_of(pid: int) -> int:
    """The exit status of a forked child; negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Snapshot:
    """A log file and its rings as a killed program left them, to be put back over and over."""

    def __init__(self, path: Path, store: Path) -> None:
        self._path, self._rings, self._store = path, ring_folder(path), store
        shutil.copytree(self._rings, store / "rings")
        self._files = {each: each.read_bytes() for each in path.parent.glob(path.stem + ".*")}

    def restore(self) -> None:
        for each in self._path.parent.glob(self._path.stem + ".*"):
            if each not in self._files:
                each.unlink()
        for each, data in self._files.items():
            each.write_bytes(data)
        clear_rings(self._path)
        shutil.copytree(self._store / "rings", self._rings)
        self._rings.chmod(0o700)


def killed_by(status: int) -> bool:
    return status == -signal.SIGKILL
