"""The tables as a page and a picture."""

from __future__ import annotations

import html
import importlib.util
import io
from pathlib import Path
from string import Template
from typing import Any

from attolog._bench.report import Report
from attolog._bench.table import REST, SPEED, Figures, rest_cells, speed_cells

ADD_PLOT = "pip install 'attolog[plot]'"
_COLORS = {"attolog": "tab:blue", "plain Python": "tab:orange", "python": "tab:gray"}
_OTHERS = "tab:green"
_PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>attolog bench</title>
<style>
body { font-family: sans-serif; margin: 2em auto; max-width: 70em; }
td, th { padding: 0.1em 0.8em; text-align: right; white-space: nowrap; }
td:first-child, th:first-child { text-align: left; }
svg { height: auto; max-width: 100%; }
</style>
</head>
<body>
<h1>attolog bench</h1>
<p>$about</p>
$chart
$tables
<ul>
$notes
</ul>
</body>
</html>
"""
)


def is_possible() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def write(report: Report, about: str, page: Path | None, picture: Path | None) -> None:
    """Draw the overhead of all methods into an HTML page, a PNG, or both.

    Args:
        report: What was measured.
        about: The machine, in a line.
        page: Where the page goes; it needs no other file and no network.
        picture: Where the PNG goes.
    """
    figure = _chart(report.figures, about)
    if picture is not None:
        figure.savefig(picture, format="png", dpi=150)
    if page is not None:
        svg = io.StringIO()
        figure.savefig(svg, format="svg")
        chart = svg.getvalue()
        page.write_text(_page(report, about, chart[chart.index("<svg") :]), encoding="utf-8")


def _chart(figures: list[Figures], about: str) -> Any:
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    figure = Figure(figsize=(10, 1.5 + 0.28 * len(figures)), layout="constrained")
    axes = figure.add_subplot(
        xscale="log",
        xlabel="overhead per log, µs: median of the runs, least to most",
        # With room for the numbers beside the bars.
        xlim=(min(each.least for each in figures) / 4, max(each.most for each in figures) * 3),
    )
    overheads = [each.overhead for each in figures]
    around = [
        [each.overhead - each.least for each in figures],
        [each.most - each.overhead for each in figures],
    ]
    titles = [each.result.method.title for each in figures]
    colors = [_COLORS.get(each.result.method.maker, _OTHERS) for each in figures]
    bars = axes.barh(titles, overheads, xerr=around, color=colors)
    axes.bar_label(bars, labels=[f"{value:.3g}" for value in overheads], padding=4)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.grid(axis="x", alpha=0.3)
    axes.set_title(about, fontsize="small")
    makers = {
        "attolog": "attolog",
        "plain Python": "loggers in plain Python",
        "python": "print and logging",
        "": "others",
    }
    handles = [
        Patch(color=_COLORS.get(maker, _OTHERS), label=label) for maker, label in makers.items()
    ]
    axes.legend(handles=handles)
    return figure


def _page(report: Report, about: str, chart: str) -> str:
    figures = report.figures
    speed = [speed_cells(each) for each in figures]
    speed += [(result.method.title, str(result.failure)) for result in report.failed]
    tables = _table(SPEED, speed) + _table(REST, [rest_cells(each) for each in figures])
    notes = "\n".join(f"<li>{html.escape(note)}</li>" for note in report.notes())
    return _PAGE.substitute(about=html.escape(about), chart=chart, tables=tables, notes=notes)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [_row("th", head), *(_row("td", row) for row in rows)]
    return "<table>\n" + "\n".join(lines) + "\n</table>\n"


def _row(tag: str, cells: tuple[str, ...]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
