"""Threads, processes, signals and re-entrant calls (rows C of the reliability tests).

Programs run in a process of their own, so that a hang or a crash is a failed test and no more.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .harness import FORMATS, PATIENCE, Found, Program, check, left_behind, read_rows

# What programs say at their end: calls must be the sum of the other figures, and all is written.
COUNTED = """
def worker_of(log, worker, size=0):
    record = log.event("R", "pid", "worker", "seq", "pad")
    def log_next():
        seq = acknowledged[worker]
        record(os.getpid(), worker, seq, pad(seq, size))
        acknowledged[worker] = seq + 1
    return log_next

def counted(log, calls):
    assert log.close(), log.counts
    counts = log.counts
    assert counts.calls == sum(counts[1:]) == calls, counts
    assert counts.written == calls, counts
"""

THREADS = """
def in_threads(n, action):
    threads = [threading.Thread(target=action, args=(i,)) for i in range(n)]
    for thread in threads: thread.start()
    return threads
"""


def run(source: str, path: Path, *arguments: object, patience: float = PATIENCE) -> dict[int, int]:
    """Run a program that must end well and say nothing; what it has had acknowledged."""
    with Program(COUNTED + THREADS + source, path, *arguments) as program:
        assert program.wait(patience) == 0, program.stderr
        assert program.stderr == ""
        return program.acknowledged()


def everything(path: Path) -> Found:
    """What the file holds; a journal has its parts by itself."""
    found = read_rows(path)
    assert (found.dropped, found.others, left_behind(path)) == (0, [], [])
    return found


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


# ---- C2, C4: fork --------------------------------------------------------------------------------

FORKS = """
forks = int(sys.argv[3])
log = attolog.AsyncFileLogger(path)
stop = threading.Event()
def until_told(worker):
    log_next = worker_of(log, worker)
    while not stop.is_set():
        for _ in range(20): log_next()
        log.counts, log.flush(0)
threads = in_threads(3, until_told)
statuses = []
for i in range(forks):
    pid = os.fork()
    if pid == 0:
        signal.alarm(30)  # a child that hangs dies
        if i % 3 == 1: log.flush()
        work(log, 3 + i, 100)
        if i % 3 == 2: assert log.flush() and log.counts.written == 100, log.counts
        os._exit(0)
    statuses.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
stop.set()
for thread in threads: thread.join()
assert statuses == [0] * forks, statuses
counted(log, sum(acknowledged[:3]))
"""


def check_forks(path: Path, forks: int, patience: float) -> None:
    acknowledged = run(FORKS, path, forks, patience=patience)
    assert [acknowledged[3 + i] for i in range(forks)] == [100] * forks
    found = everything(path)
    check(found, acknowledged)
    pids = {row.worker: row.pid for row in found.rows}
    assert len({pids[3 + i] for i in range(forks)} - {pids[0]}) == forks  # each child under its own


@pytest.mark.parametrize("suffix", FORMATS)
def test_c2_c4_fork_while_threads_log(log_path: Path, suffix: str) -> None:
    check_forks(log_path.with_suffix(f".{suffix}"), 12, PATIENCE)


@pytest.mark.torture
@pytest.mark.parametrize("suffix", FORMATS)
def test_c2_two_hundred_forks(log_path: Path, suffix: str) -> None:
    check_forks(log_path.with_suffix(f".{suffix}"), 200, 600)


@pytest.mark.parametrize("suffix", FORMATS)
def test_c4_a_grandchild_logs(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    acknowledged = run(
        """
log = attolog.AsyncFileLogger(path)
work(log, 0, 10)
def child(depth):
    signal.alarm(30)
    work(log, depth, 100)
    if depth < 3 and (pid := os.fork()): assert os.waitpid(pid, 0)[1] == 0
    elif depth < 3: child(depth + 1)
    os._exit(0)
pid = os.fork()
if pid == 0: child(1)
assert os.waitpid(pid, 0)[1] == 0
counted(log, 10)
""",
        path,
    )
    found = everything(path)
    check(found, acknowledged)
    assert len({row.pid for row in found.rows}) == 4


# ---- C5: processes that share a path -------------------------------------------------------------

POOL = """
import multiprocessing, os, sys
import attolog

def task(argument):
    path, worker, n, size = argument
    log = attolog.AsyncFileLogger(path)
    record = log.event("R", "pid", "worker", "seq", "pad")
    for seq in range(n):
        record(os.getpid(), worker, seq, f"<{seq}:{size}:{'x' * size}>")
    assert log.close() and log.counts.written == log.counts.calls == n, log.counts
    return worker

if __name__ == "__main__":
    method, path, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with multiprocessing.get_context(method).Pool(4) as pool:
        tasks = [(path, i, n, (50, 20_000)[i % 2]) for i in range(8)]
        assert sorted(pool.imap_unordered(task, tasks)) == list(range(8))
        pool.close()
        pool.join()
"""


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_c5_pools_write_one_path(log_path: Path, tmp_path: Path, method: str, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    script = tmp_path / "pooled.py"
    script.write_text(POOL)
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(script), method, str(path), "200"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")
    check(everything(path), dict.fromkeys(range(8), 200))


@pytest.mark.parametrize("suffix", FORMATS)
def test_c5_four_programs_at_once(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = COUNTED + (
        """
worker = int(sys.argv[3])
log = attolog.AsyncFileLogger(path)
say("open")
sys.stdin.readline()
for start in range(0, 2000, 100):
    work(log, worker, 100, size=(50, 20_000)[start // 100 % 2], start=start)
counted(log, 2000)
"""
    )
    programs = [Program(source, path, worker) for worker in range(4)]
    acknowledged: dict[int, int] = {}
    try:
        assert [program.await_word() for program in programs] == ["open"] * 4
        for program in programs:
            program.tell()
        for program in programs:
            assert (program.wait(), program.stderr) == (0, "")
            acknowledged |= program.acknowledged()
    finally:
        for program in programs:
            program.__exit__(None, None, None)
    assert acknowledged == dict.fromkeys(range(4), 2000)
    check(everything(path), acknowledged)
    parts = sorted(path.parent.iterdir())
    assert len(parts) == (4 if suffix == "atto" else 1), parts


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("threads", [1, 4, 16])
def test_c5_two_loggers_of_one_path(log_path: Path, suffix: str, threads: int) -> None:
    path = log_path.with_suffix(f".{suffix}")
    acknowledged = run(
        """
n = int(sys.argv[3])
logs = [attolog.AsyncFileLogger(path) for _ in range(2)]
threads = in_threads(2 * n, lambda worker: work(logs[worker % 2], worker, 500))
for thread in threads: thread.join()
for log in logs: counted(log, 500 * n)
""",
        path,
        threads,
    )
    assert acknowledged == dict.fromkeys(range(2 * threads), 500)
    check(everything(path), acknowledged)


def test_c5_csv_columns_are_the_files(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    run(
        """
one, two = [attolog.AsyncFileLogger(path) for _ in range(2)]
one("E", a=1, b=2); one.flush()
two("E", b=4, a=3); two("E", c=5); two.flush()
one("E", d=8, c=7); one("E", b=10)
counted(one, 3)
counted(two, 2)
""",
        path,
    )
    rows = [line.split(",", 1)[1] for line in path.read_text().splitlines()]
    assert rows == ["E,1,2", "E,3,4", "E,,,5", "E,,,7,8", "E,,10,,"]


# ---- C7 to C10: calls from anywhere --------------------------------------------------------------

SIGNALS = """
signals = int(sys.argv[3])
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
class Slow:
    def __str__(self): return "<" + "x".join(map(str, range(50))) + ">"
log_next, log_alarm = worker_of(log, 0, 300), worker_of(log, 1)
def on_alarm(number, frame): log_alarm()
signal.signal(signal.SIGALRM, on_alarm)
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
others = 0
while acknowledged[1] < signals:
    for _ in range(100): log_next()
    log.info(Slow())
    others += 1
    if others % 10 == 0: log.flush()
signal.setitimer(signal.ITIMER_REAL, 0)
counted(log, sum(acknowledged) + others)
"""


@pytest.mark.parametrize("suffix", ["csv", "atto"])
@pytest.mark.parametrize("signals", [100, pytest.param(2000, marks=pytest.mark.torture)])
def test_c7_signals_every_5_ms(log_path: Path, suffix: str, signals: int) -> None:
    path = log_path.with_suffix(f".{suffix}")
    acknowledged = run(SIGNALS, path, signals)
    assert acknowledged[1] >= signals
    found = read_rows(path)
    check(found, acknowledged)
    assert len(found.others) == acknowledged[0] / 100


@pytest.mark.parametrize("threads", [1, 4, 16])
def test_c8_finalizers_log(log_path: Path, threads: int) -> None:
    path = log_path.with_suffix(".jsonl")
    acknowledged = run(
        """
import gc, itertools
gc.set_threshold(5)
n = int(sys.argv[3])
log = attolog.AsyncFileLogger(path)
deleted = itertools.count()
class Cycle:
    def __init__(self): self.me = self
    def __str__(self): return "x" * len([Cycle() for _ in range(3)])
    def __del__(self): log("DELETED", next(deleted))
def create(worker):
    for i in range(200):
        cycle = Cycle()
        log("CREATED", worker, i, cycle)
        log.debug("{worker} {cycle} {i:>5}", worker, cycle, i)
        work(log, worker, 1, start=i)
for thread in in_threads(n, create): thread.join()
gc.collect()
finalized = next(deleted)
assert finalized >= 200 * n * 7, finalized
counted(log, 3 * 200 * n + finalized)
""",
        path,
        threads,
    )
    check(read_rows(path), acknowledged)


def test_c9_hooks_log(log_path: Path) -> None:
    path = log_path.with_suffix(".jsonl")
    acknowledged = run(
        """
log = attolog.AsyncFileLogger(path)
hooked = 0
inside = False
def hook(*args):
    global hooked, inside
    if inside: return hook
    inside = True
    hooked += 1
    log("HOOK", args[0], hooked)
    log.info("{what} for the {n}th time", args[0], hooked)
    inside = False
    return hook
sys.addaudithook(hook)
sys.settrace(hook)
for i in range(100):
    work(log, 0, 1, start=i)
    log("OTHER", i, [i])
sys.settrace(None)
inside = True
assert hooked > 300, hooked
counted(log, 200 + 2 * hooked)
""",
        path,
    )
    check(read_rows(path), acknowledged)


@pytest.mark.parametrize("suffix", ["jsonl", "atto"])
def test_c10_values_that_log(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    run(
        """
log = attolog.AsyncFileLogger(path)
class Logs:
    def __init__(self, depth): self.depth = depth
    def __str__(self):
        if self.depth: log("INNER", Logs(self.depth - 1))
        return f"depth {self.depth}"
    __format__ = lambda self, spec: str(self) + "/" + spec
log("OUTER", Logs(3))
log.warning("see {x:spec}", Logs(1))   # its format and its value: each logs
log(Logs(1))
log.bind(a=Logs(1))("BOUND", 1)
class Endless:
    def __str__(self): log("ENDLESS", self); return "?"
before = log.counts.calls
log("ENDLESS", Endless())
assert log.counts.calls > before + 50, log.counts
counted(log, log.counts.calls)
""",
        path,
    )
    found = read_rows(path)
    assert found.others.count("see depth 1/spec") == 1
    assert found.others.count("depth 1") == 1


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
import glob
n = int(sys.argv[3])
log = attolog.AsyncFileLogger(path)
def figures(): return len(os.listdir("/proc/self/fd")), len(open("/proc/self/maps").readlines())
def some(first, end):
    for start in range(first, end, 4):
        for thread in in_threads(4, lambda i: work(log, i, 1, start=start // 4)): thread.join()
some(0, 400)
fds, maps = figures()
some(400, n)
assert figures()[0] <= fds and figures()[1] <= maps + 20, (figures(), fds, maps)
counted(log, n)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="looks at /proc")
@pytest.mark.parametrize("threads", [20_000, pytest.param(100_000, marks=pytest.mark.torture)])
def test_c12_short_threads_use_rings_again(log_path: Path, threads: int) -> None:
    path = log_path.with_suffix(".atto")
    acknowledged = run(SHORT_THREADS, path, threads, patience=900)
    assert acknowledged == dict.fromkeys(range(4), threads // 4)
    check(everything(path), acknowledged)


# ---- C15: subinterpreters ------------------------------------------------------------------------


def test_c15_a_subinterpreter_works_or_is_refused(tmp_path: Path) -> None:
    source = """
import sys
try: import _interpreters as interpreters
except ImportError: import _xxsubinterpreters as interpreters
import attolog
inside = '''
try:
    import attolog
    log = attolog.AsyncFileLogger(r"PATH"); log("E", x=1)
    assert log.close() and log.counts.written == 1
except ImportError as error: assert "attolog" in str(error), error
'''
each = interpreters.create()
failure = interpreters.run_string(each, inside.replace("PATH", sys.argv[1]))
assert failure is None, failure
interpreters.destroy(each)
log = attolog.AsyncFileLogger(sys.argv[1])
log("E", x=2)
assert log.close()
"""
    path = tmp_path / "run.csv"
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "default"}
    done = subprocess.run(
        [sys.executable, "-c", source, path],
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert path.read_text().splitlines()[-1].endswith(",E,2")


# ---- a logger that is switched -------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("threads", [1, 4, 16])
def test_a_switched_logger_loses_nothing(log_path: Path, suffix: str, threads: int) -> None:
    paths = [log_path.with_name(f"run{i}.{suffix}") for i in range(4)]
    acknowledged = run(
        """
suffix, n = sys.argv[3], int(sys.argv[4])
log = attolog.log
work(log, 0, 3)  # off: not logged
acknowledged[0] = 0
before = [log.event("R", "pid", "worker", "seq", "pad"), log.bind(), log]
barrier = threading.Barrier(n + 1)
def switched(worker):
    record = before[0]
    seq = 0
    for _ in range(4):
        barrier.wait()
        for i in range(500):
            record(os.getpid(), worker, seq, pad(seq, 5))
            seq += 1
        acknowledged[worker] = seq
        barrier.wait()
threads = in_threads(n, switched)
for i in range(4):
    attolog.init_logger(f"{path[:-4]}{i}.{suffix}", quiet=True)
    barrier.wait()  # all log
    barrier.wait()
    if i == 1: assert log.close() and not log
for thread in threads: thread.join()
counted(log, 2000 * n)
""",
        log_path.with_suffix(".xxx"),
        suffix,
        threads,
    )
    assert acknowledged == dict.fromkeys(range(threads), 2000)
    found = read_rows(*paths)
    check(found, acknowledged)
    assert [left_behind(path) for path in paths] == [[]] * 4


@pytest.mark.parametrize("suffix", FORMATS)
def test_switching_while_threads_log_counts_every_call(log_path: Path, suffix: str) -> None:
    paths = [log_path.with_name(f"run{i}.{suffix}") for i in range(3)]
    acknowledged = run(
        """
suffix = sys.argv[3]
log = attolog.log
attolog.init_logger(f"{path[:-4]}0.{suffix}", quiet=True, buffer_bytes=65536)
has_switched = threading.Event()
def switched(worker):
    work(log, worker, 2500, size=50)
    has_switched.wait()  # the rest of it at least goes elsewhere
    work(log, worker, 2500, start=2500, size=50)
threads = in_threads(4, switched)
i = 0
while any(thread.is_alive() for thread in threads):
    i += 1
    attolog.init_logger(f"{path[:-4]}{i % 3}.{suffix}", quiet=True, buffer_bytes=65536)
    has_switched.set()
for thread in threads: thread.join()
counted(log, 20_000)
""",
        log_path.with_suffix(".xxx"),
        suffix,
    )
    found = read_rows(*(path for path in paths if path.exists()))
    check(found, acknowledged, order=False)  # over three files


def test_what_was_bound_before_init_is_logged_after(log_path: Path) -> None:
    path = log_path.with_suffix(".jsonl")
    run(
        """
log = attolog.log
bound = log.bind(request=17)
EARLY = bound.event("EARLY", "x")
EARLY(0); bound("NAMED", x=0); bound.info("text"); log("NAMED", x=0)
assert log.counts.calls == 0
attolog.init_logger(path, quiet=True)
EARLY(1); bound("NAMED", x=1); bound.info("text"); bound.log("more"); log("NAMED", x=1)
counted(log, 5)
""",
        path,
    )
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        del record["time"]
    assert records == [
        {"event": "EARLY", "x": 1, "request": 17},
        {"event": "NAMED", "x": 1, "request": 17},
        {"level": "INFO", "message": "text", "request": 17},
        {"text": "more", "request": 17},
        {"event": "NAMED", "x": 1},
    ]
