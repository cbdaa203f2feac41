"""`attolog export`: every record is in the file, in the form of its suffix."""

import csv
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog._cli import export, main
from attolog._cli.trace import microseconds, write_trace

from .helpers import TIME

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

Capture = pytest.CaptureFixture[str]


def exported(source: Path, out: Path, *options: str) -> Path:
    assert main(["export", str(source), str(out), *options]) == 0
    return out


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Values that need quotes, escapes or other types."""
    path = tmp_path / "odd.atto"
    with attolog.AsyncFileLogger(path) as log:
        log.set_time(TIME)
        log("cell", note='=1+1,"a"\n', n=-3, big=2**70, items=[1, {"a": 2}], none=None)
        log("Cell", ok=True, nan=float("nan"), data=b"\x00\xff")
        log.warning("{user} is at {path}", "ann bob", "/")
        log.print("a line")
        log("=cmd()")
    return path


def test_csv_has_a_header_and_the_records_in_the_order_of_time(
    requests: Path, tmp_path: Path
) -> None:
    with exported(requests, tmp_path / "all.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 123
    assert [row["table"] for row in rows[4:6]] == ["request", "epoch_step_loss"]
    assert (rows[5]["level"], rows[5]["step"], rows[5]["user"]) == ("INFO", "5", "")
    assert rows[0]["time"] == "2023-11-14T22:13:20.123456789Z"
    times = [row["time"] for row in rows]
    assert times == sorted(times)


def test_csv_of_one_table_has_its_columns_alone(requests: Path, tmp_path: Path) -> None:
    out = exported(requests, tmp_path / "r.csv", "-t", "request", "--where", "ms >= 58.5")
    assert out.read_text() == (
        "time,user,ms,path\n"
        "2023-11-14T22:15:17.123456789Z,ann,58.5,/page 0\n"
        "2023-11-14T22:15:18.123456789Z,bob,59.0,/page 1\n"
    )


def test_safe_csv_has_no_cell_that_a_spreadsheet_runs(odd: Path, tmp_path: Path) -> None:
    for options, first in ([], "="), (["--safe-csv"], "'="):
        out = exported(odd, tmp_path / "odd.csv", *options)
        with out.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows[0]["note"] == f'{first}1+1,"a"\n'
        assert rows[4]["text"] == f"{first}cmd()"
        assert rows[0]["n"] == "-3"  # a number is no formula


def test_jsonl_has_what_a_jsonl_log_has(requests: Path, tmp_path: Path) -> None:
    lines = exported(requests, tmp_path / "all.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert len(found) == 123
    assert lines[0].startswith('{"time": 1700000000.123456789, "event": "request"')
    assert {key: found[5][key] for key in ("level", "message", "step")} == {
        "level": "INFO",
        "message": "epoch 0 step 5 loss=0.1667",
        "step": 5,
    }
    assert [{**each, "time": 0} for each in found[-3:]] == [
        {"time": 0, "text": "a printed line\n"},
        {"time": 0, "text": "a sentence"},
        {"time": 0, "level": "ERROR", "message": "request 7 failed", "n": 7},
    ]


def test_odd_values_stay_json(odd: Path, tmp_path: Path) -> None:
    lines = exported(odd, tmp_path / "o.jsonl").read_text().splitlines()
    first, second, *_ = map(json.loads, lines)
    assert first["items"] == [1, {"a": 2}] and first["big"] == 2**70
    assert (second["nan"], second["data"]) == ("nan", r"b'\x00\xff'")


def test_logfmt_quotes_what_has_blanks(odd: Path, tmp_path: Path) -> None:
    lines = exported(odd, tmp_path / "o.logfmt").read_text().splitlines()
    assert len(lines) == 5
    assert 'event=cell note="=1+1,\\"a\\"\\n" n=-3 ' in lines[0]
    assert 'level=warning msg="ann bob is at /" user="ann bob" path=/ thread=' in lines[2]
    assert 'msg="a line" thread=MainThread' in lines[3]


def test_sqlite_has_a_table_for_each(odd: Path, requests: Path, tmp_path: Path) -> None:
    with sqlite3.connect(exported(requests, tmp_path / "r.sqlite")) as connection:
        query = "select user, count(*), max(ms), min(time) from request group by user order by 1"
        assert connection.execute(query).fetchall() == [
            ("ann", 40, 58.5, "2023-11-14T22:13:21.123456789Z"),
            ("bob", 60, 59.0, "2023-11-14T22:13:20.123456789Z"),
        ]
    connection.close()
    with sqlite3.connect(exported(odd, tmp_path / "odd.sqlite")) as connection:
        assert connection.execute("select n, big from cell").fetchall() == [(-3, str(2**70))]
        assert connection.execute("select ok, nan, data from Cell_").fetchall() == [
            (1, None, b"\x00\xff")
        ]
    connection.close()


def test_duckdb_has_a_table_for_each(requests: Path, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    out = exported(requests, tmp_path / "r.duckdb", "--since", "22:15:00")
    with duckdb.connect(str(out)) as connection:
        assert connection.execute("select count(*), min(ms) from request").fetchone() == (16, 50.0)
        assert connection.execute("select count(*) from epoch_step_loss").fetchone() == (4,)


def test_parquet_and_arrow_have_one_table(requests: Path, tmp_path: Path) -> None:
    whole = pyarrow.table(attolog.read(requests)["request"])
    path = exported(requests, tmp_path / "r.parquet", "-t", "request")
    assert parquet.read_table(path).equals(whole)
    path = exported(requests, tmp_path / "r.arrow", "-t", "request")
    with pyarrow.ipc.open_file(path) as file:
        assert file.read_all().equals(whole)


def test_a_folder_is_parquet_partitioned_by_table(requests: Path, tmp_path: Path) -> None:
    assert main(["export", str(requests), f"{tmp_path}/tables/"]) == 0
    assert len(list((tmp_path / "tables").iterdir())) == 5
    part = parquet.read_table(f"{tmp_path}/tables/table=request/part-0.parquet")
    assert len(part) == 100


def test_a_trace_has_threads_spans_and_messages(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path) as log:
        log.set_time(TIME)
        log.info("start of {n}", 7)
        log.set_time(TIME + 5_000_000)
        log("request", user="ann", took_ms=2.5)
    trace = json.loads(exported(path, tmp_path / "run.trace.json").read_text())
    names, instant, span = ([e for e in trace["traceEvents"] if e["ph"] == ph] for ph in "MiX")
    assert [each["args"]["name"] for each in names] == [f"pid {os.getpid()}", "MainThread"]
    assert [(e["name"], e["ts"], e["cat"]) for e in instant] == [("start of 7", 0.0, "INFO")]
    assert [(e["name"], e["ts"], e["dur"]) for e in span] == [("request", 2500.0, 2500.0)]
    assert span[0]["tid"] == names[1]["tid"] and span[0]["args"]["user"] == "ann"


def lanes(tmp_path: Path, *spans: tuple[int, int]) -> list[int]:
    """The tracks of spans of one thread, from start to end in ms, in the order of their ends."""
    records = [
        (end * 1_000_000, "event", "E", None, "T", 1, ("ms",), (end - start,), None)
        for start, end in spans
    ]
    with (tmp_path / "lanes.json").open("w") as out:
        write_trace(records, out)
    events = json.loads((tmp_path / "lanes.json").read_text())["traceEvents"]
    return [event["tid"] for event in events if event["ph"] == "X"]


def test_spans_of_a_track_lie_within_one_another_or_apart(tmp_path: Path) -> None:
    assert lanes(tmp_path, (0, 2), (2, 4), (0, 5), (6, 7)) == [1, 1, 1, 1]
    assert lanes(tmp_path, (0, 3), (2, 5), (4, 6), (0, 7)) == [1, 2, 1, 1]
    assert lanes(tmp_path, (1, 3), (0, 4), (2, 5)) == [1, 1, 2]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ms", 2, 2000.0),
        ("wait_us", 2.5, 2.5),
        ("elapsed", 0.5, 500_000.0),
        ("terms", 2, None),
        ("ms", "2", None),
        ("ms", True, None),
        ("ms", float("nan"), None),
        ("ms", -1, None),
    ],
)
def test_durations_are_known_by_their_names(name: str, value: Any, expected: float | None) -> None:
    assert microseconds(name, value) == expected


@pytest.mark.parametrize("name", ["run.csv", "run.sqlite", "run.parquet", "folder/"])
def test_an_error_leaves_no_part_of_a_file(
    requests: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    out = tmp_path / name
    if not name.endswith("/"):
        out.write_text("as it was")

    def fail(*args: object, **_: object) -> None:
        for each in args:
            if isinstance(each, str):
                Path(each, "half").touch() if os.path.isdir(each) else Path(each).touch()
        raise OSError(28, "No space left on device")

    for writer in "write_csv", "write_sqlite", "write_parquet", "write_folder":
        monkeypatch.setattr(export, writer, fail)
    suffix = export._suffix(f"{tmp_path}/{name}")
    if suffix in export._TABLES:
        monkeypatch.setitem(export._TABLES, suffix, fail)
    assert main(["export", str(requests), f"{tmp_path}/{name}", "-t", "request"]) == 1
    left = list(tmp_path.iterdir())
    assert left == ([] if name.endswith("/") else [out])
    assert not left or out.read_text() == "as it was"


@pytest.mark.parametrize(
    ("out", "options", "said"),
    [
        ("run.xls", [], "the suffix is none of .csv, "),
        ("run", [], "the suffix is none of .csv, "),
        ("run.parquet", [], ".parquet holds one table: name it with -t ('request', "),
        ("run.jsonl", ["--safe-csv"], "--safe-csv is for .csv"),
        ("run.csv", ["-t", "requst"], "did you mean 'request'"),
        ("run.csv", ["--where", "mss > 3"], "did you mean 'ms'?"),
        (".", [], "is a folder with files in it"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(
    requests: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    out: str,
    options: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other").touch()
    assert main(["export", str(requests), out, *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and said in captured.err and captured.err.count("\n") == 1
    assert os.listdir() == ["other"]


def test_a_missing_extra_is_one_line(
    requests: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert main(["export", str(requests), str(tmp_path / "run.duckdb")]) == 1
    assert "pip install 'attolog[sql]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_journal_is_exported_as_far_as_it_goes(
    requests: Path, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "run.atto"
    path.write_bytes(requests.read_bytes() + requests.read_bytes()[:-9])
    assert main(["export", str(path), str(tmp_path / "run.csv")]) == 1
    with (tmp_path / "run.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 124
    assert capsys.readouterr().err.startswith("attolog: ")
