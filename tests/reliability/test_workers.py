"""Workers of multiprocessing that end as usual leave their records in the files (rows C2, C3)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .harness import PATIENCE

METHODS = ("fork", "forkserver", "spawn")
FORKED = ("fork", "forkserver")  # which end by os._exit()

# A module, as spawn and forkserver need it. The rings lie where a test finds each file of them.
PROGRAM = """
import os, sys, threading
{before}
def main():
    import multiprocessing
    context = multiprocessing.get_context(sys.argv[2])
    {main}

folder = sys.argv[1]
rings = folder + "/rings"

def work(n):
    import attolog
    {make}
    for i in range(100): log("W", n, i)
    {end}

if __name__ == "__main__":
    main()
"""
START_FOUR = """
    workers = [context.Process(target=work, args=(n,)) for n in range(4)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4, workers
"""
FILE = 'log = attolog.AsyncFileLogger(f"{folder}/w-{n}.csv", ring_dir=rings)'


def run(
    folder: Path,
    method: str,
    *,
    make: str = FILE,
    main: str = START_FOUR,
    end: str = "pass",
    before: str = "",
    launcher: tuple[str, ...] = (),
    **environment: str,
) -> None:
    """Run the program; it must end well, and its workers too."""
    program = folder / "program.py"
    source = PROGRAM.replace("{main}", main.strip()).replace("{make}", make)
    program.write_text(source.replace("{end}", end).replace("{before}", before))
    done = subprocess.run(
        [sys.executable, *launcher, program, folder, method],
        env=os.environ | {"PYTHONWARNINGS": "ignore"} | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "waits" not in done.stderr, done.stderr


def rows(folder: Path, event: str = "W") -> int:
    return sum(
        f",{event}," in line
        for path in folder.glob("*.csv")
        for line in path.read_text().splitlines()
    )


def left(folder: Path) -> list[str]:
    """What still lies where the rings were."""
    return [name for _, _, names in os.walk(folder / "rings") for name in names]


MAKERS = {
    "a file": FILE,
    "samples": 'log = attolog.SampledLogger(f"{folder}/w-{n}.csv", 1.0, ring_dir=rings)',
    "a tee": (
        'log = attolog.tee(attolog.AsyncFileLogger(f"{folder}/w-{n}.csv", ring_dir=rings),'
        " attolog.CircularLogger(ring_dir=rings))"
    ),
    "the default logger": (
        'log = attolog.init_logger(f"{folder}/w-{n}.csv", quiet=True, ring_dir=rings)'
    ),
    "one file for all": 'log = attolog.AsyncFileLogger(f"{folder}/w.csv", ring_dir=rings)',
}


@pytest.mark.parametrize(
    ("maker", "method"),
    [("a file", method) for method in METHODS] + [(each, "fork") for each in MAKERS][1:],
)
def test_c2_what_workers_log_is_in_the_files_at_their_end(
    tmp_path: Path, method: str, maker: str
) -> None:
    run(tmp_path, method, make=MAKERS[maker])
    assert (rows(tmp_path), left(tmp_path)) == (400, [])


@pytest.mark.parametrize("method", FORKED)
def test_c2_open_statistics_of_workers_are_written_at_their_end(
    tmp_path: Path, method: str
) -> None:
    make = 'log = attolog.StatsLogger(f"{folder}/w-{n}.csv", 3600, ring_dir=rings)'
    run(tmp_path, method, make=make)
    assert len(list(tmp_path.glob("w-*.csv"))) == 4
    assert all("100" in path.read_text() for path in tmp_path.glob("w-*.csv"))
    assert left(tmp_path) == []


@pytest.mark.parametrize("method", FORKED)
def test_c2_a_circular_log_of_a_worker_leaves_nothing(tmp_path: Path, method: str) -> None:
    make = 'log = attolog.CircularLogger(ring_dir=rings, path=folder + "/c-{pid}-{n}.atto")'
    run(tmp_path, method, make=make)
    assert left(tmp_path) == []


# Whatever comes first: the logger, or multiprocessing.
ORDERS = {
    "multiprocessing first": "import multiprocessing.util, attolog",
    "attolog first": "import attolog",
}
INHERITED = """
import attolog
log = attolog.AsyncFileLogger(sys.argv[1] + "/w.csv", ring_dir=sys.argv[1] + "/rings")
"""


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("method", METHODS)
def test_c2_workers_log_to_what_their_parent_has_opened(
    tmp_path: Path, method: str, order: str
) -> None:
    run(tmp_path, method, make="global log", before=ORDERS[order] + INHERITED)
    assert (rows(tmp_path), left(tmp_path)) == (400, [])


POOLS = {
    "a pool that is closed": """
    pool = context.Pool(2)
    pool.map(work, range(4), 1)
    pool.close(); pool.join()
""",
    "an executor": """
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(2, mp_context=context) as pool: list(pool.map(work, range(4)))
""",
}


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("method", METHODS)
def test_c2_workers_of_pools_leave_nothing(tmp_path: Path, method: str, pool: str) -> None:
    run(tmp_path, method, main=POOLS[pool])
    assert (rows(tmp_path), left(tmp_path)) == (400, [])


@pytest.mark.parametrize("method", METHODS)
def test_c2_the_parent_writes_what_a_terminated_pool_has_logged(
    tmp_path: Path, method: str
) -> None:
    main = "with context.Pool(2) as pool: pool.map(work, range(4), 1)"
    run(tmp_path, method, main=main, make="global log", before=INHERITED)
    assert (rows(tmp_path), left(tmp_path)) == (400, [])


def test_c2_workers_join_by_the_environment(tmp_path: Path) -> None:
    for method in METHODS:
        run(
            tmp_path,
            method,
            make="log = attolog.log",
            ATTOLOG=str(tmp_path / f"{method}.csv"),
        )
    assert rows(tmp_path) == 1200


@pytest.mark.parametrize("method", METHODS)
def test_c2_prints_of_workers_are_in_the_journal(tmp_path: Path, method: str) -> None:
    make = 'log = lambda *values: print("worker", *values, flush=True)'
    journal = tmp_path / "run.atto"
    run(tmp_path, method, make=make, launcher=("-m", "attolog", "run", "-o", str(journal)))
    check = [sys.executable, "-m", "attolog", "recover", "--check", str(journal)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert "nothing" in done.stdout + done.stderr, done
    shown = [sys.executable, "-m", "attolog", "cat", str(journal)]
    lines = subprocess.run(shown, capture_output=True, text=True, check=True).stdout
    assert lines.count("worker") == 400


# ---- what is logged at the very end --------------------------------------------------------------

LATE = {
    "a thread that goes on": """
    def go_on():
        threading.main_thread().join()  # until only threads are waited for
        for i in range(100): log("LATE", i)
    threading.Thread(target=go_on).start()
""",
    "a pool of threads": """
    from concurrent.futures import ThreadPoolExecutor
    started = threading.Event()
    def go_on():
        started.set()
        for i in range(100): log("LATE", i)
    ThreadPoolExecutor(1).submit(go_on)
    started.wait()
""",
    "a finalizer": """
    from multiprocessing.util import Finalize
    Finalize(None, lambda: [log("LATE", i) for i in range(100)], exitpriority=-10**6)
""",
    "an exception": """
    try: raise SystemExit(0)
    finally: [log("LATE", i) for i in range(100)]
""",
}


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("method", FORKED)
def test_c2_what_a_worker_logs_as_it_ends_is_in_the_file(
    tmp_path: Path, method: str, late: str
) -> None:
    run(tmp_path, method, end=LATE[late].strip())
    assert (rows(tmp_path), rows(tmp_path, "LATE"), left(tmp_path)) == (400, 400, [])


@pytest.mark.parametrize("method", METHODS)
def test_c2_exit_handlers_of_a_worker_log(tmp_path: Path, method: str) -> None:
    end = 'import atexit; atexit.register(lambda: log("LATE", n))'
    run(tmp_path, method, end=end)
    is_called = method == "spawn" or sys.version_info >= (3, 13)
    assert (rows(tmp_path, "LATE"), left(tmp_path)) == (4 if is_called else 0, [])


@pytest.mark.parametrize("method", FORKED)
def test_c2_calls_that_come_while_a_worker_starts_another_are_one_log(
    tmp_path: Path, method: str
) -> None:
    end = """
    if n < 4:
        import multiprocessing
        child = multiprocessing.get_context(sys.argv[2]).Process(target=work, args=(n + 4,))
        child.start(); child.join()
    log("LATE", n)
    assert log.counts.calls == log.counts.written + log.counts.waiting == 101, log.counts
"""
    run(tmp_path, method, end=end.strip())
    assert (rows(tmp_path), rows(tmp_path, "LATE"), left(tmp_path)) == (800, 8, [])
