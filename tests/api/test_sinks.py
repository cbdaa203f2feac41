"""Rows in all four formats: the design's table of rows, end to end."""

import json
import re
from ast import literal_eval
from datetime import UTC, datetime
from pathlib import Path

import pytest

import attolog
from attolog import AsyncFileLogger

from .helpers import TIME, lines, log_to, objects

pa = pytest.importorskip("pyarrow")

CSV_TIME = "1700000000.123456"
TEXT_TIME = "2023-11-14T22:13:20.123456Z"


# ---- rows --------------------------------------------------------------------------------------


def rows_of_every_kind(log: AsyncFileLogger) -> None:
    model, task_id = "ResNet50", 7
    log("GEN", model, task_id)
    log("{model} took {dt:.3f}s", model, 0.0125, user="eve")
    log("a sentence, alone")
    log.log("two\nlines")
    log.print("printed", 1)
    bound = log.bind(request=17)
    bound("GEN", model, task_id)
    bound.info("ready")
    bound.log("text")
    bound.print("p", end="")


def test_csv_rows(tmp_path: Path) -> None:
    assert log_to(tmp_path / "run.csv", rows_of_every_kind).read_text() == (
        f"{CSV_TIME},GEN,ResNet50,7\n"
        f"{CSV_TIME},DEBUG,ResNet50 took 0.013s,eve\n"
        f'{CSV_TIME},LOG,"a sentence, alone"\n'
        f'{CSV_TIME},LOG,"two\nlines"\n'
        f"{CSV_TIME},PRINT,printed 1\n"
        f"{CSV_TIME},GEN,ResNet50,7,17\n"
        f"{CSV_TIME},INFO,ready,17\n"
        f"{CSV_TIME},LOG,text,17\n"
        f"{CSV_TIME},PRINT,p,17\n"
    )


def test_jsonl_rows(tmp_path: Path) -> None:
    path = log_to(tmp_path / "run.jsonl", rows_of_every_kind)
    assert lines(path)[0] == (f'{{"time":{CSV_TIME},"event":"GEN","model":"ResNet50","task_id":7}}')
    assert all(line.startswith(f'{{"time":{CSV_TIME},') for line in lines(path))
    assert objects(path)[1:] == [
        {
            "level": "DEBUG",
            "message": "ResNet50 took 0.013s",
            "model": "ResNet50",
            "dt": 0.0125,
            "user": "eve",
        },
        {"text": "a sentence, alone"},
        {"text": "two\nlines"},
        {"text": "printed 1\n"},
        {"event": "GEN", "model": "ResNet50", "task_id": 7, "request": 17},
        {"level": "INFO", "message": "ready", "request": 17},
        {"text": "text", "request": 17},
        {"text": "p", "request": 17},
    ]


@pytest.mark.parametrize("name", ["run.log", "run.txt"])
def test_text_rows(tmp_path: Path, name: str) -> None:
    assert log_to(tmp_path / name, rows_of_every_kind).read_text() == (
        f"{TEXT_TIME} EVENT    GEN model=ResNet50 task_id=7\n"
        f"{TEXT_TIME} DEBUG    ResNet50 took 0.013s user=eve\n"
        "a sentence, alone\n"
        "two\nlines\n"
        "printed 1\n"
        f"{TEXT_TIME} EVENT    GEN model=ResNet50 task_id=7 request=17\n"
        f"{TEXT_TIME} INFO     ready request=17\n"
        "text\n"
        "p"
    )


def test_tables_of_a_journal(tmp_path: Path) -> None:
    run = attolog.read(log_to(tmp_path / "run.atto", rows_of_every_kind))
    when = datetime.fromtimestamp(TIME // 10**9, UTC)
    tables = {}
    for name in run:
        rows = pa.table(run[name]).to_pylist()
        for row in rows:
            assert row.pop("time").timestamp() == pytest.approx(when.timestamp() + 0.123456789)
        tables[name] = rows
    assert tables == {
        "GEN": [
            {"model": "ResNet50", "task_id": 7, "request": None},
            {"model": "ResNet50", "task_id": 7, "request": 17},
        ],
        "{model} took {dt:.3f}s": [
            {"level": "DEBUG", "model": "ResNet50", "dt": 0.0125, "user": "eve"}
        ],
        "LOG": [
            {"text": "a sentence, alone", "request": None},
            {"text": "two\nlines", "request": None},
            {"text": "text", "request": 17},
        ],
        "PRINT": [{"text": "printed 1\n", "request": None}, {"text": "p", "request": 17}],
        "INFO": [{"level": "INFO", "message": "ready", "request": 17}],
    }


class Interrupts:
    def __str__(self) -> str:
        raise KeyboardInterrupt


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".log", ".atto"])
def test_a_loss_stands_in_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run{suffix}"
    with AsyncFileLogger(path) as log:
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                log("E", Interrupts())
    assert log.counts.dropped == 3
    if suffix == ".atto":
        run = attolog.read(path)
        (record,) = run.records()
        assert (record.kind, record.event) == ("dropped", "DROPPED")
        assert record.fields["n"] == 3
        assert run.events == {}
        assert pa.table(run["DROPPED"]).column_names == ["time", "n", "since"]
    else:
        (line,) = lines(path)
        if suffix == ".csv":
            when, kind, n, since = line.split(",")
            assert (kind, n) == ("DROPPED", "3")
            assert 0 <= float(when) - float(since) < 60
        elif suffix == ".jsonl":
            row = json.loads(line)
            assert list(row) == ["time", "event", "n", "since"]
            assert (row["event"], row["n"]) == ("DROPPED", 3)
        else:
            assert " WARNING  DROPPED n=3 since=20" in line


def test_the_first_use_of_an_event_fixes_its_columns(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        log("E", a=1, b=2)
        log("E", b=3)
        log("E", c=4, a=5)
        log("E", b=6, a=7)
        log("F", c=8)

    path = log_to(tmp_path / "run.csv", use)
    assert [line.partition(",")[2] for line in lines(path)] == [
        "E,1,2",
        "E,,3",
        "E,5,,4",
        "E,7,6,",
        "F,8",
    ]


def test_newlines(tmp_path: Path) -> None:
    text = "a\nb\r\nc\u2028d\x1be\\f"

    def use(log: AsyncFileLogger) -> None:
        log("E", x=text)
        log.info("{x}!", x=text)
        log.bind(y=text).info(text)
        log(text)

    assert log_to(tmp_path / "run.csv", use).read_bytes().decode() == (
        f'{CSV_TIME},E,"{text}"\n'
        f'{CSV_TIME},INFO,"{text}!"\n'
        f'{CSV_TIME},INFO,"{text}","{text}"\n'
        f'{CSV_TIME},LOG,"{text}"\n'
    )
    rows = objects(log_to(tmp_path / "run.jsonl", use))
    assert [row.get("x", row.get("y", row.get("text"))) for row in rows] == [text] * 4
    escaped = r"a\nb\r\nc\u2028d\x1be\\f"
    assert log_to(tmp_path / "run.log", use).read_bytes().decode() == (
        f'{TEXT_TIME} EVENT    E x="{escaped}"\n'
        f"{TEXT_TIME} INFO     {escaped}!\n"
        f'{TEXT_TIME} INFO     {escaped} y="{escaped}"\n'
        f"{text}\n"
    )


def unescape(line: str) -> str:
    """A text line without its escapes, which are those of `repr`."""
    return re.sub(r"\\(x..|u....|.)", lambda found: literal_eval(f"'{found[0]}'"), line)


def test_a_text_line_gives_back_bytes_and_backslashes(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    with AsyncFileLogger(path, pattern="{message}") as log:
        log("E", path=r"C:\new", name="é\n\u2028", body=b"a\\b\xff\n")
        log.info("{} {}", r"\xff", b"\xff")
    event, message = path.read_text("utf-8").splitlines()
    assert event == r"""E path=C:\\new name="é\n\u2028" body=b'a\\\\b\\xff\\n'"""
    assert unescape(event) == 'E path=C:\\new name="é\n\u2028" body=' + str(b"a\\b\xff\n")
    assert unescape(message) == "\\xff " + str(b"\xff")


@pytest.mark.parametrize("suffix", [".jsonl", ".log"])
def test_one_record_is_one_line(tmp_path: Path, suffix: str) -> None:
    def use(log: AsyncFileLogger) -> None:
        for code in [*range(0x100), 0x2028, 0x2029, 0xFEFF]:
            log("E", x=f"a{chr(code)}b\n")

    text = log_to(tmp_path / f"run{suffix}", use).read_bytes().decode()
    assert len(text.splitlines()) == text.count("\n") == 0x103


def test_forged_lines_are_none(tmp_path: Path) -> None:
    forged = f'x\n{CSV_TIME},LOG,forged\n{{"time":1,"text":"forged"}}\n{TEXT_TIME} ERROR    forged'

    def use(log: AsyncFileLogger) -> None:
        log("E", forged)
        log.info("{x}", x=forged)
        log.info(forged)
        log.event("E", "forged")(forged)

    assert len(objects(log_to(tmp_path / "run.jsonl", use))) == 4
    assert len(lines(log_to(tmp_path / "run.log", use))) == 4
    import csv

    with open(log_to(tmp_path / "run.csv", use), newline="") as file:
        assert [row[1] for row in csv.reader(file)] == ["E", "INFO", "INFO", "E"]
