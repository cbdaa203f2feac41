"""The report of the proof: what came out in sentences and tables, as Markdown."""

from collections.abc import Mapping, Sequence

from proof.paired import pairs_needed
from proof.trial import LOADS, MODES, OFF, Trial
from proof.verdicts import ALPHA, PERCENT, Comparison, Family, Verdict, digits, families, medians

PRINT_LOSES = (
    " (several threads print, and [CPython's issue 119506]"
    "(https://github.com/python/cpython/issues/119506), mended in later versions, loses text then)"
)
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
    ("log_calls_per_decision", "calls /decision"),
    ("records_lost", "lost"),
)


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
    parts = ["# What logging costs the serving program"]
    parts.append("\n".join(f"- {what}: {value}" for what, value in settings.items()))
    parts.append("## What came out")
    parts.append("\n".join(f"- {sentence}" for sentence in sentences(found, trials)))
    if plot:
        parts.append(f"![Each way of logging against none, with 95 % intervals]({plot})")
    parts += ["## How it was measured", _method(found)]
    for load, how in LOADS.items():
        of_it = {mode: figures for (at, mode), figures in by_mode.items() if at == load}
        if of_it:
            rounds = len({trial.round for trial in trials if trial.load == load})
            parts.append(f"## At {how.name}: {how.what}")
            parts.append(f"    {commands[load]}\n\nMedians of {rounds} runs each:")
            parts.append(_medians_table(of_it))
            parts += [_family_table(family) for family in found if family.load == load]
    return "\n\n".join(parts) + "\n"


def sentences(found: Sequence[Family], trials: Sequence[Trial]) -> list[str]:
    """What came out, in words: first where logging makes no difference."""
    if too_few := _too_few(found):
        said = [too_few]
    else:
        said = [_sentence(family) for family in sorted(found, key=lambda one: not _is_same(one))]
    return said + _losses(trials)


def _too_few(found: Sequence[Family]) -> str:
    """What stands in place of claims where there are so few pairs that none could be made."""
    ways = max((len(family.comparisons) for family in found), default=0)
    pairs = max((one.pairs for family in found for one in family.comparisons), default=0)
    if pairs >= pairs_needed(ways):
        return ""
    return (
        f"Too few pairs to claim anything: {pairs}, where it takes {pairs_needed(ways)} "
        f"(ways of logging compared: {ways})."
    )


def _is_same(family: Family) -> bool:
    return all(family.verdict(comparison) == "none" for comparison in family.comparisons)


def _sentence(family: Family) -> str:
    figure = family.figure
    against = "" if family.baseline == OFF else f", against {MODES[family.baseline].what}"
    begin = f"At {LOADS[family.load].name}{against}, "
    by_verdict: dict[Verdict, list[Comparison]] = {"worse": [], "better": [], "none": []}
    for comparison in family.comparisons:
        by_verdict[family.verdict(comparison)].append(comparison)
    untold = by_verdict.pop("none")
    low = min((one.interval.low for one in untold), default=0.0)
    high = max((one.interval.high for one in untold), default=0.0)
    within = f"(all intervals lie within {figure.span(low, high)})"
    if _is_same(family):
        what = f"makes a difference to {figure.what} that can be told"
        return f"{begin}no way of logging {what} {within}."
    parts = []
    for verdict, told in by_verdict.items():
        if told:
            names = [f"{MODES[c.mode].what} ({figure.change(c.interval.median)})" for c in told]
            parts.append(f"{figure.words(verdict)} with {', '.join(names)}")
    if untold:
        names = [MODES[comparison.mode].what for comparison in untold]
        parts.append(f"not different as far as can be told with {', '.join(names)} {within}")
    return f"{begin}{figure.what} is {'; '.join(parts)}."


def _losses(trials: Sequence[Trial]) -> list[str]:
    said = []
    for mode, how in MODES.items():
        figures = [trial.figures for trial in trials if trial.mode == mode]
        lost = [n for of_a_run in figures if (n := of_a_run["records_lost"])]
        if lost:
            calls = sum(of_a_run["log_calls"] or 0 for of_a_run in figures)
            cause = PRINT_LOSES if how.log == "print" else ""
            said.append(
                f"Of {calls:,.0f} records of {how.what}, {sum(lost):,.0f} were lost, "
                f"in {len(lost)} of {len(figures)} runs{cause}."
            )
    return said or ["No way of logging lost a record in any run."]


def _method(found: Sequence[Family]) -> str:
    comparisons = sum(len(family.comparisons) for family in found)
    return f"""\
Each run is a process of its own. In each round every way of logging runs once, in an order drawn
anew, with the same seed and so the same requests; a pair is a way of logging and none (or print to
a file, where that is said) of the same round. `print` to a file is block buffered, to a terminal
line buffered; a terminal is read by a process of its own. The loads are not chance finds: some
eight were looked at, with a few ways of logging each, and the flood taken is one at which the
program without a log answers 99 % in time.

Decision time holds the logging of what was thought of, which is logged at the flood only, and not
that of requests and batches. A slow log feeds itself there: requests arrive while a decision waits
for it, so that the next one has more candidates and logs more lines (calls /decision). What a call
costs by itself is log call time. It holds the reading of the clock, at the flood the loop around
the calls instead: what stands for no log is the least there can be.

Intervals are 95 % percentile bootstrap intervals of the median over the pairs (Efron & Tibshirani,
An Introduction to the Bootstrap, 1993). A difference is claimed where the interval excludes none
and Wilcoxon's signed-rank test gives p < {ALPHA}, made larger by Holm's method over all ways of
logging that are compared in that table: in each, the chance of any false claim is at most 5 %.
{comparisons} comparisons in {len(found)} tables were looked at; chance alone may give
{ALPHA * len(found):.1f} tables with a false claim. "No difference that can be told" does not mean
that there is none: the interval says how large it may be."""


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
    return _table(rows)


def _family_table(family: Family) -> str:
    figure = family.figure
    needed = pairs_needed(len(family.comparisons))
    head = f"{figure.what}, against {MODES[family.baseline].what}"
    rows = [[head, "pairs", "median", "95 % interval", "p (Holm)", "verdict"]]
    rows += [
        [
            MODES[comparison.mode].what,
            str(comparison.pairs),
            figure.change(comparison.interval.median),
            figure.span(comparison.interval.low, comparison.interval.high),
            f"{comparison.p:.3f}",
            figure.words(family.verdict(comparison))
            if comparison.pairs >= needed
            else "too few pairs",
        ]
        for comparison in family.comparisons
    ]
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its columns aligned; the first row is its head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)
