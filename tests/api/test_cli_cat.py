"""`attolog cat`: which records it shows, and how."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

import attolog
from attolog._cli import main

from .terminal import on_a_terminal

Show = Callable[..., list[str]]


@pytest.fixture
def show(requests: Path, capfd: pytest.CaptureFixture[str]) -> Show:
    """The lines of `attolog cat`, behind their times."""

    def run(*options: str) -> list[str]:
        assert main(["cat", str(requests), *options]) == 0
        captured = capfd.readouterr()
        assert captured.err == ""
        return [
            line if line == "--" else line.split(" ", 1)[1]
            for line in captured.out.split("\n")[:-1]
        ]

    return run


def refused(requests: Path, capfd: pytest.CaptureFixture[str], *options: str) -> list[str]:
    assert main(["cat", str(requests), *options]) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_records_match_an_expression(show: Show) -> None:
    found = show("--where", "ms >= 58 and user == 'bob'")
    assert found == [
        'EVENT    request user=bob ms=58.0 path="/page 2"',
        'EVENT    request user=bob ms=59.0 path="/page 1"',
    ]


def test_a_table_goes_by_its_short_name_and_by_a_part(show: Show) -> None:
    every = show("--table", "epoch_step_loss")
    assert len(every) == 20 and every[0] == "INFO     epoch 0 step 5 loss=0.1667"
    assert show("-t", "loss") == every
    both = show("-t", "loss", "-t", "LOG")
    assert both == [*every, "LOG      a sentence"]


def test_several_tables_come_in_the_order_of_time(show: Show) -> None:
    found = show("-t", "loss", "-t", "request", "--until", "22:13:26")
    assert ["loss" in line for line in found] == [False] * 5 + [True]
    assert len(show("-t", "loss", "-t", "request", "-n", "3")) == 3


@pytest.mark.parametrize(
    ("level", "shown"),
    [("warning", ["ERROR    request 7 failed"]), ("CRITICAL", []), ("Info", None)],
)
def test_messages_of_a_level_or_above(show: Show, level: str, shown: list[str] | None) -> None:
    found = show("--level", level)
    assert len(found) == 21 if shown is None else found == shown


def test_a_level_and_an_expression_both_hold(show: Show) -> None:
    assert show("--level", "INFO", "--where", "step == 5 or n == 7 or ms > 0") == [
        "INFO     epoch 0 step 5 loss=0.1667",
        "ERROR    request 7 failed",
    ]


def test_dropped_records_are_shown_among_warnings(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path, buffer_bytes=65536, on_full="drop") as log:
        for n in range(200_000):
            log("request", text="x" * 100, n=n)
        dropped = log.counts.dropped
    assert dropped > 0
    assert main(["cat", str(path), "--level", "warning"]) == 0
    assert "WARNING  DROPPED n=" in capfd.readouterr().out


def test_lines_match_a_pattern(show: Show) -> None:
    assert show("--grep", r"^\S+ EVENT .*ms=1?4\.5\b") == [
        'EVENT    request user=ann ms=4.5 path="/page 0"'
    ]


def test_the_last_of_those_that_match(show: Show) -> None:
    assert len(show("--grep", "bob", "-n", "3")) == 3
    assert show("--grep", "bob", "-n", "3") == show("--where", "user == 'bob'", "-n", "3")


def test_a_stretch_of_time(show: Show) -> None:
    assert show("--since", "-0s") == show("-n", "3")
    assert len(show("--since", "22:13:30", "--until", "22:13:32")) == 2
    assert show("--since=2024-01-01") == []


def test_local_times(
    requests: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    import time

    time.tzset()
    try:
        assert main(["cat", str(requests), "--local", "--until", "2023-11-15T07:13:21"]) == 0
    finally:
        monkeypatch.undo()
        time.tzset()
    assert capfd.readouterr().out.startswith("2023-11-15T07:13:20.123456+09:00 EVENT    request ")


def test_only_some_columns(show: Show) -> None:
    assert show("--columns", "ms, loss", "--until", "22:13:26")[-2:] == [
        "EVENT    request ms=2.0",
        "INFO     loss=0.16666666666666666",
    ]


def test_the_time_since_the_line_before(requests: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["cat", str(requests), "-n", "4", "--delta"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["+0.000000s", "+1.000000s"] + ["+0.000000s"] * 2


def test_context_of_matching_records(show: Show) -> None:
    found = show("--where", "step == 5 or step == 11 or step == 47", "--context", "2")
    around = [re.split("step | loss|ms=| path", line)[1] for line in found if line != "--"]
    assert around == [
        *("1.5", "2.0", "5", "3.0", "3.5"),
        *("4.5", "5.0", "11", "6.0", "6.5"),
        *("22.5", "23.0", "47", "24.0", "24.5"),
    ]
    assert [at for at, line in enumerate(found) if line == "--"] == [5, 11]


def test_context_that_meets_is_shown_once(show: Show) -> None:
    found = show("--where", "step == 5 or step == 11", "--context", "3")
    assert "--" not in found and len(found) == len(set(found)) == 3 + 1 + 5 + 1 + 3


def test_records_of_a_thread(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import threading

    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path) as log:
        log("request", n=1)
        thread = threading.Thread(target=lambda: log("request", n=2), name="worker 'a'")
        thread.start()
        thread.join()
    assert main(["cat", str(path), "--thread", "worker 'a'"]) == 0
    assert capfd.readouterr().out.endswith("request n=2\n")


def test_wrong_names_have_the_nearest_beside_them(
    requests: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "'ms'?" in refused(requests, capfd, "--where", "mss > 3")[0]
    assert "'user'?" in refused(requests, capfd, "--columns", "USER")[0]
    assert "'request'" in refused(requests, capfd, "-t", "requst")[0]
    several = refused(requests, capfd, "-t", "e")[0]
    assert "'epoch_step_loss'" in several and "'request_failed'" in several


def test_a_name_in_a_text_of_an_expression_is_no_column(show: Show) -> None:
    assert show("--where", "user in ('name', 'value', 'list')") == []


def test_the_place_of_a_mistake_is_marked(
    requests: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    message, expression, mark = refused(requests, capfd, "--where", "ms >\t> 3")
    assert message.startswith("attolog: --where: expected a name")
    assert expression[mark.index("^") :] == "> 3"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--grep", "("], "--grep: missing )"),
        (["--since", "noon"], "--since: 'noon' is no time"),
        (["-f", "--context", "1"], "--context does not go with -f"),
    ],
)
def test_other_mistakes(
    requests: Path, capfd: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    (line,) = refused(requests, capfd, *options)
    assert said in line


def test_a_text_file_is_filtered_by_a_pattern_alone(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = tmp_path / "run.log"
    path.write_bytes(b"one\ntwo\nthree \xff\n")
    assert main(["cat", str(path), "--grep", "t", "-n", "1"]) == 0
    assert main(["cat", str(path), "--where", "ms > 3"]) == 2
    captured = capfdbinary.readouterr()
    assert captured.out == b"three \xff\n"
    assert f"{path} is no journal: -n, -f and --grep" in captured.err.decode()


def test_filters_go_with_follow(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.atto"
    log = attolog.AsyncFileLogger(path)
    log("request", ms=1)
    log("request", ms=30)
    log.flush()

    def more() -> None:
        log("other", ms=40)
        log("request", ms=2)
        log("request", ms=50)
        log.flush()

    steps: list[Callable[[], None]] = [more, lambda: None]

    def sleep(_seconds: float) -> None:
        if not steps:
            raise KeyboardInterrupt
        steps.pop(0)()

    monkeypatch.setattr("attolog._cli.cat.time.sleep", sleep)
    assert main(["cat", "-f", str(path), "-t", "request", "--where", "ms > 20"]) == 130
    log.close()
    shown = capfd.readouterr().out.splitlines()
    assert [line.rpartition("=")[2] for line in shown] == ["30", "50"]


def test_a_terminal_gets_colours_and_links(requests: Path) -> None:
    shown = on_a_terminal("cat", str(requests), "-n", "1", TERM="xterm", PAGER="cat").decode()
    here = Path(__file__).with_name("conftest.py")
    assert re.search(rf"\x1b\]8;;file://{re.escape(str(here))}#\d+\x1b\\\x1b\[31mERROR", shown)
    plain = re.sub(r"\x1b\[[\d;]*m|\x1b\]8;;[^\x1b]*\x1b\\", "", shown)
    assert plain == "2023-11-14T22:15:20.123456Z ERROR    request 7 failed\n"


def test_colours_are_forced_and_refused(
    requests: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["cat", str(requests), "-n", "1", "--grep", "7"])
    forced = capfd.readouterr().out
    assert "\x1b[7m7\x1b[0m" in forced and "\x1b]8" not in forced
    monkeypatch.setenv("NO_COLOR", "1")
    main(["cat", str(requests), "-n", "1"])
    assert "\x1b" not in capfd.readouterr().out


def test_a_long_output_goes_through_the_pager(requests: Path, tmp_path: Path) -> None:
    took = tmp_path / "took"
    pager = tmp_path / "pager"
    pager.write_text(f"#!/bin/sh\nexec cat > {shlex.quote(str(took))}\n")
    pager.chmod(0o755)
    shown = on_a_terminal("cat", str(requests), TERM="xterm", PAGER=str(pager), NO_COLOR="1")
    assert shown == b""
    assert len(took.read_bytes().splitlines()) == 123


def test_a_pager_that_ends_early_is_no_error(requests: Path) -> None:
    assert on_a_terminal("cat", str(requests), TERM="xterm", PAGER="true") == b""
