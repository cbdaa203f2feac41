"""The default logger: init_logger, debug_log, and ATTOLOG, which has the last word."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import attolog

from .helpers import cells, run_python

LOGS = """
import sys
import attolog
from attolog import log
if len(sys.argv) > 1:
    attolog.init_logger(sys.argv[1])
log("GEN", 1)
attolog.debug_log("text")
print("on" if log else "off")
"""


def test_off_until_it_is_turned_on() -> None:
    done = run_python(LOGS + "print(log.path, log.counts.calls, log.close(), log.flush())")
    assert (done.stdout, done.stderr) == ("off\nNone 0 True True\n", "")


def test_init_logger(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "run.csv"
    done = run_python(LOGS, path)
    assert (done.stdout, done.stderr) == (f"[INFO] Debug logging to: {path}\non\n", "")
    assert cells(path) == [["GEN", "1"], ["LOG", "text"]]


def test_quiet_and_options(tmp_path: Path) -> None:
    program = """
import attolog, sys
log = attolog.init_logger(sys.argv[1], quiet=True, columns=5, digits=9, append=False)
assert log is attolog.log
log("E", 1)
"""
    assert run_python(program, tmp_path / "run.csv").stdout == ""
    assert re.fullmatch(r"\d+\.\d{9},E,1,,\n", (tmp_path / "run.csv").read_text())


def test_init_logger_refuses_what_a_logger_refuses(tmp_path: Path) -> None:
    for error, path, options in (
        (ValueError, "run.xlsx", {}),
        (ValueError, "run.csv", {"digits": 7}),
        (TypeError, "run.csv", {"quit": True}),
        (OSError, "run.csv/run.csv", {}),
    ):
        (tmp_path / "run.csv").touch()
        with pytest.raises(error):
            attolog.init_logger(tmp_path / path, **options)
        assert not attolog.log


def test_what_was_derived_before_follows(tmp_path: Path) -> None:
    program = """
import sys
import attolog
from attolog import log, debug_log

@log.event
def SCHED(model: str) -> None: ...
gen = log.event("GEN", "model")
bound = log.bind(request=17)
bound_event = bound.event("DONE", "ms")
def use(n):
    log("E", n=n); SCHED(n); gen(n); bound("B", n=n); bound_event(n); debug_log(n)
use(1)
for path in sys.argv[1:]:
    attolog.init_logger(path, quiet=True)
    use(path[-5])
log.close()
"""
    one, two = tmp_path / "1.csv", tmp_path / "2.csv"
    assert run_python(program, one, two).stderr == ""
    for name, path in (("1", one), ("2", two)):
        assert cells(path) == [
            ["E", name],
            ["SCHED", name],
            ["GEN", name],
            ["B", name, "17"],
            ["DONE", name, "17"],
            ["LOG", name],
        ]


def test_it_can_be_closed_and_opened_again(tmp_path: Path) -> None:
    program = """
import attolog, sys
log = attolog.log
for i in range(3):
    attolog.init_logger(sys.argv[1], quiet=True)
    log("E", i=i)
    assert log.close()
print(*log.counts)
"""
    assert run_python(program, tmp_path / "run.csv").stdout == "3 3 0 0 0 0 0\n"
    assert cells(tmp_path / "run.csv") == [["E", "0"], ["E", "1"], ["E", "2"]]


@pytest.mark.parametrize("prefix", ["", "all:"])
def test_the_environment_turns_it_on(tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "run.csv"
    done = run_python(LOGS, ATTOLOG=f"{prefix}{path}")
    assert (done.stdout, done.stderr) == ("on\n", "")
    assert cells(path) == [["GEN", "1"], ["LOG", "text"]]


def test_the_environment_beats_init_logger(tmp_path: Path) -> None:
    path, other = tmp_path / "run.csv", tmp_path / "other.csv"
    done = run_python(LOGS, other, ATTOLOG=str(path))
    assert (done.stdout, done.stderr) == ("on\n", "")
    assert cells(path) == [["GEN", "1"], ["LOG", "text"]]
    assert not other.exists()


def test_off_silences_init_logger(tmp_path: Path) -> None:
    done = run_python(LOGS, tmp_path / "run.csv", ATTOLOG="off")
    assert (done.stdout, done.stderr) == ("off\n", "")
    assert not (tmp_path / "run.csv").exists()


def test_a_logger_of_the_program_is_not_changed(tmp_path: Path) -> None:
    program = """
import attolog, sys
with attolog.AsyncFileLogger(sys.argv[1]) as log:
    log("E", 1)
"""
    run_python(program, tmp_path / "run.csv", ATTOLOG="off")
    run_python(program, tmp_path / "run.csv", ATTOLOG=str(tmp_path / "env.csv"))
    assert cells(tmp_path / "run.csv") == [["E", "1"]] * 2
    assert cells(tmp_path / "env.csv") == []


@pytest.mark.parametrize("setting", ["nonsense", "on", "all:", "all", ":", "run.xlsx", "OFF", "1"])
def test_malformed_settings_are_quoted_and_the_program_goes_on(
    tmp_path: Path, setting: str
) -> None:
    program = f"import os; os.chdir({str(tmp_path)!r})\n" + LOGS
    done = run_python(program, tmp_path / "run.csv", ATTOLOG=setting)
    assert done.stdout == "off\n"
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"attolog: ATTOLOG={setting!r}: ")
    assert list(tmp_path.iterdir()) == []


def test_a_setting_with_a_path_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "run.csv"
    done = run_python(LOGS, ATTOLOG=str(path))
    assert done.stdout == "off\n"
    assert done.stderr.count("\n") == 1
    assert repr(str(path)) in done.stderr


def test_an_empty_setting_is_none(tmp_path: Path) -> None:
    done = run_python(LOGS, tmp_path / "run.csv", ATTOLOG="")
    assert done.stdout.endswith("on\n")


def test_a_path_with_a_colon(tmp_path: Path) -> None:
    for name in ("a:b.csv", "all:b.csv"):
        path = tmp_path / name
        run_python(LOGS, ATTOLOG=str(path))
        assert cells(path) == [["GEN", "1"], ["LOG", "text"]]


def test_pid_in_the_environment(tmp_path: Path) -> None:
    program = LOGS + "import os; print(os.getpid())"
    pid = run_python(program, ATTOLOG=str(tmp_path / "{pid}.csv")).stdout.split()[-1]
    assert (tmp_path / f"{pid}.csv").exists()


def test_a_child_inherits_it(tmp_path: Path) -> None:
    program = """
import attolog, subprocess, sys
attolog.log("PARENT")
subprocess.run([sys.executable, "-c", "import attolog; attolog.log('CHILD')"], check=True)
"""
    run_python(program, ATTOLOG=str(tmp_path / "run.csv"))
    assert sorted(cells(tmp_path / "run.csv")) == [["CHILD"], ["PARENT"]]


@pytest.mark.parametrize("ending", ["", "sys.exit(3)", "raise ValueError", "1 / 0"])
def test_nothing_is_lost_without_closing(tmp_path: Path, ending: str) -> None:
    program = f"""
import attolog, sys
log = attolog.init_logger(sys.argv[1], quiet=True)
for i in range(1000):
    log("E", i)
{ending}
"""
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "run.csv")], capture_output=True, check=False
    )
    assert [row[1] for row in cells(tmp_path / "run.csv")] == [str(i) for i in range(1000)]
