"""`apply_async_logging.py` patches a program, whose log then has the text that it printed."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apply_async_logging
import multi_model_print
import pytest

import attolog
from attolog._rewrite.prove import STREAMS, as_printed, compare, logged_to

PROGRAM = '''\
"""Serves tasks."""

import argparse
import sys


def serve(model, n):
    for task_id in range(n):
        print(
            f"[Generator-{model}] New task {task_id} at "
            f"{task_id / 8:.6f}"
        )
        print("DONE", model, task_id, task_id / 8)
    print("%d of %d done" % (n, n), end="\\n\\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lambda-152", type=int, default=1)
    args = parser.parse_args()
    serve("ResNet152", args.lambda_152)
    print("=" * 20)
    print(*range(3), sep=", ")
    print("no more", "tasks", file=sys.stderr)


if __name__ == "__main__":
    main()
'''
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("multi_model_dev.py").write_text(PROGRAM)

    def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
        env = {key: value for key, value in os.environ.items() if not key.startswith("ATTOLOG")}
        return subprocess.run(
            [sys.executable, "multi_model_dev.py", *args],
            env=env | environment,
            capture_output=True,
            text=True,
            check=True,
        )

    return run


def shown(path: Path) -> str:
    """The records of a journal as print would show them."""
    return "".join(map(as_printed, attolog.read(path).records()))


def test_the_text_is_the_same_and_complete(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    before = run("--lambda-152", "40")
    assert apply_async_logging.main([]) == 0
    out = capsys.readouterr().out
    assert out.startswith("multi_model_dev.py: 6 prints go to logs/debug_<unix time>.log, too\n")
    assert "left" not in out

    after = run("--lambda-152", "40", ATTOLOG="run.atto")
    assert after.stdout + after.stderr == ""
    assert shown(Path("run.atto")) == before.stdout + before.stderr
    assert attolog.read("run.atto").events == {"DONE": 40}


def test_the_switch_works(run: Run) -> None:
    before = run("--lambda-152", "40")
    apply_async_logging.main([])
    assert run("--no-debug-log").stdout == ""
    assert not Path("logs").exists()
    after = run("--debug-log", "--lambda-152", "40")
    (log,) = Path("logs").iterdir()
    assert after.stdout == f"[INFO] Debug logging to: {log}\n{before.stdout}"
    assert after.stderr == before.stderr
    assert "[Generator-ResNet152] New task 0 at 0.000000\n" in log.read_text()


def test_there_and_back(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    apply_async_logging.main([])
    assert Path("multi_model_dev.py.orig").read_text() == PROGRAM
    capsys.readouterr()
    assert apply_async_logging.main([]) == 0
    assert capsys.readouterr().out == "0 prints left, already on attolog\n"
    assert apply_async_logging.main(["--undo"]) == 0
    assert Path("multi_model_dev.py").read_text() == PROGRAM
    assert os.listdir() == ["multi_model_dev.py"]


COMMAND = ["--scheduler", "early_exit", "--lambda-152", "40", "--run-seconds", "10"]


def test_the_naive_program_logs_the_same_text(run: Run) -> None:
    Path("multi_model_dev.py").write_text(Path(multi_model_print.__file__).read_text())
    before = run(*COMMAND, "--clock", "virtual")
    assert apply_async_logging.main([]) == 0
    after = run(*COMMAND, "--clock", "virtual")
    (log,) = Path("logs").iterdir()
    assert after.stdout == f"[INFO] Debug logging to: {log}\n{before.stdout}"
    assert after.stderr == before.stderr
    after = run(*COMMAND, "--clock", "virtual", ATTOLOG="run.atto")
    records = list(attolog.read("run.atto").records())
    assert len(records) > 10_000
    for stream in STREAMS:
        text, left = (getattr(ended, stream).encode() for ended in (before, after))
        assert compare(stream, text, left, list(logged_to(records, stream))) == []


def test_the_naive_program_s_log_is_complete(run: Run) -> None:
    Path("multi_model_dev.py").write_text(Path(multi_model_print.__file__).read_text())
    assert apply_async_logging.main([]) == 0
    run(*COMMAND)
    (log,) = Path("logs").iterdir()
    text = log.read_text()
    table = re.findall(r"^ResNet\d+\t(\d+)\t(\d+)\t", text, re.MULTILINE)
    assert len(table) == 3
    served = sum(int(done) + int(unfinished) for done, unfinished in table)
    assert text.count("] New task ") == served > 4_000  # of 540 a second, in 10 s


def test_our_own_program_is_on_attolog_already(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = Path(apply_async_logging.__file__).with_name("multi_model_dev.py")
    copy = tmp_path / "copy.py"
    copy.write_bytes(ours.read_bytes())
    assert apply_async_logging.main([str(copy)]) == 0
    assert capsys.readouterr().out == "0 prints left, already on attolog\n"
    assert copy.read_bytes() == ours.read_bytes()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("missing.py", None, "missing.py: No such file or directory\n"),
        ("python2.py", "print 'x'\n", "python2.py: line 1: Missing parentheses"),
    ],
)
def test_what_is_wrong_is_one_line(
    run: Run, capsys: pytest.CaptureFixture[str], name: str, text: str | None, said: str
) -> None:
    if text is not None:
        Path(name).write_text(text)
    assert apply_async_logging.main([name]) == 1
    err = capsys.readouterr().err
    assert err.startswith(said)
    assert err.count("\n") == 1
