"""Links of the pages lead somewhere, and the paths that they name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import ROOT
from .test_prose import PROSE, name

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(
    r"`((?:benchmarks|cmake|cpp|docs|examples|experiments|scripts|src|tests)(?:/[\w.-]+)+/?)`"
)
_FILE_BELOW = re.compile(r"`(\w+\.[a-z]+)` in `([\w/]+)`")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
REPOSITORY = "https://github.com/attolog/attolog/blob/main/"

OTHERS = [
    page
    for folder in ("examples", "experiments", "tests")
    for page in (ROOT / folder).rglob("*.md")
]
EVERY = [
    *PROSE,
    ROOT / "CHANGELOG.md",
    *sorted({*OTHERS} - {ROOT / "tests/document/user-document.md"}),
]


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings."""
    words = (re.sub(r"[^\w\s-]", "", heading).lower() for heading in _HEADING.findall(page))
    return {re.sub(r"\s", "-", each.strip()) for each in words}


@pytest.mark.parametrize("path", EVERY, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for target in _LINK.findall(path.read_text("utf-8")):
        to = ROOT / target.removeprefix(REPOSITORY) if target.startswith(REPOSITORY) else None
        if to is None and "://" in target:
            continue
        file, _, anchor = target.partition("#")
        to = to or (path.parent / file if file else path)
        is_there = to.exists() and (
            not anchor or to.suffix != ".md" or anchor in anchors(to.read_text("utf-8"))
        )
        if not is_there:
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("path", EVERY, ids=name)
def test_paths_that_are_named_are_there(path: Path) -> None:
    named = _PATH.findall(path.read_text("utf-8"))
    assert [each for each in named if not (ROOT / each).exists()] == []
    below = _FILE_BELOW.findall(path.read_text("utf-8"))
    assert [each for each in below if not any((ROOT / each[1]).rglob(each[0]))] == []
