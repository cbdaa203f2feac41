"""`attolog.prints.log`: while nobody has turned the log on, calls print."""

from __future__ import annotations

from pathlib import Path

import pytest

from .helpers import run_python

CALLS = """
import attolog, sys
from attolog.prints import log

class Shy:
    def __str__(self):
        return "shy"

def calls(n):
    log("GEN", n, 0.5, None)
    log("hello {name}, visit {n}", "bob", n)
    log("{n!r:>5}|{:.2f}|{x:{w}}", "a", 1, 7, 3)
    log("{0} of {a.real} {{}}", n, a=4)
    log("warm-up done")
    log("{x} is {y!s}", n, Shy())
    log("{x:.2f}", "no number")
    log.print("a", n, sep="-", end="!\\n")
    log.print()
    log.warning("bad {e!s} {n:>4}", Shy(), n)
    log.warning(Shy())
"""
OUT = """\
GEN 3 0.5 None
hello bob, visit 3
  'a'|1.00|  7
3 of 4 {}
warm-up done
3 is shy
{x:.2f} no number
a-3!

"""
ERR = "bad shy    3\nshy\n"


def test_calls_print_what_the_prints_did() -> None:
    done = run_python(CALLS + "calls(3)\nprint(bool(log), log.path, log.counts.calls)")
    assert (done.stdout, done.stderr) == (OUT + "False None 0\n", ERR)


def test_where_stdout_is_replaced_they_print_there() -> None:
    program = """
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as out:
    calls(3)
print(len(out.getvalue()))
"""
    assert run_python(CALLS + program).stdout == f"{len(OUT)}\n"


def test_once_it_is_on_they_log(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    program = f"attolog.init_logger({str(path)!r}, quiet=True)\ncalls(3)\nprint(bool(log))"
    done = run_python(CALLS + program)
    assert (done.stdout, done.stderr) == ("True\n", "")
    assert ",GEN,3,0.5," in path.read_text()


@pytest.mark.parametrize(
    "off",
    ["log.enabled = False", "attolog.init_logger('/dev/null', quiet=True); log.close()"],
)
def test_turned_off_by_the_program_they_are_silent(off: str) -> None:
    assert run_python(CALLS + f"{off}\ncalls(3)").stdout == ""


def test_turned_off_by_the_environment_they_are_silent() -> None:
    done = run_python(CALLS + "calls(3)\nprint(log is attolog.log)", ATTOLOG="off")
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_turned_on_by_the_environment_they_log(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    assert run_python(CALLS + "calls(3)", ATTOLOG=str(path)).stdout == ""
    assert "hello bob, visit 3" in path.read_text()


def test_the_default_logger_itself_stays_silent() -> None:
    done = run_python("from attolog import log, prints\nlog('GEN', 1)\nlog.print(2)")
    assert (done.stdout, done.stderr) == ("", "")


def test_what_print_raises_is_raised() -> None:
    program = """
import sys
sys.stdout.close()
for call in (lambda: log("GEN", 1), lambda: log("a {b}", 1), lambda: log.print(1)):
    try:
        call()
    except ValueError as error:
        sys.stderr.write(f"{error}\\n")
log.print = 1
"""
    done = run_python(CALLS + program.replace("log.print = 1\n", "import os; os._exit(0)\n"))
    assert done.stderr == "I/O operation on closed file.\n" * 3
