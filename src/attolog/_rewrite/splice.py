"""The text of a rewritten call, with as much of the original's as can stay."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from itertools import accumulate

from attolog._rewrite.classify import Reason, Rewrite, Skip
from attolog._rewrite.literals import quote_of, quoted, template_literal
from attolog._rewrite.source import Edit, Source, parse_expression

LINE_LENGTH = 100

# Expressions that need parentheses among the arguments of a call.
_LOOSE = (ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Tuple, ast.GeneratorExp, ast.Starred)


def splice(source: Source, call: ast.Call, rewrite: Rewrite) -> list[Edit] | Skip:
    """The edits that turn a print into what it becomes, or why there are none."""
    new = rewrite.call
    start, stop = source.span(call.func)
    if source.data[start:stop] != b"print":
        return Skip(Reason.IN_F_STRING)
    edits = [Edit(start, stop, ast.unparse(new.func))]
    if _is_same(call.args, new.args) and _is_same(call.keywords, new.keywords):
        return edits
    core = _core(source, stop, source.span(call)[1])
    if core is None:
        return Skip(Reason.COMMENT)
    text = _arguments(source, call, rewrite, *core)
    if not source.can_hold(text):
        return Skip(Reason.INTERNAL)
    return [*edits, Edit(*core, text)]


def _is_same(old: list[ast.expr] | list[ast.keyword], new: object) -> bool:
    return isinstance(new, list) and [*map(id, old)] == [*map(id, new)]


def _core(source: Source, start: int, stop: int) -> tuple[int, int] | None:
    """Where the arguments of a call stand, without space and the comma behind.

    Args:
        source: The file.
        start: Where the call's function ends.
        stop: Where the call ends.

    Returns:
        None if a comment stands between the arguments.
    """
    opening = start + len(re.match(rb"[\s\\)]*", source.data[start:stop])[0])  # type: ignore[index]
    if source.data[opening : opening + 1] != b"(":
        return None
    inner = source.data[opening + 1 : stop - 1].decode()
    first, last = _without_comments(inner) if "#" in inner else (0, len(inner))
    if last < 0:
        return None
    head = inner[first:last]
    first += len(head) - len(head.lstrip(" \t\f\r\n\\"))
    last -= len(head) - len(head.rstrip(" \t\f\r\n\\"))
    if inner[first:last].endswith(","):
        last = first + len(inner[first : last - 1].rstrip(" \t\f\r\n\\"))
    at = opening + 1
    return at + len(inner[:first].encode()), at + len(inner[:last].encode())


def _without_comments(inner: str) -> tuple[int, int]:
    """Where tokens start and end in the text between parentheses; (0, -1) with comments between."""
    lines = list(io.StringIO(f"({inner}\n)", newline=""))
    # tokenize takes a lone \r for a space, and so cannot be followed there.
    if re.search(r"\r(?!\n)", inner):
        return 0, -1
    starts = [0, *accumulate(map(len, lines))]
    tokens = list(tokenize.generate_tokens(iter(lines).__next__))
    at = [starts[token.start[0] - 1] + token.start[1] - 1 for token in tokens]
    ends = [starts[token.end[0] - 1] + token.end[1] - 1 for token in tokens]
    space = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.ENDMARKER)
    real = [i for i, token in enumerate(tokens) if token.type not in space][1:-1]
    if not real:
        return 0, -1
    between = tokens[real[0] : real[-1]]
    if any(token.type == tokenize.COMMENT for token in between):
        return 0, -1
    return at[real[0]], ends[real[-1]]


def _arguments(source: Source, call: ast.Call, rewrite: Rewrite, start: int, stop: int) -> str:
    """The text of the new arguments, laid out as the old ones were."""
    core = source.data[start:stop].decode()
    new = rewrite.call
    texts: list[str] = []
    literal = ""
    for arg in new.args:
        if _is_new_text(arg):
            literal = _literal(source, call, rewrite, core)
            texts.append(literal)
        else:
            texts.append(expression_text(source, arg))
    for keyword in new.keywords:
        name = f"{keyword.arg}=" if keyword.arg else "**"
        texts.append(name + expression_text(source, keyword.value))
    line = ", ".join(texts)
    is_block = literal.endswith(('"""', "'''"))
    if "\n" not in core.replace("\r", "\n") or is_block:
        return line
    first = source.starts[source.line_of(start) - 1]
    before = source.data[first:start].decode()
    fits = "\n" not in literal.replace("\r", "\n") and len(before) + len(line) <= LINE_LENGTH
    if fits:
        return line
    indent = re.sub(r"[^\s]", " ", before)
    return f",{source.eol}{indent}".join(texts)


def _is_new_text(arg: ast.expr) -> bool:
    return isinstance(arg, ast.Constant) and not hasattr(arg, "lineno")


def _literal(source: Source, call: ast.Call, rewrite: Rewrite, core: str) -> str:
    template = rewrite.template
    assert template is not None
    if len(call.args) == 1 and isinstance(call.args[0], ast.JoinedStr):
        return template_literal(template, call.args[0], source)
    return quoted(template.text, quote_of(core)[0], source)


def expression_text(source: Source, node: ast.expr) -> str:
    """The text of an expression as an argument of a call: the user's own, if it can be found."""
    if isinstance(node, ast.Name):
        return node.id if not hasattr(node, "lineno") else _name_text(source, node)
    if isinstance(node, ast.Call) and not hasattr(node, "lineno"):
        inner = ", ".join(expression_text(source, arg) for arg in node.args)
        return f"{ast.unparse(node.func)}({inner})"
    text = _own_text(source, node)
    if text is None:
        text = _unparsed(node)
        if isinstance(node, _LOOSE) and not isinstance(node, ast.Starred):
            return text if text.startswith("(") else f"({text})"
        return text
    if isinstance(node, _LOOSE) and not isinstance(node, ast.Starred):
        bare = isinstance(node, ast.GeneratorExp) or (
            isinstance(node, ast.Tuple) and text.startswith("(") and _is_enclosed(text)
        )
        return text if bare else f"({text})"
    return text


def _name_text(source: Source, node: ast.Name) -> str:
    # Compatibility characters: the parser gives their normal form.
    text = source.segment(node)
    return text if text.isidentifier() and _matches(text, node) else node.id


def _own_text(source: Source, node: ast.expr) -> str | None:
    if not hasattr(node, "lineno"):
        return None
    try:
        text = source.segment(node)
    except (AssertionError, IndexError):
        return None
    if isinstance(node, ast.Starred):
        return text if text.startswith("*") and _matches(text[1:], node.value) else None
    return text if _matches(text, node) else None


def _matches(text: str, node: ast.expr) -> bool:
    parsed = parse_expression(text)
    return parsed is not None and ast.dump(parsed) == ast.dump(node)


def _is_enclosed(text: str) -> bool:
    """Whether the parentheses at both ends belong together."""
    inner = parse_expression(f"0, *{text}")
    return isinstance(inner, ast.Tuple) and len(inner.elts) == 2


def _unparsed(node: ast.expr) -> str:
    text = ast.unparse(node)
    if '"' not in text and "\\" not in text and text.count("'") == 2:
        swapped = text.replace("'", '"')
        if _matches(swapped, node):
            return swapped
    return text
