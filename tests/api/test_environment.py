"""Strategies and rules of the environment: ATTOLOG=STRATEGY:PATH and ATTOLOG_RULES."""

from pathlib import Path

import pytest

from .helpers import cells, objects, run_python

LOGS = """
import sys
import attolog
from attolog import log
if len(sys.argv) > 1:
    attolog.init_logger(sys.argv[1], quiet=True, rules={"CAND": "off", "GEN": "every:2"})
for task_id in range(100):
    log("GEN", task_id=task_id)
    log("CAND", task_id=task_id)
log.flush()
print(log.counts.calls, log.counts.written, log.counts.sampled_out)
"""


def counts(stdout: str) -> tuple[int, ...]:
    return tuple(map(int, stdout.split()))


def names(path: Path) -> dict[str, int]:
    rows = [row[0] for row in cells(path) if row[0] != "SKIPPED"]
    return {name: rows.count(name) for name in rows}


@pytest.mark.parametrize(
    ("strategy", "calls", "written"),
    [
        ("all", 200, 200),
        ("every:10", 200, 20),
        ("first:3", 200, 6),
        ("first:3,50,1000s", 200, 6 + 2),
        ("cap:100", 200, 200),
        ("sample:1", 200, 200),
        ("sample:1@task_id", 200, 200),
        ("off", 0, 0),
    ],
)
def test_a_strategy_before_the_path(
    tmp_path: Path, strategy: str, calls: int, written: int
) -> None:
    path = tmp_path / "run:1:2.csv"  # a path may contain colons
    done = run_python(LOGS, ATTOLOG=f"{strategy}:{path}")
    assert done.stderr == ""
    assert counts(done.stdout) == (calls, written, calls - written)
    assert len([row for row in cells(path) if row[0] in ("GEN", "CAND")]) == written


@pytest.mark.parametrize(
    "strategy", ["budget:0.01", "stats:1s", "stats:1s@task_id,model", "last:100"]
)
def test_the_other_strategies_turn_it_on_too(tmp_path: Path, strategy: str) -> None:
    program = "from attolog import log; print(log.path, bool(log))"
    done = run_python(program, ATTOLOG=f"{strategy}:{tmp_path}/run.csv")
    assert (done.stdout, done.stderr) == (f"{tmp_path}/run.csv True\n", "")


@pytest.mark.parametrize(
    "setting",
    [
        *("smaple:0.01:run.csv", "SAMPLE:0.1:run.csv", "every:2:sample:0.5:run.csv"),
        *("asnyc:run.csv", "Async:run.csv", "circular:100:run.csv", "rotate:run.log", "async:"),
    ],
)
def test_a_misspelt_strategy_is_no_path(tmp_path: Path, setting: str) -> None:
    program = "import os, sys; os.chdir(sys.argv[1]); import attolog; print(bool(attolog.log))"
    done = run_python(program, tmp_path, ATTOLOG=setting)
    assert done.stdout == "False\n"
    assert done.stderr.startswith(f"attolog: ATTOLOG={setting!r}: ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["run.csv", "run:1.csv", "all:2.csv"])
def test_the_file_logger_has_a_word_too(tmp_path: Path, name: str) -> None:
    done = run_python(LOGS, ATTOLOG=f"async:{tmp_path}/{name}")
    assert (done.stdout, done.stderr) == ("200 200 0\n", "")
    assert names(tmp_path / name) == {"GEN": 100, "CAND": 100}


@pytest.mark.parametrize("setting", ["./trial:1.csv", "1:30.csv", "trial-1:30.csv", "logs/a:b.csv"])
def test_a_file_with_a_colon_in_its_name(tmp_path: Path, setting: str) -> None:
    (tmp_path / "logs").mkdir()
    program = "import os, sys; os.chdir(sys.argv[1]); from attolog import log; log('GEN', 1)"
    assert run_python(program, tmp_path, ATTOLOG=setting).stderr == ""
    assert names(tmp_path / setting) == {"GEN": 1}


def test_the_last_records_are_in_the_file_at_the_end(tmp_path: Path) -> None:
    run_python(LOGS, ATTOLOG=f"last:5:{tmp_path}/run.csv")
    rows = cells(tmp_path / "run.csv")
    assert len(rows) == 5
    assert {row[1] for row in rows} <= {"97", "98", "99"}


def test_statistics_in_place_of_records(tmp_path: Path) -> None:
    run_python(LOGS, ATTOLOG=f"stats:5m:{tmp_path}/run.jsonl")
    rows = [row for row in objects(tmp_path / "run.jsonl") if row["field"] is None]
    assert {row["event"] for row in rows} == {"STATS"}
    assert sum(row["count"] for row in rows) == 200


def test_a_strategy_before_the_path_goes_before_those_of_the_program(tmp_path: Path) -> None:
    program = """
from attolog import log
cand = log.event("CAND", "i", strategy="off")
for i in range(10):
    cand(i)
"""
    run_python(program, ATTOLOG=f"all:{tmp_path}/all.csv")
    assert len(cells(tmp_path / "all.csv")) == 10
    run_python(program, ATTOLOG=f"{tmp_path}/plain.csv")
    assert cells(tmp_path / "plain.csv") == []


def test_a_key_keeps_all_records_of_a_task_or_none(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    run_python(LOGS, ATTOLOG=f"sample:0.3@task_id:{path}")
    kept = {name: [row[1] for row in cells(path) if row[0] == name] for name in ("GEN", "CAND")}
    assert kept["GEN"] == kept["CAND"]
    assert 0 < len(kept["GEN"]) < 100


def test_rules_hold_where_the_program_itself_turns_it_on(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    run_python(LOGS, path)
    assert names(path) == {"GEN": 50}
    path = tmp_path / "other.csv"
    done = run_python(LOGS, path, ATTOLOG_RULES="CAND=first:3,10,1000s;GEN=all")
    assert done.stderr == ""
    assert names(path) == {"GEN": 100, "CAND": 3 + 9}


def test_rules_go_before_the_strategy(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    done = run_python(LOGS, ATTOLOG=f"off:{path}", ATTOLOG_RULES="C*=every:10 , *=off")
    assert done.stderr == ""
    assert names(path) == {"CAND": 10}


def test_loggers_of_the_program_do_not_obey_rules(tmp_path: Path) -> None:
    program = """
import attolog, sys
with attolog.AsyncFileLogger(sys.argv[1]) as log:
    log("CAND", 1)
"""
    run_python(program, tmp_path / "run.csv", ATTOLOG_RULES="*=off")
    assert names(tmp_path / "run.csv") == {"CAND": 1}


@pytest.mark.parametrize(
    "setting",
    [
        *("sample:0.01", "sample", "all", "off:", "stats:1s", "stats:1s:", "every:0:run.csv"),
        *("sample:2:run.csv", "first::run.csv", "last:many:run.csv", "cap:-1:run.csv"),
        *("all:run.xlsx", "every:2:run.xlsx", "sample:run.csv"),
    ],
)
def test_a_malformed_setting_is_one_line_and_logging_is_off(tmp_path: Path, setting: str) -> None:
    program = f"import os; os.chdir({str(tmp_path)!r})\n" + LOGS
    done = run_python(program, tmp_path / "run.csv", ATTOLOG=setting)
    assert done.stdout == "0 0 0\n"
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"attolog: ATTOLOG={setting!r}: ")
    assert done.stderr.endswith("; logging is off\n")
    assert done.stderr.count("allowed are") <= 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ("STATE=sampel:1", "'STATE=sampel:1' is ignored: strategy: 'sampel:1': is no strategy; "),
        ("STATE=sample:2", "'STATE=sample:2' is ignored: strategy: 'sample:2': sample needs a sh"),
        ("STATE=", "'STATE=' is ignored: strategy: '': is no strategy; allowed are off, all, "),
        ("=off", "'=off' is ignored: NAME=STRATEGY is wanted"),
    ],
)
def test_of_rules_only_the_malformed_are_ignored(tmp_path: Path, bad: str, complaint: str) -> None:
    path = tmp_path / "run.csv"
    setting = f"CAND=every:10,{bad},GEN=off"
    done = run_python(LOGS, path, ATTOLOG_RULES=setting)
    assert names(path) == {"CAND": 10}
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"attolog: ATTOLOG_RULES={setting!r}: {complaint}")


def test_all_malformed_rules_are_one_line(tmp_path: Path) -> None:
    done = run_python(LOGS, tmp_path / "run.csv", ATTOLOG_RULES="off;A=b,C=d")
    assert names(tmp_path / "run.csv") == {"GEN": 50}
    assert done.stderr.count("\n") == 1
    assert all(f"{rule!r} is ignored" in done.stderr for rule in ("off", "A=b", "C=d"))


def test_chance_differs_from_process_to_process(tmp_path: Path) -> None:
    kept = []
    for i in range(2):
        path = tmp_path / f"{i}.csv"
        run_python(LOGS, ATTOLOG=f"sample:0.5:{path}")
        kept.append([row[:2] for row in cells(path)])
    assert kept[0] != kept[1]


def test_rules_need_no_more_modules_than_the_library_itself() -> None:
    program = """
import importlib.util
import sys
import attolog
print(*sorted({"tomllib", "typing", "re", "click"} & set(sys.modules)))
"""
    # A filter of warnings, which other tests set, would need re by itself.
    done = run_python(program, ATTOLOG_RULES="A=off,B=sample:0.01@task_id", PYTHONWARNINGS="")
    assert done.stdout == "\n"
