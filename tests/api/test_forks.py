"""Python warns of forks beside threads: of the program's own threads, and not of attolog's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import attolog

PROGRAM = """
import os, subprocess, sys, threading, warnings
import attolog
log = attolog.AsyncFileLogger(sys.argv[1], echo={echo})
for i in range(3):
    log("BEFORE", i)
    {thread}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        {fork}
    print("warned" if caught else "silent", file=sys.stderr)
    {end}
    log("AFTER", i)
log.close()
"""
FORKS = {
    "fork": "if not (pid := os.fork()): os._exit(0)\n        os.waitpid(pid, 0)",
    "forkpty": "pid, fd = os.forkpty()\n        if not pid: os._exit(0)\n"
    "        os.waitpid(pid, 0); os.close(fd)",
    "preexec_fn": "subprocess.run(['true'], preexec_fn=lambda: None, check=True)",
}
# A thread that is there for as long as the fork.
THREAD = "gate = threading.Event(); other = threading.Thread(target=gate.wait); other.start()"


def said(path: Path, fork: str, *, echo: bool = False, thread: bool = False) -> list[str]:
    program = PROGRAM.format(
        fork=FORKS[fork],
        echo=echo,
        thread=THREAD if thread else "",
        end="gate.set(); other.join()" if thread else "",
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names = [record.event for record in attolog.read(path).records()]
    assert names == ["BEFORE", "AFTER"] * 3
    if echo:
        shown = [line.split()[0] for line in done.stdout.splitlines()]
        assert shown == names
    return done.stderr.split()


@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize("fork", FORKS)
def test_attolog_s_threads_make_no_fork_warn(tmp_path: Path, fork: str, echo: bool) -> None:
    assert said(tmp_path / "run.atto", fork, echo=echo) == ["silent"] * 3


@pytest.mark.parametrize("fork", ["fork", "forkpty"])
def test_a_program_s_own_thread_makes_a_fork_warn(tmp_path: Path, fork: str) -> None:
    expected = "warned" if sys.version_info >= (3, 12) else "silent"
    assert said(tmp_path / "run.atto", fork, thread=True) == [expected] * 3
