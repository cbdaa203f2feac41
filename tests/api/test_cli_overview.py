"""`attolog FILE` on a terminal: the whole of a journal in one screen."""

import re
import shlex
from pathlib import Path

import pytest

import attolog
from attolog._cli import main

from .helpers import TIME
from .terminal import on_a_terminal

SCREEN = {"LINES": "40", "COLUMNS": "120"}


def lines(path: Path, status: int = 0) -> list[str]:
    return on_a_terminal(str(path), status=status, **SCREEN).decode().splitlines()


def test_an_overview_has_errors_first_then_tables_then_the_last_lines(requests: Path) -> None:
    shown = lines(requests)
    assert shown[0].split("  ")[1:] == [
        "123 records",
        "2023-11-14T22:13:20.123456Z to 2023-11-14T22:15:20.123456Z (120 s)",
    ]
    assert shown[1:3] == ["1 ERROR", ""]
    tables = shown[3 : shown.index("", 3)]
    assert tables[0].split() == [
        *("table", "rows", "per", "second", "over", "time", "column", "min", "median", "max")
    ]
    assert tables[1].split()[:2] == ["request", "100"]
    assert tables[1].split()[-4:-2] == ["ms", "0"]
    last = shown[shown.index("", 3) + 1 :]
    assert last[9] == "2023-11-14T22:15:20.123456Z ERROR    request 7 failed"
    assert last[10] == ""
    assert len(shown) <= 40


def test_the_commands_of_an_overview_work(
    requests: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = [line for line in lines(requests) if line.startswith("attolog ")]
    assert len(commands) >= 3
    for each in commands:
        arguments = shlex.split(each)[1:]
        assert main(arguments) == 0, each
        assert capsys.readouterr().out, each


def test_a_pipe_gets_the_records(requests: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([str(requests)]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 123


def test_options_mean_cat_on_a_terminal_too(requests: Path) -> None:
    shown = on_a_terminal(str(requests), "-n", "1").decode()
    assert shown == "2023-11-14T22:15:20.123456Z ERROR    request 7 failed\n"


def test_a_text_file_is_shown_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "run.log").write_text("one\n")
    assert on_a_terminal(str(tmp_path / "run.log")) == b"one\n"


def test_many_tables_leave_one_screen(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path) as log:
        for n in range(200):
            log.set_time(TIME + n)
            log(f"event{n % 50}", a=n, b=n * 0.5, c=1)
    shown = lines(path)
    assert len(shown) <= 40
    assert sum(bool(re.match(r"event\d", line)) for line in shown) >= 3
    assert any(re.match(r"\.\.\. \d+ more tables: attolog stats ", line) for line in shown)


def test_dropped_records_come_first(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path, buffer_bytes=65536, on_full="drop") as log:
        for n in range(200_000):
            log("request", text="x" * 100, n=n)
    assert log.counts.dropped > 0
    assert lines(path)[1] == f"{log.counts.dropped:,} records dropped"


def test_a_damaged_journal_is_shown_with_what_is_wrong(requests: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    path.write_bytes(requests.read_bytes() + requests.read_bytes()[:-9])
    shown = lines(path, status=1)
    assert "1 problem with the file, see below" in shown
    assert any(line.startswith("request ") for line in shown)


def test_an_empty_journal_has_an_overview(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    attolog.AsyncFileLogger(path).close()
    assert lines(path)[0] == f"{path}  0 records"


def test_a_pipe_gets_an_overview_of_all_tables_when_it_asks(
    requests: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["overview", str(requests)]) == 0
    shown = capsys.readouterr().out
    assert "..." not in shown
    assert [name for name in ("request", "epoch_step_loss") if f"\n{name} " in shown] == [
        "request",
        "epoch_step_loss",
    ]


def test_damaged_records_are_not_counted(
    requests: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = bytearray(requests.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    path = tmp_path / "damaged.atto"
    path.write_bytes(damaged)
    assert main(["overview", str(path)]) == 1
    captured = capsys.readouterr()
    assert "1 problem with the file" in captured.out
    assert "123 records" not in captured.out
    assert "its checksum does not match" in captured.err
