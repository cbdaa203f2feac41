"""Folders of several programs: none of them loses text, whoever turns the log on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FILES = {
    "train.py": """
from common import step

def main():
    for epoch in range(2):
        print(f"epoch {epoch}")
        step(epoch)

if __name__ == "__main__":
    main()
""",
    "report.py": """
import sys
import common

def main():
    rows = 7
    print("-" * 20)
    print(f"report of {rows} rows")
    print("ROWS", rows, "seven")
    print("bad", rows, file=sys.stderr)
    common.step(rows)

if __name__ == '__main__':
    main()
""",
    "common.py": """
def step(n):
    print("STEP", n)
    print("all is well")
""",
}


def run(folder: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ATTOLOG")}
    return subprocess.run(
        [sys.executable, *args],
        cwd=folder,
        env=plain | environment,
        capture_output=True,
        text=True,
        errors="surrogateescape",
    )


def rewrite(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "-m", "attolog", "rewrite", *args)


def logs(folder: Path) -> list[Path]:
    return sorted(folder.glob("logs/debug_*.log"))


def shown(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    lines = done.stdout.splitlines(keepends=True)
    own = [line for line in lines if not line.startswith("[INFO] Debug logging to: ")]
    return done.returncode, "".join(own), done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text.lstrip(), encoding="utf-8")
    return tmp_path


def test_a_program_that_is_no_entry_prints_as_before(folder: Path) -> None:
    before = shown(run(folder, "report.py"))
    done = rewrite(folder, ".", "--entry", "train.py", "--write")
    assert done.returncode == 0
    assert "print as before: ./report.py\n" in done.stderr
    assert shown(run(folder, "report.py")) == before
    assert logs(folder) == []
    assert "epoch 1" in run(folder, "train.py").stdout
    (log,) = logs(folder)
    assert "STEP n=1" in log.read_text()


@pytest.mark.parametrize("name", ["train.py", "report.py"])
def test_there_may_be_several_entries(folder: Path, name: str) -> None:
    before = shown(run(folder, name))
    done = rewrite(folder, ".", "--entry", "train.py", "--entry", "report.py", "--write")
    assert "the log, which train.py and report.py turn on" in done.stderr
    assert "print as before" not in done.stderr
    assert shown(run(folder, name)) == before
    (log,) = logs(folder)
    assert "all is well" in log.read_text()


def test_an_entry_that_another_program_imports_prints_there(folder: Path) -> None:
    (folder / "both.py").write_text("import train\ntrain.main()\n")
    before = shown(run(folder, "both.py"))
    rewrite(folder, ".", "--entry", "train.py", "--write")
    assert shown(run(folder, "both.py")) == before
    assert logs(folder) == []


@pytest.mark.skipif(shutil.which("pytest") is None, reason="pytest is not on the path")
def test_who_captures_gets_the_text_as_before(folder: Path) -> None:
    (folder / "test_report.py").write_text(
        "import contextlib, io, report\n"
        "TEXT = '-' * 20 + '\\nreport of 7 rows\\nROWS 7 seven\\nSTEP 7\\nall is well\\n'\n"
        "def test_capsys(capsys):\n"
        "    report.main()\n"
        "    assert capsys.readouterr() == (TEXT, 'bad 7\\n')\n"
        "def test_redirect():\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "        report.main()\n"
        "    assert out.getvalue() == TEXT\n"
    )
    for _ in range(2):
        done = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")
        assert done.returncode == 0, done.stdout
        rewrite(folder, ".", "--entry", "train.py", "--write")
    assert "attolog.prints" in (folder / "report.py").read_text()


def test_off_in_the_environment_is_silence(folder: Path) -> None:
    rewrite(folder, ".", "--entry", "train.py", "--write")
    for name in ("train.py", "report.py"):
        assert shown(run(folder, name, ATTOLOG="off")) == (0, "", "")


def test_the_environment_turns_on_what_no_entry_does(folder: Path) -> None:
    rewrite(folder, ".", "--entry", "train.py", "--write")
    assert shown(run(folder, "report.py", ATTOLOG="run.log")) == (0, "", "")
    assert "report of 7 rows" in (folder / "run.log").read_text()


def test_prints_of_values_alone_keep_their_place(folder: Path) -> None:
    (folder / "table.py").write_text(
        "for n in range(2):\n"
        "    print('-' * 30)\n"
        "    print(f'row {n} of the table', end=' |')\n"
        "    print()\n"
        "    print(n, n + 1, sep=',')\n"
        "print('-' * 30)\n"
    )
    before = shown(run(folder, "table.py"))
    done = rewrite(folder, "table.py", "--entry", "table.py", "--write")
    assert "5 prints: 5 rewritten, 0 left\n" in done.stderr
    assert shown(run(folder, "table.py")) == before


def test_an_entry_of_a_program_that_logs_nothing_is_left(folder: Path) -> None:
    (folder / "silent.py").write_text("import sys\nsys.exit(0)\n")
    done = rewrite(folder, "silent.py", "--entry", "silent.py", "--write")
    assert "silent.py: nothing is logged, so that the log is not turned on\n" in done.stderr
    assert "To turn the log off" not in done.stderr
    assert (folder / "silent.py").read_text() == "import sys\nsys.exit(0)\n"


def test_an_entry_without_prints_turns_on_the_log_of_others(folder: Path) -> None:
    (folder / "main.py").write_text("import common\ncommon.step(1)\n")
    before = shown(run(folder, "main.py"))
    done = rewrite(folder, ".", "--entry", "main.py", "--write")
    assert "ATTOLOG=off python main.py\n" in done.stderr
    assert shown(run(folder, "main.py")) == before
    assert len(logs(folder)) == 1


def test_a_proof_runs_what_the_user_will_run(folder: Path) -> None:
    (folder / "spawns.py").write_text(
        "import multiprocessing\n"
        "def work(n):\n"
        "    print('WORK', n)\n"
        "if __name__ == '__main__':\n"
        "    child = multiprocessing.get_context('spawn').Process(target=work, args=(1,))\n"
        "    child.start()\n"
        "    child.join()\n"
        "    print('END', 2)\n"
    )
    command = ("--prove", "--", sys.executable, "spawns.py")
    done = rewrite(folder, "spawns.py", "--entry", "spawns.py", *command)
    assert (done.returncode, done.stdout.split(" (")[0]) == (
        0,
        "Proved: the screen shows the same text, to the byte",
    )
    assert logs(folder) == []


def test_functions_that_print_for_others_are_named(folder: Path) -> None:
    (folder / "tee.py").write_text(
        "LOG = []\n"
        "def print_and_log(msg, end='\\n'):\n"
        "    print(msg, end=end)\n"
        "    LOG.append(msg)\n"
        "class App:\n"
        "    def say(self, *values):\n"
        "        print(*values)\n"
        "    def run(self):\n"
        "        self.say(f'two {LOG}', 2)\n"
        "print_and_log('no value')\n"
    )
    (folder / "uses.py").write_text(
        "from tee import print_and_log\n"
        "for i in range(3):\n"
        "    print_and_log(f'step {i}')\n"
        "print_and_log('%d steps' % 3)\n"
    )
    said = rewrite(folder, ".").stderr
    assert "tee.py:3: print_and_log() prints its arguments; " in said
    assert (
        "the 2 calls that give it values have only text in the log: ./uses.py:3, ./uses.py:4\n"
        in said
    )
    assert "tee.py:7: say() prints its arguments; " in said
    assert "the 1 call that gives it values have only text in the log: ./tee.py:9\n" in said
    assert "common.py" not in said


@pytest.mark.parametrize(
    "end", ["os._exit(3)", "os.kill(os.getpid(), 15); signal.pause()", "os.abort()"]
)
def test_screen_and_file_are_complete_at_every_end(folder: Path, end: str) -> None:
    (folder / "end.py").write_text(
        "import os, signal\n"
        "print('FILE', os.fsdecode(b'caf\\xe9'))\n"
        "for n in range(20): print(f'line {n}')\n"
        f"{end}\n"
    )
    options = {"PYTHONIOENCODING": "utf-8:surrogateescape"}
    before = run(folder, "-u", "end.py", **options)
    rewrite(folder, "end.py", "--entry", "end.py", "--write")
    after = run(folder, "end.py", **options)
    assert shown(after)[1:] == shown(before)[1:]
    assert after.returncode == before.returncode
    (log,) = logs(folder)
    assert [f"line {n}\n" in log.read_text() for n in range(20)] == [True] * 20


def test_a_text_in_one_piece_is_logged_and_told_of(folder: Path) -> None:
    (folder / "loss.py").write_text(
        "def loss(): return 0.5\n"
        "n = [1]\n"
        "print('[Epoch %d/%d] [loss: %f]' % (n.pop(), loss(), loss()))\n"
    )
    done = rewrite(folder, "loss.py", "--write")
    assert "1 print: 0 rewritten, 1 left:\n" in done.stderr
    assert "loss.py:3: its text cannot be taken apart, and is logged as it is" in done.stderr
    assert "log.print('[Epoch %d/%d]" in (folder / "loss.py").read_text()


def test_notebooks_are_not_taken(folder: Path) -> None:
    (folder / "nb.ipynb").write_text('{"cells": []}')
    done = rewrite(folder, "nb.ipynb")
    assert done.returncode == 1
    assert "nb.ipynb: notebooks are not taken; " in done.stderr


@pytest.mark.skipif(shutil.which("patch") is None, reason="there is no patch")
@pytest.mark.parametrize("tool", ["patch -p0", "git apply -p0"])
def test_a_diff_is_a_patch_for_any_name(folder: Path, tool: str) -> None:
    if tool.startswith("git") and shutil.which("git") is None:
        pytest.skip("there is no git")
    name = "a name with spaces.py"
    (folder / name).write_text("x = 1\nprint(f'x is {x}')\n")
    diff = rewrite(folder, f"./{name}", "./common.py").stdout
    subprocess.run(
        tool.split(), cwd=folder, input=diff, check=True, text=True, capture_output=True,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)},
    )  # fmt: skip
    assert "log('x is {x}', x)" in (folder / name).read_text()
    assert 'log("STEP", n)' in (folder / "common.py").read_text()
