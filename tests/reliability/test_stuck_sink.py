"""A sink that takes nothing for a while: producers wait or drop (rows A12, B9, B10)."""

from __future__ import annotations

import os
import re
import select
import signal
import threading
from pathlib import Path

import pytest

import attolog

from .harness import (
    PATIENCE,
    Program,
    check,
    check_drops,
    read_rows,
    read_some,
    states,
    wait_until,
)

N = 20_000


class StuckSink:
    """A FIFO that is open for reading and not read, until `read_all`."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read_all(self, into: Path) -> None:
        """Read what comes until the last writer has closed it."""
        with into.open("wb") as file:
            while data := read_some(self._fd):
                file.write(data)
        os.close(self._fd)
        self._path.unlink()

    def is_full(self) -> bool:
        """Whether a writer has to wait."""
        try:
            fd = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            return not select.select([], [fd], [], 0)[1]
        finally:
            os.close(fd)


# ---- A12: flush ----------------------------------------------------------------------------------


def test_a12_flush_gives_up_on_a_stuck_sink(log_path: Path) -> None:
    path = log_path.with_suffix(".log")
    sink = StuckSink(path)
    source = f"""
log = attolog.AsyncFileLogger(path)
work(log, 0, {N})
say(log.flush(timeout=1))  # a flush that hangs would never say so
sys.stdin.readline()
say(log.flush())
"""
    written = log_path.with_name("written.log")
    with Program(source, path) as program:
        assert program.await_word() == "False"
        program.tell()
        sink.read_all(into=written)
        assert program.await_word() == "True"
        assert (program.wait(), program.stderr) == (0, "")
    check(read_rows(written), {0: N})


# ---- B9, B10: producers --------------------------------------------------------------------------


def test_b9_producers_wait_for_a_stuck_sink_without_the_gil(log_path: Path) -> None:
    path = log_path.with_suffix(".log")
    sink = StuckSink(path)
    source = f"""
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
threads = [threading.Thread(target=work, args=(log, i, {N})) for i in range(2)]
for thread in threads: thread.start()
for line in sys.stdin:
    say("here")
for thread in threads: thread.join()
"""
    written = log_path.with_name("written.log")
    with Program(source, path) as program:
        program.await_acknowledged(1000)
        wait_until(sink.is_full)
        wait_until(lambda: states(program.pid) == {"S"})  # both producers wait for room
        for _ in range(100):  # a producer that kept the GIL would keep this from being answered
            program.tell()
            assert program.await_word() == "here"
        assert all(n < N for n in program.acknowledged().values()), "nobody had to wait"
        program.close_input()
        sink.read_all(into=written)
        assert (program.wait(), program.stderr) == (0, "")
    check(read_rows(written), {0: N, 1: N})


def test_b9_a_waiting_producer_can_be_interrupted(log_path: Path) -> None:
    path = log_path.with_suffix(".log")
    sink = StuckSink(path)
    source = f"""
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
try:
    work(log, 0, {N})
except KeyboardInterrupt:
    say("interrupted")
sys.stdin.readline()
assert log.close()
counts = log.counts
# A call that was interrupted counts as dropped.
assert counts.calls == acknowledged[0] + counts.dropped == counts.written + counts.dropped, counts
say(counts.dropped)
"""
    written = log_path.with_name("written.log")
    with Program(source, path) as program:
        program.await_acknowledged(1000)
        wait_until(sink.is_full)
        wait_until(lambda: states(program.pid) == {"S"})
        program.process.send_signal(signal.SIGINT)
        assert program.await_word() == "interrupted"
        program.tell()
        sink.read_all(into=written)
        dropped = program.await_word()
        assert (program.wait(), program.stderr) == (0, "")
        found = read_rows(written)
        assert str(found.dropped) == dropped
        check(found, program.acknowledged())


@pytest.mark.parametrize(
    "options", ['on_full="drop"', "block_timeout=0", "block_timeout=0.001", 'block_timeout="2ms"']
)
def test_b10_what_a_full_ring_does_not_take_is_counted_exactly(
    log_path: Path, options: str
) -> None:
    path = log_path.with_suffix(".log")
    sink = StuckSink(path)
    source = f"""
log = attolog.AsyncFileLogger(path, buffer_bytes=65536, {options})
threads = [threading.Thread(target=work, args=(log, i, 500, 1_000)) for i in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
say("logged")
sys.stdin.readline()
assert log.close(timeout=None)
counts = log.counts
assert counts.calls == 1_000 == counts.written + counts.dropped, counts
sys.stderr.write(str(counts.dropped))
"""
    written = log_path.with_name("written.log")
    with Program(source, path) as program:
        assert program.await_word() == "logged"
        program.tell()
        sink.read_all(into=written)
        assert program.wait() == 0, program.stderr
        dropped = int(program.stderr)
    found = read_rows(written)
    check_drops(found, {0: 500, 1: 500})
    assert found.dropped == dropped > 0


def test_b10_the_last_bytes_of_a_full_ring_are_nobody_elses(log_path: Path) -> None:
    # A fast record is written where the oldest one begins, but for its padding: 1 to 7 bytes that
    # stood behind the room it had asked for.
    path, written = log_path.with_suffix(".log"), log_path.with_name("written.log")
    for length in range(214, 224):
        sink = StuckSink(path)
        log = attolog.AsyncFileLogger(path, buffer_bytes=65536, on_full="drop")
        small, large = log.event("SMALL", "n"), log.event("LARGE", *"abcdefghi")
        while log.counts.waiting < (65536 - 2048) // 32:
            small(1)
        large(*["x" * 255] * 7, "x" * length, 1)
        calls = log.counts.calls
        thread = threading.Thread(target=sink.read_all, args=(written,))
        thread.start()
        assert log.close(timeout=PATIENCE)
        del log, small, large  # the last writer of the pipe
        thread.join()
        lines = written.read_bytes()
        told = lines.count(b"SMALL") + lines.count(b"LARGE")
        dropped = sum(int(n) for n in re.findall(rb"DROPPED n=(\d+)", lines))
        assert told + dropped == calls
