"""`attolog diff`: the changes from one journal to another, and their tests of significance."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog._cli import main, significance

from .helpers import TIME
from .terminal import on_a_terminal

Capture = pytest.CaptureFixture[str]


def journal(path: Path, seed: int, mean: float = 20, ann: float = 0.5, rate: int = 10) -> Path:
    """100 seconds of requests, `rate` a second."""
    chance = random.Random(seed)
    with attolog.AsyncFileLogger(path) as log:
        for n in range(100 * rate):
            log.set_time(TIME + n * (1_000_000_000 // rate))
            user = "ann" if chance.random() < ann else "bob"
            log("request", user=user, ms=chance.expovariate(1 / mean))
        log.set_time(TIME + 100_000_000_000)
        log("end")
    return path


def changes(capsys: Capture, *args: object) -> dict[tuple[str, str | None], dict[str, Any]]:
    assert main(["diff", *map(str, args), "--json"]) == 0
    return {(each["table"], each["column"]): each for each in json.loads(capsys.readouterr().out)}


def test_two_runs_of_one_program_do_not_differ(tmp_path: Path, capsys: Capture) -> None:
    first, second = journal(tmp_path / "a.atto", 1), journal(tmp_path / "b.atto", 2)
    found = changes(capsys, first, second)
    assert set(found) == {("request", None), ("request", "user"), ("request", "ms"), ("end", None)}
    assert {each["evidence"] for each in found.values()} == {"none"}


@pytest.mark.parametrize(
    ("options", "changed", "test"),
    [
        ({"mean": 30}, ("request", "ms"), "Kolmogorov-Smirnov"),
        ({"ann": 0.7}, ("request", "user"), "chi-squared"),
        ({"rate": 20}, ("request", None), "Poisson"),
    ],
)
def test_a_change_is_found_and_no_other(
    tmp_path: Path,
    capsys: Capture,
    options: dict[str, Any],
    changed: tuple[str, str | None],
    test: str,
) -> None:
    first = journal(tmp_path / "a.atto", 1)
    found = changes(capsys, first, journal(tmp_path / "b.atto", 2, **options))
    strong = {key: each["test"] for key, each in found.items() if each["evidence"] == "strong"}
    assert strong == {changed: test}


def test_tables_come_and_go(tmp_path: Path, capsys: Capture) -> None:
    for name, events in ("a", "one both"), ("b", "two both"):
        with attolog.AsyncFileLogger(tmp_path / f"{name}.atto") as log:
            for n in range(100):
                for event in events.split():
                    log.set_time(TIME + n)
                    log(event)
    found = changes(capsys, tmp_path / "a.atto", tmp_path / "b.atto")
    assert {key[0]: each["change"] for key, each in found.items()} == {
        "one": "went",
        "two": "came",
        "both": "rate",
    }
    assert found["one", None]["evidence"] == found["two", None]["evidence"] == "strong"


def test_a_single_record_more_is_no_evidence(tmp_path: Path, capsys: Capture) -> None:
    first, second = journal(tmp_path / "a.atto", 1), tmp_path / "b.atto"
    second.write_bytes(journal(tmp_path / "c.atto", 1).read_bytes())
    with attolog.AsyncFileLogger(second) as log:
        log.set_time(TIME + 100_000_000_000)
        log("once")
    found = changes(capsys, first, second)["once", None]
    assert (found["change"], found["evidence"]) == ("came", "none")


def test_sampled_records_count_as_the_calls_they_stand_for(tmp_path: Path, capsys: Capture) -> None:
    for name, rules in ("a", {}), ("b", {"request": "every:10"}):
        with attolog.AsyncFileLogger(tmp_path / f"{name}.atto", rules=rules) as log:
            for n in range(10_000):
                log.set_time(TIME + n * 1_000_000)
                log("request", n=n)
    found = changes(capsys, tmp_path / "a.atto", tmp_path / "b.atto")["request", None]
    assert found["evidence"] == "none" and found["effect"] < 0.01


def test_the_strongest_change_comes_first(tmp_path: Path, capsys: Capture) -> None:
    first = journal(tmp_path / "a.atto", 1)
    second = journal(tmp_path / "b.atto", 2, mean=60, ann=0.6, rate=30)
    assert main(["diff", str(first), str(second)]) == 0
    head, *rows = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    effects = [float(row[head.index("effect")]) for row in rows]
    assert len(effects) == 3 and effects == sorted(effects, reverse=True)
    assert rows[0][:3] == ["request", "", "rate"]


def test_a_terminal_says_how_much_is_not_shown(tmp_path: Path) -> None:
    first, second = journal(tmp_path / "a.atto", 1), journal(tmp_path / "b.atto", 2)
    shown = on_a_terminal("diff", str(first), str(second)).decode()
    assert shown == "4 comparisons without evidence of a change: --all\n"
    assert "request" in on_a_terminal("diff", str(first), str(second), "--all").decode()


def test_mistakes_are_one_line(requests: Path, tmp_path: Path, capsys: Capture) -> None:
    text = tmp_path / "run.log"
    text.write_text("text\n")
    for args, said in (
        ([text], f"{text} is no journal"),
        ([requests, "--where", "mss > 3"], "did you mean 'ms'?"),
        ([requests, "-t", "requst"], "did you mean 'request'"),
    ):
        assert main(["diff", str(requests), *map(str, args)]) == 2
        captured = capsys.readouterr()
        assert captured.out == "" and said in captured.err and captured.err.count("\n") == 1


def test_p_values_are_those_of_the_tables() -> None:
    """Of the normal, Kolmogorov and chi-squared distributions, and R's poisson.test."""
    assert significance.rates(11, 800, 23, 3000) == pytest.approx(0.1372, abs=1e-4)
    assert significance.rates(0, 1, 10, 1) == pytest.approx(2 * 0.5**10)
    assert significance.rates(10_000, 1, 10_000, 1) == 1
    assert significance.rates(10_400, 1, 10_000, 1) == pytest.approx(0.0052, abs=0.0003)
    assert significance._kolmogorov(1.3581) == pytest.approx(0.05, abs=1e-4)
    assert significance._kolmogorov(1.6276) == pytest.approx(0.01, abs=1e-4)
    assert significance._chi_squared(3.841459, 1) == pytest.approx(0.05, abs=1e-6)
    assert significance._chi_squared(18.307038, 10) == pytest.approx(0.05, abs=1e-6)
    assert significance._chi_squared(3.940299, 10) == pytest.approx(0.95, abs=1e-6)
    assert significance._chi_squared(149.449253, 100) == pytest.approx(0.001, abs=1e-6)


def test_rare_values_are_taken_together() -> None:
    counts = {f"id {n}": 1 for n in range(500)}
    others = {f"id {n}": 1 for n in range(500, 1000)}
    assert significance.frequencies(counts, others) == (0.0, 1.0)


def test_corrected_values_are_those_of_benjamini_and_hochberg() -> None:
    given = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    given += [0.4262, 0.5719, 0.6528, 0.7590, 1.0]  # of their paper: four are below 0.05
    found = significance.corrected(given)
    assert sum(q < 0.05 for q in found) == 4
    assert found[0] == pytest.approx(0.0015) and found[3] == pytest.approx(0.035625)
    assert significance.corrected([]) == []
