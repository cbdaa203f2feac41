"""Plots as files, by matplotlib: a picture, or a page that needs no other file and no network."""

from __future__ import annotations

import html
import io
from datetime import UTC, datetime, timedelta
from typing import Any

from attolog._cli.plot_data import Binned
from attolog._reading.extras import need

SUFFIXES = (".png", ".svg", ".html")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_plot(
    path: str, suffix: str, binned: Binned, kind: str, title: str, column: str, local: bool
) -> None:
    """Draw into a file.

    Args:
        path: The file.
        suffix: One of SUFFIXES.
        binned: The numbers.
        kind: line, hist, rate or heat.
        title: What stands above it.
        column: What stands beside it.
        local: Times are local.
    """
    figure = _figure(binned, kind, title, column, local)
    if suffix != ".html":
        figure.savefig(path, format=suffix[1:], dpi=150)
        return
    svg = io.StringIO()
    figure.savefig(svg, format="svg")
    drawing = svg.getvalue()
    with open(path, "w", encoding="utf-8") as page:
        page.write(
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f"<title>{html.escape(title)}</title>\n"
            "<style>body { font-family: sans-serif; margin: 2em } svg { max-width: 100% }</style>\n"
            f"</head>\n<body>\n{drawing[drawing.index('<svg') :]}\n</body>\n</html>\n"
        )


def _figure(binned: Binned, kind: str, title: str, column: str, local: bool) -> Any:
    figure = need("matplotlib.figure", "plot").Figure(figsize=(10, 5), layout="constrained")
    axes = figure.add_subplot(title=title)
    axes.grid(alpha=0.3)
    if kind == "hist":
        _bars(axes, binned, column)
        return figure
    start, end = (_moment(at, local) for at in (binned.start, binned.end))
    axes.set_xlabel(f"time ({start.tzname()})")
    axes.set_ylabel("records per second" if kind == "rate" else column)
    if kind == "heat":
        dates = need("matplotlib.dates", "plot").date2num([start, end])
        rows = [[n or float("nan") for n in row] for row in zip(*binned.cells, strict=True)]
        picture = axes.imshow(
            rows,
            origin="lower",
            aspect="auto",
            extent=(dates[0], dates[1], binned.low, binned.high),
            norm="log",
        )
        axes.xaxis_date(tz=start.tzinfo)
        figure.colorbar(picture, label="records")
        return figure
    for series in binned.series:
        bins = len(series.counts)
        step = (end - start) / bins
        seconds = (binned.end - binned.start) / 1e9 / bins
        values = [n / seconds for n in series.counts] if kind == "rate" else series.means()
        points = [(start + step * (i + 0.5), y) for i, y in enumerate(values) if y == y]
        marker = "." if len(points) < 100 else None
        axes.plot(*zip(*points, strict=True), label=series.name, linewidth=1, marker=marker)
    if len(binned.series) > 1:
        axes.legend()
    return figure


def _bars(axes: Any, binned: Binned, column: str) -> None:
    axes.set_xlabel(column)
    axes.set_ylabel("records")
    for series in binned.series:
        bins = len(series.counts)
        step = (binned.end - binned.start) / bins
        edges = [binned.start + i * step for i in range(bins + 1)]
        axes.stairs(series.counts, edges, label=series.name, fill=len(binned.series) == 1)
    if len(binned.series) > 1:
        axes.legend()


def _moment(ns: float, local: bool) -> datetime:
    moment = _EPOCH + timedelta(microseconds=ns / 1000)
    return moment.astimezone() if local else moment
