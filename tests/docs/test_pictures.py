"""The pictures of README.md are those that `make pictures` makes."""

from __future__ import annotations

import re
import runpy

from .pages import ROOT

PICTURES = runpy.run_path(str(ROOT / "scripts" / "pictures.py"))
BENCHMARKS = (ROOT / "docs" / "explanation" / "benchmarks.md").read_text("utf-8")


def test_the_chart_shows_the_table_of_the_benchmarks() -> None:
    drawn = (ROOT / "docs" / "pictures" / "call-cost.svg").read_text("utf-8")
    assert PICTURES["chart"](BENCHMARKS) == drawn
    rows = PICTURES["bars"](BENCHMARKS)
    assert len(rows) > 10
    assert rows[0][0].startswith("attolog")


def test_the_terminal_shows_the_commands_of_the_session() -> None:
    drawn = (ROOT / "docs" / "pictures" / "terminal.svg").read_text("utf-8")
    text = re.sub(r"<[^>]*>", "", drawn).replace("&#160;", " ")
    for command in PICTURES["SESSION"]:
        assert command in text
