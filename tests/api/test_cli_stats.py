"""`attolog stats`: the figures of tables, columns, groups and stretches of time."""

import json
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog._cli import main

from .helpers import TIME
from .terminal import on_a_terminal

Capture = pytest.CaptureFixture[str]
LAST = "2023-11-14T22:15:20.123456Z"


def cells(capsys: Capture, *args: str) -> list[list[str]]:
    """The cells that go into a pipe."""
    assert main(["stats", *args]) == 0
    return [line.split("\t") for line in capsys.readouterr().out.splitlines()]


def objects(capsys: Capture, *args: str) -> list[dict[str, Any]]:
    assert main(["stats", *args, "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_a_pipe_gets_a_row_for_each_table(requests: Path, capsys: Capture) -> None:
    head, *rows = cells(capsys, str(requests))
    assert head[:6] == ["name", "count", "per second", "first", "last", "table"]
    found = {row[5]: row for row in rows}
    assert list(found) == ["request", "epoch_step_loss", "PRINT", "LOG", "request_failed"]
    assert found["request"][:5] == [
        "request",
        "100",
        repr(float(f"{100 / 118:.6g}")),
        "2023-11-14T22:13:20.123456Z",
        "2023-11-14T22:15:18.123456Z",
    ]
    assert found["LOG"][1:5] == ["1", "", LAST, LAST]


def test_a_table_that_is_named_shows_its_columns(requests: Path, capsys: Capture) -> None:
    head, *rows = cells(capsys, str(requests), "-t", "request")
    found = {row[head.index("column")]: dict(zip(head, row, strict=True)) for row in rows}
    assert list(found) == ["user", "ms", "path"]
    ms = found["ms"]
    assert [ms[key] for key in ("values", "min", "max")] == ["100", "0.0", "59.0"]
    assert abs(float(ms["mean"]) - 29.4) < 0.5 and abs(float(ms["p50"]) - 29.0) < 1
    assert found["user"]["most frequent"] == "bob (60), ann (40)"
    assert found["user"]["distinct"] == "2"


def test_json_has_tables_with_their_columns(requests: Path, capsys: Capture) -> None:
    first = objects(capsys, str(requests), "--where", "ms >= 58")[0]
    assert (first["table"], first["count"]) == ("request", 3)
    assert [column["name"] for column in first["columns"]] == ["user", "ms", "path"]
    assert first["columns"][1]["min"] == 58.0


def test_only_records_of_a_stretch_of_time_count(requests: Path, capsys: Capture) -> None:
    found = objects(capsys, str(requests), "--since", "22:15:20", "--until", "22:16")
    assert [row["table"] for row in found] == ["PRINT", "LOG", "request_failed"]


def test_figures_by_the_values_of_a_column(requests: Path, capsys: Capture) -> None:
    head, *rows = cells(capsys, str(requests), "--by", "user")
    assert head[1] == "user"
    assert [row[:5] for row in rows] == [
        ["request", "bob", "", "60", "ms"],
        ["request", "ann", "", "40", "ms"],
    ]


def test_figures_of_each_stretch_of_time(requests: Path, capsys: Capture) -> None:
    found = objects(capsys, str(requests), "-t", "loss", "--every", "1m")
    steps = [row for row in found if row["column"] == "step"]
    assert [(row["time"], row["rows"], row["max"]) for row in steps] == [
        ("2023-11-14T22:13:00.000000Z", 6, 35),
        ("2023-11-14T22:14:00.000000Z", 10, 95),
        ("2023-11-14T22:15:00.000000Z", 4, 119),
    ]


def test_stretches_of_time_leave_no_record_out(requests: Path, capsys: Capture) -> None:
    found = objects(capsys, str(requests), "-t", "request", "--every", "7s")
    assert sum(row["rows"] for row in found) == 100


def test_the_count_of_dropped_is_that_of_lost_records(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path, buffer_bytes=65536, on_full="drop") as log:
        for n in range(200_000):
            log("request", text="x" * 100, n=n)
    found = {row["table"]: row["count"] for row in objects(capsys, str(path))}
    assert log.counts.dropped > 0
    assert found == {"request": log.counts.written, "DROPPED": log.counts.dropped}


def test_calls_of_samples_are_estimated_and_called_so(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path, rules={"request": "every:10"}) as log:
        for n in range(1000):
            log("request", n=n)
    (row,) = objects(capsys, str(path))
    assert (row["count"], row["calls"], row["estimated"]) == (100, 1000, True)
    assert "estimates for all calls" in on_a_terminal("stats", str(path)).decode()


def test_a_terminal_shows_names_that_can_be_copied(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    names = ["aratherlongname" * 6 + str(n) for n in range(2)]
    with attolog.AsyncFileLogger(path) as log:
        for n in range(10):
            log.set_time(TIME + n)
            log(names[n % 2], some_long_column_name=n)
    lines = on_a_terminal("stats", str(path), COLUMNS="60").decode().splitlines()
    assert {line.split()[0] for line in lines if line} == {"table", *names}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--by", "usr"], "--by: no column is called 'usr'; did you mean 'user'?"),
        (["--every", "fast"], "--every: 'fast' is no length of time"),
        (["--every", "0s"], "--every: a stretch of time has a length"),
        (["--every", "1us"], "--every: 120,000,0"),
        (["--every", "1s", "--by", "user"], "--by and --every do not go together"),
        (["-t", "requst"], "did you mean 'request'"),
    ],
)
def test_mistakes_are_one_line(
    requests: Path, capsys: Capture, options: list[str], said: str
) -> None:
    assert main(["stats", str(requests), *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and said in captured.err and captured.err.count("\n") == 1


def test_a_csv_has_no_figures_of_columns(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "run.csv"
    path.write_text("1.0,request,7\n")
    assert main(["stats", str(path), "--by", "user"]) == 2
    assert "is no journal" in capsys.readouterr().err


def test_the_readable_part_of_a_damaged_journal_counts(
    requests: Path, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "run.atto"
    path.write_bytes(requests.read_bytes()[:-9])
    assert main(["stats", str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith("name\t") and captured.err.startswith("attolog: ")
    assert "Traceback" not in captured.err
