"""A program that ends by a signal has shown and recorded all that it printed before."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import attolog

from .programs import RUN, TIMEOUT, Ran, environment, run

LINES = """
import ctypes, faulthandler, os, signal, sys, threading
signal.signal(signal.SIGINT, signal.SIG_DFL)
for i in range(50):
    print("line", i)
    print(f"on stderr {i}", file=sys.stderr)
"""
N = 100  # of these

ENDS = {
    "sent to itself": "os.kill(os.getpid(), {number})\nsignal.pause()\n",
    "raised": "signal.raise_signal({number})\n",
    "sent by code of C": "ctypes.CDLL(None).kill(os.getpid(), {number})\nsignal.pause()\n",
    "sent again by its handler": """
def clean_up(number, frame):
    print("cleaning up", 1)
    print(f"{{2}} jobs cancelled", file=sys.stderr)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
signal.signal({number}, clean_up)
os.kill(os.getpid(), {number})
signal.pause()
""",
}
SIGNALS = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGALRM", "SIGXCPU", "SIGSEGV", "SIGABRT"]

CRASHES = {
    "a null pointer": "ctypes.string_at(0)\n",
    "abort": "ctypes.CDLL(None).abort()\n",
    "a full stack": "faulthandler._stack_overflow()\n",
    "in a thread": (
        "thread = threading.Thread(target=ctypes.string_at, args=(0,))\n"
        "thread.start()\nthread.join()\n"
    ),
    "faulthandler, enabled late": "faulthandler.enable()\nctypes.string_at(0)\n",
    "faulthandler, disabled": (
        "faulthandler.enable()\nfaulthandler.disable()\nctypes.string_at(0)\n"
    ),
    "faulthandler, again": (
        "faulthandler.enable()\nfaulthandler.disable()\nfaulthandler.enable()\n"
        "ctypes.string_at(0)\n"
    ),
    "a signal ignored for a while": (
        "signal.signal(signal.SIGSEGV, signal.SIG_IGN)\nos.kill(os.getpid(), signal.SIGSEGV)\n"
        "print('goes on', 1)\nsignal.signal(signal.SIGSEGV, signal.SIG_DFL)\n"
        "ctypes.string_at(0)\n"
    ),
    "a child of a fork": (
        "sys.stdout.flush()\nchild = os.fork()\n"
        "if not child:\n    print('child', 1)\n    ctypes.string_at(0)\n"
        "print('status', os.wait()[1])\nos._exit(0)\n"
    ),
}


def seen(ran: Ran) -> Ran:
    """Without what differs from run to run, or names attolog's module."""
    err = re.sub(rb"0x[0-9a-f]+", b"", ran.err)
    # From 3.14 on faulthandler shows the frames of C, too, and attolog's among them.
    err = re.sub(rb"\n\nCurrent thread's C stack trace .*(\n  .*)*", b"", err)
    return Ran(ran.out, re.sub(rb"\n\nExtension modules: .*", b"", err).rstrip(), ran.status)


def compare_end(folder: Path, source: str, *flags: str) -> None:
    (folder / "app.py").write_text(textwrap.dedent(source))
    plain = run([sys.executable, "-u", *flags, "app.py"], folder)
    ours = run([sys.executable, *flags, "-m", "attolog", "run", "app.py"], folder)
    assert seen(ours) == seen(plain)


def records_without_rings(folder: Path) -> int:
    """How many records the journal alone has, somewhere else."""
    copy = folder.parent / "elsewhere"
    copy.mkdir()
    shutil.copy(folder / "app.atto", copy)
    return len(list(attolog.read(copy / "app.atto").records()))


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("how", ENDS)
def test_a_signal_that_ends_it_waits_for_screen_and_file(folder: Path, how: str, name: str) -> None:
    number = int(getattr(signal, name))
    compare_end(folder, LINES + ENDS[how].format(number=number))
    assert records_without_rings(folder) == N + (2 if "handler" in how else 0)


@pytest.mark.parametrize("flags", [(), ("-X", "faulthandler")], ids=["", "-X faulthandler"])
@pytest.mark.parametrize("name", CRASHES)
def test_a_crash_shows_what_was_printed_before(
    folder: Path, name: str, flags: tuple[str, ...]
) -> None:
    if name == "in a thread" and flags:
        pytest.skip("where the other thread is by then differs from run to run")
    compare_end(folder, LINES + CRASHES[name], *flags)


def test_a_fatal_error_of_python_shows_what_was_printed(folder: Path) -> None:
    """Python takes its faulthandler away before it aborts."""
    (folder / "app.py").write_text(LINES + "faulthandler._fatal_error_c_thread()\n")
    for flags in ([], ["-X", "faulthandler"]):
        # From 3.12 on a fault of its own comes between where the thread has no state of Python's.
        plain = run([sys.executable, *flags, "app.py"], folder)
        ran = run([sys.executable, *flags, "-m", "attolog", "run", "app.py"], folder)
        assert ran.out.endswith(b"line 49\n")
        assert b"on stderr 49\n" in ran.err
        assert ran.status == plain.status < 0


def test_a_crash_does_not_wait_for_a_screen_that_is_stuck(folder: Path) -> None:
    (folder / "app.py").write_text(
        "import ctypes\nfor i in range(100000):\n    print('line', i)\nctypes.string_at(0)\n"
    )
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [*RUN, "app.py"], cwd=folder, env=environment(folder.parent), stdout=writing,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(writing)
    _, err = process.communicate(timeout=TIMEOUT)
    os.close(reading)
    assert process.returncode == -signal.SIGSEGV
    assert b"attolog: the screen has not taken all texts; " in err
    assert attolog.read(folder / "app.atto").events["line"] == 100000


@pytest.mark.parametrize(
    "end", ["os._exit(3)", "os.kill(os.getpid(), signal.SIGTERM)\nsignal.pause()"]
)
def test_an_end_at_once_leaves_no_ring(folder: Path, end: str) -> None:
    (folder / "app.py").write_text(LINES + end)
    run([*RUN, "app.py"], folder)
    assert records_without_rings(folder) == N
    rings = [path for path in Path("/dev/shm").glob("attolog-*/**/*") if is_of(path, folder)]
    assert rings == []


def is_of(path: Path, folder: Path) -> bool:
    """Whether a file in shared memory names the log of that folder."""
    try:
        return path.is_file() and os.fsencode(folder) in path.read_bytes()[:65536]
    except OSError:
        return False


def test_handlers_look_as_ever(folder: Path) -> None:
    source = """
    import faulthandler, signal
    for number in sorted(signal.valid_signals()):
        print(number, signal.getsignal(number))
    print(signal.signal(signal.SIGTERM, signal.SIG_IGN), signal.getsignal(signal.SIGTERM))
    print(signal.signal(signal.SIGTERM, signal.SIG_DFL), signal.getsignal(signal.SIGTERM))
    print(faulthandler.is_enabled(), faulthandler.register(signal.SIGUSR1, chain=True))
    print(faulthandler.unregister(signal.SIGUSR1), faulthandler.unregister(signal.SIGUSR1))
    """
    (folder / "app.py").write_text(textwrap.dedent(source))
    plain = run([sys.executable, "app.py"], folder)
    ours = run([*RUN, "app.py"], folder)
    assert (ours.out, ours.status) == (plain.out, plain.status)


FORKS = """
import os, signal
print("forking", 1)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM) * 5:
    pid = os.fork()
    if pid == 0:
        while True: signal.pause()
    os.kill(pid, number)
    print(number, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def test_a_child_ends_by_a_signal_that_comes_as_soon_as_it_is_forked(folder: Path) -> None:
    (folder / "app.py").write_text(FORKS, "utf-8")
    ran = run([*RUN, "app.py"], folder)
    lines = ran.out.splitlines()[1:]
    assert (ran.status, len(lines)) == (0, 20)
    assert all(int(line.split()[0]) == -int(line.split()[1]) for line in lines)


BROKEN = {
    "signal": (
        "import signal\nsignal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
        "while True: print('line', 1)\n"
    ),
    "caught": (
        "import sys\n"
        "try:\n    while True: print('line', 1)\nexcept BrokenPipeError:\n    sys.exit(7)\n"
    ),
    "closed": (
        "import sys\n"
        "try:\n    while True: print('line', 1)\n"
        "except BrokenPipeError:\n"
        "    try: sys.stdout.close()\n    except BrokenPipeError: sys.exit(8)\n    sys.exit(9)\n"
    ),
    "a handler": (
        "import os, signal\nsignal.signal(signal.SIGPIPE, lambda *_: os._exit(9))\n"
        "while True: print('line', 1)\n"
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_reader_that_goes_ends_the_program_as_ever(tmp_path: Path, name: str) -> None:
    (tmp_path / "app.py").write_text(BROKEN[name])
    ends = []
    for command in ([sys.executable], RUN):
        with subprocess.Popen(
            [*command, "app.py"],
            cwd=tmp_path,
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as program:
            assert program.stdout is not None
            assert program.stderr is not None
            assert program.stdout.readline() == b"line 1\n"
            program.stdout.close()
            told = program.stderr.read()
            status = program.wait(TIMEOUT)
        # From 3.14 on Python keeps the text that it could not write, and fails again at its end.
        ends.append((status, [line for line in told.splitlines() if b" prints, " not in line]))
    assert ends[1] == ends[0]
