"""attolog ctl: a running process is asked, and changed, from outside."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import pytest

from attolog import _core
from attolog._cli import main

from .helpers import cells

PROGRAM = """
import os, sys
import attolog
from attolog import log
attolog.init_logger(sys.argv[1], quiet=True, rules={"CAND": "every:2"})
full = attolog.AsyncFileLogger(sys.argv[2])
few = attolog.SampledLogger(full, strategy="every:5")
@log.event(strategy="every:10")
def SCHED(n): ...
def use():
    for n in range(100):
        log("GEN", n); log("CAND", n); SCHED(n)
        log.info("at {n}", n); log("a text of words")
        few("NESTED", n)
    log.flush(); full.flush()
def fork():
    pid = os.fork()
    if pid: os.waitpid(pid, 0)
    return pid
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""


WITHDRAWN = "the request is withdrawn, and nothing is changed"


class Answer(NamedTuple):
    status: int
    out: str
    err: str


class Process:
    """A program that does what it is told, line by line."""

    def __init__(self, folder: Path) -> None:
        self.log, self.full = folder / "run.csv", folder / "full.csv"
        env = {name: v for name, v in os.environ.items() if not name.startswith("ATTOLOG")}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", PROGRAM, self.log, self.full],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
            text=True,
        )
        self.pid = self._process.pid
        self.do("pass")

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
        self._process.communicate()

    def do(self, line: str) -> str:
        """Have it run a line; what that prints."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        said = iter(self._process.stdout.readline, "done\n")
        return "".join(said)

    def end(self) -> int:
        """Let it end by itself."""
        self._process.communicate()
        return self._process.returncode

    def stop(self) -> None:
        """Let it do nothing any more; returns once that is so."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)

    def written(self, name: str) -> int:
        return [row[0] for row in cells(self.log)].count(name)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    with Process(tmp_path) as process:
        yield process


@pytest.fixture
def ctl(capsys: pytest.CaptureFixture[str]) -> Ctl:
    return Ctl(capsys)


class Ctl:
    """The command, run in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *args: object) -> Answer:
        status = main(["ctl", *map(str, args)])
        return Answer(status, *self._capsys.readouterr())

    def rows(self, pid: int, word: str) -> list[list[str]]:
        """What a listing has of one kind, without kind and pid."""
        answer = self(pid)
        assert (answer.status, answer.err) == (0, "")
        lines = [line.split("\t") for line in answer.out.splitlines()]
        assert {line[1] for line in lines} == {str(pid)}
        return [line[2:] for line in lines if line[0] == word]

    def sites(self, pid: int) -> dict[str, list[str]]:
        return {row[0]: row[1:] for row in self.rows(pid, "site")}


def test_a_listing_has_loggers_and_sites_with_counts(process: Process, ctl: Ctl) -> None:
    process.do("use()")
    assert ctl.rows(process.pid, "logger") == [
        [str(process.log), *["DEBUG", "true", "on", "500", "360", "0", "0", "140", "0", "0"]],
        [str(process.full), *["DEBUG", "true", "on", "20", "20", "0", "0", "0", "0", "0"]],
        ["-", *["DEBUG", "true", "on", "100", "20", "0", "0", "80", "0", "0"]],
    ]
    assert ctl.sites(process.pid) == {
        "SCHED": ["event", "<string>:8", "every:10", "10", "90"],
        "GEN": ["event", "<string>:12", "all", "100", "0"],
        "CAND": ["event", "<string>:12", "every:2", "50", "50"],
        "at {n}": ["message", "<string>:13", "all", "100", "0"],
        "LOG": ["text", "-", "all", "100", "0"],
        "NESTED": ["event", "<string>:14", "every:5", "20", "80"],
    }
    assert ctl.rows(process.pid, "rule") == []


def test_all_processes_are_listed_but_not_the_command_itself(
    process: Process, ctl: Ctl, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with Process(tmp_path / "other") as other:
        answer = ctl()
        assert (answer.status, answer.err) == (0, "")
        lines = [line.split("\t") for line in answer.out.splitlines()]
        found = [line for line in lines if line[:2] == ["process", str(process.pid)]]
        assert len(found) == 1
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", found[0][2])
        assert sys.executable in found[0][3]
        pids = [line[1] for line in lines if line[0] == "process"]
        assert {str(process.pid), str(other.pid)} <= set(pids)
        assert str(os.getpid()) not in pids
        assert [line[2] for line in lines if line[:2] == ["logger", str(other.pid)]][:1] == [
            str(other.log)
        ]


def test_a_rule_is_set_changed_and_taken_back(process: Process, ctl: Ctl) -> None:
    expected = {"GEN": 0, "CAND": 0}
    for request, gen, cand in (
        (("set", "CAND=all"), 100, 100),
        (("set", "CAND=off"), 100, 0),
        (("set", "GEN=every:4"), 25, 0),
        (("unset", "CAND"), 25, 50),
        (("set", "GEN="), 100, 50),
        (("set", "*=off"), 0, 0),
        (("set", "G?N=every:50"), 2, 0),
    ):
        assert ctl(process.pid, *request)[::2] == (0, "")
        process.do("use()")
        expected = {"GEN": expected["GEN"] + gen, "CAND": expected["CAND"] + cand}
        assert {name: process.written(name) for name in expected} == expected, request
    assert ctl.rows(process.pid, "rule") == [["*", "off"], ["G?N", "every:50"]]
    assert {row[2] for row in ctl.sites(process.pid).values()} == {"off", "every:50"}
    assert process.do("print(log.counts.calls == sum(log.counts[1:]))") == "True\n"


def test_what_is_answered_is_the_strategy_as_it_is_understood(process: Process, ctl: Ctl) -> None:
    assert ctl(process.pid, "set", "CAND=first:3") == (0, "CAND=first:3,0,1s\n", "")
    assert ctl(process.pid, "set", "a=b=off") == (0, "a=b=off\n", "")
    assert ctl(process.pid, "unset", "a=b") == (0, "a=b\n", "")


def test_a_rule_holds_for_declared_events_messages_and_texts(process: Process, ctl: Ctl) -> None:
    for rule in ("SCHED=all", "at {n}=every:2", "LOG=every:4"):
        assert ctl(process.pid, "set", rule).status == 0
    process.do("use()")
    assert {name: process.written(name) for name in ("SCHED", "INFO", "LOG")} == {
        "SCHED": 100,
        "INFO": 50,
        "LOG": 25,
    }


def test_nested_loggers_sample_once_by_a_rule(process: Process, ctl: Ctl) -> None:
    for strategy, n in (("every:10", 10), ("all", 100), ("off", 0)):
        before = len(cells(process.full))
        assert ctl(process.pid, "set", f"NESTED={strategy}").status == 0
        process.do("use()")
        assert len(cells(process.full)) - before == n
        assert ctl.sites(process.pid)["NESTED"][2] == strategy


def test_loggers_that_come_later_obey_too(process: Process, ctl: Ctl, tmp_path: Path) -> None:
    assert ctl(process.pid, "set", "LATE=every:10").status == 0
    process.do(f"late = attolog.AsyncFileLogger({str(tmp_path / 'late.csv')!r})")
    process.do("[late('LATE', n) for n in range(100)]; late.close()")
    assert [row[0] for row in cells(tmp_path / "late.csv")] == ["LATE"] * 10
    process.do("del late")
    assert str(tmp_path / "late.csv") not in ctl(process.pid).out


def test_levels_and_on_and_off(process: Process, ctl: Ctl) -> None:
    assert ctl(process.pid, "level", "WARNING") == (0, "level WARNING\n", "")
    process.do("use()")
    assert (process.written("INFO"), process.written("GEN")) == (0, 100)
    assert process.do("print(log.level, full.level, few.level)") == "WARNING WARNING WARNING\n"
    assert ctl(process.pid, "enabled", "false") == (0, "enabled false\n", "")
    process.do("use()")
    assert process.written("GEN") == 100
    assert process.do("print(log.enabled, bool(log), bool(few))") == "False False False\n"
    assert {tuple(row[1:4]) for row in ctl.rows(process.pid, "logger")} == {
        ("WARNING", "false", "off")
    }
    assert ctl(process.pid, "enabled", "true").status == 0
    assert ctl(process.pid, "level", "DEBUG").status == 0
    process.do("use()")
    assert (process.written("INFO"), process.written("GEN")) == (100, 200)


def test_ctl_goes_before_the_environment(tmp_path: Path, ctl: Ctl) -> None:
    os.environ["ATTOLOG_RULES"] = "GEN=off"
    try:
        program = PROGRAM.replace("for line", "use()\nfor line")
        with subprocess.Popen(
            [sys.executable, "-c", program, tmp_path / "run.csv", tmp_path / "full.csv"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None and process.stdout is not None
            for line in ("pass\n", "use()\n"):
                process.stdin.write(line)
                process.stdin.flush()
                assert process.stdout.readline() == "done\n"
                assert [row for row in cells(tmp_path / "run.csv") if row[0] == "GEN"] == (
                    [] if line == "pass\n" else [["GEN", str(n)] for n in range(100)]
                )
                assert ctl(process.pid, "set", "GEN=all").status == 0
    finally:
        del os.environ["ATTOLOG_RULES"]


def test_a_forked_child_is_asked_by_itself_and_inherits_rules(process: Process, ctl: Ctl) -> None:
    assert ctl(process.pid, "set", "GEN=off").status == 0
    said = process.do(
        "exec(\"from attolog import _core\\nif fork() == 0: log('CHILD', 1); log('GEN', 1);"
        " print(os.getpid()); print(_core.control_ask(os.getpid(), 'list'));"
        " print(_core.control_ask(os.getppid(), 'set CAND=off'), flush=True); os._exit(0)\")"
    )
    child, *lines = said.splitlines()
    assert int(child) != process.pid
    assert lines[-1] == "ok CAND=off"
    assert "rule\tGEN\toff" in lines
    sites = {line.split("\t")[1]: line.split("\t")[4] for line in lines if line[:4] == "site"}
    assert sites["GEN"] == "off"
    process.do("use()")  # the parent answers on
    assert (process.written("GEN"), ctl.sites(process.pid)["CAND"][2]) == (0, "off")
    assert child not in [str(pid) for pid, _, _ in _core.control_list()]


def test_forking_while_it_is_asked_stops_neither(process: Process, ctl: Ctl) -> None:
    with subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import sys; from attolog import _core\n"
            "while _core.control_ask(int(sys.argv[1]), 'list', 60.0): print('asked', flush=True)",
            str(process.pid),
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as asking:
        assert asking.stdout is not None
        for _ in range(20):
            assert asking.stdout.readline() == "asked\n"
            process.do("exec(\"if fork() == 0: log('CHILD', 1); log.close(); os._exit(0)\")")
        assert process.end() == 0
        asking.stdout.read()
    assert process.written("CHILD") == 20


def test_a_normal_end_leaves_nothing_behind(process: Process, ctl: Ctl) -> None:
    folder = Path(f"/dev/shm/attolog-{os.geteuid()}/control")
    assert list(folder.glob(f"{process.pid}-*.ctl"))
    assert process.end() == 0
    assert list(folder.glob(f"{process.pid}-*")) == []
    assert ctl(process.pid) == (1, "", f"attolog: {process.pid} is no running process that logs\n")


def test_a_killed_process_is_none(process: Process, ctl: Ctl) -> None:
    process.do("pass")
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    answer = ctl(process.pid, "set", "GEN=off")
    assert answer == (1, "", f"attolog: {process.pid} is no running process that logs\n")


def test_a_process_that_does_not_answer(process: Process, ctl: Ctl) -> None:
    process.stop()
    said = f"attolog: {process.pid} does not answer; {WITHDRAWN}\n"
    assert ctl(process.pid, "level", "INFO") == (1, "", said)
    answer = ctl()
    assert answer.status == 1
    assert said in answer.err  # there may be others of the user's
    assert f"process\t{process.pid}\t" in answer.out


def test_what_a_process_did_not_answer_it_does_not_do_later(process: Process, ctl: Ctl) -> None:
    process.stop()
    assert ctl(process.pid, "set", "GEN=off").status == 1
    os.kill(process.pid, signal.SIGCONT)
    assert "\nrule\t" not in ctl(process.pid).out
    process.do("use()")
    assert process.written("GEN") == 100


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ("set", "'set': allowed are set NAME=STRATEGY, unset NAME, level LEVEL, enabled tr"),
        ("set A=off B=off", "'set A=off B=off': allowed are "),
        ("stop now", "'stop now': allowed are "),
        ("set A", "'A': NAME=STRATEGY is wanted"),
        ("set A=sample:0.1,B=off", "'A=sample:0.1,B=off': one rule at a time"),
        ("set =off", "'=off': NAME=STRATEGY is wanted"),
        ("set A=sometimes", "strategy: 'sometimes': is no strategy; allowed are off, all, "),
        ("set A=sample:2", "strategy: 'sample:2': sample needs a share above 0"),
        ("level info", "'info' is no level; allowed are DEBUG, INFO, "),
        ("enabled yes", "'yes' is neither true nor false"),
    ],
)
def test_malformed_settings_are_not_even_asked_for(ctl: Ctl, action: str, says: str) -> None:
    status, out, err = ctl(1, *action.split())
    assert (status, out) == (2, "")
    assert err.startswith(f"attolog: {says}")
    assert err.endswith(" (see attolog ctl --help)\n")
    assert err.count("\n") == 1


def test_what_the_process_itself_refuses(process: Process, ctl: Ctl) -> None:
    said = f"attolog: {process.pid}: no rule was set for 'GEN'\n"
    assert ctl(process.pid, "unset", "GEN") == (1, "", said)
    for request, answer in (
        ("", "error '' is no request; allowed are list, set NAME=STRATEGY, unset NAME, level"),
        ("open /tmp/x.csv", "error 'open' is no request; allowed are "),
        ("list all", "error 'list' is no request; "),
        ("set GEN", "error 'GEN': NAME=STRATEGY is wanted"),
        ("set GEN=x\ny", "error 'x\\ny': is no strategy; "),
        ("level 10", "error '10' is none of DEBUG, "),
        ("enabled", "error '' is neither true nor false"),
    ):
        got = _core.control_ask(process.pid, request)
        assert got is not None
        assert got.startswith(answer)
        assert "\n" not in got
    with pytest.raises(ValueError, match="a request has 4096 bytes at most"):
        _core.control_ask(process.pid, "x" * 4097)


def test_names_cannot_break_the_listing(process: Process, ctl: Ctl) -> None:
    process.do(r"log('a\tb\n\x1b[31m\\{n}', 1); log.flush()")
    (row,) = [row for row in ctl.rows(process.pid, "site") if row[0].startswith("a")]
    assert row[0] == r"a\tb\n\x1b[31m\\{n}"
    assert len(row) == 6


def test_on_a_terminal_it_is_a_table(process: Process) -> None:
    process.do("use()")
    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "attolog", "ctl", str(process.pid)],
        stdout=child,
        stderr=child,
        env=os.environ | {"COLUMNS": "200", "TERM": "dumb"},
    ) as command:
        os.close(child)
        shown = b""
        try:
            while piece := os.read(parent, 1 << 16):
                shown += piece
        except OSError:  # the terminal's other end is closed
            pass
        os.close(parent)
        assert command.wait() == 0
    text = shown.decode()
    assert str(process.pid) in text.splitlines()[0]
    assert re.search(r"name +kind +where +strategy +written +left out", text)
    assert re.search(r"CAND +event +<string>:12 +every:2 +50 +50", text)


def test_only_this_processs_own_page_is_asked(ctl: Ctl) -> None:
    assert _core.control_ask(0, "list", 0.0) is None
    with pytest.raises(TypeError):
        _core.control_ask("1", "list")  # type: ignore[arg-type]


def test_what_a_killed_process_left_is_removed_by_the_next(
    process: Process, tmp_path: Path
) -> None:
    folder = Path(f"/dev/shm/attolog-{os.geteuid()}/control")
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert list(folder.glob(f"{process.pid}-*.ctl"))
    (tmp_path / "next").mkdir()
    with Process(tmp_path / "next"):
        assert list(folder.glob(f"{process.pid}-*")) == []
