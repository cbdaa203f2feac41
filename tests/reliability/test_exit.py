"""However a program ends: nothing is lost, and it ends as without us (A1-A3, A5, A6, A13-A15)."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from .harness import FORMATS, Program, check, clear_rings, left_behind, read_rows, recover
from .programs import LOG_AND, end_of

N = 20_000


# ---- A1 to A6: ways to end -----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("end", "status", "says"),
    [
        ("pass", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("raise ValueError('on purpose')", 1, "ValueError: on purpose"),
        ("signal.raise_signal(signal.SIGINT)", -signal.SIGINT, "KeyboardInterrupt"),
    ],
    ids=["return", "exit", "exception", "SIGINT"],
)
def test_a1_an_orderly_end_writes_everything(
    log_path: Path, suffix: str, end: str, status: int, says: str
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    ended, stderr = end_of(LOG_AND.format(n=N, end=end), path)
    assert ended == status
    assert (says in stderr) if says else stderr == ""
    check(read_rows(path), {0: N})
    assert left_behind(path) == []


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("os._exit(4)", 4),
        ("os.kill(os.getpid(), signal.SIGTERM); signal.pause()", -signal.SIGTERM),
        ("os.kill(os.getpid(), signal.SIGKILL); signal.pause()", -signal.SIGKILL),
        ("os.execv('/bin/sh', ['sh', '-c', 'exit 5'])", 5),
    ],
    ids=["a2_os_exit", "a3_sigterm", "a4_sigkill", "a6_execv"],
)
def test_a2_a3_a6_a_sudden_end_loses_nothing(
    log_path: Path, suffix: str, end: str, status: int
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    assert end_of(LOG_AND.format(n=N, end=end), path) == (status, "")
    if suffix == "atto":  # is read in full before anybody recovers it
        check(read_rows(path), {0: N})
    recovered = recover(path)
    assert recovered["messages"] == []
    check(read_rows(path), {0: N})
    assert left_behind(path) == []


@pytest.mark.parametrize(
    ("end", "status", "says"),
    [
        ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV, "Segmentation fault"),
        ("os.abort()", -signal.SIGABRT, "Aborted"),
    ],
    ids=["segfault", "abort"],
)
def test_a5_a_crash_loses_nothing_and_looks_as_without_us(
    log_path: Path, end: str, status: int, says: str
) -> None:
    path = log_path.with_suffix(".csv")
    end = f"import faulthandler, resource; faulthandler.enable()\n{end}"
    with_us = "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n" + LOG_AND
    ended, stderr = end_of(with_us.format(n=N, end=end), path)
    assert ended == status
    assert stderr.startswith(f"Fatal Python error: {says}")
    recover(path)
    check(read_rows(path), {0: N})


def test_a6_the_program_that_takes_over_takes_in_the_records(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    source = """
log = attolog.AsyncFileLogger(path)
start = int(acknowledged[0])
work(log, 0, 5_000, start=start)
if start < 20_000:
    os.execv(sys.executable, [sys.executable, "-c", *sys.orig_argv[2:]])
"""
    assert end_of(source, path) == (0, "")
    check(read_rows(path), {0: 25_000})
    assert left_behind(path) == []


# ---- A13 to A15: what logs to the last -----------------------------------------------------------


@pytest.mark.parametrize("rounds", [5, pytest.param(500, marks=pytest.mark.torture)])
def test_a13_a_daemon_thread_logs_through_the_end(log_path: Path, rounds: int) -> None:
    source = """
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
threads = [threading.Thread(target=work, args=(log, i, 10**9), daemon=True) for i in range(2)]
for thread in threads: thread.start()
while not (acknowledged[0] and acknowledged[1]): pass
sys.exit(0)
"""
    for number in range(rounds):
        path = log_path.with_name(f"run{number}").with_suffix(".csv")
        with Program(source, path) as program:
            assert (program.wait(), program.stderr) == (0, "")
            check(read_rows(path), program.acknowledged(), in_flight=1)
        assert left_behind(path) == []
        path.unlink()
        clear_rings(path)


# Each comes for the GIL without an end; the path is that of a log of its own.
WITHOUT_GIL = {
    "waits for the file": "log.flush()",
    "waits for a little": "log.flush(timeout=0)",
    "opens and closes": "attolog.AsyncFileLogger(other).close()",
    "prints": "log.print('x' * 1000)",
    "samples": "sampled('S', 1); sampled.flush()",
}


@pytest.mark.parametrize("what", WITHOUT_GIL)
def test_a13_threads_that_wait_without_the_gil_hold_up_no_end(log_path: Path, what: str) -> None:
    source = f"""
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
other = str(path) + ".other.csv"
sampled = attolog.SampledLogger(log, 1.0)
turns = [0, 0]
def wait(i):
    while True:
        {WITHOUT_GIL[what]}
        turns[i] += 1
for i in range(2): threading.Thread(target=wait, args=(i,), daemon=True).start()
work(log, 0, 1000)
while not all(turns): pass
sys.exit(0)
"""
    for number in range(3):
        path = log_path.with_name(f"run{number}").with_suffix(".csv")
        with Program(source, path) as program:
            assert (program.wait(), program.stderr) == (0, "")
            found = read_rows(path)
            check(found, {0: 1000})
        assert left_behind(path) == []
        clear_rings(path)


def test_a14_hooks_and_finalizers_are_recorded(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    source = """
import atexit
class Finalized:
    def __del__(self): log.log("finalizer")
kept = Finalized()
atexit.register(lambda: log.log("hook before"))
log = attolog.AsyncFileLogger(path)
atexit.register(lambda: log.log("hook after"))
sys.kept = Finalized()
work(log, 0, 10)
"""
    assert end_of(
        "import atexit\natexit.register(lambda: log.log('first hook'))\n" + source, path
    ) == (0, "")
    found = read_rows(path)
    check(found, {0: 10})
    assert found.others == ["hook after", "hook before", "first hook", "finalizer", "finalizer"]


def test_a15_a_call_after_close_is_counted(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    source = """
log = attolog.AsyncFileLogger(path)
bound = log.bind(a=1)
work(log, 0, 100)
say(log.close())
say(log.close())
log.log("late"); log.info("late {x}", 1); log("LATE", x=1); bound.log("late")
log.print("late")
work(log, 1, 5)
say(log.flush())
say(tuple(log.counts))
"""
    with Program(source, path) as program:
        words = [program.await_word() for _ in range(4)]
        assert program.wait() == 0
        assert words == ["True", "True", "True", str((110, 100, 0, 10, 0, 0, 0))]
        assert program.stderr.count("after the logger was closed") == 1
        assert program.stderr.count("\n") == 1
    check(read_rows(path), {0: 100})
