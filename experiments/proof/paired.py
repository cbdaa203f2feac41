"""Statistics of pairs: how large a difference is, and whether chance would give it too."""

import random
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    median: float
    high: float


def median_interval(
    values: Sequence[float], level: float = 0.95, resamples: int = 2000
) -> Interval:
    """The median and its percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13).

    The same values give the same interval: the resampling is seeded.

    Args:
        values: one per pair; at least one.
        level: the share of such intervals that hold the true median.
        resamples: how often as many values are drawn from them, with replacement.
    """
    stream = random.Random(0)
    n = len(values)
    medians = sorted(statistics.median(stream.choices(values, k=n)) for _ in range(resamples))
    tail = round((1 - level) / 2 * resamples)
    return Interval(medians[tail], statistics.median(values), medians[-1 - tail])


def signed_rank_p(differences: Sequence[float]) -> float:
    """How likely chance gives differences as one-sided as these: Wilcoxon's signed-rank test.

    Two-sided and exact: over all ways to give the ranks signs. Differences of 0 are left out.
    """
    sizes = Counter(abs(difference) for difference in differences if difference)
    rank_of: dict[float, int] = {}  # doubled, so that the mean rank of equal sizes is whole
    below = 0
    for size in sorted(sizes):
        rank_of[size] = 2 * below + sizes[size] + 1
        below += sizes[size]
    ways = {0: 1}  # by the sum of the positive ranks, how many choices of signs give it
    for difference in differences:
        if difference:
            rank = rank_of[abs(difference)]
            ways = Counter(ways) + Counter({total + rank: n for total, n in ways.items()})
    positive = sum(rank_of[difference] for difference in differences if difference > 0)
    middle = sum(rank_of[abs(difference)] for difference in differences if difference) / 2
    extreme = sum(n for total, n in ways.items() if abs(total - middle) >= abs(positive - middle))
    return extreme / sum(ways.values())


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values, made larger for being many: Holm 1979.

    Who calls those below 0.05 real is wrong about any of them in at most 5 % of cases.
    """
    adjusted = [0.0] * len(p_values)
    least = 0.0
    ordered = sorted(range(len(p_values)), key=p_values.__getitem__)
    for place, index in enumerate(ordered):
        least = max(least, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = least
    return adjusted


def pairs_needed(comparisons: int, alpha: float = 0.05) -> int:
    """With fewer pairs `holm` of so many comparisons calls none real, whatever comes out."""
    pairs = 1
    while comparisons * 2 / 2**pairs >= alpha:
        pairs += 1
    return pairs
