"""String literals as the program writes them: their quotes, and the lines they are spread over."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from attolog._rewrite.source import Source, parse_expression
from attolog._rewrite.template import Template

_QUOTE = re.compile(r"'''|\"\"\"|'|\"")


def quote_of(text: str) -> str:
    """The quotes of the first literal in a piece of source.

    Example:
        >>> quote_of("rf'''a''' + x")
        "'''"
    """
    found = _QUOTE.search(text)
    return found[0] if found else '"'


def quoted(text: str, quote: str, source: Source) -> str:
    r"""A literal of a text, in the characters that the source can hold.

    Args:
        text: The text.
        quote: The quotes. Three of them keep line breaks as they are.
        source: Where it goes.

    Example:
        >>> print(quoted('a "word"\n', '"', Source(b"")))
        'a "word"\n'
    """
    if len(quote) == 1 and quote in text:
        other = "'" if quote == '"' else '"'
        quote = quote if other in text else other
    long = len(quote) == 3
    body = "".join(_escaped(character, quote, source) for character in text)
    if long:
        # Quotes inside are fine unless they end the literal.
        body = body.replace(quote, "\\" + "\\".join(quote))
        if body.endswith(quote[0]):
            body = body[:-1] + "\\" + quote[0]
    return quote + body + quote


def _escaped(character: str, quote: str, source: Source) -> str:
    if character == "\\" or (character == quote):
        return "\\" + character
    if character == "\n":
        return source.eol if len(quote) == 3 else "\\n"
    if character == "\t" and len(quote) == 3:
        return character
    if character.isprintable() and source.can_hold(character):
        return character
    return character.encode("unicode_escape").decode()


def template_literal(template: Template, node: ast.expr, source: Source) -> str:
    """The literal of a template that was an f-string, over as many lines as that was."""
    segment = source.segment(node)
    quote = quote_of(segment)
    if "\n" in segment.replace("\r", "\n") and isinstance(node, ast.JoinedStr):
        spread = _spread(template, segment, source)
        if spread is not None:
            return spread
    if len(quote) == 3 and "\n" not in segment.replace("\r", "\n"):
        quote = quote[0]
    return quoted(template.text, quote, source)


def _spread(template: Template, segment: str, source: Source) -> str | None:
    """The literals of an implicitly joined f-string one by one, with what stands between them."""
    holes = [
        piece for piece, is_hole in zip(template.pieces, template.is_hole, strict=True) if is_hole
    ]
    at_hole = iter(holes)
    text: list[str] = []
    written: list[str] = []
    at = 0
    for start, stop in _literals(segment):
        literal = segment[start:stop]
        node = parse_expression(literal)
        values = node.values if isinstance(node, ast.JoinedStr) else [node]
        piece = ""
        for value in values:
            if isinstance(value, ast.FormattedValue):
                piece += next(at_hole, "")
            elif isinstance(value, ast.Constant) and isinstance(value.value, str):
                constant = value.value
                piece += constant.replace("{", "{{").replace("}", "}}") if holes else constant
            else:
                return None
        quote = quote_of(literal)
        if len(quote) == 3 and "\n" not in literal.replace("\r", "\n"):
            quote = quote[0]
        text.append(piece)
        written += [segment[at:start], quoted(piece, quote, source)]
        at = stop
    return "".join(written) if "".join(text) == template.text else None


def _literals(segment: str) -> Iterator[tuple[int, int]]:
    """Where the string literals of a piece of source start and stop."""
    # Positions are by line and character; the parenthesis lets it have several lines.
    starts = [0]
    for line in io.StringIO(segment, newline=None):
        starts.append(starts[-1] + len(line))
    text = io.StringIO(f"(\n{segment}\n)", newline=None)
    opening = getattr(tokenize, "FSTRING_START", None)
    closing = getattr(tokenize, "FSTRING_END", None)
    depth = 0
    begin = 0
    for token in tokenize.generate_tokens(text.readline):
        row, column = token.start
        start = starts[row - 2] + column if 2 <= row <= len(starts) + 1 else 0
        end_row, end_column = token.end
        if token.type == opening:
            begin = begin if depth else start
            depth += 1
        elif token.type == closing:
            depth -= 1
            if not depth:
                yield begin, starts[end_row - 2] + end_column
        elif token.type == tokenize.STRING and not depth:
            yield start, starts[end_row - 2] + end_column
