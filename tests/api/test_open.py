"""`log.open(path)`, the pair of `log.close()`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog import AsyncFileLogger, CircularLogger, SampledLogger, StatsLogger

from .helpers import cells, run_python

DEFAULT = """
import sys
import attolog
from attolog import log

{logger}.open(sys.argv[1], columns=5)
log("GEN", 1)
attolog.debug_log("text")
assert log.path == sys.argv[1]
assert log.close()
"""


@pytest.mark.parametrize("logger", ["log", "log.bind()", "__import__('attolog.prints').prints.log"])
def test_the_default_logger_is_turned_on_silently(tmp_path: Path, logger: str) -> None:
    done = run_python(DEFAULT.replace("{logger}", logger), tmp_path / "run.csv")
    assert (done.stdout, done.stderr) == ("", "")
    assert cells(tmp_path / "run.csv") == [["GEN", "1", "", ""], ["LOG", "text", "", ""]]


def test_the_environment_decides_for_the_default_logger(tmp_path: Path) -> None:
    program = """
import sys
from attolog import log
assert log.open(sys.argv[1]) is log
log("GEN", 1)
print(log.path)
"""
    path = tmp_path / "environment.csv"
    done = run_python(program, tmp_path / "program.csv", ATTOLOG=str(path))
    assert (done.stdout, done.stderr) == (f"{path}\n", "")
    assert cells(path) == [["GEN", "1"]]
    assert run_python(program, tmp_path / "program.csv", ATTOLOG="off").stdout == "None\n"
    assert not (tmp_path / "program.csv").exists()


def test_with_closes_what_open_opened(tmp_path: Path) -> None:
    log = AsyncFileLogger(tmp_path / "one.csv")
    with log.open(tmp_path / "two.csv") as opened:
        assert opened is log
        assert log
    assert not log


def test_a_logger_goes_on_in_another_file_before_and_after_it_is_closed(tmp_path: Path) -> None:
    log = AsyncFileLogger(tmp_path / "1.csv")
    bound = log.bind(request=17)
    gen = bound.event("GEN", "model")

    def use(n: int) -> None:
        log("E", n)
        bound("B", n)
        gen(n)

    use(1)
    log.open(tmp_path / "2.csv")
    use(2)
    assert log.close()
    bound.open(tmp_path / "3.csv")
    use(3)
    assert log.path == str(tmp_path / "3.csv")
    assert log.close()
    for n in "123":
        assert cells(tmp_path / f"{n}.csv") == [["E", n], ["B", n, "17"], ["GEN", n, "17"]]
    assert log.counts.calls == log.counts.written == 9


def test_rules_stay_unless_others_are_given(tmp_path: Path) -> None:
    log = AsyncFileLogger(tmp_path / "1.csv", rules={"A": "off"})

    def use() -> None:
        log("A", 1)
        log("B", 2)

    use()
    log.open(tmp_path / "2.csv")
    use()
    log.open(tmp_path / "3.csv", rules=None)
    use()
    log.open(tmp_path / "4.csv", rules={"B": "off"})
    use()
    log.open(tmp_path / "5.csv", rules={})
    use()
    assert log.close()
    names = [[row[0] for row in cells(tmp_path / f"{n}.csv")] for n in range(1, 6)]
    assert names == [["B"], ["B"], ["B"], ["A"], ["A", "B"]]


def test_options_of_the_file_are_those_of_this_call(tmp_path: Path) -> None:
    log = AsyncFileLogger(tmp_path / "1.csv", columns=5)
    log("E", 1)
    log.open(tmp_path / "2.csv")
    log("E", 1)
    log.open(path=tmp_path / "3.csv", digits=9, append=False)
    log("E", 1)
    assert log.close()
    assert cells(tmp_path / "1.csv") == [["E", "1", "", ""]]
    assert cells(tmp_path / "2.csv") == cells(tmp_path / "3.csv") == [["E", "1"]]
    assert len((tmp_path / "3.csv").read_text().partition(",")[0]) == len("1700000000.123456789")


def test_a_sampled_logger_keeps_its_share(tmp_path: Path) -> None:
    few = SampledLogger(tmp_path / "1.csv", strategy="every:10")
    assert few.close()
    with few.open(tmp_path / "2.csv"):
        for n in range(100):
            few("E", n)
    assert len(cells(tmp_path / "2.csv")) == 10
    assert few.counts.sampled_out == 90


@pytest.mark.parametrize("has_file", [True, False])
def test_a_stats_logger_keeps_window_and_groups(tmp_path: Path, has_file: bool) -> None:
    stats = StatsLogger(tmp_path / "1.csv" if has_file else None, window="5m", by="model")
    assert stats.close()
    with stats.open(tmp_path / "2.csv"):
        for n in range(10):
            stats("E", model=f"m{n % 2}")
        assert stats.window_sec == 300
    rows = cells(tmp_path / "2.csv")
    assert [row[0] for row in rows] == ["STATS", "STATS"]
    assert {cell for row in rows for cell in row} >= {"m0", "m1", "5"}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda log: CircularLogger(10), r"save\(\) writes its records to one"),
        (lambda log: attolog.tee(log), "open those"),
        (lambda log: SampledLogger(log), "open those"),
        (lambda log: StatsLogger(log), "open those"),
    ],
    ids=["circular", "tee", "sampled", "stats"],
)
def test_a_logger_without_a_file_of_its_own_refuses(
    tmp_path: Path, make: Callable[[attolog.Logger], attolog.Logger], said: str
) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as log, make(log) as other:
        with pytest.raises(TypeError, match=said):
            other.open(tmp_path / "other.csv")
        assert other
    assert not (tmp_path / "other.csv").exists()


@pytest.mark.parametrize("is_default", [True, False])
def test_a_logger_that_cannot_be_opened_stays_as_it_was(tmp_path: Path, is_default: bool) -> None:
    log = attolog.log if is_default else AsyncFileLogger(tmp_path / "run.csv", rules={"A": "off"})
    was_on = bool(log)
    (tmp_path / "file").touch()
    for error, path, options in (
        (ValueError, "run.xlsx", {}),
        (ValueError, "two.csv", {"digits": 7}),
        (ValueError, "two.csv", {"rules": {"A": "no strategy"}}),
        (TypeError, "two.csv", {"quit": True}),
        (OSError, "file/two.csv", {"rules": {}}),
    ):
        with pytest.raises(error) as raised:
            log.open(tmp_path / path, **options)
        assert "\n" not in str(raised.value)
        assert bool(log) is was_on
    open_unchecked: Any = log.open
    for arguments in (), (tmp_path / "two.csv", 1000):
        with pytest.raises(TypeError):
            open_unchecked(*arguments)
    if not is_default:
        log("A", 1)
        log("B", 2)
        assert log.close()
        assert cells(tmp_path / "run.csv") == [["B", "2"]]
