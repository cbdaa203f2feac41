"""What a sample says about all calls: counts, sums, means and quantiles, with intervals.

Each record stands for `weight` calls, the inverse of the probability at which it was kept
(Horvitz and Thompson, A Generalization of Sampling Without Replacement From a Finite Universe,
JASA 47, 1952). How far an estimate may be off follows from the policy, so an interval is given
where that is known, and only there:

- `sample`, `budget`: each call is kept or not by itself.
- `sample@key`: all calls of a key's value are kept or none, in all processes alike. Records
  without the key count as one value.
- `every`: a systematic sample of random phase, taken for a simple random one of each site and
  process (Cochran, Sampling Techniques, 3rd ed. 1977, ch. 8): too wide where values have a trend,
  too narrow where they repeat in step with it. A count is off by less than a period for each.
- `first`, `cap`: counts are exact, to the end of the last interval; sums and quantiles are
  approximate, by an amount that is not known.
- Nested: by chance at the product of the shares, `every` included; a count is then approximate
  with `first` and `cap` too.

Intervals are those of the normal distribution: with less than some 30 records they are too narrow.
"""

from __future__ import annotations

import functools
import math
import re
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from itertools import accumulate
from statistics import NormalDist
from typing import Literal, NamedTuple

from attolog import _core
from attolog._reading.names import UnknownNameError
from attolog._words import nearest


class Estimate(NamedTuple):
    """What is estimated, and between which bounds it lies at the level that was asked for."""

    value: float
    """The estimate; exact where `low` and `high` are equal to it."""
    low: float | None
    """The lower bound; None where there is no honest one."""
    high: float | None
    """The upper bound; None where there is no honest one."""
    records: int
    """How many records it is made from."""


class Sample(NamedTuple):
    """A record, as far as an estimate needs it."""

    policy: str | None
    """How it was sampled; None if it was not."""
    stream: Hashable
    """Its site and process."""
    weight: float
    """The number of calls it stands for."""
    value: float = 1.0
    """What is summed up; 1 for a count."""
    key: Hashable = None
    """The value of the policy's key."""


class Design(NamedTuple):
    """What a policy says about the probability at which records are kept."""

    kind: Literal["chance", "every", "rest", "unknown"]
    """`rest`: of first and cap, whose weights are what was left out since the record before."""
    key: str | None = None
    """The field whose values are kept together."""
    share: float = 1.0
    """Of the values of the key."""


@functools.lru_cache(1024)
def design_of(policy: str) -> Design:
    """The design behind a policy: policies of one call each, with a space between."""
    parts = re.split(r" (?=(?:sample|every|first|cap|budget):)", policy)
    words = {part.partition(":")[0] for part in parts}
    if words == {"every"}:
        return Design("every")
    if words <= {"first", "cap"} and len(parts) == 1:
        return Design("rest")
    if not words <= {"sample", "budget", "every"}:
        return Design("unknown")
    keyed = [part.partition(":")[2].partition("@") for part in parts if "@" in part]
    if len(keyed) > 1:  # whether their hashes go together is not known here
        return Design("unknown")
    if not keyed:
        return Design("chance")
    share, _, key = keyed[0]
    try:
        design = Design("chance", key, float(share))
    except ValueError:
        return Design("unknown")
    return design if 0 < design.share <= 1 else Design("unknown")


def samples_of(
    reader: _core.Reader,
    table: str,
    sampling: str | None,
    field: str | None,
    columns: Iterable[str] = (),
) -> Iterator[Sample]:
    """The records of a table that have a number in the field; all with value 1 for None.

    Raises:
        KeyError: The table has no such field; the message has the nearest of the columns.
        TypeError: The field holds what is no number.
    """
    designs = map(design_of, (sampling or "").split(", "))
    keys = tuple({design.key for design in designs if design.key is not None})
    try:
        records = reader.samples(table, field, keys)
    except KeyError:
        hint = nearest(str(field), columns)
        raise UnknownNameError(f"{field!r} is no field of {table!r}{hint}") from None
    for policy, site, pid, weight, value, key_values in records:
        number = 1.0 if field is None else _number(value, field)
        if number is None:
            continue
        key = None
        if policy is not None and (name := design_of(policy).key) in keys:
            key = key_values[keys.index(name)]
        yield Sample(policy, (site, pid), weight if 1 <= weight < math.inf else 1.0, number, key)


def left_out(reader: _core.Reader, table: str) -> float:
    """How many calls `SKIPPED` records tell of, which stand for none of the table's records."""
    try:
        skipped = reader.samples("SKIPPED", "n", ("of",))
    except KeyError:
        return 0
    return math.fsum(n for *_, n, (of,) in skipped if of == table and isinstance(n, int))


def _number(value: object, field: str) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise TypeError(f"an estimate needs numbers; {field!r} holds {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def count(samples: Iterable[Sample], left_out: float, level: float) -> Estimate:
    """How many calls there were.

    Args:
        samples: Of all records, with value 1.
        left_out: How many calls `SKIPPED` records tell of.
        level: Of confidence.
    """
    data = _Data(samples)
    value = data.calls + left_out
    periods: dict[tuple[str | None, Hashable], float] = {}
    others = []
    for sample in data.sampled:
        kind = design_of(sample.policy or "").kind
        if kind == "every":
            stream = sample.policy, sample.stream
            periods[stream] = max(sample.weight, periods.get(stream, 0))
        elif kind != "rest":
            others.append(sample)
    half = _half_width(others, level)
    if half is None:
        return Estimate(value, None, None, data.records)
    half += sum(periods.values())
    # Those that are there were made.
    return Estimate(value, max(value - half, data.records + left_out), value + half, data.records)


def total(samples: Iterable[Sample], level: float) -> Estimate:
    """The sum of the values of all calls."""
    data = _Data(samples)
    value = data.total
    return _around(value, _half_width(data.sampled, level), data.records)


def mean(samples: Iterable[Sample], level: float) -> Estimate:
    """The mean of the values of all calls: the estimated sum, divided by the estimated count."""
    data = _Data(samples)
    if not data.records:
        return Estimate(math.nan, None, None, 0)
    calls = data.calls
    value = data.total / calls
    # The ratio of two estimates, to first order: the sum of what each value adds to the mean.
    residuals = [each._replace(value=(each.value - value) / calls) for each in data.sampled]
    return _around(value, _half_width(residuals, level), data.records)


def quantile(samples: Iterable[Sample], q: float, level: float) -> Estimate:
    """The smallest value that at least the share `q` of all calls does not exceed.

    The interval is Woodruff's (Confidence Intervals for Medians and Other Position Measures, JASA
    47, 1952): the estimated shares at the quantile, plus and minus their error, turned back into
    values. It has no bound on a side on which the sample does not reach so far.
    """
    if not 0 <= q <= 1:
        raise ValueError(f"q must be between 0 and 1, not {q}")
    data = _Data(samples)
    if not data.records:
        return Estimate(math.nan, None, None, 0)
    pairs = [(value, 1.0) for value in data.plain]
    pairs += [(each.value, each.weight) for each in data.sampled]
    pairs.sort()
    values = [value for value, _ in pairs]
    reached = list(accumulate(weight for _, weight in pairs))
    calls = reached[-1]

    def value_at(share: float) -> float:
        # Sums of weights are rounded: a share that is missed by rounding alone is reached.
        return values[min(bisect_left(reached, share * calls * (1 - 1e-12)), len(values) - 1)]

    value = value_at(q)
    residuals = [each._replace(value=((each.value <= value) - q) / calls) for each in data.sampled]
    half = _half_width(residuals, level)
    if half is None:
        return Estimate(value, None, None, data.records)
    if not _uncertain(data.sampled):
        return Estimate(value, value, value, data.records)
    low = value_at(q - half) if q - half > 0 else None
    high = value_at(q + half) if q + half < 1 else None
    return Estimate(value, low, high, data.records)


class _Data:
    """Records apart by whether they were sampled; of those that were not, the value is enough."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self.plain = array("d")
        self.sampled: list[Sample] = []
        for each in samples:
            if each.policy is None:
                self.plain.append(each.value)
            else:
                self.sampled.append(each)

    @property
    def records(self) -> int:
        return len(self.plain) + len(self.sampled)

    @property
    def calls(self) -> float:
        return len(self.plain) + _sum([each.weight for each in self.sampled])

    @property
    def total(self) -> float:
        weighted = [each.weight * each.value for each in self.sampled]
        return _sum([_sum(self.plain), *weighted])


def _around(value: float, half: float | None, records: int) -> Estimate:
    if half is None:
        return Estimate(value, None, None, records)
    return Estimate(value, value - half, value + half, records)


def _half_width(sampled: Sequence[Sample], level: float) -> float | None:
    """By how much the sum of the values may be off; None where there is no telling."""
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, not {level}")
    variance = _variance(sampled)
    if variance is None:
        return None
    return NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(variance)


def _uncertain(sampled: Iterable[Sample]) -> set[Hashable]:
    """What was kept or left out by itself, and might have been left out: records, keys' values."""
    units: set[Hashable] = set()
    for i, each in enumerate(sampled):
        if each.weight > 1:
            key = design_of(each.policy or "").key
            units.add(i if key is None else (key, each.key))
    return units


def _variance(sampled: Sequence[Sample]) -> float | None:
    """The estimated variance of the estimated sum; None where there is no telling."""
    designs = [design_of(each.policy or "") for each in sampled]
    if any(design.kind in ("rest", "unknown") for design in designs):
        return None
    if len(_uncertain(sampled)) == 1:  # nothing is known of how values differ
        return None
    every: defaultdict[Hashable, list[Sample]] = defaultdict(list)
    clusters: defaultdict[Hashable, defaultdict[float, float]] = defaultdict(
        lambda: defaultdict(float)
    )
    terms = []
    for each, design in zip(sampled, designs, strict=True):
        if design.kind == "every":
            every[each.policy, each.stream, each.weight].append(each)
            continue
        if design.key is not None:
            clusters[design.key, each.key][design.share] += each.weight * each.value
        # What chance adds to the choice of the key's value: nothing where weight = 1 / share.
        chance = max(design.share * each.weight - 1, 0.0)
        terms.append(chance * each.weight * _square(each.value))
    terms += map(_of_cluster, clusters.values())
    terms += map(_of_systematic, every.values())
    return _sum(terms)


def _sum(terms: Collection[float]) -> float:
    try:
        return math.fsum(terms)
    except (OverflowError, ValueError):
        return sum(terms)  # beyond what a float holds: inf or nan


def _square(x: float) -> float:
    return x * x  # which may be inf; x**2 raises


def _of_cluster(totals: dict[float, float]) -> float:
    """The variance of a key's value, kept at several shares if the policy was changed.

    All of them use one hash, so what a smaller share keeps, a larger one keeps too.
    """
    variance = _sum(
        [
            (1 - max(a, b)) * total_a * total_b
            for a, total_a in totals.items()
            for b, total_b in totals.items()
        ]
    )
    return max(variance, 0.0)  # rounding alone makes it negative


def _of_systematic(records: Sequence[Sample]) -> float:
    """The variance of a stream's sum, as of a simple random sample without replacement."""
    n, weight = len(records), records[0].weight
    if n == 1:  # as if by chance, which is more
        return weight * (weight - 1) * _square(records[0].value)
    centre = _sum([each.value for each in records]) / n
    spread = _sum([_square(each.value - centre) for each in records]) / (n - 1)
    # The stream's length is a part of the period off, of which the variance is a quarter at most.
    ends = weight**2 / 4 if weight > 1 else 0.0
    return n * weight * (weight - 1) * spread + ends * _square(centre)
