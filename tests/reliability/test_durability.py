"""Nothing acknowledged is lost, whatever ends the program (rows A of the reliability tests)."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
from functools import partial
from pathlib import Path

import pytest

from .harness import (
    FORMATS,
    Program,
    Snapshot,
    check,
    forked,
    killed_by,
    left_behind,
    read_rows,
    recover,
    ring_folder,
    status_of,
    wait_until,
)

N = 20_000

LOG_AND = """
log = attolog.AsyncFileLogger(path)
work(log, 0, {n})
{end}
"""


def run(source: str, path: Path, *arguments: object) -> tuple[int, str]:
    with Program(source, path, *arguments) as program:
        return program.wait(), program.stderr


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
    ended, stderr = run(LOG_AND.format(n=N, end=end), path)
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
    assert run(LOG_AND.format(n=N, end=end), path) == (status, "")
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
    ended, stderr = run(with_us.format(n=N, end=end), path)
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
    assert run(source, path) == (0, "")
    check(read_rows(path), {0: 25_000})
    assert left_behind(path) == []


# ---- A4: SIGKILL at random moments ---------------------------------------------------------------

FOUR_THREADS = """
log = attolog.AsyncFileLogger(path, buffer_bytes=int(sys.argv[3]))
size = int(sys.argv[4])
threads = [threading.Thread(target=work, args=(log, i, 10**9, size)) for i in range(4)]
for thread in threads: thread.start()
"""

SHORT, LONG = 3, pytest.param(250, marks=pytest.mark.torture)


@pytest.mark.parametrize("rounds", [SHORT, LONG])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a4_sigkill_loses_nothing_acknowledged(
    log_path: Path, tmp_path: Path, suffix: str, rounds: int
) -> None:
    for number in range(rounds):
        chance = random.Random(f"{suffix}{number}")
        path = log_path.with_name(f"run{number}").with_suffix(f".{suffix}")
        buffer_bytes = chance.choice([1 << 16, 1 << 18, 1 << 22])
        # Beyond a quarter of the ring a record goes through a file of its own.
        size = chance.choice([0, 0, 50, 1_000, 20_000])
        with Program(FOUR_THREADS, path, buffer_bytes, size) as program:
            most = 60_000 if size < 100 else 2_000 if size == 1_000 else 150
            program.await_acknowledged(chance.randrange(1, most))
            program.kill()
            assert program.stderr == ""
            acknowledged = program.acknowledged()
        for _ in range(chance.randrange(3)):
            pid = forked(partial(recover, path))
            for _ in range(chance.randrange(20_000)):
                pass
            os.kill(pid, signal.SIGKILL)
            status_of(pid)
        if suffix == "atto":
            check(read_rows(path), acknowledged, in_flight=1)
        assert recover(path)["messages"] == []
        check(read_rows(path), acknowledged, in_flight=1)
        assert left_behind(path) == []
        path.unlink()
        _clear(path)


def _clear(path: Path) -> None:
    shutil.rmtree(ring_folder(path), ignore_errors=True)


# ---- A7, A8: killed in the middle of it ----------------------------------------------------------


SLOWLY = """
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
for start in range(0, 4_000, 400):
    work(log, 0, 400, start=start)
    work(log, 1, 1, start=start // 400, size=20_000)
    log.flush()
"""


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("call", "action", "points"),
    [
        ("write", "kill", range(0, 12, 4)),
        ("write", "half", range(0, 12, 3)),
        ("write", "kill_after", range(0, 12, 3)),
        pytest.param("any", "kill", range(120), marks=pytest.mark.torture),
        pytest.param("any", "half", range(120), marks=pytest.mark.torture),
        pytest.param("any", "kill_after", range(120), marks=pytest.mark.torture),
    ],
)
def test_a7_a_writer_killed_in_a_system_call(
    log_path: Path, faults: Path, suffix: str, call: str, action: str, points: range
) -> None:
    for point in points:
        path = log_path.with_name(f"run{point}").with_suffix(f".{suffix}")
        fault = f"{path.stem}|{call}|{point}|{action}|1"
        with Program(SLOWLY, path, fault=(faults, fault)) as program:
            status = program.wait()
            acknowledged = program.acknowledged()
        assert killed_by(status) or (status == 0 and call == "any")
        if path.exists() and suffix == "atto":
            check(read_rows(path), acknowledged, in_flight=1)
        recover(path)
        if acknowledged:
            check(read_rows(path), acknowledged, in_flight=1)
        _clear(path)


# Tries one fault after the other on a recovery, each in a child of its own; ends with the first
# that the recovery no longer comes to.
FAULTY_RECOVERY = """
import ctypes, pathlib
from reliability.harness import *

action, step = sys.argv[3], int(sys.argv[4])
call = "write" if action == "half" else "any"
path = pathlib.Path(path)
snapshot = Snapshot(path, path.parent.parent / "snapshot")
arm = ctypes.CDLL(None).fault_arm

def dies(point):
    arm(f"{path.stem}|{call}|{point}|{action}|1".encode())
    recover(path)

if action == "half":  # there are few writes
    step = 1
for tried, point in enumerate(range(0, 10_000, step)):
    snapshot.restore()
    status = status_of(forked(lambda: dies(point)))
    if path.suffix == ".atto":
        check(read_rows(path), {0: 3_000, 1: 6})
    assert recover(path)["messages"] == [], point
    check(read_rows(path), {0: 3_000, 1: 6})
    assert left_behind(path) == []
    if not killed_by(status):
        assert status == 0
        break
say(tried)
"""

KILLED = """
log = attolog.AsyncFileLogger(path, buffer_bytes=1 << 20)
work(log, 0, 1_000)
log.flush()
say("open")
sys.stdin.readline()
work(log, 0, 2_000, start=1_000)
work(log, 1, 6, size=300_000)  # beside the ring
os.kill(os.getpid(), signal.SIGKILL)
"""


def leave_records(path: Path) -> None:
    """Log 3,000 records and 6 large ones; all but 1,000 are left in the rings of a dead process."""
    with Program(KILLED, path) as program:
        assert program.await_word() == "open"
        ledger = os.open(ring_folder(path) / f"{path.name}.ledger", os.O_RDWR)
        try:
            fcntl.flock(ledger, fcntl.LOCK_EX)  # the writer waits for it, and dies waiting
            program.tell()
            assert killed_by(program.wait())
        finally:
            os.close(ledger)
    waiting = recover(path, check=True)
    assert (waiting["records"], waiting["sessions"]) == (2_006, 1)


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.torture)])
@pytest.mark.parametrize("action", ["kill", "half", "kill_after"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a8_a_recovery_killed_anywhere_is_done_by_the_next(
    log_path: Path, faults: Path, suffix: str, action: str, step: int
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    leave_records(path)
    with Program(
        FAULTY_RECOVERY, path, action, step, fault=(faults, "none|any|0|kill|1")
    ) as program:
        said = program.await_word()
        assert (program.wait(), program.stderr) == (0, "")
        assert int(said) >= 2, "no call of a recovery was hit"


# ---- A9: who recovers ----------------------------------------------------------------------------


def _recover_on(path: Path, start: int, go: int) -> None:
    """Recover once the last one who has `go` open has closed it."""
    os.close(go)
    os.read(start, 1)
    assert recover(path)["messages"] == []


@pytest.mark.parametrize("rounds", [10, pytest.param(500, marks=pytest.mark.torture)])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a9_of_several_recoveries_at_once_one_wins(
    log_path: Path, tmp_path: Path, suffix: str, rounds: int
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    leave_records(path)
    snapshot = Snapshot(path, tmp_path / "snapshot")
    for _ in range(rounds):
        snapshot.restore()
        start, go = os.pipe()
        pids = [forked(partial(_recover_on, path, start, go)) for _ in range(4)]
        os.close(start)
        os.close(go)
        assert [status_of(pid) for pid in pids] == [0] * 4
        check(read_rows(path), {0: 3_000, 1: 6})
        assert left_behind(path) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_a9_what_a_living_program_logs_is_left_to_it(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = """
log = attolog.AsyncFileLogger(path)
for start in range(0, N, 1_000):
    work(log, 0, 1_000, start=start)
    say("more")
    sys.stdin.readline()
""".replace("N", str(N))
    with Program(source, path) as program:
        for _ in range(N // 1_000):
            assert program.await_word() == "more"
            recovered = recover(path)
            assert (recovered["living"], recovered["records"], recovered["sessions"]) == (1, 0, 0)
            program.tell()
        assert (program.wait(), program.stderr) == (0, "")
        check(read_rows(path), program.acknowledged())


def test_a9_a_living_program_takes_in_what_a_dead_one_left(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    living = """
log = attolog.AsyncFileLogger(path)
say("open")
sys.stdin.readline()
"""
    killed = LOG_AND.replace("work(log, 0", "work(log, 1")
    with Program(living, path) as program:
        assert program.await_word() == "open"
        assert killed_by(run(killed.format(n=N, end="os.kill(os.getpid(), 9)"), path)[0])
        wait_until(lambda: len(read_whole_rows(path)) == N)
        program.tell()
        assert (program.wait(), program.stderr) == (0, "")
    check(read_rows(path), {1: N})


def read_whole_rows(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def test_a9_a_childs_records_are_in_the_file_when_the_parent_closes(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 1_000)
pid = os.fork()
if pid == 0:
    work(log, 1, 1_000)
    os._exit(0)
os.waitpid(pid, 0)
say(log.close())
"""
    with Program(source, path) as program:
        assert program.await_word() == "True"
        assert (program.wait(), program.stderr) == (0, "")
    check(read_rows(path), {0: 1_000, 1: 1_000})


@pytest.mark.parametrize("rounds", [2, pytest.param(100, marks=pytest.mark.torture)])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a9_processes_that_share_a_path_and_are_killed(
    log_path: Path, suffix: str, rounds: int
) -> None:
    source = """
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
for i in range(3):
    if os.fork() == 0:
        work(log, i, 10**9)
work(log, 3, 10**9)
"""
    for number in range(rounds):
        chance = random.Random(f"{suffix}{number}")
        path = log_path.with_name(f"run{number}").with_suffix(f".{suffix}")
        with Program(source, path, start_new_session=True) as program:
            program.await_acknowledged(chance.randrange(4, 40_000))
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()
            # The children are not ours to wait for: their end shows in their pipe to us.
            assert program.await_word() == ""
            acknowledged = program.acknowledged()
            assert program.stderr == ""
        recover(path)
        check(read_rows(path), acknowledged, in_flight=1)
        assert left_behind(path) == []
        _clear(path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a9_programs_that_open_one_path_at_the_same_time(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = """
say("ready")
sys.stdin.readline()
log = attolog.AsyncFileLogger(path, append=False)
work(log, int(sys.argv[3]), 2_000)
say("logged")
sys.stdin.readline()
"""
    programs = [Program(source, path, i) for i in range(6)]
    try:
        for word in ("ready", "logged"):
            assert [program.await_word() for program in programs] == [word] * 6
            for program in programs:
                program.tell()
        assert [program.wait() for program in programs] == [0] * 6
        check(read_rows(path), dict.fromkeys(range(6), 2_000))
    finally:
        for program in programs:
            program.__exit__(None, None, None)


@pytest.mark.parametrize("append", [True, False])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a9_a_program_that_was_about_to_open_the_path(
    log_path: Path, faults: Path, suffix: str, append: bool
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    source = """
log = attolog.AsyncFileLogger(path, append=sys.argv[4] == "True")
work(log, int(sys.argv[3]), 2_000)
log.flush()
say("logged")
sys.stdin.readline()
"""
    # The first has looked who else writes the file, and has not yet said that it does so itself.
    fault = f"{ring_folder(path).name}/.|open|0|stop|1"
    with Program(source, path, 0, append, fault=(faults, fault)) as first:
        assert os.WIFSTOPPED(os.waitpid(first.pid, os.WUNTRACED)[1])
        with Program(source, path, 1, append) as second:
            assert second.await_word() == "logged"
            first.process.send_signal(signal.SIGCONT)
            assert first.await_word() == "logged"
            for program in (first, second):
                program.tell()
                assert program.wait() == 0
    check(read_rows(path), {0: 2_000, 1: 2_000})


def test_a9_a_ring_that_was_never_used_is_no_damage(log_path: Path, faults: Path) -> None:
    path = log_path.with_suffix(".atto")
    source = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 1_000)
thread = threading.Thread(target=work, args=(log, 1, 1_000))  # whose ring kills it
thread.start()
thread.join()
"""
    for suffix in (".1.ring",):
        with Program(
            source, path, fault=(faults, f"{suffix}|posix_fallocate|0|kill_after|1")
        ) as it:
            assert killed_by(it.wait())
        check(read_rows(path), {0: 1_000})
        assert recover(path)["messages"] == []
        check(read_rows(path), {0: 1_000})
        assert left_behind(path) == []


def test_a4_a_session_that_was_never_opened_is_cleared_away(log_path: Path, faults: Path) -> None:
    path = log_path.with_suffix(".csv")
    fault = f"{ring_folder(path).name}/.|posix_fallocate|0|kill_after|1"
    with Program(LOG_AND.format(n=1, end=""), path, fault=(faults, fault)) as program:
        assert killed_by(program.wait())
    recover(path)
    assert left_behind(path) == []


# ---- A12 to A15: waiting and ending --------------------------------------------------------------


def test_a12_flush_gives_up_on_a_stuck_sink(log_path: Path) -> None:
    path = log_path.with_suffix(".log")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    source = f"""
import time
log = attolog.AsyncFileLogger(path)
work(log, 0, {N})
start = time.monotonic()
done = log.flush(timeout=1)
say(done)
# 1.2 s is what it takes; a busy machine may take longer, a hang takes for ever.
say(time.monotonic() - start < 3)
sys.stdin.readline()
say(log.flush())
"""
    with Program(source, path) as program:
        assert [program.await_word(), program.await_word()] == ["False", "True"]
        os.set_blocking(reader, True)
        program.tell()
        written = b"".join(iter(lambda: os.read(reader, 1 << 16), b""))
        assert program.await_word() == "True"
        assert (program.wait(), program.stderr) == (0, "")
    os.close(reader)
    path.unlink()
    path.write_bytes(written)
    check(read_rows(path), {0: N})


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
            assert (program.wait(20), program.stderr) == (0, "")
            check(read_rows(path), program.acknowledged(), in_flight=1)
        assert left_behind(path) == []
        path.unlink()
        _clear(path)


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
    assert run(
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


def test_the_rings_of_a_killed_program_are_read_without_recovery(log_path: Path) -> None:
    path = log_path.with_suffix(".atto")
    run(LOG_AND.format(n=N, end="os.kill(os.getpid(), 9)"), path)
    before = path.read_bytes()
    check(read_rows(path), {0: N})
    assert path.read_bytes() == before
    assert recover(path, check=True)["sessions"] == 1
