"""Threads, many at once and one after the other, and tasks (rows C1, C11, C12)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import attolog

from .harness import FORMATS, Program, check
from .programs import everything, run

# ---- C1: threads ---------------------------------------------------------------------------------

IN_THREADS = """
n, each = int(sys.argv[3]), int(sys.argv[4])
log = attolog.AsyncFileLogger(path)
threads = in_threads(n, lambda worker: work(log, worker, each, size=worker))
for thread in threads: thread.join()
counted(log, n * each)
"""


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(("threads", "each"), [(1, 20_000), (4, 5_000), (16, 1_500)])
def test_c1_threads(log_path: Path, suffix: str, threads: int, each: int) -> None:
    path = log_path.with_suffix(f".{suffix}")
    acknowledged = run(IN_THREADS, path, threads, each)
    assert acknowledged == dict.fromkeys(range(threads), each)
    check(everything(path), acknowledged)


@pytest.mark.torture
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("threads", [8, 64])
def test_c1_many_records(log_path: Path, suffix: str, threads: int) -> None:
    path = log_path.with_suffix(f".{suffix}")
    acknowledged = run(IN_THREADS, path, threads, 100_000, patience=1800)
    check(everything(path), acknowledged)


@pytest.mark.parametrize("threads", [1, 4, 16])
def test_c1_counts_add_up_at_any_moment(log_path: Path, threads: int) -> None:
    run(
        """
n = int(sys.argv[3])
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
threads = in_threads(n, lambda worker: work(log, worker, 3000))
while any(thread.is_alive() for thread in threads):
    # Acknowledged before the look, counted in it, and at most one call a thread beyond it.
    before = sum(acknowledged)
    counts = log.counts
    assert counts.calls == sum(counts[1:]), counts
    assert before <= counts.calls <= sum(acknowledged) + n, (before, counts)
counted(log, 3000 * n)
""",
        log_path.with_suffix(".csv"),
        threads,
    )


# ---- C11: asyncio --------------------------------------------------------------------------------


def test_c11_tasks_keep_their_context(log_path: Path) -> None:
    path = log_path.with_suffix(".atto")
    run(
        """
import asyncio, contextvars
log = attolog.AsyncFileLogger(path)
request = contextvars.ContextVar("request")
async def handle(i):
    request.set(i)
    mine = log.bind(bound=i)
    for seq in range(20):
        await asyncio.sleep(0)
        current = request.get()
        mine("STEP", current=current, seq=seq)
        await asyncio.to_thread(lambda: mine("THREAD", current=request.get()))
async def main(): await asyncio.gather(*map(handle, range(50)))
asyncio.run(main())
assert log.close() and log.counts.written == log.counts.calls == 2000, log.counts
import collections
steps = collections.defaultdict(list)
for record in attolog.read(path).records():
    fields = record.fields
    if record.event == "STEP":
        assert fields["current"] == fields["bound"], fields
        steps[fields["bound"]].append(fields["seq"])
    else:
        assert fields["current"] == fields["bound"], fields
assert steps == {i: list(range(20)) for i in range(50)}
""",
        path,
    )


# ---- C12: short threads --------------------------------------------------------------------------

SHORT_THREADS = """
n = int(sys.argv[3])
log = attolog.AsyncFileLogger(path)
def figures(): return len(os.listdir("/proc/self/fd")), len(open("/proc/self/maps").readlines())
def some(first, end):
    for start in range(first, end, 4):
        for thread in in_threads(4, lambda i: work(log, i, 1, start=start // 4)): thread.join()
some(0, 400)
before = figures()
some(400, n)
after = figures()
# The writer may have a file open just now, or the last threads their stacks; a leak is thousands.
assert all(now <= then + 20 for now, then in zip(after, before)), (before, after)
counted(log, n)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="looks at /proc")
@pytest.mark.parametrize("threads", [20_000, pytest.param(100_000, marks=pytest.mark.torture)])
def test_c12_short_threads_use_rings_again(log_path: Path, threads: int) -> None:
    path = log_path.with_suffix(".atto")
    acknowledged = run(SHORT_THREADS, path, threads, patience=900)
    assert acknowledged == dict.fromkeys(range(4), threads // 4)
    check(everything(path), acknowledged)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_long_name_of_a_thread_is_cut_behind_a_character(
    log_path: Path, suffix: str, width: int
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    name = {1: "n", 2: "ä", 3: "漢", 4: "🐍"}[width] * 100
    pattern = ', pattern="{thread} {message}"' if suffix == "log" else ""
    source = f"""
log = attolog.AsyncFileLogger(path{pattern})
threading.Thread(target=lambda: log.info("text"), name={name!r}).start()
"""
    with Program(source, path) as program:
        assert program.wait() == 0, program.stderr
    if suffix == "atto":
        (record,) = attolog.read(path).records()
        assert record.thread == name[: 87 // width]
    else:
        text = path.read_bytes().decode()
        assert suffix != "log" or text == f"{name[: 87 // width]} text\n"
