"""Where records come from: their place in the source, their process, their run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import attolog
from attolog._cli import main
from attolog._reading.table import Table

PROGRAM = """import attolog, os, sys
log = attolog.AsyncFileLogger(sys.argv[1])
def job(n):
    log("GEN", n=n)
    log.info("{n} is done", n=n)
job(int(sys.argv[2]))
log.flush()
if len(sys.argv) > 3 and os.fork() == 0:
    job(-1)
    log.close()
    os._exit(0)
elif len(sys.argv) > 3:
    os.wait()
log.close()
"""


def run(folder: Path, *args: object) -> Path:
    env = {name: value for name, value in os.environ.items() if name != "ATTOLOG_RUN_ID"}
    (folder / "program.py").write_text(PROGRAM)
    path = folder / "run.atto"
    command = [sys.executable, str(folder / "program.py"), str(path), *map(str, args)]
    subprocess.run(command, env=env, check=True, timeout=60)
    return path


def columns(table: Table) -> dict[str, list[object]]:
    pyarrow = pytest.importorskip("pyarrow")
    return dict(pyarrow.table(table).to_pydict())


def test_a_record_tells_where_it_comes_from(tmp_path: Path) -> None:
    journal = attolog.read(run(tmp_path, 1))
    event, message = journal.records()
    assert (event.file, event.line, event.function) == (str(tmp_path / "program.py"), 4, "job")
    assert (message.line, message.run) == (5, journal.runs[0].id)


def test_tables_end_with_the_origin_if_it_is_asked_for(tmp_path: Path) -> None:
    path = run(tmp_path, 1)
    assert list(columns(attolog.read(path)["GEN"])) == ["time", "n"]
    journal = attolog.read(path, origin=True)
    table = columns(journal["GEN"])
    assert list(table) == ["time", "n", "file", "line", "function", "thread", "pid", "run"]
    (record, _) = journal.records()
    expected = (record.file, 4, "job", "MainThread", record.pid, record.run)
    assert tuple(column[0] for column in list(table.values())[2:]) == expected
    everything = columns(journal["*"])
    assert list(everything)[4:] == ["thread", "pid", "file", "line", "function", "run"]
    assert everything["line"] == [4, 5]
    assert everything["run"] == [record.run] * 2


def test_fields_give_way_to_the_origin(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path) as log:
        log("OPEN", file="a", file_="b", run=3, pid="x")
    (row,) = (record.fields for record in attolog.read(path).records())
    assert row == {"file": "a", "file_": "b", "run": 3, "pid": "x"}
    assert columns(attolog.read(path)["OPEN"])["file"] == ["a"]
    table = columns(attolog.read(path, origin=True)["OPEN"])
    assert (table["file__2"], table["file_"], table["run_"]) == (["a"], ["b"], [3])
    assert (table["pid_"], table["pid"], table["file"]) == (["x"], [os.getpid()], [__file__])


def test_the_origin_of_what_attolog_says_is_absent(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path, buffer_bytes=65536, on_full="drop") as log:
        for _ in range(100_000):
            log("A", text="x" * 2000)
    journal = attolog.read(path, origin=True)
    assert "DROPPED" in journal, "nothing was dropped: this shows nothing"
    table = columns(journal["DROPPED"])
    assert set(table["file"] + table["line"] + table["function"]) == {None}
    assert set(table["run"]) == {journal.runs[0].id}


def test_runs_of_one_journal_are_told_apart(tmp_path: Path) -> None:
    run(tmp_path, 1)
    journal = attolog.read(run(tmp_path, 2, "fork"))
    first, last = journal.runs
    assert [record.fields["n"] for record in first.records()] == [1, 1]
    assert sorted(record.fields["n"] for record in last.records()) == [-1, -1, 2, 2]
    assert (len(first.pids), len(last.pids)) == (1, 2)
    assert (first.events, last.events, journal.events) == ({"GEN": 1}, {"GEN": 2}, {"GEN": 3})
    assert len(last["*"]) == 4
    assert first.start == next(first.records()).time < first.end < last.start
    assert {record.run for record in last.records()} == {last.id}
    assert [each.id for each in last.runs] == [last.id]
    assert repr(last) == f"<attolog.Run {last.id} of {str(tmp_path / 'run.atto')!r}: 2 processes>"


def test_what_a_killed_process_left_belongs_to_its_run(tmp_path: Path) -> None:
    path = run(tmp_path, 1)
    source = (
        "import attolog, os, sys\n"
        "log = attolog.AsyncFileLogger(sys.argv[1])\n"
        "log('LEFT')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    env = dict(os.environ, ATTOLOG_RUN_ID="00000000000000ab")
    subprocess.run([sys.executable, "-c", source, path], env=env, check=False, timeout=60)
    last = attolog.read(path).runs[-1]
    assert (last.id, last.events) == ("00000000000000ab", {"LEFT": 1})


def test_an_empty_journal_has_no_runs(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    attolog.AsyncFileLogger(path).close()
    assert attolog.read(path).runs == ()


def test_cat_shows_the_origin_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run(tmp_path, 1)
    assert main(["cat", str(path)]) == 0
    plain = capsys.readouterr().out.splitlines()
    assert main(["cat", "--origin", str(path)]) == 0
    shown = capsys.readouterr().out.splitlines()
    (record, _) = attolog.read(path).records()
    source = f"{tmp_path / 'program.py'}:4 in job, MainThread, pid {record.pid}, run {record.run}"
    assert shown[0] == f"{plain[0]}  [{source}]"


def test_cat_knows_no_origin_of_other_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.csv"
    path.write_text("1,A\n")
    assert main(["cat", "--origin", str(path)]) == 1
    assert "is no journal" in capsys.readouterr().err
