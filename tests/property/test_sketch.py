"""Quantiles of windows, against DDSketch's and against the values themselves."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from ddsketch import DDSketch
from hypothesis import given, settings
from hypothesis import strategies as st

import attolog

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
ACCURACY = 0.005  # of DDSketch, relative

numbers = st.one_of(
    st.floats(-1e12, 1e12, allow_nan=False),
    st.floats(-300, 300).map(math.exp),
    st.integers(-1000, 1000),
)


def figures(values: list[float]) -> dict[str, float]:
    """What StatsLogger says of the values, all in one window."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "rates.atto")
        with attolog.StatsLogger(path, window="5m") as stats:
            stats.set_time(1_700_000_000_000_000_000)
            for x in values:
                stats("E", x=x)
        return next(r.fields for r in attolog.read(path).records() if r.fields["field"] == "x")


@settings(deadline=None, max_examples=60)
@given(st.lists(numbers, min_size=1, max_size=300))
def test_quantiles_are_those_of_ddsketch_within_the_errors_of_both(values: list[float]) -> None:
    said = figures(values)
    oracle = DDSketch(ACCURACY)
    for x in values:
        oracle.add(float(x))
    ordered = sorted(map(float, values))
    assert said["count"] == len(values)
    assert (said["min"], said["max"]) == (ordered[0], ordered[-1])
    for name, q in QUANTILES.items():
        # Which of two neighbours a quantile between them is, each may say in its own way.
        rank = q * (len(ordered) - 1)
        low, high = ordered[math.floor(rank)], ordered[math.ceil(rank)]
        error = said["error"] * max(abs(low), abs(high)) * (1 + 1e-9) + 1e-300
        assert low - error <= said[name] <= high + error
        theirs = oracle.get_quantile_value(q)
        assert theirs is not None
        both = error + ACCURACY * max(abs(low), abs(high))
        assert low - both <= theirs <= high + both
        if low == high:
            assert said[name] == pytest.approx(theirs, abs=both)


def test_ten_thousand_values_of_a_long_tail() -> None:
    values = [math.exp(4 * math.sin(n * 0.7) + n / 5000) for n in range(10_000)]
    said = figures(values)
    oracle = DDSketch(ACCURACY)
    for x in values:
        oracle.add(x)
    for name, q in QUANTILES.items():
        theirs = oracle.get_quantile_value(q)
        assert theirs is not None
        assert said[name] == pytest.approx(theirs, rel=said["error"] + ACCURACY + 1e-3)
