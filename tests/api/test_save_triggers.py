"""Circular logs save themselves on signals and on exceptions that nobody handles."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from attolog import CircularLogger

from .helpers import numbers, reasons, saved

PROGRAM = """
import asyncio, attolog, os, signal, sys, threading
path = sys.argv[1] + "/self-{{n}}.jsonl"
{before}
box = attolog.CircularLogger(10, path=path, signals={signals})
for i in range(15):
    box("E", i=i)
{after}
print("alive", flush=True)
"""


def ended(
    folder: Path, after: str, signals: str = "()", before: str = ""
) -> tuple[int, str, str, list[Path]]:
    source = PROGRAM.format(before=before, after=after, signals=signals)
    done = subprocess.run(
        [sys.executable, "-c", source, folder], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr, saved(folder)


def check_saved(paths: list[Path], reason: str) -> None:
    (path,) = paths
    assert numbers(path) == list(range(5, 15))
    assert reasons(path) == [reason]


@pytest.mark.parametrize(
    "signals", ["'SIGUSR1'", "signal.SIGUSR1", "[10]", "{'SIGUSR1', 'SIGUSR2'}"]
)
def test_the_signals_for_users_only_save(tmp_path: Path, signals: str) -> None:
    status, out, _, paths = ended(tmp_path, "os.kill(os.getpid(), signal.SIGUSR1)", signals)
    assert (status, out) == (0, "alive\n")
    check_saved(paths, "signal SIGUSR1")


def test_other_signals_then_do_what_they_did(tmp_path: Path) -> None:
    code = "os.kill(os.getpid(), signal.SIGTERM)"
    status, out, _, paths = ended(tmp_path, code, "'SIGTERM'")
    assert (status, out) == (-signal.SIGTERM, "")
    check_saved(paths, "signal SIGTERM")


def test_a_handler_that_was_there_runs_too(tmp_path: Path) -> None:
    before = "signal.signal(signal.SIGTERM, lambda number, frame: print('handled', number))"
    status, out, _, paths = ended(
        tmp_path, "os.kill(os.getpid(), signal.SIGTERM)", "('SIGTERM',)", before
    )
    assert (status, out) == (0, "handled 15\nalive\n")
    check_saved(paths, "signal SIGTERM")


def test_a_signal_that_was_ignored_stays_so(tmp_path: Path) -> None:
    before = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    status, out, _, paths = ended(
        tmp_path, "os.kill(os.getpid(), signal.SIGHUP)", "('SIGHUP',)", before
    )
    assert (status, out) == (0, "alive\n")
    check_saved(paths, "signal SIGHUP")


def test_only_those_that_asked_save_on_a_signal(tmp_path: Path) -> None:
    code = """
other = attolog.CircularLogger(10, path=path, signals="SIGUSR2")
other("E", i=99)
os.kill(os.getpid(), signal.SIGUSR1)
"""
    _, out, _, paths = ended(tmp_path, code, "'SIGUSR1'")
    assert out == "alive\n"
    check_saved(paths, "signal SIGUSR1")


def test_an_exception_of_the_program(tmp_path: Path) -> None:
    status, out, said, paths = ended(tmp_path, "raise ValueError('no such model')")
    assert (status, out) == (1, "")
    assert said.endswith("ValueError: no such model\n")
    check_saved(paths, "ValueError: no such model")


def test_an_exception_of_a_thread(tmp_path: Path) -> None:
    code = """
def work(): raise KeyError("x")
thread = threading.Thread(target=work)
thread.start(); thread.join()
"""
    status, out, said, paths = ended(tmp_path, code)
    assert (status, out) == (0, "alive\n")
    assert "KeyError: 'x'" in said
    check_saved(paths, "KeyError: 'x'")


def test_an_exception_of_a_task_that_nobody_awaits(tmp_path: Path) -> None:
    code = """
async def fail(): raise OSError("lost")
async def main():
    task = asyncio.ensure_future(fail())
    await asyncio.wait([task])
asyncio.run(main())
import gc; gc.collect()
"""
    status, out, said, paths = ended(tmp_path, code)
    assert (status, out) == (0, "alive\n")
    assert "OSError: lost" in said
    check_saved(paths, "OSError: lost")


def test_an_exception_in_a_callback_of_an_event_loop(tmp_path: Path) -> None:
    code = """
async def main():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
asyncio.run(main())
"""
    _, out, _, paths = ended(tmp_path, code)
    assert out == "alive\n"
    check_saved(paths, "ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit(0)",
        "threading.Thread(target=sys.exit).start()",
        "try: 1 / 0\nexcept ZeroDivisionError: box.exception('handled')",
        "raise KeyboardInterrupt",
        "box.close()\nraise ValueError",
    ],
)
def test_what_is_no_failure_saves_nothing(tmp_path: Path, code: str) -> None:
    assert ended(tmp_path, code)[3] == []


def test_an_exception_whose_text_fails(tmp_path: Path) -> None:
    code = """
class Bad(Exception):
    def __str__(self): raise TypeError("no text")
raise Bad
"""
    status, _, _, paths = ended(tmp_path, code)
    assert status == 1
    check_saved(paths, "Bad")


def test_a_hook_of_the_program_runs_too(tmp_path: Path) -> None:
    before = "sys.excepthook = lambda *error: print('hooked', flush=True)"
    status, out, _, paths = ended(tmp_path, "raise ValueError(1)", before=before)
    assert (status, out) == (1, "hooked\n")
    check_saved(paths, "ValueError: 1")


def test_signals_are_for_the_main_thread() -> None:
    raised: list[Exception] = []

    def work() -> None:
        try:
            CircularLogger(signals="SIGUSR1")
        except ValueError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "main thread" in str(*raised)
