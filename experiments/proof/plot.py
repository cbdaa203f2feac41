"""The plot of the proof: each way of logging against none, with intervals."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from proof.trial import LOADS, MODES, OFF
from proof.verdicts import Family

COLOURS = {"worse": "tab:red", "better": "tab:blue", "none": "tab:gray"}
PANELS = ("decision_us_p95", "late_ms_p99", "goodput_per_s", "slo_attainment")


def save(path: Path, families: Sequence[Family]) -> None:
    """Draws a row of panels per load, a panel per figure; needs matplotlib."""
    from matplotlib.figure import Figure  # needs no display

    by_place = {
        (family.load, family.figure.key): family for family in families if family.baseline == OFF
    }
    loads = [load for load in LOADS if any(place[0] == load for place in by_place)]
    plot = Figure(figsize=(16, 0.8 + 4.2 * len(loads)), layout="constrained")
    axes = plot.subplots(len(loads), len(PANELS), squeeze=False, sharey=True)
    for load, row in zip(loads, axes, strict=True):
        for key, panel in zip(PANELS, row, strict=True):
            if (load, key) in by_place:
                _draw(panel, by_place[load, key])
        row[0].set_ylabel(f"at {LOADS[load].name}")
    plot.suptitle(
        "Each way of logging against none: median of the pairs, 95 % bootstrap interval; "
        "grey where no difference can be told"
    )
    plot.savefig(path, dpi=110)


def _draw(panel: Any, family: Family) -> None:
    figure = family.figure
    names = [MODES[comparison.mode].what for comparison in family.comparisons]
    for place, comparison in enumerate(family.comparisons):
        interval = comparison.interval
        reach = [[interval.median - interval.low], [interval.high - interval.median]]
        colour = COLOURS[family.verdict(comparison)]
        panel.errorbar(interval.median, place, xerr=reach, fmt="o", capsize=3, color=colour)
    panel.axvline(1.0 if figure.is_ratio else 0.0, color="black", linewidth=0.8)
    if figure.is_ratio and max(one.interval.high for one in family.comparisons) > 10:
        panel.set_xscale("log")
    panel.set_xlabel("times that without a log" if figure.is_ratio else f"change, {figure.unit}")
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.set_title(figure.what)
