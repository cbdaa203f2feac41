"""Strategy 2: a share of the calls, with weights that stand for all of them."""

import itertools
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog import AsyncFileLogger, Budget, Cap, Every, First, SampledLogger

from .helpers import cells, objects

SECOND = 1_000_000_000


def weights(path: Path, event: str = "E") -> list[float]:
    return [each["weight"] for each in objects(path) if each.get("event") == event]


def left_out(path: Path) -> dict[str, int]:
    told: Counter[str] = Counter()
    for each in objects(path):
        if each.get("event") == "SKIPPED":
            told[each["of"]] += each["n"]
    return told


@pytest.mark.parametrize("rate", [0.01, 0.5, 1])
def test_a_share_is_kept_and_all_is_counted(tmp_path: Path, rate: float) -> None:
    with SampledLogger(tmp_path / "few.jsonl", rate, seed=1) as few:
        for i in range(20_000):
            few("E", i)
    kept = weights(tmp_path / "few.jsonl")
    assert few.counts == (20_000, len(kept), 0, 0, 20_000 - len(kept), 0, 0)
    assert set(kept) == {1 / rate}
    assert sum(kept) == pytest.approx(20_000, rel=0.3)


def test_a_seed_repeats_itself(tmp_path: Path) -> None:
    def kept(name: str, seed: int | None) -> list[int]:
        with SampledLogger(tmp_path / name, 0.1, seed=seed) as few:
            event = few.event("E", "i")
            for i in range(1000):
                event(i)
        return [each["i"] for each in objects(tmp_path / name)]

    assert kept("a.jsonl", 1) == kept("b.jsonl", 1) != kept("c.jsonl", 2)
    assert kept("d.jsonl", None) != kept("e.jsonl", None)


def test_every_nth(tmp_path: Path) -> None:
    with SampledLogger(tmp_path / "few.jsonl", strategy=Every(10)) as few:
        for i in range(1000):
            few("E", i=i)
    kept = [each["i"] for each in objects(tmp_path / "few.jsonl")]
    assert len(kept) == 100
    assert {after - before for before, after in itertools.pairwise(kept)} == {10}
    assert set(weights(tmp_path / "few.jsonl")) == {10.0}


@pytest.mark.parametrize(
    "keys", [range(500), [f"task {i}" for i in range(500)], [(i, 2) for i in range(500)]]
)
def test_a_key_is_kept_whole_or_not_at_all(tmp_path: Path, keys: Any) -> None:
    with SampledLogger(tmp_path / "few.jsonl", 0.5, key="task_id") as few:
        event = few.event("E", "task_id")
        bound = {key: few.bind(task_id=key) for key in keys}
        for key in keys:
            event(key)
            few("E", task_id=key)
            few("F", 1, 2, task_id=key)
            few.info("{task_id} is here", key)
            bound[key]("G", 1)
    of_each = Counter(str(each["task_id"]) for each in objects(tmp_path / "few.jsonl"))
    assert set(of_each.values()) <= {5}
    assert 150 < len(of_each) < 350
    assert few.counts.calls == 5 * len(keys)


def test_keys_agree_between_processes_and_files(tmp_path: Path) -> None:
    def kept(name: str) -> set[int]:
        with SampledLogger(tmp_path / name, 0.3, key="task_id") as few:
            for task_id in range(200):
                few("E", task_id)
        return {each["task_id"] for each in objects(tmp_path / name)}

    assert kept("a.jsonl") == kept("b.jsonl")


def test_without_the_key_chance_decides(tmp_path: Path) -> None:
    with SampledLogger(tmp_path / "few.jsonl", 0.5, key="task_id") as few:
        for i in range(2000):
            few("E", i)
    assert 800 < len(weights(tmp_path / "few.jsonl")) < 1200


def test_first_of_each_interval_with_exact_counts(tmp_path: Path) -> None:
    with SampledLogger(tmp_path / "few.jsonl", strategy=First(3, then=10, per="1s")) as few:
        for second in range(5):
            for i in range(100):
                few.set_time((1000 + second) * SECOND + i)
                few("E", i)
    kept = weights(tmp_path / "few.jsonl")
    assert len(kept) == 5 * (3 + 9)
    assert sum(kept) + left_out(tmp_path / "few.jsonl")["E"] == 500
    assert few.counts == (500, 60, 0, 0, 440, 0, 0)


def test_cap_tells_of_what_is_left_when_it_is_closed(tmp_path: Path) -> None:
    with SampledLogger(tmp_path / "few.jsonl", strategy=Cap(10)) as few:
        few.set_time(SECOND)
        for i in range(100):
            few("E", i)
    kept = weights(tmp_path / "few.jsonl")
    assert kept == [1.0] * 10
    assert left_out(tmp_path / "few.jsonl") == {"E": 90}


def test_a_wrapper_tells_its_target_when_it_is_closed(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "full.jsonl") as full:
        with SampledLogger(full, strategy=Cap(1)) as few:
            few.set_time(SECOND)
            for i in range(2):
                few("E", i)
        full("F", 1)
    assert left_out(tmp_path / "full.jsonl") == {"E": 1}
    assert full.counts.written == 2


def test_budget_keeps_all_that_costs_little(tmp_path: Path) -> None:
    with SampledLogger(tmp_path / "few.jsonl", strategy=Budget(1.0)) as few:
        for i in range(50):
            few("E", i)
    assert weights(tmp_path / "few.jsonl") == [1.0] * 50


def test_weights_multiply(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "full.jsonl") as full:
        half = SampledLogger(full, strategy=Every(2))
        tenth = SampledLogger(half, strategy=Every(5))
        for i in range(1000):
            tenth("E", i)
        tenth.close()
    assert weights(tmp_path / "full.jsonl") == [10.0] * 100
    assert half.counts.sampled_out == 100
    assert tenth.counts == (1000, 100, 0, 0, 900, 0, 0)
    assert half.counts == (200, 100, 0, 0, 100, 0, 0)


def test_warnings_are_kept_unless_a_rule_names_them(tmp_path: Path) -> None:
    def kept(name: str, **options: Any) -> Counter[str]:
        with SampledLogger(tmp_path / name, strategy=Every(100), **options) as few:
            for i in range(100):
                few.info("{i} is well", i)
                few.warning("{i} is late", i)
                few.error("lost")
        return Counter(each["level"] for each in objects(tmp_path / name))

    assert kept("a.jsonl") == {"INFO": 1, "WARNING": 100, "ERROR": 100}
    rules = {"WARNING": "every:10", "*": "every:50"}
    assert kept("b.jsonl", rules=rules) == {"INFO": 2, "WARNING": 10, "ERROR": 100}


def test_texts_and_prints_are_sampled_too(tmp_path: Path) -> None:
    with SampledLogger(tmp_path / "few.jsonl", strategy=Every(10)) as few:
        for _ in range(100):
            few("a sentence")
            few.log("another")
            few.print("and a third")
    of_each = Counter(each["text"] for each in objects(tmp_path / "few.jsonl"))
    assert of_each["and a third\n"] == 10
    assert of_each["a sentence"] + of_each["another"] == 20


def test_rules(tmp_path: Path) -> None:
    rules = {"CAND": "every:10", "C*": "off", "CANDY*": "all", "LOG": "off", "*": "every:2"}
    with AsyncFileLogger(tmp_path / "run.csv", rules=rules) as log:
        for i in range(100):
            log("CAND", i)
            log("CUT", i)
            log("CANDY", i)
            log("OTHER", i)
            log("a sentence")
    counts = Counter(row[0] for row in cells(tmp_path / "run.csv"))
    assert counts == {"CAND": 10, "CANDY": 100, "OTHER": 50}
    assert log.counts == (300, 160, 0, 0, 140, 0, 0)


def test_a_strategy_of_an_event_goes_before_rules(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "run.csv", rules={"*": "off"}) as log:

        @log.event(strategy="every:10")
        def CAND(i: int) -> None: ...

        other = log.event("OTHER", "i", strategy=Every(50))
        muted = log.event("MUTED", "i")
        for i in range(100):
            CAND(i)
            other(i)
            muted(i)
            CAND(i=i)
            CAND(i, 7)  # type: ignore[call-arg]
    counts = Counter(row[0] for row in cells(tmp_path / "run.csv"))
    assert counts == {"CAND": 30, "OTHER": 2}


def test_a_tee_asks_each_logger(tmp_path: Path) -> None:
    full = AsyncFileLogger(tmp_path / "full.jsonl")
    few = SampledLogger(tmp_path / "few.jsonl", strategy=Every(10))
    loud = AsyncFileLogger(tmp_path / "loud.jsonl")
    loud.level = "ERROR"
    both = attolog.tee(full, few, loud, rules={"MUTED": "off"})
    bound = both.bind(run=7)
    for i in range(100):
        bound("E", i)
        both("MUTED", i)
        both.error("{i} failed", i)
        both.info("{i} went well", i)
    assert both.close()
    for logger in (full, few, loud):
        logger.close()
    events = Counter(
        each.get("event") or each["level"] for each in objects(tmp_path / "full.jsonl")
    )
    assert events == {"E": 100, "ERROR": 100, "INFO": 100}
    events = Counter(each.get("event") or each["level"] for each in objects(tmp_path / "few.jsonl"))
    assert events == {"E": 10, "ERROR": 100, "INFO": 10}
    events = Counter(
        each.get("event") or each["level"] for each in objects(tmp_path / "loud.jsonl")
    )
    assert events == {"E": 100, "ERROR": 100}
    assert all(each["run"] == 7 for each in objects(tmp_path / "few.jsonl") if "event" in each)
    assert both.counts.calls == sum(both.counts[1:]) == 300 + 300 + 200
    assert both.counts.sampled_out == 180


def test_one_sampler_decides_for_a_whole_tee(tmp_path: Path) -> None:
    a = AsyncFileLogger(tmp_path / "a.jsonl")
    b = AsyncFileLogger(tmp_path / "b.jsonl")
    with SampledLogger(attolog.tee(a, b), 0.2) as few:
        for i in range(1000):
            few("E", i)
    a.close()
    b.close()
    assert objects(tmp_path / "a.jsonl") == objects(tmp_path / "b.jsonl")


def test_a_target_that_is_off_or_closed(tmp_path: Path) -> None:
    target = AsyncFileLogger(tmp_path / "run.csv")
    few = SampledLogger(target, 1.0)
    few("E", 1)
    target.enabled = False
    few("E", 2)
    target.enabled = True
    few("E", 3)
    target.level = "ERROR"
    few.info("no")
    few.error("yes")
    target.close()
    few("E", 4)
    assert [row[:2] for row in cells(tmp_path / "run.csv")] == [
        ["E", "1"],
        ["E", "3"],
        ["ERROR", "yes"],
    ]
    assert few.close()
    assert not few
    few("E", 5)
    assert few.counts.dropped == 1
    assert few.counts.calls == sum(few.counts[1:])


def test_the_program_s_time_goes_through_a_wrapper(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as full:
        few = SampledLogger(full, 1.0)
        few.set_time(5 * SECOND)
        few("E", 1)
        few.set_time(6 * SECOND)
        few("E", 2)
        few.set_time(None)
        full.set_time(7 * SECOND)
        few("E", 3)
    rows = (tmp_path / "run.csv").read_text().split("\n")
    assert [row.split(".")[0] for row in rows[:-1]] == ["5", "6", "7"]


def test_the_target_s_time_holds_from_one_call_to_the_next(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as full:
        both = attolog.tee(full)
        for second in (None, 5, None, 6):
            full.set_time(None if second is None else second * SECOND)
            both("E", 1)
    seconds = [int(row.split(".")[0]) for row in (tmp_path / "run.csv").read_text().splitlines()]
    assert [second for second in seconds if second < 10] == [5, 6]


def test_a_value_is_not_looked_at_where_the_call_is_left_out(tmp_path: Path) -> None:
    class Value:
        shown = 0

        def __str__(self) -> str:
            self.shown += 1
            return "v"

    value = Value()
    with SampledLogger(tmp_path / "few.csv", strategy=Every(10)) as few:
        for _ in range(100):
            few("E", value)
            few("{} is dear", value)
    assert value.shown == 20


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({}, TypeError, "target"),
        ({"target": "x.csv", "rate": 0}, ValueError, "rate must be above 0 and at most 1, not 0"),
        ({"target": "x.csv", "rate": "a"}, TypeError, "rate must be a number, not str"),
        ({"target": "x.csv", "key": 3}, TypeError, "key must be the name of a field"),
        ({"target": "x.csv", "rate": 0.1, "strategy": Every(2)}, TypeError, "not both"),
        ({"target": "x.csv", "strategy": 3}, TypeError, "not int"),
        ({"target": "x.csv", "strategy": "smaple:1"}, ValueError, "'smaple:1': is no strategy"),
        ({"target": "x.csv", "strategy": "every:0"}, ValueError, "number from 1: every:100"),
        (
            {"target": "x.csv", "rate": -0.5},
            ValueError,
            "at most 1, not -0.5",
        ),
        (
            {"target": "x.csv", "rate": math.nan},
            ValueError,
            "rate must be above 0 and at most 1, not",
        ),
        ({"target": "x.csv", "how": Every(2)}, TypeError, "'how'; it is called strategy="),
        ({"target": "x.csv", "seed": "a"}, TypeError, "seed must be an int"),
        ({"target": "x.csv", "rules": [1]}, TypeError, "rules must be a dict"),
        ({"target": "x.csv", "rules": {"A": "x"}}, ValueError, "rules: A: 'x': is no strategy"),
        ({"target": "x.csv", "rules": {1: "all"}}, TypeError, "a name must be a str"),
        ({"target": "x.csv", "appendix": 1}, TypeError, "appendix"),
        ({"target": attolog.log, "append": True}, TypeError, "the target is a logger"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error) as caught:
        SampledLogger(**arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("strategy", "arguments", "error", "said"),
    [
        (Every, {"n": 0}, ValueError, "Every: n must be 1 to 1,000,000,000,000, not 0"),
        (Every, {"n": -5}, ValueError, "Every: n must be 1 to 1,000,000,000,000, not -5"),
        (Every, {"n": 10**13}, ValueError, "Every: n must be 1 to "),
        (Every, {"n": 2.0}, TypeError, "Every: n must be an int, not float"),
        (Every, {"n": "100"}, TypeError, "Every: n must be an int, not str"),
        (Every, {"n": True}, TypeError, "Every: n must be an int, not bool"),
        (First, {"n": 0}, ValueError, "First: n must be 1 to "),
        (First, {"n": 1, "then": 0}, ValueError, "First: then must be 1 to "),
        (First, {"n": 1, "then": -1}, ValueError, "First: then must be 1 to "),
        (First, {"n": 1, "per": 0}, ValueError, "First: per must be 1e-06 to 1e+09 seconds, not 0"),
        (First, {"n": 1, "per": -1}, ValueError, "First: per must be 1e-06 to "),
        (First, {"n": 1, "per": math.nan}, ValueError, "First: per must be 1e-06 to "),
        (First, {"n": 1, "per": "1h"}, ValueError, "First: per must be seconds as a number, or "),
        (First, {"n": 1, "per": None}, TypeError, "First: per must be seconds as a number, or "),
        (First, {"n": 1, "per": "+1s"}, ValueError, "strategy: 'first:1,0,+1s': first needs "),
        (Cap, {"per_second": 0}, ValueError, "Cap: per_second must be 1 to "),
        (Cap, {"per_second": 1.5}, TypeError, "Cap: per_second must be an int, not float"),
        (Budget, {"share": 2}, ValueError, "Budget: share must be above 0 and at most 1, not 2"),
        (Budget, {"share": 0}, ValueError, "Budget: share must be above 0 and at most 1, not 0"),
        (
            Budget,
            {"share": -0.1},
            ValueError,
            "Budget: share must be above 0 and at most 1, not -0.1",
        ),
        (
            Budget,
            {"share": math.nan},
            ValueError,
            "Budget: share must be above 0 and at most 1, not",
        ),
        (Budget, {"share": "1%"}, TypeError, "Budget: share must be a number, not str"),
    ],
)
def test_a_strategy_checks_its_numbers_when_it_is_made(
    strategy: Any, arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match="^" + re.escape(said)) as caught:
        strategy(**arguments)
    assert "\n" not in str(caught.value)


def test_a_tee_needs_loggers() -> None:
    with pytest.raises(TypeError, match="at least one"):
        attolog.tee()
    with pytest.raises(TypeError, match="takes loggers, not int"):
        attolog.tee(3)  # type: ignore[arg-type]
