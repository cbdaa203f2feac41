"""Children that multiprocessing starts afresh, by spawn or fork server, log as their parent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .helpers import cells

PROGRAM = """
import sys, os
import attolog
from attolog import log

def work(n):
    log("WORK", n)
    log.info("{n} is done", n)

def deeper(n):
    import multiprocessing
    log("DEEP", n)
    child = multiprocessing.get_context("spawn").Process(target=work, args=(n,))
    child.start()
    child.join()

if __name__ == "__main__":
    path, method = sys.argv[1:]
    {start}
    import multiprocessing
    context = multiprocessing.get_context(method)
    before = dict(os.environ)
    {body}
    assert before == dict(os.environ)
"""
_START = "attolog.init_logger(path, quiet=True, append=False, rules={'NONE': attolog.Every(2)})"
_PROCESSES = """children = [context.Process(target=work, args=(n,)) for n in range(2)]
    for child in children: child.start()
    for child in children: child.join()"""
_METHODS = ("spawn", "forkserver")


def run(
    folder: Path, start: str, body: str, method: str = "spawn", **environment: str
) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
    path, script = folder / "run.csv", folder / "app.py"
    path.touch()
    script.write_text(PROGRAM.replace("{start}", start).replace("{body}", body), encoding="utf-8")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ATTOLOG")}
    done = subprocess.run(
        [sys.executable, script.name, path.name, method],
        cwd=folder,
        env=plain | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done, sorted(cells(path))


_TWO = [["INFO", "0 is done"], ["INFO", "1 is done"], ["WORK", "0"], ["WORK", "1"]]


@pytest.mark.parametrize("method", _METHODS)
@pytest.mark.parametrize(
    "body",
    [
        _PROCESSES,
        "with context.Pool(2) as pool: pool.map(work, range(2)); pool.close(); pool.join()",
        "import concurrent.futures as futures\n"
        "    with futures.ProcessPoolExecutor(2, context) as pool: list(pool.map(work, range(2)))",
        "os.mkdir('elsewhere'); os.chdir('elsewhere')\n    " + _PROCESSES,
    ],
    ids=["processes", "pool", "executor", "chdir"],
)
def test_they_log_to_its_file(tmp_path: Path, method: str, body: str) -> None:
    done, rows = run(tmp_path, _START, body, method)
    assert (done.stdout, done.stderr) == ("", "")
    assert [row[:2] for row in rows] == _TWO


def test_they_log_to_the_file_that_its_method_has_opened(tmp_path: Path) -> None:
    assert [row[:2] for row in run(tmp_path, "log.open(path)", _PROCESSES)[1]] == _TWO


def test_multiprocessing_may_be_imported_before(tmp_path: Path) -> None:
    start = f"import multiprocessing.spawn; {_START}"
    assert [row[:2] for row in run(tmp_path, start, _PROCESSES)[1]] == _TWO


def test_a_fork_server_may_run_before(tmp_path: Path) -> None:
    start = f"import multiprocessing.forkserver as server; server.ensure_running()\n    {_START}"
    assert [row[:2] for row in run(tmp_path, start, _PROCESSES, "forkserver")[1]] == _TWO


def test_their_children_do_so_too(tmp_path: Path) -> None:
    body = "child = context.Process(target=deeper, args=(7,)); child.start(); child.join()"
    rows = run(tmp_path, _START, body)[1]
    assert [row[:2] for row in rows] == [["DEEP", "7"], ["INFO", "7 is done"], ["WORK", "7"]]


def test_they_echo_and_have_the_level(tmp_path: Path) -> None:
    start = "attolog.init_logger(path, quiet=True, echo=True); log.level = 'WARNING'"
    done, rows = run(tmp_path, start, _PROCESSES)
    assert sorted(done.stdout.splitlines()) == ["WORK 0", "WORK 1"]
    assert [row[:2] for row in rows] == [["WORK", "0"], ["WORK", "1"]]


def test_a_file_of_settings_is_handed_on(tmp_path: Path) -> None:
    settings = 'path = "run.csv"\\n[rules]\\nWORK = "off"\\n'
    start = f"open('a.toml', 'w').write({settings!r}.replace(chr(92) + 'n', chr(10)))\n"
    start += "    attolog.configure('a.toml')"
    rows = run(tmp_path, start, _PROCESSES)[1]
    assert [row[:2] for row in rows] == [["INFO", "0 is done"], ["INFO", "1 is done"]]


@pytest.mark.parametrize("start", ["pass", f"{_START}; log.close()"])
def test_where_the_parent_logs_nothing_they_do_not(tmp_path: Path, start: str) -> None:
    assert run(tmp_path, start, _PROCESSES)[1] == []


def test_other_processes_are_not_concerned(tmp_path: Path) -> None:
    program = "from attolog import log; log('OTHER'); print(bool(log))"
    body = f"import subprocess; subprocess.run([sys.executable, '-c', {program!r}], check=True)"
    done, rows = run(tmp_path, _START, body)
    assert (done.stdout, rows) == ("False\n", [])


def test_off_in_the_environment_holds_for_them(tmp_path: Path) -> None:
    assert run(tmp_path, _START, _PROCESSES, ATTOLOG="off")[1] == []


def test_a_file_that_cannot_be_opened_there_is_told_of(tmp_path: Path) -> None:
    body = "os.rename(path, 'kept.csv'); os.mkdir(path)\n    " + _PROCESSES
    done, _ = run(tmp_path, _START, body + "\n    os.rmdir(path); os.rename('kept.csv', path)")
    assert done.stderr.count("logging is off in process") == 2
