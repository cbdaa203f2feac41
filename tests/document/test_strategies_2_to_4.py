"""Strategies 2 to 4 of the user's document, its classes replaced by an import of attolog's."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .blocks import CIRCULAR, SAMPLED, SETTING, STATISTICS, imported

Run = Callable[..., str]


def with_class(source: str, name: str) -> str:
    """The block with its class imported, in front of what it is used for."""
    instead = f"from attolog import {name}"
    *rest, line = imported(source, {name}, instead).splitlines()
    assert line == instead
    return "\n".join([line, *rest, ""])


# Strategy 2


def sampled_print() -> str:
    """The document's `print`, out of the `if` that samples it."""
    (condition,) = [node for node in ast.parse(SAMPLED).body if isinstance(node, ast.If)]
    assert ast.unparse(condition.test) == "random.random() < SAMPLE_RATE"
    (line,) = condition.body
    return (ast.get_source_segment(SAMPLED, line) or "") + "\n"


PRINTS = 100_000
SAMPLES = (
    f"from attolog import log\n{SETTING}print = log.print\n"
    f"for _ in range({PRINTS}):\n    {sampled_print()}"
    "log.close()\n"
    "log_counts = log.counts\n"
    "sys.stdout.write(f'{log_counts.calls} {log_counts.written} {log_counts.sampled_out}')\n"
)


def test_the_sampled_print_is_a_print_and_a_setting(run: Run, tmp_path: Path) -> None:
    calls, written, sampled_out = map(
        int, run(SAMPLES, "logs", ATTOLOG="sample:0.01:run.log").split()
    )
    lines = (tmp_path / "run.log").read_text().splitlines()
    assert set(lines) == {"[Generator-ResNet50] New task 12345"}
    assert len(lines) == written
    assert calls == written + sampled_out == PRINTS
    # The sample is another one each time. Of 100,000 calls 1,000 are expected with a standard
    # deviation of 31: ten of them do not happen.
    assert 690 <= written <= 1310


def test_without_the_setting_the_print_logs_nothing(run: Run, tmp_path: Path) -> None:
    assert run(SAMPLES, "logs") == "0 0 0"
    assert list(tmp_path.glob("*.log")) == []


# Strategy 3


def test_statistics_are_printed_as_the_document_prints_them(run: Run) -> None:
    printed = run(with_class(STATISTICS, "StatsLogger"))
    # The window ends with the program, and so the rate is that of a part of it.
    assert re.fullmatch(r"\d+\.\d{3}: 1 events, \d+\.\d\d events/s\n", printed)


def test_a_line_of_statistics_for_each_window(run: Run) -> None:
    source = with_class(STATISTICS, "StatsLogger") + (
        "assert stats.window_sec == 1.0\n"
        "stats.close()\n"
        "stats = StatsLogger()\n"
        "stats.window_sec = 0.5\n"
        "for ms in range(1_000, 2_000, 10):\n"
        "    stats.set_time(1_700_000_000_000_000_000 + ms * 1_000_000)\n"
        "    stats.log_event()\n"
    )
    first, *windows = run(source).splitlines()
    assert ": 1 events, " in first
    assert windows == [
        "1700000001.500: 50 events, 100.00 events/s",
        "1700000002.000: 50 events, 100.00 events/s",
    ]


# Strategy 4


def test_the_circular_log_saves_exactly_its_messages(run: Run, tmp_path: Path) -> None:
    assert run("info = '{verbatim}, 7'\n" + with_class(CIRCULAR, "CircularLogger")) == ""
    assert (tmp_path / "logs/events.log").read_text() == "Event: {verbatim}, 7\n"


@pytest.mark.parametrize("name", ["CircularLogger", "CircularBufferLogger"])
def test_the_circular_log_holds_the_last_messages(run: Run, tmp_path: Path, name: str) -> None:
    source = (
        f"from attolog import {name}\n"
        f"logger = {name}(max_size=1000)\n"
        "for i in range(20_000): logger.log(f'Event: {i}')\n"
        "logger.save('logs/events.log')\n"
    )
    run(source)
    lines = (tmp_path / "logs/events.log").read_text().splitlines()
    assert lines == [f"Event: {i}" for i in range(19_000, 20_000)]


def test_the_classes_are_all_that_is_replaced() -> None:
    for source, name in ((STATISTICS, "StatsLogger"), (CIRCULAR, "CircularLogger")):
        replaced = with_class(source, name)
        assert "class " not in replaced and "def " not in replaced
        used = [line for line in source.partition("# 使用\n")[2].splitlines() if line]
        assert [line for line in replaced.splitlines() if line][-len(used) :] == used
