"""What must not grow with the number of records: memory, descriptors, maps (rows B11, F7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from .harness import Program
from .test_stuck_sink import StuckSink

# What a program holds: KiB of memory of its own, and with that of rings; descriptors; maps.
HELD = """
def held():
    status = open("/proc/self/status").read()
    kib = lambda name: int(status.partition(name + ":")[2].split()[0])
    maps = open("/proc/self/maps").read().count("\\n")
    return kib("RssAnon"), kib("VmRSS"), len(os.listdir("/proc/self/fd")), maps

def log_many(log, n):
    record = log.event("R", "i", "x")
    for i in range(n): record(i, 0.5)
"""
ALLOWED = 5 << 10  # KiB

# The first tenth fills the rings and whatever else is filled once.
DROPPING = """
log = attolog.AsyncFileLogger(path, on_full="drop")
n = int(sys.argv[3])
log_many(log, n // 10)
before = held()
for _ in range(9): log_many(log, n // 10)
after = held()
say([now - then for now, then in zip(after, before)])
counts = log.counts
say(counts.calls == sum(counts[1:]) == n)
say(counts.dropped > n // 2)
os._exit(0)  # nobody will ever read
"""


def check_dropping(path: Path, n: int) -> None:
    sink = StuckSink(path)
    with Program(HELD + DROPPING, path, n) as program:
        anonymous, _, descriptors, maps = numbers_of(program.await_word(600))
        assert anonymous <= ALLOWED, f"{anonymous} KiB more"
        assert (descriptors, maps <= 8) == (0, True)
        assert (program.await_word(), program.await_word()) == ("True", "True")
    del sink


def numbers_of(text: str) -> list[int]:
    return [int(number) for number in text.strip("[]").split(",")]


def test_b11_a_stuck_sink_costs_no_memory(log_path: Path) -> None:
    check_dropping(log_path.with_suffix(".log"), 1_000_000)


@pytest.mark.torture
def test_b11_a_stuck_sink_costs_no_memory_for_ten_million_records(log_path: Path) -> None:
    check_dropping(log_path.with_suffix(".log"), 10_000_000)


# All is written, by threads that come and go; the file does not matter, and is thrown away.
WRITING = """
n = int(sys.argv[3])
log = attolog.AsyncFileLogger(path)

def in_threads(n):
    for _ in range(2):
        thread = threading.Thread(target=log_many, args=(log, n // 2))
        thread.start()
        thread.join()

looks = []
for i in range(10):
    in_threads(n // 10)
    log.flush()
    looks.append(held())
    os.truncate(path, 0)
counts = log.counts
say(counts.calls == counts.written == n)
for figures in zip(*looks[1:]): say(max(figures) - min(figures))
say(log.close())
"""


def check_writing(path: Path, n: int) -> None:
    with Program(HELD + WRITING, path, n) as program:
        assert program.await_word(3600) == "True", program.stderr
        anonymous, resident, descriptors, maps = (int(program.await_word()) for _ in range(4))
        assert (anonymous <= ALLOWED, resident <= ALLOWED) == (True, True), (anonymous, resident)
        # Rings of threads that have ended go a second or two later: two maps each.
        assert (descriptors, maps <= 16) == (0, True), (descriptors, maps)
        assert program.await_word() == "True"
        assert (program.wait(), program.stderr) == (0, "")


@pytest.mark.parametrize("suffix", [".csv", ".atto"])
def test_f7_a_million_records_leave_memory_descriptors_and_maps_as_they_were(
    log_path: Path, suffix: str
) -> None:
    check_writing(log_path.with_suffix(suffix), 1_000_000)


@pytest.mark.torture
@pytest.mark.parametrize("suffix", [".csv", ".atto"])
def test_f7_a_hundred_million_records_leave_memory_descriptors_and_maps_as_they_were(
    log_path: Path, suffix: str
) -> None:
    check_writing(log_path.with_suffix(suffix), 100_000_000)
