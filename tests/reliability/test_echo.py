"""A logger with `echo`: what is logged is on the screen, whatever becomes of file and reader."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import attolog
from attolog import _core

from .harness import PATIENCE, clear_rings, read_some, recover

N = 100_000
LARGE = 20_000  # lines; more than a pipe takes

PRELUDE = """
import errno, os, signal, sys, threading
import attolog
from attolog import _core

signal.signal(signal.SIGINT, signal.default_int_handler)  # the background of a shell ignores it
path, said = sys.argv[1], int(sys.argv[2])
log = attolog.AsyncFileLogger(path, echo=True, append=False)

def say(word):
    os.write(said, word.encode() + b"\\n")

def lines(n, start=0):
    for i in range(start, start + n):
        log.print("line", i)
"""


def numbered(n: int, start: int = 0) -> str:
    return "".join(f"line {i}\n" for i in range(start, start + n))


class Running:
    """A program whose standard output (and error) is a pipe, and which says words in another."""

    def __init__(self, source: str, path: Path, *, stderr: int | None = None) -> None:
        self._said, says = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + source, str(path), str(says)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            pass_fds=[says],
        )
        os.close(says)
        assert self.process.stdout is not None
        self.stdout = self.process.stdout

    def hear(self) -> str:
        """The next words it says; none at its end."""
        return read_some(self._said).decode()

    def tell(self) -> None:
        """Let its input end, which it waits for."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def rest(self) -> str:
        return self.stdout.read().decode()

    def wait(self) -> int:
        self.tell()
        status = self.process.wait(PATIENCE)
        os.close(self._said)
        self.stdout.close()
        return status


def run(source: str, path: Path, status: int = 0) -> str:
    """What a program writes on both streams, into one pipe."""
    program = Running(source, path, stderr=subprocess.STDOUT)
    text = program.rest()
    assert program.wait() == status
    return text


def printed(path: Path) -> list[str]:
    """The texts of the prints in a journal."""
    return [str(each.message) for each in attolog.read(path).records() if each.kind == "print"]


# ---- what is shown -------------------------------------------------------------------------------


def test_all_kinds_of_records_in_order_on_both_streams(tmp_path: Path) -> None:
    source = """
log("GEN", "ResNet50", 7, 0.5)
log("{model} took {dt:.2f}s", "ResNet50", 0.014, beside=3)
log.warning("queue {q} is full", "low")
log.print("a", "b", sep="-", end=";")
log("a sentence, as it is: {x}")
log.error("late")
log.log("raw")
gen = log.bind(request=17).event("GEN", "model")
gen("VGG")
try:
    raise ValueError("on purpose")
except ValueError:
    log.exception("failed")
log.print("end")
"""
    text = run(source, tmp_path / "run.atto")
    # From 3.13 on a traceback shows the source of -c, too.
    assert text.replace('    raise ValueError("on purpose")\n', "") == (
        "GEN ResNet50 7 0.5\n"
        "ResNet50 took 0.01s\n"
        "queue low is full\n"
        "a-b;"
        "a sentence, as it is: {x}\n"
        "late\n"
        "raw\n"
        "GEN VGG 17\n"
        "failed\n"
        "Traceback (most recent call last):\n"
        '  File "<string>", line 27, in <module>\n'
        "ValueError: on purpose\n"
        "end\n"
    )


VALUES = """
import datetime as dt, decimal, fractions, pathlib, uuid
zone = dt.timezone(dt.timedelta(hours=-5, minutes=-30))
values = [
    None, True, False, 0, -7, 2**63 - 1, 2**64, -(10**40), 0.0, -0.0, 1e16, 1e-5, 0.1, 1 / 3,
    float("inf"), float("nan"), "", "text", "two words", "\\u00e9\\u4e2d\\U0001f600",
    b"", b"a'\\xff",
    dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, 2, 3, 4, 5), dt.datetime(1, 1, 1),
    dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc), dt.datetime(2026, 1, 1, tzinfo=zone),
    dt.date(2026, 1, 1), dt.date(9999, 12, 31), dt.time(1, 2, 3), dt.time(1, 2, 3, 4),
    dt.time(1, 2, tzinfo=zone), dt.timedelta(0), dt.timedelta(1), dt.timedelta(-1),
    dt.timedelta(2, 3, 4), dt.timedelta(hours=10), dt.timedelta(microseconds=-1),
    dt.timedelta.max, dt.timedelta.min, decimal.Decimal("1.50"), fractions.Fraction(1, 3),
    pathlib.PurePosixPath("/a b"), uuid.UUID(int=7), [1, "a"], {"k": None}, (1,), 1j, int, ...,
]
"""
NUMPY = """
import numpy as np
values = [
    np.int8(-1), np.uint8(255), np.int64(-(2**63)), np.uint64(2**64 - 1), np.float64(0.1),
    np.float32(0.1), np.float32(-1e-5), np.float32(1e16), np.float32(123456.7),
    np.float32("inf"), np.float32("nan"), np.float32(0), np.bool_(True), np.str_("x"),
    np.complex64(1j), np.array([1, 2]),
]
"""


@pytest.mark.parametrize("values", [VALUES, NUMPY], ids=["python", "numpy"])
def test_values_look_as_print_shows_them(tmp_path: Path, values: str) -> None:
    if values is NUMPY:
        pytest.importorskip("numpy")
    text = run(
        values
        + """
for value in values:
    log("E", value)
log.flush()
for value in values:
    print("E", value, flush=True)
""",
        tmp_path / "run.atto",
    )
    lines = text.splitlines()
    half = len(lines) // 2
    assert half > 10
    assert lines[:half] == lines[half:]


def test_what_is_left_out_counted_or_kept_is_not_shown(tmp_path: Path) -> None:
    source = """
log.close()
rules = {"OFF": "off", "HALF": "every:2", "STATE": "stats:1s", "LAST": "last:10"}
log = attolog.AsyncFileLogger(path, echo=True, append=False, rules=rules)
for name in (*rules, *rules, "GEN"):
    log(name, 1)
"""
    assert run(source, tmp_path / "run.csv") == "HALF 1\nGEN 1\n"


def test_samples_and_the_default_logger_echo_too(tmp_path: Path) -> None:
    source = """
few = attolog.SampledLogger(path + ".few.csv", strategy="first:2", echo=True)
for i in range(20):
    few("GEN", i)
few.close()
attolog.init_logger(path + ".default.csv", quiet=True, echo=True)
attolog.debug_log("1.5,GEN,m")
attolog.log.close()
config = path + ".toml"
with open(config, "w") as file:
    file.write(f'path = "{path}.configured.csv"\\necho = true\\n')
attolog.configure(config)("GEN", 7)
"""
    assert run(source, tmp_path / "run.csv") == "GEN 0\nGEN 1\n1.5,GEN,m\nGEN 7\n"


# ---- when it is shown ----------------------------------------------------------------------------


def test_it_is_shown_while_the_program_runs(tmp_path: Path) -> None:
    program = Running("log.print('ready'); sys.stdin.read()", tmp_path / "run.atto")
    assert program.stdout.readline() == b"ready\n"
    assert program.wait() == 0


@pytest.mark.parametrize("wait", ["log.flush()", "_core.drain_echo(log)", "log.close()"])
def test_who_waits_finds_it_shown(tmp_path: Path, wait: str) -> None:
    source = f"""
lines(1000)
assert {wait} is True
os.write(1, b"behind\\n")
"""
    assert run(source, tmp_path / "run.atto") == numbered(1000) + "behind\n"


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "log", "atto"])
def test_the_end_of_the_program_shows_all_in_order(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.{suffix}"
    assert run(f"lines({N})", path) == numbered(N)


def test_into_a_file(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with (tmp_path / "out").open("wb") as out:
        command = [sys.executable, "-c", PRELUDE + f"lines({N})", str(path), "2"]
        subprocess.run(command, stdout=out, check=True, timeout=PATIENCE)
    assert (tmp_path / "out").read_text() == numbered(N)


def test_the_logger_may_be_gone_before_the_end(tmp_path: Path) -> None:
    assert run(f"lines({LARGE}); del log", tmp_path / "run.csv") == numbered(LARGE)


def test_threads_each_in_its_own_order(tmp_path: Path) -> None:
    source = """
def work(name):
    for i in range(5000):
        log.print(name, i)

threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    lines = run(source, tmp_path / "run.csv").splitlines()
    assert len(lines) == 20_000
    for name in "abcd":
        assert [line for line in lines if line[0] == name] == [f"{name} {i}" for i in range(5000)]


def test_a_record_larger_than_the_ring_is_whole(tmp_path: Path) -> None:
    source = "for size in (3, 3_000_000, 5): log.print('x' * size)"
    expected = "".join("x" * size + "\n" for size in (3, 3_000_000, 5))
    assert run(source, tmp_path / "run.atto") == expected
    assert run("".join(["log.close(); log = attolog.AsyncFileLogger('/dev/null', echo=True)\n",
                        source]), tmp_path / "run.atto") == expected  # fmt: skip


# ---- readers that read late, or not at all -------------------------------------------------------


def test_a_reader_that_reads_nothing_holds_up_nothing(tmp_path: Path) -> None:
    program = Running(
        f"""
lines({N})
say("logged")
sys.stdin.read()
""",
        tmp_path / "run.atto",
    )
    assert program.hear() == "logged\n"  # more than pipe and ring hold
    program.tell()
    assert program.rest() == numbered(N)
    assert program.wait() == 0
    assert len(printed(tmp_path / "run.atto")) == N


def test_close_waits_as_long_as_it_was_told(tmp_path: Path) -> None:
    program = Running(
        f"""
lines({LARGE})
say(str(log.close(timeout=0.1)))
sys.stdin.read()
""",
        tmp_path / "run.csv",
    )
    assert program.hear() == "False\n"
    program.tell()
    assert program.rest() == numbered(LARGE)
    assert program.wait() == 0


def test_who_waits_for_a_reader_can_be_interrupted(tmp_path: Path) -> None:
    program = Running(
        f"""
lines({LARGE})
assert _core.drain_echo(log, timeout=0.01) is False
try:
    say("waiting")
    _core.drain_echo(log)
except KeyboardInterrupt:
    say("interrupted")
sys.stdin.read()
""",
        tmp_path / "run.csv",
    )
    assert program.hear() == "waiting\n"
    program.process.send_signal(signal.SIGINT)
    assert program.hear() == "interrupted\n"
    program.tell()
    assert program.rest() == numbered(LARGE)
    assert program.wait() == 0


def test_ctrl_c_ends_a_program_that_waits_for_its_reader(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    program = Running(
        f"""
import atexit
lines({LARGE})
atexit.register(lambda: say("ending"))
""",
        path,
        stderr=subprocess.DEVNULL,
    )
    assert program.hear() == "ending\n"
    while program.process.poll() is None:
        program.process.send_signal(signal.SIGINT)
        try:
            program.process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
    shown = program.rest()
    assert numbered(LARGE).startswith(shown)
    assert program.wait() in (0, -signal.SIGINT)
    recover(path)
    assert path.read_text().count("\n") == LARGE


@pytest.mark.parametrize("default", [False, True], ids=["ignored", "SIG_DFL"])
def test_a_reader_that_goes_away_ends_the_echo_not_the_program(
    tmp_path: Path, default: bool
) -> None:
    program = Running(
        f"""
if {default}: signal.signal(signal.SIGPIPE, signal.SIG_DFL)
assert _core.echo_error(log, 1) == 0
lines(1)
sys.stdin.read()
lines({LARGE}, 1)
assert log.flush() is True
assert _core.echo_error(log, 1) == errno.EPIPE
log.warning("still there")
assert log.flush() is True
assert _core.echo_error(log, 2) == 0
sys.stdout = None  # for Python's own last flush
""",
        tmp_path / "run.atto",
        stderr=subprocess.PIPE,
    )
    assert program.stdout.readline() == b"line 0\n"
    program.stdout.close()
    program.tell()
    assert program.process.stderr is not None
    assert program.process.stderr.read() == b"still there\n"
    program.process.stderr.close()
    assert program.wait() == 0
    assert printed(tmp_path / "run.atto") == numbered(LARGE + 1).splitlines(keepends=True)


def test_a_stream_that_is_closed(tmp_path: Path) -> None:
    program = Running(
        """
os.close(1)
lines(3)
log.flush()
say(errno.errorcode[_core.echo_error(log, 1)])
""",
        tmp_path / "run.csv",
    )
    assert program.hear() == f"{errno.errorcode[errno.EBADF]}\n"
    assert program.rest() == ""
    assert program.wait() == 0


def test_a_stream_that_was_closed_before_is_no_file_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    program = Running(
        """
log.close()
os.close(1)
log = attolog.AsyncFileLogger(path, echo=True, append=False)
lines(3)
log.flush()
say(errno.errorcode[_core.echo_error(log, 1)])
""",
        path,
    )
    assert program.hear() == "EBADF\n"
    assert program.wait() == 0
    assert [line.split(",")[2] for line in path.read_text().splitlines()] == [
        f"line {i}" for i in range(3)
    ]


# ---- files that take nothing, processes that die or fork -----------------------------------------


def test_a_full_disk_does_not_stop_the_screen(tmp_path: Path) -> None:
    source = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
lines({LARGE})
log.flush()
assert log.counts.dropped > 0, log.counts
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
lines(10, {LARGE})
assert log.close()
"""
    source = source.replace("import resource", "log.close(); import resource\n"
        "log = attolog.AsyncFileLogger(path, echo=True, buffer_bytes=65536)")  # fmt: skip
    program = Running(source, tmp_path / "run.csv", stderr=subprocess.DEVNULL)
    assert program.rest() == numbered(LARGE + 10)
    assert program.wait() == 0


def test_kill_leaves_the_log_complete_and_shows_no_line_twice(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    program = Running(f"lines({LARGE}); say('logged'); sys.stdin.read()", path)
    assert program.hear() == "logged\n"
    program.process.kill()
    shown = program.rest()
    assert program.wait() == -signal.SIGKILL
    assert numbered(LARGE).startswith(shown)
    recover(path)
    assert [line.split(",")[2] for line in path.read_text().splitlines()] == numbered(
        LARGE
    ).splitlines()
    clear_rings(path)


def test_a_forked_child_shows_its_own(tmp_path: Path) -> None:
    source = f"""
lines({LARGE})
pid = os.fork()  # which waits for the screen
if pid == 0:
    log.warning("the child's")
    sys.exit(0)
lines(3, {LARGE})
say(str(os.waitpid(pid, 0)[1]))
"""
    program = Running(source, tmp_path / "run.atto", stderr=subprocess.PIPE)
    assert program.rest() == numbered(LARGE + 3)
    assert program.hear() == "0\n"
    assert program.process.stderr is not None
    with program.process.stderr as stderr:
        assert stderr.read() == b"the child's\n"
    assert program.wait() == 0


def test_a_child_that_logs_nothing_waits_for_nothing(tmp_path: Path) -> None:
    source = f"""
lines({LARGE})
pid = os.fork()
if pid == 0:
    assert _core.drain_echo(log) and log.flush() and log.close()
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
say("over")
"""
    program = Running(source, tmp_path / "run.csv")
    assert program.rest() == numbered(LARGE)
    assert program.hear() == "over\n"
    assert program.wait() == 0


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_children_of_multiprocessing_show_all_of_theirs(tmp_path: Path, method: str) -> None:
    # A module of its own, since a child that is spawned imports it.
    program = tmp_path / "program.py"
    program.write_text(f"""
import multiprocessing, sys
import attolog

log = attolog.AsyncFileLogger(sys.argv[1], echo=True)

def work(name):
    for i in range(1000):
        log.print(name, i)

def nested(name):
    work(name)
    child = multiprocessing.Process(target=work, args=(name + "'s",))
    child.start()
    child.join()

if __name__ == "__main__":
    multiprocessing.set_start_method("{method}")
    for target, name in (work, "a"), (nested, "b"):
        child = multiprocessing.Process(target=target, args=(name,))
        child.start()
        child.join()
        assert child.exitcode == 0
    work("c")
""")
    done = subprocess.run(
        [sys.executable, program, tmp_path / "run.csv"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    lines = done.stdout.splitlines()
    for name in ("a", "b", "b's", "c"):
        own = [line for line in lines if line.split()[0] == name]
        assert own == [f"{name} {i}" for i in range(1000)]
    assert len(lines) == 4000


# ---- calls ---------------------------------------------------------------------------------------


def test_what_is_no_echo_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        TypeError, match=r"^CircularLogger\(\) takes no option 'echo'; options are "
    ):
        attolog.CircularLogger(10, echo=True)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match=r"^echo is for files; without a path this is shown"):
        attolog.StatsLogger(echo=True)
    with (
        attolog.CircularLogger(10) as box,
        pytest.raises(TypeError, match=r"^echo is an option of loggers with a file$"),
    ):
        box.save(tmp_path / "box.csv", echo=True)  # type: ignore[call-arg]
    other = attolog.AsyncFileLogger(tmp_path / "run.csv")
    with pytest.raises(TypeError, match="'echo' is an option of files, and the target is a logger"):
        attolog.SampledLogger(other, echo=True)
    assert other.close()


def test_without_an_echo_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    with attolog.AsyncFileLogger(tmp_path / "run.csv") as log:
        log("GEN", 1)
        for each in (log, attolog.tee(log)):
            assert _core.drain_echo(each) is True
            assert _core.drain_echo(each, timeout=0) is True
            assert _core.echo_error(each, 1) == 0
        for stream in (0, 3):
            with pytest.raises(ValueError, match=f"^stream must be 1 or 2, not {stream}$"):
                _core.echo_error(log, stream)
        with pytest.raises(ValueError, match="timeout"):
            _core.drain_echo(log, -1)
        with pytest.raises(TypeError, match="timeout"):
            _core.drain_echo(log, "soon")  # type: ignore[arg-type]
    assert _core.drain_echo(log) is True
    assert _core.echo_error(log, 2) == 0


def test_a_tee_is_waited_for(tmp_path: Path) -> None:
    source = """
both = attolog.tee(log, attolog.AsyncFileLogger(path + ".other.csv"))
both("GEN", 1)
assert _core.drain_echo(both)
os.write(1, b"behind\\n")
assert _core.echo_error(both, 1) == 0
"""
    assert run(source, tmp_path / "run.csv") == "GEN 1\nbehind\n"
