"""Colours of lines on a terminal: by level, table and value."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import IO

_STYLES = {
    "DEBUG": "2",
    "INFO": "32",
    "WARNING": "33",
    "ERROR": "31",
    "CRITICAL": "1;31",
    "EVENT": "36",
    "PRINT": "2",
    "LOG": "2",
}
_TIME, _TABLE, _NAME, _NUMBER, _TEXT = "2", "1;36", "2", "33", "32"
_OTHER, _MATCH = "35", "7"

_LINE = re.compile(r"(?P<time>\d{4}-\S+)(?P<delta> +\+\S+)? (?P<level>[A-Z]+) *(?P<message>.*)")
_VALUE = re.compile(
    r"""
    (?P<text> "(?:[^"]|"")*" )
    | (?P<name> (?<![^\s(\[,])[A-Za-z_][\w.]*= )
    | (?P<number> (?<![\w.\\])[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]*[A-Za-z_]) )
    """,
    re.VERBOSE,
)


def is_coloured(stream: IO[str]) -> bool:
    """Whether a stream gets colours: NO_COLOR and FORCE_COLOR decide, else a terminal has them."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def style(text: str, codes: str) -> str:
    """A text between two escape sequences.

    Example:
        >>> style("ERROR", "31") == "\N{ESC}[31mERROR\N{ESC}[0m"
        True
    """
    return f"\x1b[{codes}m{text}\x1b[0m" if text else text


def link(text: str, path: str | None, line: int | None) -> str:
    """A text that leads to a line of a source file when it is clicked (OSC 8)."""
    if path is None or line is None or not os.path.isabs(path):
        return text
    from urllib.parse import quote

    return f"\x1b]8;;file://{quote(path)}#{line}\x1b\\{text}\x1b]8;;\x1b\\"


def paint(
    text: str,
    match: re.Match[str] | None = None,
    source: tuple[str | None, int | None] | None = None,
) -> str:
    """Colour a line as `show.line` makes it; a line of another form stays as it is.

    Args:
        text: The line, without control characters.
        match: A part that is to stand out.
        source: File and line of the call, to which the level leads.

    Example:
        >>> paint("2026-11-30T14:02:03.000000Z EVENT    request ms=7").endswith(style("7", "33"))
        True
    """
    parts = _LINE.fullmatch(text)
    spans = list(_spans(parts)) if parts is not None else []
    if match is not None:
        start, end = match.span()
        around = [(a, min(b, start), codes) for a, b, codes in spans]
        around += [(max(a, end), b, codes) for a, b, codes in spans]
        spans = sorted([*around, (start, end, _MATCH)])
    painted, at = [], 0
    for start, end, codes in spans:
        if start < end:
            shown = style(text[start:end], codes)
            if source is not None and parts is not None and start == parts.start("level"):
                shown = link(shown, *source)
            painted += [text[at:start], shown]
            at = end
    return "".join([*painted, text[at:]])


def _spans(parts: re.Match[str]) -> Iterator[tuple[int, int, str]]:
    """From where to where a line has which colour."""
    text, level = parts.string, parts["level"]
    yield 0, parts.start("level") - 1, _TIME
    yield *parts.span("level"), _STYLES.get(level, _OTHER)
    at = parts.start("message")
    if level == "EVENT" or text.startswith("DROPPED ", at):
        end = text.find(" ", at)
        end = len(text) if end < 0 else end
        yield at, end, _TABLE
        at = end
    for value in _VALUE.finditer(text, at):
        codes = {"text": _TEXT, "name": _NAME, "number": _NUMBER}[value.lastgroup or "text"]
        yield *value.span(), codes
