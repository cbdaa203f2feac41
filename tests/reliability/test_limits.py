"""What runs out: disks, files, records, descriptors; the loss is counted (B1-B6, B12, B16)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import attolog

from .harness import (
    FORMATS,
    Program,
    check,
    check_drops,
    clear_rings,
    held,
    left_behind,
    read_rows,
    recover,
)

N = 20_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 256 KB."""
    yield from disk_of("256k", tmp_path)


@pytest.fixture
def shared_memory(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 16 MB, as a container's /dev/shm."""
    yield from disk_of("16m", tmp_path)


def disk_of(size: str, folder: Path) -> Iterator[Path]:
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", disk], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)
    for suffix in FORMATS:
        clear_rings(disk / f"run.{suffix}")


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
        with held(path):  # it is tried again from time to time
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
    (small_disk / "ballast").write_bytes(bytes(140 << 10))  # no room for the smallest of rings
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


BESIDE_OTHERS = """
import mmap
log = attolog.AsyncFileLogger(path, ring_dir=sys.argv[3])
done, end = threading.Semaphore(0), threading.Event()
def burst(i):
    work(log, i, 3_000)
    done.release()
    end.wait()
threads = [threading.Thread(target=burst, args=(i,)) for i in range(200)]
for thread in threads: thread.start()
for thread in threads: done.acquire()
size = 6 << 20
with open(sys.argv[3] + "/own", "w+b") as file:
    file.truncate(size)
    memory = mmap.mmap(file.fileno(), size)
for at in range(0, size, 4096): memory[at] = 1
end.set()
"""


def test_b3_rings_leave_room_for_the_programs_own_memory(
    shared_memory: Path, log_path: Path
) -> None:
    path = log_path.with_suffix(".csv")
    with Program(BESIDE_OTHERS, path, shared_memory) as program:
        assert program.wait() == 0, program.stderr
        assert program.stderr == ""
    check(read_rows(path), dict.fromkeys(range(200), 3_000))


def test_b3_children_do_not_repeat_that_rings_are_in_memory(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    source = """
log = attolog.AsyncFileLogger(path, ring_dir="/proc/none")
work(log, 0, 10)
for i in range(1, 20):
    pid = os.fork()
    if pid == 0:
        work(log, i, 10)
        assert log.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
"""
    with Program(source, path) as program:
        assert program.wait() == 0, program.stderr
        assert program.stderr.count("kept in memory and lost with the process") == 1
        assert program.stderr.count("\n") == 1
    check(read_rows(path), dict.fromkeys(range(20), 10))


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
        clear_rings(path)


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


# ---- B16: out of file descriptors ----------------------------------------------------------------


def test_b16_without_file_descriptors_the_program_goes_on(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    source = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (128, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
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
    with Program(source, path) as program:
        assert program.wait() == 0, program.stderr
        assert len(program.stderr) < 1000
    found = read_rows(path)
    assert found.workers()[0] in (list(range(2_000)), list(range(2_001)))
    check_drops(found, {0: 2_001, 1: 1_000})
