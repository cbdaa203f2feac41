"""The report of the proof: what came out in sentences and tables, as Markdown."""

from collections.abc import Mapping, Sequence

from paired import Interval, pairs_needed
from proof import ALPHA, PERCENT, Comparison, Family, Verdict, digits, families, medians
from trial import LOADS, MODES, OFF, Trial


def sentences(found: Sequence[Family], trials: Sequence[Trial]) -> list[str]:
    """What came out, in words: first where logging makes no difference."""
    said = []
    for family in found:
        figure, where = family.figure, LOADS[family.load].what
        against = "" if family.baseline == OFF else f", against {MODES[family.baseline].what}"
        by_verdict: dict[Verdict, list[Comparison]] = {"none": [], "worse": [], "better": []}
        for comparison in family.comparisons:
            by_verdict[family.verdict(comparison)].append(comparison)
        untold = by_verdict["none"]
        bounds = (
            "the intervals lie within "
            + figure.interval(
                Interval(
                    min(c.interval.low for c in untold), 0, max(c.interval.high for c in untold)
                )
            )
            if untold
            else ""
        )
        begin = f"At {where}, {figure.what}{against}: "
        if len(untold) == len(family.comparisons):
            said.append(f"{begin}no way of logging makes a difference that can be told ({bounds}).")
            continue
        parts = []
        for verdict in ("worse", "better"):
            if told := by_verdict[verdict]:
                names = ", ".join(
                    f"{MODES[c.mode].what} ({figure.change(c.interval.median)})" for c in told
                )
                parts.append(f"{figure.words(verdict)} with {names}")
        if untold:
            names = ", ".join(MODES[c.mode].what for c in untold)
            parts.append(f"no difference that can be told with {names} ({bounds})")
        said.append(begin + "; ".join(parts) + ".")
    said.sort(key=lambda sentence: "no way of logging" not in sentence)
    return said + _losses(trials)


def markdown(
    trials: Sequence[Trial], settings: Mapping[str, str], commands: Mapping[str, str], plot: str
) -> str:
    """The report.

    Args:
        trials: complete rounds of them.
        settings: what they were run on and how: machine, versions, the command.
        commands: by load, the serving program's command.
        plot: the plot's file, relative to the report; empty if there is none.
    """
    found = families(trials)
    by_mode = medians(trials)
    rounds = {load: len({t.round for t in trials if t.load == load}) for load in LOADS}
    parts = ["# What logging costs the serving program"]
    parts.append("\n".join(f"- {what}: {value}" for what, value in settings.items()))
    parts.append("## What came out")
    parts.append("\n".join(f"- {sentence}" for sentence in sentences(found, trials)))
    if plot:
        parts.append(f"![Each way of logging against none, with 95 % intervals]({plot})")
    parts.append("## How it was measured")
    parts.append(_method(found, rounds))
    for load in LOADS:
        keys = {mode: figures for (of, mode), figures in by_mode.items() if of == load}
        if not keys:
            continue
        parts.append(f"## At {LOADS[load].what}")
        parts.append(f"    {commands[load]}\n\nMedians of {rounds[load]} runs each:")
        parts.append(_medians_table(keys))
        parts += [_family_table(family) for family in found if family.load == load]
    return "\n\n".join(parts) + "\n"


def _method(found: Sequence[Family], rounds: Mapping[str, int]) -> str:
    comparisons = sum(len(family.comparisons) for family in found)
    largest = max((len(family.comparisons) for family in found), default=0)
    text = (
        "Each run is a process of its own. In each round every way of logging runs once, in an "
        "order drawn anew, with the same seed and so the same requests; a pair is a way of logging "
        "and none (or print to a file, where that is said) of the same round. "
        "`print` to a file is block buffered, to a terminal line buffered; a terminal is "
        "read by a process of its own.\n\n"
        "Intervals are 95 % percentile bootstrap intervals of the median over the pairs (Efron & "
        "Tibshirani, An Introduction to the Bootstrap, 1993). A difference is claimed where the "
        "interval excludes none and Wilcoxon's signed-rank test gives p < 0.05, made larger "
        "by Holm's method over all ways of logging that are compared in that table: there, "
        "the chance of any false claim is at most 5 %. "
        f"{comparisons} comparisons in {len(found)} tables were looked at; over all tables "
        f"together, chance alone may give {ALPHA * len(found):.1f} tables with a false claim. "
        '"No difference that can be told" is no proof that there is none: the interval says '
        "how large it may be."
    )
    needed = pairs_needed(largest) if largest else 0
    if any(0 < pairs < needed for pairs in rounds.values()):
        text += (
            f"\n\n**{min(filter(None, rounds.values()))} pairs are too few to claim anything: "
            f"with {largest} ways compared, it takes {needed}.**"
        )
    return text


def _losses(trials: Sequence[Trial]) -> list[str]:
    lost: dict[str, list[tuple[float, float]]] = {}
    for trial in trials:
        n, calls = trial.figures.get("records_lost"), trial.figures.get("log_calls")
        if n and calls:
            lost.setdefault(trial.mode, []).append((n, calls))
    if not lost:
        return ["No way of logging lost a record in any run."]
    return [
        f"{MODES[mode].what} lost records: {sum(n for n, _ in runs):,.0f} of "
        f"{sum(calls for _, calls in runs):,.0f} in the {len(runs)} runs where it lost any."
        for mode, runs in lost.items()
    ]


COLUMNS = (
    ("decision_us_p50", "decision us, p50"),
    ("decision_us_p95", "p95"),
    ("late_ms_p50", "late ms, p50"),
    ("late_ms_p99", "p99"),
    ("goodput_per_s", "goodput /s"),
    ("slo_attainment", "SLO %"),
    ("log_call_ns_p50", "ns per call, p50"),
    ("log_call_ns_p99", "p99"),
    ("log_calls_per_s", "calls /s"),
    ("records_lost", "lost"),
)


def _medians_table(by_mode: Mapping[str, Mapping[str, float | None]]) -> str:
    rows = [["", *(label for _, label in COLUMNS)]]
    for mode, figures in by_mode.items():
        cells = []
        for key, _ in COLUMNS:
            value = figures.get(key)
            if value is None:
                cells.append("-")
            elif key in PERCENT:
                cells.append(f"{100 * value:.2f}")
            else:
                cells.append(digits(value))
        rows.append([MODES[mode].what, *cells])
    return table(rows)


def _family_table(family: Family) -> str:
    figure = family.figure
    against = "no log" if family.baseline == OFF else MODES[family.baseline].what
    rows = [[f"{figure.what}, against {against}", "median", "95 % interval", "p", "verdict"]]
    rows += [
        [
            MODES[comparison.mode].what,
            figure.change(comparison.interval.median),
            figure.interval(comparison.interval),
            f"{comparison.p:.3f}",
            figure.words(family.verdict(comparison)),
        ]
        for comparison in family.comparisons
    ]
    return table(rows)


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its columns aligned; the first row is its head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)
