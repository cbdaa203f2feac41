"""The expressions of `when=`: a part of Python's own, checked and taken apart for the native side.

The language has names and literals, comparisons of two or more of them, `and`, `or`, `not` and
brackets. A list or a tuple of literals stands behind `in`. There is no arithmetic and no call.

`ast.parse` has the grammar. It sees no names, numbers and texts: underscores stand in their places.
So a field may have a name that Python keeps for itself (`from`), Python warns of no odd spelling,
and whatever the expression is, Python parses one line of ASCII.
"""

from __future__ import annotations

import ast
import math
import re
from typing import NoReturn

Step = str | int | float | bool | None

_LONGEST = 10_000  # characters
_DEEPEST = 100  # brackets, signs and `not` within one another
_MOST_DIGITS = 4300  # Python's own limit
_MOST_SHOWN = 40  # characters of what is found
_MOST_MARKED = 200  # characters of an expression whose place is marked below it

_SPACE = " \t\r\n"
_WORD = re.compile(
    r"""
    (?P<string> '(?:[^'\\\n]|\\.)*' | "(?:[^"\\\n]|\\.)*" )
    | (?P<number> \.?[0-9](?:[eE][+-]|[\w.\x80-\U0010ffff])* )  # or what only begins as one
    | (?P<name> [A-Za-z_\x80-\U0010ffff][\w.\x80-\U0010ffff]* )
    | (?P<space> [\t\r\n] )
    | (?P<stray> [^ ()\[\],<>=!+-] | (?<![<>=!])=(?!=) )
    """,
    re.VERBOSE,
)
_KEYWORDS = ("and", "or", "not", "in")
_MASKED = re.compile(r"'_*'|\"_*\"|_+|[a-z]+|[<>=!]=|.|$")  # a word or an operator
_NESTING = re.compile(r"([(\[])|([)\]])|(not(?! *in)|[+-])|and|or|in|[<>=!,]")
_ESCAPE = re.compile(r"\\(?:x.{0,2}|u.{0,4}|U.{0,8}|.)", re.DOTALL)

_STARTS_NUMBER = ".0123456789"
_CONSTANTS = {"True": True, "False": False, "None": None}
_OPERATORS = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", None)
_LEVELS_SHOWN = "'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'"


def parse(text: str) -> tuple[Step, ...]:
    """Take an expression apart, into the steps that `cpp/query/expression_tree.hpp` describes.

    Raises:
        ValueError: The text is no expression. The message is one line that names the column; a note
            has the expression with a mark below the place.

    Example:
        >>> parse("ms > 50 and user == 'ann'")
        ('and', 2, '>', 'name', 'ms', 'value', 50, '==', 'name', 'user', 'value', 'ann')
    """
    try:
        return _Parser(text).parse()
    except (MemoryError, RecursionError):
        raise ValueError(f"{text!r}: it is nested too deeply") from None


def names_in(text: str) -> list[str]:
    """The names in an expression, in their order.

    Raises:
        ValueError: The text is no expression.

    Example:
        >>> names_in("ms > 50 and user in ('name', 'ann') or not ms")
        ['ms', 'user', 'ms']
    """
    found: list[str] = []
    steps = iter(parse(text))
    for step in steps:
        if step == "list":
            for _ in range(int(next(steps) or 0)):
                next(steps)
        elif step in ("name", "value", "and", "or"):
            of = next(steps)
            if step == "name":
                found.append(str(of))
    return found


class _Parser:
    def __init__(self, given: str) -> None:
        self._given = given
        self._text = given.strip(_SPACE)
        self._indent = len(given) - len(given.lstrip(_SPACE))
        self._steps: list[Step] = []

    def parse(self) -> tuple[Step, ...]:
        if len(self._given) > _LONGEST:
            self._refuse(
                _LONGEST - self._indent, f"an expression has {_LONGEST} characters at most"
            )
        masked = self._mask()
        self._check_nesting(masked)
        try:
            self._add(ast.parse(masked, mode="eval").body)
        except SyntaxError as error:
            self._explain(error, masked)
        return tuple(self._steps)

    def _mask(self) -> str:
        def mask(word: re.Match[str]) -> str:
            text = word[0]
            match word.lastgroup:
                case "string":
                    return text[0] + "_" * (len(text) - 2) + text[0]
                case "space":
                    return " "
                case "stray":
                    self._refuse_stray(word.start(), text)
            return text if text in _KEYWORDS else "_" * len(text)

        return _WORD.sub(mask, self._text)

    def _refuse_stray(self, at: int, character: str) -> NoReturn:
        if character in "'\"":
            self._refuse(at, "this string has no end")
        if character == "=":
            self._refuse(at, "a single = compares nothing; it is written ==")
        self._refuse(at, f"{character!r} has no meaning here")

    def _check_nesting(self, masked: str) -> None:
        """Keep from Python's parser what it would need a large stack for."""
        around: list[int] = []  # how deep each open bracket lies
        depth = 0
        for word in _NESTING.finditer(masked):
            opening, closing, unary = word.groups()
            if opening:
                around.append(depth)
            if opening or unary:
                depth += 1
            elif closing:
                depth = around.pop() if around else 0
            else:  # an operator: signs and `not` before it do not reach beyond
                depth = around[-1] + 1 if around else 0
            if depth > _DEEPEST:
                self._refuse(word.start(), f"more than {_DEEPEST} levels of nesting")

    def _explain(self, error: SyntaxError, masked: str) -> NoReturn:
        """Say in words of this language what Python calls an invalid syntax."""
        at = (error.offset or len(masked) + 1) - 1
        if not error.msg.startswith("invalid syntax"):
            self._refuse(at, error.msg)
        before = masked[:at].rstrip()
        if re.search(r"[_'\")\]] *not$", before):
            expected = "'in' after 'not'"
        elif before.endswith(("_", "'", '"', ")", "]")):
            expected = "an operator"
        else:
            expected = "a name, a literal or '('"
        word = _MASKED.match(masked, at)
        assert word
        self._expect(expected, at, self._text[at : word.end()] or "the end")

    def _refuse(self, at: int, what: str) -> NoReturn:
        at += self._indent
        error = ValueError(f"{self._given!r}: at column {at + 1}: {what}")
        if "\n" not in self._given and len(self._given) <= _MOST_MARKED:
            error.add_note(f"    {self._given}\n    {' ' * at}^")
        raise error from None

    def _expect(self, expected: str, at: int, found: str) -> NoReturn:
        shown = " ".join(found.splitlines())
        shown = shown if len(shown) <= _MOST_SHOWN else shown[:_MOST_SHOWN] + "..."
        self._refuse(at, f"expected {expected}, found {shown}")

    def _source(self, node: ast.expr) -> str:
        return self._text[node.col_offset : node.end_col_offset]

    def _add(self, node: ast.expr) -> None:
        """Append the steps of a node."""
        match node:
            case ast.BoolOp():
                word = "and" if isinstance(node.op, ast.And) else "or"
                self._steps += (word, len(node.values))
                for each in node.values:
                    self._add(each)
            case ast.UnaryOp(op=ast.Not()):
                self._steps.append("not")
                self._add(node.operand)
            case ast.Compare():
                # A chain `a < b < c` is `a < b and b < c`.
                if len(node.ops) > 1:
                    self._steps += ("and", len(node.ops))
                lefts = [node.left, *node.comparators]
                for left, op, right in zip(lefts, node.ops, node.comparators, strict=False):
                    self._add_comparison(left, _OPERATORS[type(op)], right)
            case _:
                self._steps += self._term(node)

    def _add_comparison(self, left: ast.expr, op: str, right: ast.expr) -> None:
        is_in = op in ("in", "not in")
        items = right.elts if is_in and isinstance(right, ast.List | ast.Tuple) else None
        nodes = [left, *([right] if items is None else items)]
        terms = [self._term(each) for each in nodes]
        self._steps += (op, *terms[0])
        if items is None:
            kind, value = terms[1]
            if is_in and kind == "value" and not isinstance(value, str):
                self._expect(
                    "a text, a name, or a list such as (1,)", right.col_offset, repr(value)
                )
            self._steps += terms[1]
        else:
            self._steps += ("list", len(items))
            for node, (kind, value) in zip(items, terms[1:], strict=True):
                if kind == "name":
                    self._expect("a literal in this list", node.col_offset, str(value))
                self._steps.append(value)
        # A level that is misspelt, or a number, would just never match.
        if ("name", "level") in terms and (items is not None or not is_in):
            for node, (kind, value) in zip(nodes, terms, strict=True):
                if kind == "value" and value not in _LEVELS:
                    self._refuse(node.col_offset, f"a level is {_LEVELS_SHOWN}")

    def _term(self, node: ast.expr) -> tuple[str, Step]:
        """A name or a literal: ("name", its text) or ("value", what it stands for)."""
        at, word = node.col_offset, self._source(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
            number, word = node.operand, self._source(node.operand)
            if not isinstance(number, ast.Name) or word[0] not in _STARTS_NUMBER:
                self._expect("a number behind the sign", number.col_offset, word)
            value = self._number(number.col_offset, word)
            return "value", -value if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.Constant):
            return "value", self._string(at, word)
        if not isinstance(node, ast.Name):
            self._expect("a name or a literal", at, word)
        if word[0] in _STARTS_NUMBER:
            return "value", self._number(at, word)
        if word in _CONSTANTS:
            return "value", _CONSTANTS[word]
        return "name", word

    def _number(self, at: int, word: str) -> int | float:
        is_whole = re.fullmatch("[0-9_]+", word)
        if is_whole and len(word) > _MOST_DIGITS:
            self._refuse(at, "this number is too long")
        try:
            value = int(word, 0) if is_whole else float(word.encode("ascii"))
        except ValueError:
            self._refuse(at, f"{word} is no number")
        if value == math.inf:
            self._refuse(at, "this number is too large")
        return value

    def _string(self, at: int, word: str) -> str:
        def read(escape: re.Match[str]) -> str:
            place = at + 1 + escape.start()
            if escape[0][1] not in "\\'\"abfnrtvxuU":
                self._refuse(
                    place, "unknown escape; a backslash that stands for itself is written twice"
                )
            try:
                return escape[0].encode().decode("unicode_escape")
            except UnicodeError:
                self._refuse(place, "this escape is no character")

        first = _WORD.match(word)
        assert first
        if first[0] != word:  # Python would put strings together that stand side by side
            second = word[first.end() :].lstrip()
            self._expect("an operator", at + len(word) - len(second), second)
        return _ESCAPE.sub(read, word[1:-1])
