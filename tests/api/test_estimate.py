"""Estimates from samples: unbiased, with intervals that hold as often as they say."""

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import NormalDist, fmean, stdev
from typing import Any

import pytest

import attolog
from attolog._reading import estimate
from attolog._reading.estimate import Estimate, Sample, design_of

from .journal_by_hand import Row, Site, block, decode

SEEDS = 1000
LEVEL = 0.95

# A population of calls: each has a value, and a key that it shares with a few others.
POPULATION = random.Random(20261125)
VALUES = [POPULATION.expovariate(0.1) + 5 for _ in range(800)]
KEYS = [POPULATION.randrange(350) for _ in VALUES]
CALLS = list(enumerate(VALUES))
HALF = len(VALUES) // 2
Q = 0.8
TRUTH = {
    "count": float(len(VALUES)),
    "sum": math.fsum(VALUES),
    "mean": fmean(VALUES),
    "quantile": sorted(VALUES)[math.ceil(Q * len(VALUES)) - 1],
}

Calls = Sequence[tuple[int, float]]
Sampler = Callable[[random.Random], list[Sample]]


def by_chance(chance: random.Random, calls: Calls, p: float = 0.25) -> list[Sample]:
    return [Sample(f"sample:{p}", 0, 1 / p, x) for _, x in calls if chance.random() < p]


def by_key(chance: random.Random, calls: Calls, *shares: float) -> list[Sample]:
    """The shares take turns, as if the policy had been changed; the hash stays the same."""
    hashes = [chance.random() for _ in range(350)]
    picked = [(i, x, shares[i % len(shares)]) for i, x in calls]
    return [
        Sample(f"sample:{p}@k", 0, 1 / p, x, KEYS[i]) for i, x, p in picked if hashes[KEYS[i]] < p
    ]


def by_turns(chance: random.Random, calls: Calls, n: int = 3) -> list[Sample]:
    phase = chance.randrange(n)
    every = [x for turn, (_, x) in enumerate(calls) if turn % n == phase]
    return [Sample(f"every:{n}", 0, float(n), x) for x in every]


def budgeted(chance: random.Random) -> list[Sample]:
    shares = [0.15 + 0.5 * (i % 200) / 200 for i in range(len(VALUES))]
    return [
        Sample("budget:0.01", 0, 1 / p, x)
        for p, x in zip(shares, VALUES, strict=True)
        if chance.random() < p
    ]


def nested(chance: random.Random) -> list[Sample]:
    outer = by_key(chance, CALLS, 0.5)
    return [
        each._replace(policy="sample:0.5@k sample:0.6", weight=2 / 0.6)
        for each in outer
        if chance.random() < 0.6
    ]


def mixed(chance: random.Random) -> list[Sample]:
    plain = [Sample(None, 0, 1.0, x) for _, x in CALLS[: HALF // 2]]
    return (
        plain
        + by_chance(chance, CALLS[HALF // 2 : HALF])
        + by_turns(chance, chance.sample(CALLS[HALF : HALF + HALF // 2], HALF // 2))
        + by_key(chance, CALLS[HALF + HALF // 2 :], 0.3)
    )


SAMPLERS: dict[str, Sampler] = {
    "sample": lambda chance: by_chance(chance, CALLS),
    "key": lambda chance: by_key(chance, CALLS, 0.25),
    "key, share changed": lambda chance: by_key(chance, CALLS, 0.2, 0.4, 0.3),
    "every": lambda chance: by_turns(chance, chance.sample(CALLS, len(CALLS))),
    "budget": budgeted,
    "nested": nested,
    "mixed": mixed,
}


@pytest.fixture(scope="module", params=SAMPLERS)
def estimates(request: pytest.FixtureRequest) -> tuple[str, dict[str, list[Estimate]]]:
    """What is estimated from a thousand samples of the population."""
    found: dict[str, list[Estimate]] = {name: [] for name in TRUTH}
    for seed in range(SEEDS):
        samples = SAMPLERS[request.param](random.Random(seed))
        ones = [each._replace(value=1.0) for each in samples]
        found["count"].append(estimate.count(ones, 0, LEVEL))
        found["sum"].append(estimate.total(samples, LEVEL))
        found["mean"].append(estimate.mean(samples, LEVEL))
        found["quantile"].append(estimate.quantile(samples, Q, LEVEL))
    return request.param, found


@pytest.mark.parametrize("what", ["count", "sum"])
def test_estimates_are_unbiased(
    estimates: tuple[str, dict[str, list[Estimate]]], what: str
) -> None:
    values = [each.value for each in estimates[1][what]]
    error = stdev(values) / math.sqrt(SEEDS)
    assert abs(fmean(values) - TRUTH[what]) <= 3 * error


@pytest.mark.parametrize("what", ["mean", "quantile"])
def test_ratios_are_consistent(estimates: tuple[str, dict[str, list[Estimate]]], what: str) -> None:
    # Their bias falls as 1 / n, the spread as its root: here it is a tenth of it at most.
    values = [each.value for each in estimates[1][what]]
    assert abs(fmean(values) - TRUTH[what]) <= (0.1 + 3 / math.sqrt(SEEDS)) * stdev(values)


@pytest.mark.parametrize("what", list(TRUTH))
def test_intervals_hold_as_often_as_they_say(
    estimates: tuple[str, dict[str, list[Estimate]]], what: str
) -> None:
    sampler, found = estimates
    hits = 0
    for each in found[what]:
        assert each.low is not None and each.high is not None
        hits += each.low <= TRUTH[what] <= each.high
    if what == "count" and sampler == "every":
        assert hits == SEEDS  # these bounds are certain
    elif what == "count" and sampler == "mixed":
        assert hits >= 0.93 * SEEDS
    else:
        assert 0.93 * SEEDS <= hits <= 0.97 * SEEDS


def test_what_was_not_sampled_is_exact() -> None:
    samples = [Sample(None, 0, 1.0, x) for x in (3.0, 1.0, 2.0)]
    assert estimate.total(samples, LEVEL) == (6, 6, 6, 3)
    assert estimate.count(samples, 0, LEVEL)[1:] == (3, 3, 3)
    assert estimate.mean(samples, LEVEL) == (2, 2, 2, 3)
    quantiles = [estimate.quantile(samples, q, LEVEL).value for q in (0, 0.3, 0.5, 0.7, 1)]
    assert quantiles == [1, 1, 2, 3, 3]
    assert estimate.quantile(samples, 0.5, LEVEL) == (2, 2, 2, 3)
    certain = [Sample("sample:1", 0, 1.0, 5.0)]
    assert estimate.total(certain, LEVEL) == (5, 5, 5, 1)
    assert estimate.quantile(certain, 0.5, LEVEL) == (5, 5, 5, 1)


def test_the_formulas() -> None:
    z = NormalDist().inv_cdf(0.975)
    chance = [Sample("sample:0.1", 0, 10.0, x) for x in (1.0, 2.0)]
    assert estimate.total(chance, LEVEL) == (30, *around(30, z * math.sqrt(90 * 5)), 2)
    keyed = [Sample("sample:0.1@k", 0, 10.0, x, key) for x, key in ((1.0, 1), (2.0, 1), (1.0, 2))]
    assert estimate.total(keyed, LEVEL) == (40, *around(40, z * math.sqrt(90 * (9 + 1))), 3)
    turns = [Sample("every:10", 0, 10.0, x) for x in (1.0, 3.0)]
    spread = 2 * 10 * 9 * 2 + 100 / 4 * 4
    assert estimate.total(turns, LEVEL) == (40, *around(40, z * math.sqrt(spread)), 2)


def around(value: float, half: float) -> tuple[Any, Any]:
    return pytest.approx(value - half), pytest.approx(value + half)


def test_a_count_by_turns_is_off_by_less_than_a_period_of_each_stream() -> None:
    streams = [Sample("every:10", stream, 10.0) for stream in (1, 1, 1, 1, 2, 2)]
    assert estimate.count(streams, 0, LEVEL) == (60, 40, 80, 6)
    assert estimate.count(streams[3:4], 0, LEVEL) == (10, 1, 20, 1)
    double = [each._replace(policy="every:2 every:5") for each in streams]
    assert estimate.count(double, 0, LEVEL) == (60, 40, 80, 6)


def test_counts_of_first_and_cap_are_exact_and_their_sums_have_no_interval() -> None:
    for policy in "first:2,100,1s", "cap:1000":
        rest = [Sample(policy, 0, weight, 2.0) for weight in (1.0, 1.0, 7.0)]
        assert estimate.count(rest, 4, LEVEL) == (13, 13, 13, 3)
        assert estimate.total(rest, LEVEL) == (18, None, None, 3)
        assert estimate.mean(rest, LEVEL) == (2, None, None, 3)
        assert estimate.quantile(rest, 0.5, LEVEL) == (2, None, None, 3)
        beside = [*rest, *(Sample("every:5", 0, 5.0, 1.0) for _ in range(2))]
        assert estimate.count(beside, 4, LEVEL) == (23, 18, 28, 5)
        assert estimate.total(beside, LEVEL) == (28, None, None, 5)
        within = [each._replace(policy=f"sample:0.5 {policy}") for each in rest]
        assert estimate.count(within, 0, LEVEL)[1:3] == (None, None)


def test_too_little_for_an_interval_gives_none() -> None:
    one = [Sample("sample:0.1", 0, 10.0, 3.0)]
    same = [Sample("sample:0.1@k", 0, 10.0, 3.0, "key")] * 5
    for samples in one, same:
        for found in (
            estimate.count(samples, 0, LEVEL),
            estimate.total(samples, LEVEL),
            estimate.mean(samples, LEVEL),
            estimate.quantile(samples, 0.5, LEVEL),
        ):
            assert found[1:3] == (None, None)
    assert estimate.count([], 0, LEVEL) == (0, 0, 0, 0)
    assert estimate.total([], LEVEL) == (0, 0, 0, 0)
    for nothing in estimate.mean([], LEVEL), estimate.quantile([], 0.5, LEVEL):
        assert math.isnan(nothing.value) and nothing[1:] == (None, None, 0)


def test_no_quantile_is_bounded_by_what_the_sample_does_not_reach() -> None:
    samples = [Sample("sample:0.1", 0, 10.0, float(x)) for x in range(100)]
    lowest = estimate.quantile(samples, 0, LEVEL)
    highest = estimate.quantile(samples, 1, LEVEL)
    assert (lowest.value, lowest.low) == (0, None)
    assert (highest.value, highest.high) == (99, None)
    high = estimate.quantile(samples, 0.99, LEVEL)
    assert high.value == 98 and high.low is not None and high.high is None


def test_a_count_is_at_least_what_is_there() -> None:
    samples = [Sample("sample:0.001", 0, 1000.0) for _ in range(2)]
    low = estimate.count(samples, 5, LEVEL).low
    assert low == 7


@pytest.mark.parametrize("level", [0, 1, -0.5, math.nan])
def test_a_level_is_between_0_and_1(level: float) -> None:
    for of_all in estimate.total, estimate.mean:
        with pytest.raises(ValueError, match="level must be between 0 and 1"):
            of_all([Sample(None, 0, 1.0, 1.0)], level)


@pytest.mark.parametrize("q", [-0.1, 1.1, math.nan])
def test_q_is_between_0_and_1(q: float) -> None:
    with pytest.raises(ValueError, match="q must be between 0 and 1"):
        estimate.quantile([Sample(None, 0, 1.0, 1.0)], q, LEVEL)


def test_designs() -> None:
    assert design_of("sample:0.01") == design_of("budget:0.01") == ("chance", None, 1)
    assert design_of("sample:0.1 every:10") == ("chance", None, 1)
    assert design_of("every:10 sample:0.1@a b") == ("chance", "a b", 0.1)
    assert design_of("every:10") == design_of("every:10 every:2") == ("every", None, 1)
    assert design_of("first:1,2,1s") == design_of("cap:5") == ("rest", None, 1)
    for policy in (
        "",
        "nonsense:1",
        "sample:x@k",
        "sample:2@k",
        "sample:0.1@a sample:0.1@b",
        "cap:5 cap:7",
    ):
        assert design_of(policy).kind == "unknown"


# ---- journals -----------------------------------------------------------------------------------

GEN = Site("GEN", ("task_id", "ms"))
CHANCE = Site("GEN", ("task_id", "ms", "weight"), "sample:0.5")
KEYED = Site("GEN", ("task_id", "ms", "weight"), "sample:0.25@task_id")
TURNS = Site("TURN", ("ms", "weight"), "every:10")
CAPPED = Site("CAND", ("ms", "weight"), "cap:2")
SKIPPED = Site("", (), None, "inline_event")
INLINE = Site("", (), "sample:0.5", "inline_event")
MESSAGE = Site("{task} took {ms}", ("task", "ms", "weight"), "sample:0.1", "message")


def skipped(of: str, n: int) -> Row:
    return SKIPPED, ("SKIPPED", "of", of, "n", n)


ROWS: list[Row] = [
    (GEN, (1, 2.0)),
    (CHANCE, (2, 3, 2.0)),
    (CHANCE, (3, math.nan, 2.0)),
    (KEYED, (4, 5.0, 4.0)),
    (KEYED, (4, 6.0, 4.0)),
    (KEYED, (5, 7.0, 4.0)),
    (INLINE, ("GEN", "task_id", 6, "ms", 8.0, "weight", 2.0)),
    (TURNS, (1, 10.0)),
    (CAPPED, (1, 1.0)),
    (CAPPED, ("x", 6.0)),
    skipped("CAND", 3),
    skipped("CAND", 4),
    skipped("GEN", 100),
    (SKIPPED, ("SKIPPED", "of", "GEN", "n", "a user's own")),
    (MESSAGE, ("a", 1.5, 10.0)),
]


@pytest.fixture
def run_atto(tmp_path: Path) -> Path:
    path = tmp_path / "run.atto"
    path.write_bytes(block(ROWS, 5) + block([(TURNS, (i, 10.0)) for i in (2, 3)], 6))
    return path


def test_a_sampled_journal_is_as_the_page_says(run_atto: Path) -> None:
    by_page = list(decode(run_atto))
    assert [each["policy"] for each in by_page[:4]] == [
        None,
        "sample:0.5",
        "sample:0.5",
        "sample:0.25@task_id",
    ]
    assert [value for _, value in by_page[1]["values"]] == [2, 3, 2.0]


def test_tables_of_samples(run_atto: Path) -> None:
    run = attolog.read(run_atto)
    assert run.problems == ()
    assert run["GEN"].sampling == "sample:0.25@task_id, sample:0.5"
    assert (run["TURN"].sampling, run["SKIPPED"].sampling) == ("every:10", None)
    assert run["*"].sampling == ("cap:2, every:10, sample:0.1, sample:0.25@task_id, sample:0.5")
    generated = [each for each in run.records() if each.event == "GEN"]
    assert generated[0].fields == {"task_id": 1, "ms": 2.0}
    assert generated[1].fields == {"task_id": 2, "ms": 3, "weight": 2.0}
    assert generated[-1].fields == {"task_id": 6, "ms": 8.0, "weight": 2.0}
    (message,) = (each for each in run.records() if each.kind == "message")
    assert (message.message, message.fields["weight"]) == ("a took 1.5", 10.0)


def test_the_weight_is_a_column(run_atto: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table(attolog.read(run_atto)["GEN"])
    assert table.schema.field("weight").type == pyarrow.float64()
    assert table["weight"].to_pylist() == [None, 2, 2, 4, 4, 4, 2]


def test_estimates_of_tables(run_atto: Path) -> None:
    run = attolog.read(run_atto)
    z = NormalDist().inv_cdf(0.975)
    gen = run["GEN"]
    # A count has the SKIPPED calls too.
    variance = 3 * 2 + 12 * (4 + 1)
    low, high = 107, around(119, z * math.sqrt(variance))[1]
    assert gen.estimate_count() == (119, low, high, 7)
    variance = 2 * (9 + 64) + 12 * (11**2 + 7**2)
    total = 2 + 2 * 3 + 4 * (5 + 6 + 7) + 2 * 8
    assert gen.estimate_sum("ms") == (total, *around(total, z * math.sqrt(variance)), 6)
    assert gen.estimate_mean("ms").value == total / (1 + 2 + 12 + 2)
    assert gen.estimate_quantile("ms", 0.5).value == 6
    narrow, wide = (gen.estimate_sum("ms", level=level) for level in (0.5, 0.99))
    assert narrow.high is not None and wide.high is not None and narrow.high < wide.high
    assert run["CAND"].estimate_count() == (14, 14, 14, 2)
    # Three records of two processes.
    assert run["TURN"].estimate_count() == (30, 10, 50, 3)
    with pytest.raises(TypeError):
        run["SKIPPED"].estimate_sum("n")
    assert run["{task} took {ms}"].estimate_sum("ms") == (15, None, None, 1)


def test_what_cannot_be_estimated_is_said(run_atto: Path) -> None:
    run = attolog.read(run_atto)
    with pytest.raises(KeyError, match="'mss' is no field of 'GEN'"):
        run["GEN"].estimate_sum("mss")
    with pytest.raises(TypeError, match="an estimate needs numbers; 'ms' holds str"):
        run["CAND"].estimate_mean("ms")
    with pytest.raises(ValueError, match="one table"):
        run["*"].estimate_count()


def test_weights_and_policies_that_cannot_be_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "odd.atto"
    weights = [math.nan, math.inf, -1.0, 0.0]
    odd = Site("ODD", ("ms", "weight"), "sample:0.1@nothing")
    unknown = Site("UNKNOWN", ("ms", "weight"), "\x00?")
    rows: list[Row] = [(odd, (10**18, weight)) for weight in weights]
    rows += [(unknown, (1e308, 1e300)), (unknown, (-1e308, 2.0))]
    path.write_bytes(block(rows, 1))
    run = attolog.read(path)
    assert run["ODD"].estimate_count().value == run["ODD"].estimate_count().low == 4
    assert run["UNKNOWN"].estimate_count()[1:] == (None, None, 2)
    assert math.isnan(run["UNKNOWN"].estimate_sum("ms").value)  # inf - inf


def test_what_the_native_reader_gives_is_checked(run_atto: Path) -> None:
    reader = attolog._core.Reader((str(run_atto),))
    policy, _, pid, *others = next(reader.samples("TURN", "ms", ("absent",)))
    assert (policy, pid, others) == ("every:10", 6, [10.0, 2, (None,)])
    for wrong in (("TURN",), (1, "ms", ()), ("TURN", 1, ()), ("TURN", "ms", (1,))):
        with pytest.raises(TypeError):
            reader.samples(*wrong)
    with pytest.raises(KeyError, match="NONE"):
        reader.samples("NONE", None, ())
