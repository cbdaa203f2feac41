"""A source file as bytes: where its nodes stand, and how pieces of it are replaced.

The parser counts columns in bytes of UTF-8, so that is what is edited; at the end it is encoded as
it came. What no edit covers stays as it is, to the byte.
"""

from __future__ import annotations

import ast
import codecs
import io
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from attolog._compile_warnings import collect_warnings

# As the parser sees them: a form feed ends no line.
_END_OF_LINE = re.compile(rb"\r\n|\r|\n")
_KEEP = re.compile(rb"#[^\S\r\n]*attolog:[^\S\r\n]*keep\b")


class SourceError(Exception):
    """A file that is no Python source, or cannot be written back as it came."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes from `start` to `stop` that become `text`."""

    start: int
    stop: int
    text: str


class Source:
    """A source file.

    Args:
        raw: Its bytes.
        name: Its name, for errors.

    Raises:
        SourceError: It cannot be decoded or parsed.
    """

    def __init__(self, raw: bytes, name: str = "<source>") -> None:
        self.raw = raw
        self.name = name
        try:
            self.encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
            self._bom = codecs.BOM_UTF8 if self.encoding == "utf-8-sig" else b""
            if self._bom:
                self.encoding = "utf-8"
            self.text = raw[len(self._bom) :].decode(self.encoding)
            if self._bom + self.text.encode(self.encoding) != raw:
                raise SourceError(f"{self.encoding} does not give the same bytes back")
        except SyntaxError as error:  # an encoding that is unknown, or contradicts the BOM
            raise SourceError(error.msg) from None
        except UnicodeError as error:
            raise SourceError(f"cannot be decoded: {error}") from None
        self.data = self.text.encode()
        self.starts = [0, *(match.end() for match in _END_OF_LINE.finditer(self.data))]
        self._stops = [*self.starts[1:], len(self.data)]
        first = _END_OF_LINE.search(self.data)
        self.eol = first[0].decode() if first else "\n"
        """How its lines end."""

    def parse(self) -> ast.Module:
        """Its syntax tree.

        Raises:
            SourceError: It has none.
        """
        return parse(self.text, self.name)

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node starts and stops."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def segment(self, node: ast.expr) -> str:
        """The text of a node; nonsense where its position is wrong, as inside old f-strings."""
        start, stop = self.span(node)
        return self.data[start:stop].decode(errors="replace")

    def line_of(self, at: int) -> int:
        """The number of the line in which a byte stands, from 1."""
        return bisect_right(self.starts, at)

    def lines(self, first: int, last: int) -> list[str]:
        """Lines by their numbers, the last included, with their ends."""
        return [
            self.data[self.starts[i] : self._stops[i]].decode()
            for i in range(first - 1, min(last, len(self.starts)))
        ]

    @cached_property
    def kept(self) -> list[int]:
        """The numbers of the lines with `# attolog: keep`."""
        return [self.line_of(match.start()) for match in _KEEP.finditer(self.data)]

    def can_hold(self, text: str) -> bool:
        """Whether the file's encoding has all characters."""
        try:
            text.encode(self.encoding)
        except UnicodeError:
            return False
        return True

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """The file's bytes with pieces replaced; edits at one place stay in their order."""
        pieces: list[bytes] = []
        at = 0
        for edit in sorted(edits, key=lambda edit: (edit.start, edit.stop)):
            assert edit.start >= at, "edits overlap"
            pieces += [self.data[at : edit.start], edit.text.encode()]
            at = edit.stop
        pieces.append(self.data[at:])
        return self._bom + b"".join(pieces).decode().encode(self.encoding)


def parse(text: str, name: str) -> ast.Module:
    """Parse a module, without a word on what Python warns of.

    Raises:
        SourceError: It cannot be parsed.
    """
    try:
        with collect_warnings():
            return ast.parse(text, name)
    except SyntaxError as error:
        raise SourceError(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise SourceError(str(error) or "too deeply nested") from None


def parse_expression(text: str) -> ast.expr | None:
    """Parse an expression, which may have line breaks; None if it is none."""
    try:
        with collect_warnings():
            return ast.parse(f"({text}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def is_same(one: ast.AST, other: ast.AST) -> bool:
    """Whether two trees are equal, positions aside; they may be as deep as Python can parse."""
    planned: list[tuple[object, object]] = [(one, other)]
    while planned:
        a, b = planned.pop()
        if type(a) is not type(b):
            return False
        if isinstance(a, ast.AST):
            planned += [(getattr(a, name, None), getattr(b, name, None)) for name in a._fields]
        elif isinstance(a, list) and isinstance(b, list):
            if len(a) != len(b):
                return False
            planned += zip(a, b, strict=True)
        elif a != b:
            return False
    return True
