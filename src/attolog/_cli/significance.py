"""Tests of significance for `attolog diff`: of rates, distributions and frequencies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

_MOST_EXACT = 1000  # counts beyond have the normal distribution
_TINY = 1e-300
_STEPS = 10_000
_FEWEST = 5  # expected in a cell of a chi-squared test


def rates(n: int, time: float, other_n: int, other_time: float) -> float:
    """The p-value of two Poisson counts having one rate.

    Given the sum of both, the first is binomial: the conditional test of Przyborowski and Wilenski
    (Biometrika 31, 1940). Two-sided: all counts that are no more probable than the one observed.
    Beyond 1,000 counts it is the normal approximation with a correction for continuity.

    Example:
        >>> round(rates(10, 100.0, 20, 100.0), 4), round(rates(5, 1.0, 5, 1.0), 4)
        (0.0987, 1.0)
    """
    total = n + other_n
    if not total or time <= 0 or other_time <= 0:
        return 1.0
    share = time / (time + other_time)
    if total > _MOST_EXACT:
        deviation = math.sqrt(total * share * (1 - share))
        z = max(0.0, abs(n - total * share) - 0.5) / deviation
        return math.erfc(z / math.sqrt(2))
    logs = [
        math.lgamma(total + 1)
        - math.lgamma(k + 1)
        - math.lgamma(total - k + 1)
        + k * math.log(share)
        + (total - k) * math.log1p(-share)
        for k in range(total + 1)
    ]
    limit = logs[n] + 1e-7
    return min(1.0, math.fsum(math.exp(each) for each in logs if each <= limit))


def distributions(values: Sequence[float], others: Sequence[float]) -> tuple[float, float]:
    """The greatest distance of two empirical distributions, and its p-value.

    The two-sample test of Kolmogorov and Smirnov with the asymptotic distribution (Smirnov, Annals
    of Mathematical Statistics 19, 1948) and the correction for small samples by Stephens (Journal
    of the Royal Statistical Society B 32, 1970). With ties the p-value is too large.

    Example:
        >>> distance, p = distributions(range(100), range(50, 150))
        >>> distance, p < 1e-9
        (0.5, True)
    """
    first, second = sorted(values), sorted(others)
    n, m = len(first), len(second)
    if not n or not m:
        return 0.0, 1.0
    i = j = 0
    distance = 0.0
    while i < n and j < m:
        at = min(first[i], second[j])
        while i < n and first[i] == at:
            i += 1
        while j < m and second[j] == at:
            j += 1
        distance = max(distance, abs(i / n - j / m))
    root = math.sqrt(n * m / (n + m))
    return distance, _kolmogorov((root + 0.12 + 0.11 / root) * distance)


def _kolmogorov(x: float) -> float:
    """The probability that the Kolmogorov distribution exceeds x."""
    if x < 0.2:  # it is 1 to 12 digits, where the sum converges slowly
        return 1.0
    terms = (2 * (-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 101))
    return min(1.0, max(0.0, math.fsum(terms)))


def frequencies(counts: Mapping[str, int], others: Mapping[str, int]) -> tuple[float, float]:
    """How much two tables of frequencies differ (Cramér's V, 0 to 1), and the p-value.

    Pearson's chi-squared test of homogeneity (Philosophical Magazine 50, 1900). Values expected
    less than five times are taken together (Cochran, Biometrics 10, 1954).

    Example:
        >>> v, p = frequencies({"a": 60, "b": 40}, {"a": 40, "b": 60})
        >>> round(v, 2), round(p, 4)
        (0.2, 0.0047)
    """
    n, m = sum(counts.values()), sum(others.values())
    if not n or not m:
        return 0.0, 1.0
    cells: list[tuple[int, int]] = []
    rare = (0, 0)
    for value in dict.fromkeys([*counts, *others]):
        pair = counts.get(value, 0), others.get(value, 0)
        if sum(pair) * min(n, m) / (n + m) < _FEWEST:
            rare = rare[0] + pair[0], rare[1] + pair[1]
        else:
            cells.append(pair)
    if sum(rare):
        cells.append(rare)
    if len(cells) < 2:
        return 0.0, 1.0
    square = 0.0
    for a, b in cells:
        share = (a + b) / (n + m)
        square += (a - n * share) ** 2 / (n * share) + (b - m * share) ** 2 / (m * share)
    return min(1.0, math.sqrt(square / (n + m))), _chi_squared(square, len(cells) - 1)


def _chi_squared(x: float, freedom: int) -> float:
    """The probability that the chi-squared distribution exceeds x.

    It is the regularized incomplete gamma function: its series (DLMF 8.7.1) below the mean, its
    continued fraction (DLMF 8.9.2) above, by the method of Lentz.
    """
    a, x = freedom / 2, x / 2
    if x <= 0:
        return 1.0
    factor = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for k in range(1, _STEPS):
            term *= x / (a + k)
            total += term
            if term < total * 1e-15:
                break
        return max(0.0, 1 - factor * total)
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    value = d
    for k in range(1, _STEPS):
        step = -k * (k - a)
        b += 2
        d = 1 / ((step * d + b) or _TINY)
        c = (b + step / c) or _TINY
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return factor * value


def corrected(ps: Sequence[float]) -> list[float]:
    """P-values corrected for their number: the rate of false discoveries if each is believed.

    The procedure of Benjamini and Hochberg (Journal of the Royal Statistical Society B 57, 1995).

    Example:
        >>> corrected([0.01, 0.5, 0.02])
        [0.03, 0.5, 0.03]
    """
    found = [0.0] * len(ps)
    least = 1.0
    order = sorted(range(len(ps)), key=lambda i: ps[i], reverse=True)
    for behind, i in enumerate(order):
        rank = len(ps) - behind
        least = min(least, ps[i] * len(ps) / rank)
        found[i] = least
    return found
