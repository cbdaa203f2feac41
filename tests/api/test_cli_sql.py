"""`attolog sql`: queries of the command line, of a pipe, and at a prompt."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from attolog._cli import main

from .terminal import environment, on_a_terminal

pytest.importorskip("duckdb")

Capture = pytest.CaptureFixture[str]
BY_USER = "select user, count(*) as n, max(ms) as most from request group by user order by user"


def test_a_pipe_gets_values_separated_by_tabs(requests: Path, capsys: Capture) -> None:
    assert main(["sql", str(requests), BY_USER]) == 0
    assert capsys.readouterr().out == "user\tn\tmost\nann\t40\t58.5\nbob\t60\t59.0\n"


def test_a_terminal_gets_a_table(requests: Path) -> None:
    shown = on_a_terminal("sql", str(requests), BY_USER).decode().split("\n")
    assert shown[0].split() == ["user", "n", "most"]
    assert shown[1].split() == ["ann", "40", "58.5"]


def test_json_has_objects(requests: Path, capsys: Capture) -> None:
    assert main(["sql", str(requests), "select count(*) as n, 1 as n from records", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"n": 123, "n:1": 1}]


def test_a_query_may_come_from_a_pipe(requests: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "attolog", "sql", str(requests)],
        env=environment(),
        input="select count(*) as n from request;\n",
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("n\n100\n", "", 0)


def test_a_mistake_is_shown_at_its_place_without_a_traceback(
    requests: Path, capsys: Capture
) -> None:
    assert main(["sql", str(requests), "select user frm request"]) == 1
    shown = capsys.readouterr().err.splitlines()
    assert shown[0].startswith("attolog: ")
    assert "^" in shown[-1]
    assert main(["sql", str(requests), "select nosuch from request"]) == 1
    assert "nosuch" in capsys.readouterr().err


def test_what_is_no_journal_is_refused(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "run.csv"
    path.write_text("1.0,A,1\n")
    assert main(["sql", str(path), "select 1"]) == 2
    assert "is no journal" in capsys.readouterr().err


def at_the_prompt(path: Path, typed: str, home: Path) -> str:
    """What the prompt shows for lines that a person types."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "attolog", "sql", str(path)]
    env = environment(XDG_STATE_HOME=str(home))
    with subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        for line in typed.splitlines(keepends=True):
            while not shown.endswith((b"sql> ", b"...> ")):
                shown += os.read(ours, 4096)
            os.write(ours, line.encode())
            shown += b"\n"
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # Linux's way to say that the other side is closed
            pass
        os.close(ours)
    assert process.returncode == 0
    return shown.decode().replace("\r\n", "\n")


def test_a_prompt_takes_statements_of_several_lines(requests: Path, tmp_path: Path) -> None:
    typed = "select count(*) as n\nfrom request;\n.quit\n"
    shown = at_the_prompt(requests, typed, tmp_path)
    assert "A statement ends with ';'" in shown
    assert "\n100" in shown.replace("  ", "")


def test_a_prompt_goes_on_after_a_mistake(requests: Path, tmp_path: Path) -> None:
    shown = at_the_prompt(requests, "select nosuch;\n.tables\n.quit\n", tmp_path)
    assert "nosuch" in shown
    assert "Traceback" not in shown
    assert "epoch_step_loss\n" in shown


def test_a_prompt_remembers_its_lines(requests: Path, tmp_path: Path) -> None:
    pytest.importorskip("readline")
    at_the_prompt(requests, "select 41 + 1;\n.quit\n", tmp_path)
    assert "select 41 + 1;" in (tmp_path / "attolog" / "sql_history").read_text()
