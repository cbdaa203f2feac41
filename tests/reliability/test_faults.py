"""Full disks, stuck sinks, missing folders: the program goes on and counts the loss (rows B)."""

from __future__ import annotations

import os
import re
import resource
import select
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import attolog

from .harness import (
    FORMATS,
    Program,
    check,
    check_drops,
    left_behind,
    read_rows,
    recover,
    ring_folder,
    wait_until,
)

N = 20_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 256 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)
    for suffix in FORMATS:
        shutil.rmtree(ring_folder(disk / f"run.{suffix}"), ignore_errors=True)


class StuckSink:
    """A FIFO that is open for reading and not read, until `read_all`."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read_all(self, into: Path) -> None:
        """Read what comes until the last writer has closed it."""
        os.set_blocking(self._fd, True)
        with into.open("wb") as file:
            while data := os.read(self._fd, 1 << 16):
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


# ---- B1 to B4: no room ---------------------------------------------------------------------------


def test_b1_a_device_without_room_is_said_once_and_counted() -> None:
    source = f"""
log = attolog.AsyncFileLogger(path)
work(log, 0, {N})
log.flush()
say(log.close())
say(tuple(log.counts))
"""
    with Program(source, Path("/dev/full")) as program:
        assert program.await_word() == "False"
        assert program.await_word() == str((N, 0, 0, N, 0, 0, 0))
        assert program.wait() == 0
        assert program.acknowledged() == {0: N}
        assert "No space left on device" in program.stderr
        assert len(program.stderr) < 4096


@pytest.mark.parametrize("suffix", FORMATS)
def test_b2_logging_resumes_when_there_is_room_again(small_disk: Path, suffix: str) -> None:
    path = small_disk / f"run.{suffix}"
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(200 << 10))
    source = """
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
n = 0
while log.counts.dropped == 0:  # the disk is full, then the ring
    work(log, 0, 100, size=50, start=n)
    n += 100
say("full")
sys.stdin.readline()
n = acknowledged[0]
while not log.flush(): pass
work(log, 0, 10, start=n)
assert log.close()
counts = log.counts
assert counts.calls == acknowledged[0] == counts.written + counts.dropped, counts
say(counts.dropped)
"""
    with Program(source, path) as program:
        assert program.await_word() == "full"
        assert path.stat().st_size <= 256 << 10
        read_rows(path)  # ends with a whole record
        ballast.unlink()
        program.tell()
        dropped = program.await_word()
        assert program.wait() == 0, program.stderr
        assert "No space left on device" in program.stderr
        assert len(program.stderr) < 4096
        found = read_rows(path)
        check_drops(found, program.acknowledged())
        assert found.dropped == int(dropped) > 0
        assert found.rows[-1].seq == program.acknowledged()[0] - 1
    assert left_behind(path) == []


def test_b3_rings_on_a_full_disk_are_kept_in_memory(small_disk: Path, log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    (small_disk / "ballast").write_bytes(bytes(100 << 10))
    source = """
log = attolog.AsyncFileLogger(path, ring_dir=sys.argv[3])
threads = [threading.Thread(target=work, args=(log, i, 5_000)) for i in range(4)]
for thread in threads: thread.start()
"""
    with Program(source, path, small_disk) as program:
        assert program.wait() == 0
        assert "No space left on device" in program.stderr
        assert "kept in memory and lost with the process" in program.stderr
    check(read_rows(path), dict.fromkeys(range(4), 5_000))


@pytest.mark.parametrize("suffix", FORMATS)
def test_b4_a_file_at_its_size_limit_ends_with_a_whole_record(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = f"""
import resource
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
work(log, 0, 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
work(log, 0, {N}, start=1, size=50)
log.flush()
counts = log.counts
assert counts.calls == {N} + 1 == counts.written + counts.waiting + counts.dropped, counts
assert counts.dropped > 0
"""
    with Program(source, path) as program:
        assert program.wait() == 0, program.stderr
        assert "File too large" in program.stderr
        assert len(program.stderr) < 4096
    assert path.stat().st_size <= 100_000
    read_rows(path)
    assert recover(path)["messages"] == []
    check_drops(read_rows(path), {0: N + 1})


# ---- B5, B6: writes that fall short or fail ------------------------------------------------------


_EVERY = ("short", "errno:4", "errno:5", "errno:11", "errno:28", "errno:122")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("action", "points"),
    [
        ("short", range(0, 8, 4)),
        ("errno:4", range(0, 8, 4)),  # EINTR
        ("errno:28", range(3, 4)),  # ENOSPC
        *(pytest.param(each, range(40), marks=pytest.mark.torture) for each in _EVERY),
    ],
)
def test_b5_b6_a_faulty_write_doubles_nothing(
    log_path: Path, faults: Path, suffix: str, action: str, points: range
) -> None:
    source = """
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
for start in range(0, 4_000, 100):
    work(log, 0, 100, start=start)
    log.flush()
while not log.flush(): pass
counts = log.counts
assert counts.calls == 4_000 == counts.written + counts.dropped, counts
"""
    for point in points:
        path = log_path.with_name(f"run{point}").with_suffix(f".{suffix}")
        fault = f"{path.name}|write|{point}|{action}|3"
        with Program(source, path, fault=(faults, fault)) as program:
            assert program.wait() == 0, program.stderr
            assert len(program.stderr) < 1000
        check_drops(read_rows(path), {0: 4_000})
        assert left_behind(path) == []
        shutil.rmtree(ring_folder(path), ignore_errors=True)


# ---- B9, B10: a sink that is stuck ---------------------------------------------------------------


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
        for _ in range(100):  # a producer that kept the GIL would keep this from being answered
            program.tell()
            assert program.await_word() == "here"
        assert all(n < N for n in program.acknowledged().values()), "nobody had to wait"
        assert program.process.stdin is not None
        program.process.stdin.close()
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
        wait_until(lambda: _is_asleep(program.pid))
        program.process.send_signal(signal.SIGINT)
        assert program.await_word() == "interrupted"
        program.tell()
        sink.read_all(into=written)
        dropped = program.await_word()
        assert (program.wait(), program.stderr) == (0, "")
        found = read_rows(written)
        assert str(found.dropped) == dropped
        check(found, program.acknowledged())


def _is_asleep(pid: int) -> bool:
    """Whether the main thread waits: for room in a ring, in a program that does nothing else."""
    state = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "S"


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


# ---- B12: too large ------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("size", [1_000_000, pytest.param(100_000_000, marks=pytest.mark.torture)])
def test_b12_a_large_record_is_whole(log_path: Path, suffix: str, size: int) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = f"""
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
for seq in range(3):
    work(log, 0, 1, start=2 * seq)
    work(log, 0, 1, start=2 * seq + 1, size={size})
assert log.counts.dropped == 0
"""
    with Program(source, path) as program:
        assert (program.wait(), program.stderr) == (0, "")
    check(read_rows(path), {0: 6})
    assert left_behind(path) == []


def test_b12_beyond_max_record_it_is_cut_and_says_so(log_path: Path) -> None:
    path = log_path.with_suffix(".log")
    with attolog.AsyncFileLogger(path, max_record=4096) as log:
        log.log("x" * 1_000_000)
        log.log("after")
    cut, after = path.read_text("utf-8").splitlines()
    assert cut.startswith("xxx") and len(cut) < 5_000
    assert "1000000" in cut, "its length is not told"
    assert after == "after"


# ---- B13 to B17: paths ---------------------------------------------------------------------------


def test_b13_missing_parents_are_made(log_path: Path) -> None:
    path = log_path / "a" / "b" / "run.csv"
    with attolog.AsyncFileLogger(path) as log:
        log("GEN", x=1)
    assert path.read_text("utf-8").endswith(",GEN,1\n")
    shutil.rmtree(ring_folder(path), ignore_errors=True)


def _make_its_parent_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("")


def _make_it_readable_only(path: Path) -> None:
    path.write_text("")
    path.chmod(0o444)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda path: path.mkdir(), IsADirectoryError),
        (_make_its_parent_a_file, OSError),
        (lambda path: path.parent.chmod(0o555), PermissionError),
        (_make_it_readable_only, PermissionError),
    ],
    ids=["is_a_folder", "parent_is_a_file", "read_only_folder", "read_only_file"],
)
def test_b13_a_path_that_cannot_be_written_is_an_error_that_names_it(
    make: Callable[[Path], object], error: type[OSError]
) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to others
        Path(folder).chmod(0o755)
        path = Path(folder, "logs", "run.csv")
        path.parent.mkdir()
        make(path)
        source = f"""
if os.geteuid() == 0:  # whom no permission stops
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    attolog.AsyncFileLogger(path, ring_dir=os.path.dirname(path))
except {error.__name__} as error:
    say(path in str(error))
"""
        with Program(source, path) as program:
            assert program.await_word() == "True", program.stderr
            assert program.wait() == 0


@pytest.mark.parametrize("suffix", FORMATS)
def test_b14_a_folder_that_was_deleted_is_made_again(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 1_000)
log.flush()
say("written")
sys.stdin.readline()
work(log, 1, 1_000)
assert log.flush()
"""
    with Program(source, path) as program:
        assert program.await_word() == "written"
        check(read_rows(path), {0: 1_000})
        shutil.rmtree(path.parent)
        program.tell()
        assert (program.wait(), program.stderr) == (0, "")
    check(read_rows(path), {1: 1_000})


def test_b14_a_folder_of_rings_that_was_deleted_stops_nothing(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 1_000)
log.flush()
say("written")
sys.stdin.readline()
work(log, 0, 1_000, start=1_000)
assert log.flush()
"""
    with Program(source, path) as program:
        assert program.await_word() == "written"
        shutil.rmtree(ring_folder(path))
        program.tell()
        assert program.wait() == 0, program.stderr
    check(read_rows(path), {0: 2_000})


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_file_that_ends_inside_a_record_swallows_no_other(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    torn = "1700000000.000000,GE" if suffix == "csv" else '{"time":1700000000.0,"ev'
    path.write_text(torn)  # as a power cut leaves it
    with attolog.AsyncFileLogger(path) as log:
        log("GEN", x=1)
    first, second = path.read_text("utf-8").splitlines()
    assert first == torn
    assert "GEN" in second


def test_b15_a_fifo_without_a_reader_is_an_error(log_path: Path) -> None:
    path = log_path.with_suffix(".log")
    os.mkfifo(path)
    with pytest.raises(OSError, match="FIFO that nobody reads"):
        attolog.AsyncFileLogger(path)


def test_b16_without_file_descriptors_the_program_goes_on(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 1_000)
taken = []
try:
    while True: taken.append(os.open("/dev/null", os.O_RDONLY))
except OSError: pass
work(log, 0, 1_000, start=1_000)
thread = threading.Thread(target=work, args=(log, 1, 1_000))  # has no ring yet
thread.start()
thread.join()
work(log, 0, 1, start=2_000, size=10_000_000)  # has to go through a file
for fd in taken: os.close(fd)
assert log.close()
counts = log.counts
assert counts.calls == 3_001 == counts.written + counts.dropped, counts
"""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    try:
        with Program(source, path) as program:
            assert program.wait() == 0, program.stderr
            assert len(program.stderr) < 1000
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    found = read_rows(path)
    assert found.workers()[0] in (list(range(2_000)), list(range(2_001)))
    check_drops(found, {0: 2_001, 1: 1_000})


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("how", ["rename", "copytruncate"])
def test_b17_a_rotated_file_loses_nothing(log_path: Path, suffix: str, how: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    old = path.with_name(f"old.{suffix}")
    source = """
log = attolog.AsyncFileLogger(path)
for i in range(2):
    work(log, 0, 2_000, start=2_000 * i)
    log.flush()
    say("written")
    sys.stdin.readline()
"""
    with Program(source, path) as program:
        assert program.await_word() == "written"
        if how == "rename":
            path.rename(old)
        else:
            shutil.copy(path, old)
            os.truncate(path, 0)
        program.tell()
        assert program.await_word() == "written"
        program.tell()
        assert (program.wait(), program.stderr) == (0, "")
    first, second = read_rows(old), read_rows(path)
    assert len(first.rows) == len(second.rows) == 2_000
    first.rows += second.rows
    check(first, {0: 4_000})


@pytest.mark.parametrize("what", ["symlink", "hard_link", "fifo", "folder"])
def test_b17_a_path_that_became_something_else_is_counted_not_fatal(
    log_path: Path, what: str
) -> None:
    path = log_path.with_suffix(".csv")
    old, elsewhere = path.with_name("old.csv"), path.with_name("elsewhere.csv")
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 1_000)
log.flush()
say("written")
sys.stdin.readline()
work(log, 0, 1_000, start=1_000)
say(log.flush())
sys.stdin.readline()
while not log.flush(): pass
work(log, 0, 1_000, start=2_000)
"""
    with Program(source, path) as program:
        assert program.await_word() == "written"
        path.rename(old)
        elsewhere.write_text("")
        if what == "symlink":
            path.symlink_to(elsewhere)
        elif what == "hard_link":
            path.hardlink_to(elsewhere)
        elif what == "fifo":
            os.mkfifo(path)
        else:
            path.mkdir()
        program.tell()
        assert program.await_word() == "False", program.stderr
        path.rmdir() if what == "folder" else path.unlink()
        program.tell()
        assert program.wait() == 0, program.stderr
        assert str(path) in program.stderr
    assert elsewhere.read_text() == ""
    check(read_rows(old, path), {0: 3_000})


def test_b10_the_last_bytes_of_a_full_ring_are_nobody_elses(tmp_path: Path) -> None:
    # A fast record is written where the oldest one begins, but for its padding: 1 to 7 bytes that
    # stood behind the room it had asked for.
    path = tmp_path / "run.log"
    os.mkfifo(path)
    for length in range(214, 224):
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # and reads nothing yet
        log = attolog.AsyncFileLogger(path, buffer_bytes=65536, on_full="drop")
        small, large = log.event("SMALL", "n"), log.event("LARGE", *"abcdefghi")
        while log.counts.waiting < (65536 - 2048) // 32:
            small(1)
        large(*["x" * 255] * 7, "x" * length, 1)
        calls = log.counts.calls
        received: list[bytes] = []

        def read_all(reader: int = reader, received: list[bytes] = received) -> None:
            os.set_blocking(reader, True)
            while piece := os.read(reader, 65536):
                received.append(piece)

        thread = threading.Thread(target=read_all)
        thread.start()
        assert log.close(timeout=30)
        del log, small, large  # the last writer of the pipe
        thread.join(30)
        lines = b"".join(received)
        told = lines.count(b"SMALL") + lines.count(b"LARGE")
        dropped = sum(int(n) for n in re.findall(rb"DROPPED n=(\d+)", lines))
        assert told + dropped == calls
        os.close(reader)
