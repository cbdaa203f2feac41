"""Strategy 3: statistics of each window, and no record."""

import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog import AsyncFileLogger, SampledLogger, StatsLogger

from .helpers import cells, lines, objects, run_python

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
COUNTS = ["of", "field", "window", "count", "rate"]
FIGURES = ["sum", "min", "max", "mean", "p50", "p90", "p99", "p999", "error"]


def rows(path: Path) -> list[dict[str, Any]]:
    return [each for each in objects(path) if each.pop("event") == "STATS"]


def counts(path: Path, *by: str) -> dict[Any, float]:
    """What was counted of each event and value of `by`, over all windows."""
    found: Counter[Any] = Counter()
    for row in rows(path):
        if row["field"] is None:
            found[(row["of"], *(row[name] for name in by)) if by else row["of"]] += row["count"]
    return dict(found)


def figures(path: Path, name: str) -> dict[str, Any]:
    """The one row of a field."""
    (row,) = [each for each in rows(path) if each["field"] == name]
    return row


def test_a_row_for_each_event_and_one_for_each_number(tmp_path: Path) -> None:
    with StatsLogger(tmp_path / "rates.jsonl", window=10) as stats:
        stats.set_time(START)
        for ms in range(1, 101):
            stats("DONE", total_ms=ms, load=ms / 4)
        stats("START", 7)
    found = rows(tmp_path / "rates.jsonl")
    assert [(row["of"], row["field"]) for row in found] == [
        ("DONE", None),
        ("DONE", "load"),
        ("DONE", "total_ms"),
        ("START", None),
        ("START", "v1"),
    ]
    assert list(found[0]) == COUNTS + FIGURES
    assert (found[0]["window"], found[0]["count"], found[0]["rate"]) == (10, 100, 10)
    assert all(found[0][name] is None for name in FIGURES)
    assert [found[2][name] for name in COUNTS[2:] + FIGURES[:4]] == [
        10,
        100,
        10,
        5050,
        1,
        100,
        50.5,
    ]
    assert type(found[2]["sum"]) is int
    assert [found[1][name] for name in FIGURES[:4]] == [1262.5, 0.25, 25, 12.625]


@pytest.mark.parametrize("scale", [1, 1e-9, 1e12])
def test_quantiles_are_right_within_the_error_that_the_row_states(
    tmp_path: Path, scale: float
) -> None:
    numbers = [scale * (1 + i % 1000) for i in range(10_000)]
    with StatsLogger(tmp_path / "rates.jsonl", window="5m") as stats:
        stats.set_time(START)
        for number in numbers:
            stats("E", x=number)
    row = figures(tmp_path / "rates.jsonl", "x")
    assert 0 < row["error"] < 0.05
    for column, share in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)]:
        exact = sorted(numbers)[round(share * (len(numbers) - 1))]
        # The exact one lies between neighbours of which the sketch may take either.
        assert row[column] == pytest.approx(exact, rel=row["error"] + 0.002)
    assert row["sum"] == pytest.approx(sum(numbers))


def test_only_finite_numbers_have_figures(tmp_path: Path) -> None:
    values = [1, 2.5, float("nan"), float("inf"), "text", None, True, b"bytes", 1 << 70]
    with StatsLogger(tmp_path / "rates.jsonl", window="5m") as stats:
        stats.set_time(START)
        for value in values:
            stats("E", x=value)
    assert counts(tmp_path / "rates.jsonl") == {"E": len(values)}
    row = figures(tmp_path / "rates.jsonl", "x")
    assert (row["count"], row["sum"], row["min"], row["max"]) == (2, 3.5, 1, 2.5)


def test_windows_follow_each_other_since_1970(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    with StatsLogger(path, window="10s") as stats:
        for second in (3, 9.999999999, 10, 37):
            stats.set_time(START + round(second * SECOND))
            stats("E")
    stamps = [line.split(",")[0] for line in lines(path)]
    assert stamps == ["1700000010.000000", "1700000020.000000", "1700000040.000000"]
    assert [row[4] for row in cells(path)] == ["2", "1", "1"]


def test_a_late_record_gives_its_window_a_further_row(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    with StatsLogger(path, window=1) as stats:
        for second in (5, 6, 5, 7, 5):
            stats.set_time(START + second * SECOND)
            stats("E")
    of_window: Counter[str] = Counter()
    for line in lines(path):
        of_window[line.split(",")[0]] += int(line.split(",")[5])
    assert of_window == {
        "1700000006.000000": 3,
        "1700000007.000000": 1,
        "1700000008.000000": 1,
    }


def test_a_window_ends_also_where_no_call_comes(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    with StatsLogger(path, window="20ms") as stats:
        stats("E")
        deadline = time.monotonic() + 60
        while not path.stat().st_size:
            assert time.monotonic() < deadline, "it never ends"
        assert cells(path)[0][:2] == ["STATS", "E"]
    assert len(cells(path)) == 1


def test_nothing_is_kept_but_statistics(tmp_path: Path) -> None:
    with StatsLogger(tmp_path / "rates.jsonl", window=60) as stats:
        for i in range(50):
            stats("E", i)
            stats(f"sentence {i}")
            stats.log("text")
            stats.print(i)
            stats.info("{i} is done", i)
            stats.error("{i} is lost", i)
        assert stats.flush()
        assert stats.counts == (300, 0, 0, 0, 0, 300, 0)
    assert stats.counts == (300, 0, 0, 0, 0, 300, 0)
    assert {each["event"] for each in objects(tmp_path / "rates.jsonl")} == {"STATS"}
    assert counts(tmp_path / "rates.jsonl") == {
        "E": 50,
        "LOG": 100,
        "PRINT": 50,
        "{i} is done": 50,
        "{i} is lost": 50,
    }


def test_calls_of_every_kind_are_counted(tmp_path: Path) -> None:
    with StatsLogger(tmp_path / "rates.jsonl", window=60, by=("model", "run")) as stats:
        bound = stats.bind(run=7)

        @stats.event
        def DONE(model: str, ms: int) -> None: ...

        for i in range(10):
            DONE("A", i)
            DONE(model="A", ms=i)
            stats("DONE", ms=i, model="A")
            bound("DONE", "A", i)
            stats.log_event()
        assert stats.counts.calls == 50
    found = counts(tmp_path / "rates.jsonl", "model", "run")
    assert found[("DONE", "A", None)] == 30
    assert found[("EVENT", None, None)] == 10
    assert sum(found.values()) == 50


def test_a_group_for_each_combination_of_values(tmp_path: Path) -> None:
    with StatsLogger(tmp_path / "rates.jsonl", window=60, by=("model", "size")) as stats:
        for i in range(60):
            stats("DONE", model="AB"[i % 2], size=i % 3, ms=i)
        stats("DONE", model="A", ms=1)
        stats("OTHER", 1)
    found = counts(tmp_path / "rates.jsonl", "model", "size")
    expected: dict[Any, int] = {("DONE", m, n): 10 for m in "AB" for n in range(3)}
    assert found == expected | {("DONE", "A", None): 1, ("OTHER", None, None): 1}
    # What is grouped by is no figure.
    assert {row["field"] for row in rows(tmp_path / "rates.jsonl")} == {None, "ms", "v1"}


@pytest.mark.parametrize("by", ["model", ["model"], ("model",)])
def test_by_is_a_name_or_several(tmp_path: Path, by: Any) -> None:
    with StatsLogger(tmp_path / "rates.jsonl", by=by) as stats:
        stats("DONE", model="A")
    assert counts(tmp_path / "rates.jsonl", "model") == {("DONE", "A"): 1}


def test_groups_beyond_a_thousand_are_counted_together(tmp_path: Path) -> None:
    with StatsLogger(tmp_path / "rates.jsonl", window="5m", by="task") as stats:
        stats.set_time(START)
        for task in range(1500):
            stats("E", task=task)
            stats("F", task=task % 10)
    found = counts(tmp_path / "rates.jsonl", "task")
    assert found[("E", "(others)")] == 500
    assert len(found) == 1001 + 10
    assert sum(found.values()) == 3000


def test_a_name_that_rows_need_themselves_gets_a_trailing_underscore(tmp_path: Path) -> None:
    with StatsLogger(tmp_path / "rates.jsonl", by=("count", "field")) as stats:
        stats("E", count=3, field="x")
    (row,) = rows(tmp_path / "rates.jsonl")
    assert (row["count_"], row["field_"], row["count"], row["field"]) == (3, "x", 1, None)


def test_rows_stand_in_the_file_of_another_logger(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "run.jsonl") as full:
        stats = StatsLogger(full, window=60)
        stats.set_time(START)
        for i in range(10):
            stats("E", i=i)
        full("F", 1)
        assert stats.snapshot()[0]["count"] == 10
        assert stats.close()
        assert full
        full("F", 2)
    assert counts(tmp_path / "run.jsonl") == {"E": 10}
    assert [each["event"] for each in objects(tmp_path / "run.jsonl")].count("F") == 2
    assert stats.counts == (10, 0, 0, 0, 0, 10, 0)
    assert full.counts == (12, 2, 0, 0, 0, 10, 0)


def test_rules_go_before_statistics(tmp_path: Path) -> None:
    rules = {"NOISE": "off", "WHOLE": "all", "FEW": "every:10", "SLOW": "stats:5m@model"}
    with StatsLogger(tmp_path / "rates.jsonl", window=1, rules=rules) as stats:
        stats.set_time(START)
        for i in range(100):
            stats("NOISE", i)
            stats("WHOLE", i)
            stats("FEW", i)
            stats("SLOW", model="A")
            stats("REST", i)
    found = counts(tmp_path / "rates.jsonl", "of")
    assert found == {("SLOW", "SLOW"): 100, ("REST", "REST"): 100}
    slow = [row for row in rows(tmp_path / "rates.jsonl") if row["of"] == "SLOW"]
    assert [(row["window"], row["model"]) for row in slow] == [(300, "A")]
    kept = Counter(each["event"] for each in objects(tmp_path / "rates.jsonl"))
    assert (kept["WHOLE"], kept["FEW"], kept["NOISE"]) == (100, 10, 0)
    assert stats.counts == (400, 110, 0, 0, 90, 200, 0)


def test_a_sampled_record_counts_with_its_weight(tmp_path: Path) -> None:
    stats = StatsLogger(tmp_path / "rates.jsonl", window=60)
    with SampledLogger(stats, strategy="every:10") as few:
        few.set_time(START)
        for _ in range(1000):
            few("E", x=2)
    assert stats.counts == (100, 0, 0, 0, 0, 100, 0)
    stats.close()
    assert counts(tmp_path / "rates.jsonl") == {"E": 1000}
    row = figures(tmp_path / "rates.jsonl", "x")
    assert (row["count"], row["sum"], row["mean"]) == (1000, 2000, 2)


def test_a_tee_has_records_and_statistics(tmp_path: Path) -> None:
    with (
        AsyncFileLogger(tmp_path / "full.jsonl") as full,
        StatsLogger(tmp_path / "rates.jsonl", window=60) as stats,
    ):
        both = attolog.tee(full, stats)
        for i in range(10):
            both("E", x=i)
        assert both.counts.calls == sum(both.counts[1:]) == 20
    assert len(objects(tmp_path / "full.jsonl")) == 10
    assert counts(tmp_path / "rates.jsonl") == {"E": 10}


def test_a_snapshot_is_what_the_rows_would_be(tmp_path: Path) -> None:
    with StatsLogger(tmp_path / "rates.jsonl", window="5m", by="model") as stats:
        assert stats.snapshot() == []
        stats.set_time(START)
        for i in range(100):
            stats("E", x=i / 7, model="AB"[i % 2])
        seen = stats.snapshot()
        assert stats.snapshot() == seen
        assert not (tmp_path / "rates.jsonl").read_bytes()
    assert seen == rows(tmp_path / "rates.jsonl")
    assert stats.snapshot() == []


def test_a_snapshot_while_others_log(tmp_path: Path) -> None:
    n = 5000
    with StatsLogger(tmp_path / "rates.jsonl", window="5m") as stats:
        stats.set_time(START)

        def work() -> None:
            for i in range(n):
                stats("E", i=i)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for each in threads:
            each.start()
        seen = 0
        while any(each.is_alive() for each in threads):
            now = sum(row["count"] for row in stats.snapshot() if row["field"] is None)
            assert seen <= now <= 4 * n
            seen = now
        for each in threads:
            each.join()
    assert counts(tmp_path / "rates.jsonl") == {"E": 4 * n}


@pytest.mark.parametrize(
    ("window", "seconds"), [(1, 1), (0.25, 0.25), ("500ms", 0.5), ("2s", 2), ("5m", 300), ("3", 3)]
)
def test_window_sec(tmp_path: Path, window: Any, seconds: float) -> None:
    with StatsLogger(tmp_path / "rates.csv", window) as stats:
        assert stats.window_sec == seconds
        stats.window_sec = 7
        assert stats.window_sec == 7
        stats.window_sec = window
        assert stats.window_sec == seconds


def test_window_sec_holds_for_the_calls_that_follow(tmp_path: Path) -> None:
    with StatsLogger(tmp_path / "rates.jsonl", window=10) as stats:
        done = stats.event("DONE", "x")
        stats.set_time(START)
        done(1)
        stats.window_sec = "5m"
        done(1)
        done(1)
    assert [(row["window"], row["count"]) for row in rows(tmp_path / "rates.jsonl")] == [
        (10, 1),
        (10, 1),
        (300, 2),
        (300, 2),
    ]


@pytest.mark.parametrize(
    ("value", "error"), [("soon", ValueError), (0, ValueError), (None, TypeError), ([], TypeError)]
)
def test_a_window_sec_that_is_none(tmp_path: Path, value: Any, error: type[Exception]) -> None:
    with StatsLogger(tmp_path / "rates.csv", 3) as stats:
        with pytest.raises(error, match=r"^window_sec must be "):
            stats.window_sec = value
        assert stats.window_sec == 3


def test_a_journal_has_the_histogram_too(tmp_path: Path) -> None:
    path = tmp_path / "rates.atto"
    with StatsLogger(path, window=60) as stats:
        stats.set_time(START)
        for i in range(100):
            stats("E", x=i)
    found = [record.fields for record in attolog.read(path).records()]
    assert [type(row["sketch"]) for row in found] == [type(None), bytes]
    assert {name: found[1][name] for name in COUNTS[1:] + FIGURES[:2]} == {
        "field": "x",
        "window": 60,
        "count": 100,
        "rate": 100 / 60,
        "sum": 4950,
        "min": 0,
    }


# ---- without a target ------------------------------------------------------------------------

COUNTED = re.compile(r"\d{10}\.\d{3}: \d+ events, \d+\.\d{2} events/s")


def test_without_a_target_it_prints() -> None:
    program = """
import attolog
stats = attolog.StatsLogger()
stats.set_time(1_700_000_000_500_000_000)
for _ in range(812):
    stats.log_event()
for ms in range(1, 101):
    stats("DONE", total_ms=ms)
print(stats.window_sec, stats.path, flush=True)
stats.close()
"""
    out = run_python(program)
    assert out.stderr == ""
    settings, *printed = out.stdout.splitlines()
    assert settings == "1.0 None"
    assert printed[0] == "1700000001.000: DONE: 100 events, 100.00 events/s"
    assert printed[1].startswith("1700000001.000: DONE total_ms: mean 50.5, p50 ")
    assert printed[1].endswith(", max 100")
    assert printed[2] == "1700000001.000: 812 events, 812.00 events/s"
    assert len(printed) == 3


def test_a_program_that_does_not_close_prints_all_the_same() -> None:
    program = """
import attolog
stats = attolog.StatsLogger(window="5m", by="model")
for i in range(10):
    stats("DONE", model="AB"[i % 2])
    stats.log_event()
"""
    printed = run_python(program).stdout.splitlines()
    assert sum(int(re.findall(r"(\d+) events,", line)[0]) for line in printed) == 20
    assert COUNTED.fullmatch(printed[-1])


def test_printing_keeps_to_the_output_that_was_there_at_first(tmp_path: Path) -> None:
    program = """
import attolog, os, sys
stats = attolog.StatsLogger(window=60)
stats.log_event()
sys.stdout = open(os.devnull, "w")
assert stats.flush() and stats.close()
"""
    assert len(run_python(program).stdout.splitlines()) == 1


# ---- arguments -------------------------------------------------------------------------------

SECONDS = 'seconds as a number, or "500ms", "1s", "5m"'


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"window": 0}, ValueError, "window must be 1e-06 to 1e+09 seconds, not 0"),
        ({"window": -1}, ValueError, "not -1"),
        ({"window": float("nan")}, ValueError, "not nan"),
        ({"window": "1h"}, ValueError, f"window must be {SECONDS}, not '1h'"),
        ({"window": ""}, ValueError, "not ''"),
        ({"window": None}, TypeError, f"window must be {SECONDS}, not NoneType"),
        ({"window": True}, TypeError, "not bool"),
        ({"by": 3}, TypeError, "by must be names of fields, not int"),
        ({"by": ("",)}, TypeError, "by must be names of fields, not ''"),
        ({"by": (1,)}, TypeError, "by must be names of fields, not 1"),
        ({"by": "a,b"}, TypeError, "by must be names of fields, not 'a,b'"),
        ({"rules": {"A": "x"}}, ValueError, "rules: A: 'x': is no strategy; allowed are off, all"),
        ({"rules": "off"}, TypeError, "rules must be a dict"),
        ({"target": "x.foo"}, ValueError, "'x.foo'"),
        ({"target": 3}, TypeError, "not int"),
        ({"target": attolog.log, "append": True}, TypeError, "'append' is an option of files"),
        ({"appendix": 1}, TypeError, "'appendix'"),
        ({"target": "x.csv", "appendix": 1}, TypeError, "'appendix'"),
        ({"target": "x.csv", "append": 3}, TypeError, "append must be True or False, not int"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error) as caught:
        StatsLogger(**arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        StatsLogger(tmp_path / "file" / "rates.csv")


@pytest.fixture
def closed() -> Iterator[StatsLogger]:
    stats = StatsLogger(os.devnull)
    stats.log_event()
    assert stats.close()
    yield stats


def test_calls_after_close_are_dropped(closed: StatsLogger) -> None:
    closed.log_event()
    closed("E", 1)
    assert closed.counts == (3, 0, 0, 2, 0, 1, 0)
    assert not closed
    assert closed.close()
    with pytest.raises(TypeError):
        closed.log_event(1)  # type: ignore[call-arg]
