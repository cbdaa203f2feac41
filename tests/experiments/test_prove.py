"""What prove.py claims, and from what: statistics on made-up data, terminals, all in short."""

import itertools
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import logs
import prove
import pytest
from proof import plot, report, trial
from proof.paired import holm, median_interval, pairs_needed, signed_rank_p
from proof.terminal import READ_SIZE, RecordCounter, Terminal, Throttle, drain
from proof.trial import LOADS, MODES, Trial, TrialError
from proof.verdicts import families

# Statistics


def test_the_interval_is_of_the_median_and_the_same_each_time() -> None:
    values = [random.Random(0).gauss(5.0, 1.0) for _ in range(20)]
    interval = median_interval(values)
    assert interval == median_interval(values)
    assert min(values) <= interval.low <= interval.median <= interval.high <= max(values)
    assert median_interval([3.0] * 5) == median_interval([3.0]) != interval
    wider = median_interval(values, level=0.999)
    assert wider.low <= interval.low and interval.high <= wider.high


def test_intervals_hold_the_true_median_as_often_as_they_say() -> None:
    # Of 200 samples of 15, 95 % are 190, standard deviation 3; the bootstrap is a little short.
    stream = random.Random(1)
    samples = [[stream.gauss(0.0, 1.0) for _ in range(15)] for _ in range(200)]
    intervals = [median_interval(sample, resamples=500) for sample in samples]
    assert 180 <= sum(interval.low <= 0.0 <= interval.high for interval in intervals) <= 199


def by_trying_all_signs(differences: Sequence[float]) -> float:
    sizes = sorted(abs(d) for d in differences if d)
    ranks = {size: sum(i + 1 for i, s in enumerate(sizes) if s == size) / sizes.count(size)
             for size in sizes}  # fmt: skip
    total = sum(ranks[size] for size in sizes)

    def one_sided(positive: float) -> float:
        return abs(positive - total / 2)

    seen = one_sided(sum(ranks[d] for d in differences if d > 0))
    sums = [
        sum(ranks[size] for size, sign in zip(sizes, signs, strict=True) if sign)
        for signs in itertools.product((0, 1), repeat=len(sizes))
    ]
    return sum(one_sided(positive) >= seen for positive in sums) / len(sums)


@pytest.mark.parametrize(
    "differences",
    [
        [1.0, 2.0, 3.0, 4.0, 5.0],
        [1.0, -2.0, 3.0, 4.0, -0.5, 6.0],
        [1.0, 1.0, -1.0, 2.0, 2.0, 3.0, 0.0],
        [-1.0, -1.0, 1.0],
    ],
)
def test_the_signed_rank_test_is_exact(differences: list[float]) -> None:
    assert signed_rank_p(differences) == pytest.approx(by_trying_all_signs(differences))
    assert signed_rank_p([-d for d in differences]) == signed_rank_p(differences)


def test_the_signed_rank_test_at_its_ends() -> None:
    assert signed_rank_p([]) == signed_rank_p([0.0, 0.0]) == 1.0
    assert signed_rank_p([float(i) for i in range(1, 11)]) == 2 / 2**10
    assert signed_rank_p([1.0, -1.0]) == 1.0


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
    # 10 ways: 2 / 2**9 * 10 = 0.039, while with 8 pairs it would be 0.078.
    assert pairs_needed(10) == 9 and holm([2 / 2**9] * 10)[0] < 0.05 <= holm([2 / 2**8] * 10)[0]


# Claims

PLAIN = {
    "decision_us_p50": 50.0,
    "decision_us_p95": 80.0,
    "late_ms_p50": 0.1,
    "late_ms_p99": 1.0,
    "goodput_per_s": 1800.0,
    "slo_attainment": 0.99,
    "log_call_ns_p50": 1000.0,
    "log_call_ns_p99": 2000.0,
    "log_calls": 45_000.0,
    "log_calls_per_s": 45_000.0,
    "log_calls_per_decision": 60.0,
    "records_lost": 0.0,
}
Change = Callable[[str, dict[str, float]], None]


def made_up(change: Change, pairs: int = 10, load: str = "flood", seed: int = 1) -> list[Trial]:
    """Trials that differ by chance alone, but for `change`."""
    stream = random.Random(seed)
    trials = []
    for turn, mode in itertools.product(range(pairs), MODES):
        figures = {key: value * stream.uniform(0.9, 1.1) for key, value in PLAIN.items()}
        change(mode, figures)
        of_a_run: dict[str, float | None] = {**figures}
        if mode == "off":
            of_a_run |= {"log_calls": 0.0, "log_call_ns_p50": None, "log_call_ns_p99": None}
        trials.append(Trial(load, mode, turn, of_a_run))
    return trials


def nothing(mode: str, figures: dict[str, float]) -> None:
    pass


def slow_and_lossy(mode: str, figures: dict[str, float]) -> None:
    if mode == "print-slow-pty":
        figures["decision_us_p50"] *= 50
        figures["goodput_per_s"] -= 1500
    elif mode == "async":
        figures["log_call_ns_p50"] /= 10
    elif mode == "naive":
        figures["records_lost"] = 7.0


def verdicts_on(trials: list[Trial], key: str, baseline: str = "off") -> dict[str, str]:
    (family,) = (
        family
        for family in families(trials)
        if (family.figure.key, family.baseline) == (key, baseline)
    )
    return {one.mode: family.figure.words(family.verdict(one)) for one in family.comparisons}


SAME = "no difference that can be told"


def test_chance_alone_claims_nothing() -> None:
    trials = made_up(nothing)
    found = families(trials)
    # Against none 6 figures, against print to a file 2 decision times; log calls without none.
    assert [len(family.comparisons) for family in found] == [10] * 8 + [9]
    said = report.sentences(found, trials)
    assert len(said) == len(found) + 1
    assert all("no way of logging makes a difference" in sentence for sentence in said[:-1])
    assert said[-1] == "No way of logging lost a record in any run."
    assert set(verdicts_on(trials, "decision_us_p50").values()) == {SAME}


def test_chance_alone_claims_something_in_one_table_of_twenty() -> None:
    found = [family for seed in range(5) for family in families(made_up(nothing, seed=seed))]
    false = [f for f in found if any(f.verdict(one) != "none" for one in f.comparisons)]
    # 5 % of 45 tables are 2.2; more than 6 would be one chance in 100.
    assert len(found) == 45 and len(false) <= 6


def test_a_difference_is_claimed_where_it_is_and_nowhere_else() -> None:
    trials = made_up(slow_and_lossy)
    claimed = {mode: words for mode, words in verdicts_on(trials, "decision_us_p50").items()
               if words != SAME}  # fmt: skip
    assert claimed == {"print-slow-pty": "slower"}
    assert verdicts_on(trials, "decision_us_p50", "print-file")["print-slow-pty"] == "slower"
    assert verdicts_on(trials, "goodput_per_s")["print-slow-pty"] == "lower"
    assert verdicts_on(trials, "log_call_ns_p50", "print-file")["async"] == "cheaper"
    assert set(verdicts_on(trials, "slo_attainment").values()) == {SAME}

    said = report.sentences(families(trials), trials)
    assert said[0].startswith("At the flood, no way of logging makes a difference to ")
    slower = "At the flood, decision time (p50) is slower with print to a 1 MB/s terminal (x"
    (sentence,) = (sentence for sentence in said if sentence.startswith(slower))
    assert "not different as far as can be told with print to a file, " in sentence
    assert "a queue and a writer thread, 70 were lost, in 10 of 10 runs." in said[-1]


def test_the_interval_of_a_ratio_is_of_ratios_and_that_of_shares_in_points() -> None:
    def change(mode: str, figures: dict[str, float]) -> None:
        figures["decision_us_p50"] = 100.0 if mode == "queue" else 50.0
        figures["slo_attainment"] = 0.5 if mode == "queue" else 0.75

    found = {(f.figure.key, f.baseline): f for f in families(made_up(change))}
    for key, median in (("decision_us_p50", 2.0), ("slo_attainment", -25.0)):
        (queue,) = (one for one in found[key, "off"].comparisons if one.mode == "queue")
        assert queue.pairs == 10
        assert queue.interval.median == pytest.approx(median)
    assert found["slo_attainment", "off"].figure.change(-25.0) == "-25 points"
    assert found["slo_attainment", "off"].figure.span(-0.0001, 0.25) == "0 to +0.25 points"
    assert found["decision_us_p50", "off"].figure.change(2.0) == "x2"


def test_too_few_pairs_claim_nothing_and_say_so() -> None:
    trials = made_up(slow_and_lossy, pairs=3)
    assert set(verdicts_on(trials, "decision_us_p50").values()) == {SAME}
    said = report.sentences(families(trials), trials)
    few = "Too few pairs to claim anything: 3, where it takes 9 (ways of logging compared: 10)."
    assert said[0] == few
    assert len(said) == 2


def test_a_figure_that_a_run_has_not_is_left_out_of_its_pair() -> None:
    trials = [
        Trial(t.load, t.mode, t.round, {**t.figures, "late_ms_p99": None})
        if (t.mode, t.round) == ("ring", 4)
        else t
        for t in made_up(nothing)
    ]
    pairs = {
        one.mode: one.pairs
        for family in families(trials)
        if family.figure.key == "late_ms_p99"
        for one in family.comparisons
    }
    assert pairs.pop("ring") == 9 and set(pairs.values()) == {10}


def test_the_report_has_all_of_it() -> None:
    trials = made_up(nothing, load="low") + made_up(slow_and_lossy)
    commands = {load: trial.command_line(load, 6.0) for load in LOADS}
    text = report.markdown(trials, {"machine": "a 6502"}, commands, "proof.png")
    assert text.startswith("# What logging costs the serving program\n\n- machine: a 6502\n")
    assert "![Each way of logging against none, with 95 % intervals](proof.png)" in text
    assert "At some 250 lines/s, no way of logging makes a difference to goodput" in text
    for load in LOADS.values():
        assert f"\n## At {load.name}: {load.what}\n" in text
    assert text.count("--log MODE --run-seconds 6 --seed SEED") == 2
    rows = [line for line in text.splitlines() if line.startswith("| print to a 1 MB/s terminal ")]
    # A table of medians and one per figure, those of decisions at the flood alone, where two more
    # are against print to a file.
    assert len(rows) == (1 + 5) + (1 + 7 + 2)
    assert (
        sum(" slower " in row for row in rows) == 2 and sum(" lower " in row for row in rows) == 1
    )
    tables = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert set(tables) == {len(report.COLUMNS) + 2, 7}


# Terminals

PRINTS = """
for i in range(20_000):
    print(f"[Generator-ResNet50] New task {i} at {i / 7:.6f}")
print("a table, and [this] is no record")
"""


@pytest.mark.parametrize("rate", [None, 1e9])
def test_a_terminal_counts_what_is_printed_to_it(rate: float | None) -> None:
    with Terminal(rate) as terminal:
        subprocess.run([sys.executable, "-c", PRINTS], stdout=terminal.fd, check=True)
    assert terminal.records == 20_000


def test_a_throttled_terminal_takes_no_more_than_its_rate() -> None:
    now = 100.0

    def sleep(seconds: float) -> None:
        nonlocal now
        assert seconds > 0
        now += seconds

    lines = b"[Executor-ResNet101_0] done\n" * 1000
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(lines)
    throttle = Throttle(1000.0, clock=lambda: now, sleep=sleep)
    try:
        assert drain(reading, throttle) == 1000
    finally:
        os.close(reading)
    # A bucketful is free, and no time passes but by waiting.
    assert now - 100.0 == pytest.approx((len(lines) - READ_SIZE) / 1000.0)
    now += 1e6  # a pause saves up no more than a bucketful
    paused = now
    throttle.spend(READ_SIZE)
    assert now == paused
    throttle.spend(500)
    assert now - paused == pytest.approx(0.5)


def test_records_are_counted_wherever_reads_and_threads_split_lines() -> None:
    text = b"[A-b] 1\n[Aa-b] 1\n[Aa-b] 2[Bb-c_0] 3\n\nx [Aa-b]\n[Aa-b] 4"
    for size in range(1, len(text) + 1):
        counter = RecordCounter()
        for start in range(0, len(text), size):
            counter.feed(text[start : start + size])
        assert counter.finish() == 4


# The program


def test_what_cannot_be_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for options, said in (
        (["--pairs", "0"], "argument --pairs: '0' is no whole number from 1 to 1000"),
        (["--seconds", "nan"], "argument --seconds: 'nan' is no number from 0.2 to 3600"),
        (["--mode", "loud"], "argument --mode: invalid choice: 'loud'"),
        (["--mode", "off"], "--mode off: "),
        (["--plot", "plot.txt"], "--plot plot.txt: must end in .png"),
        (
            ["--plot", str(tmp_path / "a.png")],
            "--plot needs matplotlib: pip install 'attolog[plot]'",
        ),
        (["--output", str(tmp_path / "no" / "a.md")], "No such file or directory"),
        (["--lod", "low"], "unrecognized arguments: --lod low"),
    ):
        with pytest.raises(SystemExit) as stop:
            prove.main(options)
        error = capsys.readouterr().err
        assert stop.value.code == 2 and said in error and error.count("\n") == 1


SHORT = ["--pairs", "2", "--seconds", "0.5", "--mode", "print-pty"]


def test_a_short_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, data = tmp_path / "proof.md", tmp_path / "proof.json"
    assert prove.main([*SHORT, "--output", str(output), "--json", str(data)]) == 0
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 8
    trials = json.loads(data.read_bytes())["trials"]
    ran = [(t["load"], t["mode"], t["round"]) for t in trials]
    assert sorted(ran) == sorted(itertools.product(LOADS, ("off", "print-pty"), (0, 1)))
    for of_a_run in trials:
        figures = of_a_run["figures"]
        # Several threads print, which is not safe in every CPython: see report.PRINT_LOSES.
        assert 0 <= figures["records_lost"] <= 0.01 * figures["log_calls"]
        assert bool(figures["log_calls"]) == (of_a_run["mode"] == "print-pty")
        assert figures["decision_us_p50"] > 0 and figures["late_ms_p99"] is not None
    assert "`python prove.py --pairs 2 --seconds 0.5 --load both --seed 0" in output.read_text()


def test_an_interruption_reports_whole_rounds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = iter(made_up(nothing, pairs=2))

    def run(load: str, mode: str, turn: int, seed: int, seconds: float) -> Trial:
        if turn == 1 and mode == "print-pty":
            raise KeyboardInterrupt
        return Trial(load, mode, turn, next(made).figures)

    monkeypatch.setattr(trial, "run", run)
    assert prove.main([*SHORT, "--load", "flood"]) == 130
    out, err = capsys.readouterr()
    assert (
        "Too few pairs to claim anything: 1, where it takes 6" in out and "Medians of 1 runs" in out
    )
    assert "interrupted: only whole rounds count" in err


def test_every_way_of_logging_is_one_of_the_program_s() -> None:
    assert {mode.log for mode in MODES.values()} == set(logs.MODES)


def test_a_run_that_fails_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(trial.MODES, "print-pty", trial.Mode("shouting", "shout"))
    with pytest.raises(TrialError, match=r"multi_model_dev\.py .* --log shout .*invalid choice"):
        trial.run("low", "print-pty", 0, 0, 0.5)
    assert prove.main([*SHORT, "--load", "low"]) == 1
    assert "invalid choice: 'shout'" in capsys.readouterr().err


def test_a_plot_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "proof.png"
    plot.save(path, families(made_up(slow_and_lossy)))
    assert path.read_bytes().startswith(b"\x89PNG")
