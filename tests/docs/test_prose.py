"""The prose of the pages: short sentences, and none of the words that CONTRIBUTING.md rules out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import PAGES, ROOT

LONGEST = 30
MEAN = 16.0
OTHERS = [
    ROOT / name
    for name in ("ARCHITECTURE.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md")
    if (ROOT / name).exists()
]
PROSE = [*PAGES, *OTHERS]

FORBIDDEN = re.compile(
    r"\b(the same|likewise|the rest|the other one|but for|for ever|told of|said|nobody|whoever"
    r"|as ever|the user's document)\b",
    re.IGNORECASE,
)
THE_DOCUMENT = re.compile(r"\bthe document\b", re.IGNORECASE)
FROM_THE_DOCUMENT = ROOT / "docs" / "guides" / "from-the-document.md"

_FENCES = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_COMMENTS = re.compile(r"<!--.*?-->|<[^>\s][^>]*>", re.DOTALL)
_LINKS = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_CODE = re.compile(r"`[^`\n]+`")
_ITEM = re.compile(r"^\s*(?:[-*]|\d+\.) ")
_STOP = re.compile(r"[.!?][\")*_]*$")
_END = re.compile(r"(?<=[.!?])[\")*_]*\s+(?=[\"(*_]*[A-Z0-9C`])")


def sentences(page: str) -> list[str]:
    """The sentences of a page's paragraphs and lists; a piece of code counts as a word."""
    text = _CODE.sub("Code", _FENCES.sub("", page))
    text = _LINKS.sub(r"\1", _COMMENTS.sub("", text))
    found: list[str] = []
    paragraph: list[str] = []

    def finish() -> None:
        if paragraph:
            found.extend(_END.split(" ".join(paragraph)))
            paragraph.clear()

    for line in text.splitlines():
        is_prose = not line.startswith(("#", "|", "    ", ":::", "---"))
        if not line.strip() or not is_prose:
            finish()
            continue
        if _ITEM.match(line):
            finish()
            line = _ITEM.sub("", line)
        paragraph.append(line.strip())
        if _STOP.search(line):
            finish()
    finish()
    return [each for each in found if re.search(r"\w", each)]


def length(sentence: str) -> int:
    return len(re.findall(r"[\w'][\w'.,:/-]*", sentence))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PROSE, ids=name)
def test_sentences_are_short(path: Path) -> None:
    found = sentences(path.read_text("utf-8"))
    too_long = [f"{length(each)}: {each}" for each in found if length(each) > LONGEST]
    assert not too_long, "\n".join(too_long)
    mean = sum(map(length, found)) / max(1, len(found))
    assert mean <= MEAN


@pytest.mark.parametrize("path", PROSE, ids=name)
def test_no_phrase_is_used_that_is_ruled_out(path: Path) -> None:
    text = _FENCES.sub("", path.read_text("utf-8"))
    found = [match[0] for match in FORBIDDEN.finditer(text)]
    if path != FROM_THE_DOCUMENT:
        found += [match[0] for match in THE_DOCUMENT.finditer(text)]
    assert not found


def test_sentences_end_where_a_reader_ends_them() -> None:
    page = (
        "# A title\n\nOne sentence of `code`. A second, with a\nline break!\n\n"
        "- An item.\n- Another one.\n\n| a | table |\n\n```python\nprint(1)\n```\n"
    )
    assert sentences(page) == [
        "One sentence of Code.",
        "A second, with a line break!",
        "An item.",
        "Another one.",
    ]


def test_the_readme_is_one_screen() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 500
