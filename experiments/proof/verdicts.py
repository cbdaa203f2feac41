"""From the trials to what may be claimed: comparisons of pairs, and verdicts."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from proof.paired import Interval, holm, median_interval, signed_rank_p
from proof.trial import LOADS, MODES, OFF, PRINT_FILE, Trial

ALPHA = 0.05
Verdict = Literal["better", "worse", "none"]
Key = tuple[str, str]  # load, mode


@dataclass(frozen=True, slots=True)
class Figure:
    """What is compared, as ratios or as differences of the pairs."""

    key: str  # in Trial.figures
    what: str
    unit: str
    is_ratio: bool
    more_is_better: bool
    worse: str
    better: str

    def words(self, verdict: Verdict) -> str:
        """A verdict in words."""
        words = {"worse": self.worse, "better": self.better}
        return words.get(verdict, "no difference that can be told")

    def change(self, value: float) -> str:
        """A ratio or difference as text."""
        return f"x{digits(value)}" if self.is_ratio else f"{_signed(value)} {self.unit}"

    def span(self, low: float, high: float) -> str:
        """From one ratio or difference to another, as text."""
        if self.is_ratio:
            return f"x{digits(low)} to x{digits(high)}"
        return f"{_signed(low)} to {_signed(high)} {self.unit}"


DECISION = ("slower", "faster")
LATE = ("later", "less late")
HEIGHT = ("lower", "higher")
FIGURES = {
    figure.key: figure
    for figure in (
        Figure("decision_us_p50", "decision time (p50)", "us", True, False, *DECISION),
        Figure("decision_us_p95", "decision time (p95)", "us", True, False, *DECISION),
        Figure("late_ms_p50", "generators' lateness (p50)", "ms", False, False, *LATE),
        Figure("late_ms_p99", "generators' lateness (p99)", "ms", False, False, *LATE),
        Figure("goodput_per_s", "goodput", "requests/s", False, True, *HEIGHT),
        Figure("slo_attainment", "SLO attainment", "points", False, True, *HEIGHT),
        Figure("log_call_ns_p50", "log call time (p50)", "ns", True, False, "dearer", "cheaper"),
    )
}
OF_THE_PROGRAM = [key for key in FIGURES if not key.startswith("log_call")]
PERCENT = {"slo_attainment"}  # kept as shares


@dataclass(frozen=True, slots=True)
class Comparison:
    """One mode against another, over the rounds that have both."""

    mode: str
    pairs: int
    interval: Interval  # of the median ratio or difference
    p: float  # Holm's, over its family


@dataclass(frozen=True, slots=True)
class Family:
    """The comparisons of one figure under one load, which are judged together."""

    load: str
    figure: Figure
    baseline: str
    comparisons: Sequence[Comparison]

    def verdict(self, comparison: Comparison) -> Verdict:
        """What may be claimed: only what both the interval and the test exclude from chance."""
        none = 1.0 if self.figure.is_ratio else 0.0
        interval = comparison.interval
        if comparison.p >= ALPHA or interval.low <= none <= interval.high:
            return "none"
        return "better" if (interval.low > none) == self.figure.more_is_better else "worse"


def families(trials: Sequence[Trial]) -> list[Family]:
    """All comparisons that the trials allow."""
    values = _by_round(trials)
    found = []
    for load in LOADS:
        # Only at the flood is anything logged within a decision.
        is_flood = load == "flood"
        program = [key for key in OF_THE_PROGRAM if is_flood or not key.startswith("decision")]
        wanted = [(key, OFF) for key in program]
        if is_flood:
            wanted += [(key, PRINT_FILE) for key in ("decision_us_p50", "decision_us_p95")]
        wanted.append(("log_call_ns_p50", PRINT_FILE))
        for key, baseline in wanted:
            family = _family(values, load, FIGURES[key], baseline)
            if family.comparisons:
                found.append(family)
    return found


def medians(trials: Sequence[Trial]) -> dict[Key, dict[str, float | None]]:
    """The median over the rounds of every figure, by load and mode, in the order of `MODES`."""
    found: dict[Key, dict[str, float | None]] = {}
    for load in LOADS:
        for mode in MODES:
            runs = [trial.figures for trial in trials if (trial.load, trial.mode) == (load, mode)]
            if runs:
                found[load, mode] = {
                    key: _median([run.get(key) for run in runs]) for key in runs[0]
                }
    return found


def _family(
    values: Mapping[Key, Mapping[int, Mapping[str, float | None]]],
    load: str,
    figure: Figure,
    baseline: str,
) -> Family:
    base = values.get((load, baseline), {})
    changes = {}
    for mode in MODES:
        if mode != baseline:
            rounds = values.get((load, mode), {})
            pairs = [
                (ours, theirs)
                for number in sorted(rounds.keys() & base.keys())
                if (ours := rounds[number].get(figure.key)) is not None
                and (theirs := base[number].get(figure.key)) is not None
                and not (figure.is_ratio and min(ours, theirs) <= 0)
            ]
            if pairs:
                changes[mode] = [_change(figure, *pair) for pair in pairs]
    p_values = holm([signed_rank_p(change) for change in changes.values()])
    comparisons = []
    for (mode, change), p in zip(changes.items(), p_values, strict=True):
        interval = median_interval(change)
        if figure.is_ratio:
            low, middle, high = map(math.exp, (interval.low, interval.median, interval.high))
            interval = Interval(low, middle, high)
        comparisons.append(Comparison(mode, len(change), interval, p))
    return Family(load, figure, baseline, comparisons)


def _change(figure: Figure, ours: float, theirs: float) -> float:
    if figure.is_ratio:
        return math.log(ours / theirs)
    return (ours - theirs) * (100 if figure.key in PERCENT else 1)


def _by_round(trials: Sequence[Trial]) -> dict[Key, dict[int, Mapping[str, float | None]]]:
    values: dict[Key, dict[int, Mapping[str, float | None]]] = {}
    for trial in trials:
        values.setdefault((trial.load, trial.mode), {})[trial.round] = trial.figures
    return values


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def digits(value: float) -> str:
    """Three significant digits, and no more than three decimals."""
    value = round(value, 3) + 0.0  # not -0
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _signed(value: float) -> str:
    text = digits(value)
    return text if text.startswith(("-", "0")) and float(text) <= 0 else f"+{text}"
