"""Whether the log call that a print becomes behaves as the print, where that fails, too.

`attolog rewrite` may change what happens to a print that raises; `attolog run` may not. Both make
equal templates. Here values are repaired; a print whose values cannot be repaired stays a print.
"""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from attolog._rewrite.classify import Kind, Rewrite
from attolog._rewrite.effects import is_pure, is_text
from attolog._rewrite.percent import Conversion, conversions
from attolog._rewrite.scopes import Place
from attolog._run.print_arguments import as_written

_NAMES_ARGUMENT = sys.version_info >= (3, 15)
"""Where `%` fails, Python says which argument it was, and by which letter."""

# Formats that show every float so that float() gives it back.
_EXACT = {"e": "%.17e", "E": "%.17E", "f": "%.341f", "F": "%.341F", "g": "%.17g", "G": "%.17G"}


@dataclass(frozen=True, slots=True)
class Exact:
    """What a print is compiled to.

    Attributes:
        values: What is passed.
        at: The node whose position the call has: the one that Python blames where it raises.
        arguments: What the print is given, for one that does not go to the log; see
            `_core.compile_print`.
        options: Its keywords, as the program has written them.
    """

    values: list[ast.expr]
    at: ast.expr
    arguments: tuple[tuple[Any, ...], ...]
    options: tuple[tuple[str, Any], ...]


def make_exact(call: ast.Call, what: Rewrite, place: Place) -> Exact | None:
    """Make a print behave as it did, whatever its values are.

    Args:
        call: The print.
        what: What it becomes.
        place: Where it stands.

    Returns:
        None where that cannot be.
    """
    if what.kind not in (Kind.EVENT, Kind.MESSAGE, Kind.LEVEL) or what.call.keywords:
        return None
    if len(what.call.args) < 2 or not all(map(_is_read_late, call.keywords)):
        return None
    arguments = as_written(call, what, place)
    if arguments is None:
        return None
    options = tuple((str(each.arg), _option(each.value)) for each in call.keywords)
    if what.kind is Kind.EVENT:
        return Exact(what.call.args[1:], call, arguments, options)
    walk = _Walk(call, place)
    for arg in call.args:
        walk.visit(arg)
    if not walk.is_exact:
        return None
    values = [walk.repair(value) for value in what.call.args[1:]]
    found = [value for value in values if value is not None]
    if len(found) != len(values):
        return None
    return Exact(found, walk.error_location(), arguments, options)


def _option(value: ast.expr) -> Any:
    """A constant, or the name that a stream has in sys."""
    return value.value if isinstance(value, ast.Constant) else vars(value)["attr"]


def _is_read_late(keyword: ast.keyword) -> bool:
    """Whether an option is constant, or read from sys at the call.

    A stream that was imported by its name may not be the one that sys has then.
    """
    return isinstance(keyword.value, ast.Constant | ast.Attribute)


@dataclass(slots=True)
class _Walk:
    """Looks at the arguments of a print in the order in which they are evaluated.

    Attributes:
        is_exact: Nothing is done that the print would not have done, had it failed before.
        format_may_fail: The nodes that fail for some values: those with a format.
        str_may_fail: The nodes that fail where a value cannot be shown at all.
        operands: The values of `%`, by identity, with the operation and the conversion.
    """

    call: ast.Call
    place: Place
    is_exact: bool = True
    format_may_fail: list[ast.expr] = field(default_factory=list)
    str_may_fail: list[ast.expr] = field(default_factory=list)
    operands: dict[int, tuple[ast.BinOp, Conversion]] = field(default_factory=dict)

    def error_location(self) -> ast.expr:
        """The node that Python blames; the call itself where there are several."""
        nodes = self.format_may_fail or self.str_may_fail
        positions = {
            (each.lineno, each.col_offset, each.end_lineno, each.end_col_offset) for each in nodes
        }
        return nodes[0] if len(positions) == 1 else self.call

    def visit(self, node: ast.expr) -> None:
        if isinstance(node, ast.Constant):
            return
        if isinstance(node, ast.JoinedStr):
            self._f_string(node)
        elif isinstance(node, ast.BinOp) and _is_format(node):
            self._percent(node)
        elif isinstance(node, ast.BinOp) and is_text(node, self.place):
            self._text(node)
        elif isinstance(node, ast.Call) and _is_text_call(node):
            for arg in (*node.args, *(keyword.value for keyword in node.keywords)):
                self._evaluate(arg)
            (
                self.format_may_fail if isinstance(node.func, ast.Attribute) else self.str_may_fail
            ).append(node)
        else:
            self._evaluate(node)
            self.str_may_fail.append(self.call)

    def repair(self, value: ast.expr) -> ast.expr | None:
        """A value as it is passed, all of its nodes with positions; None where that cannot be."""
        if hasattr(value, "lineno"):
            return value
        if isinstance(value, ast.JoinedStr):  # formatted where it stands
            return ast.copy_location(value, value.values[0])
        if isinstance(value, ast.BinOp):  # formatted where it stands
            operand = value.right.elts[0] if isinstance(value.right, ast.Tuple) else value.right
            operation, conversion = self.operands[id(operand)]
            return _placed(_shown(conversion.text, operand, operation), operation)
        assert isinstance(value, ast.Call)
        return self._converted(value.args[0])

    def _converted(self, operand: ast.expr) -> ast.expr | None:
        """`int(a)` and `float(a)` take what `%d` and `%f` refuse: they get what these show."""
        operation, conversion = self.operands[id(operand)]
        kind = conversion.convert
        if self.place.is_builtin("type") is not True:
            return None
        text = conversion.text
        if kind == "float":
            text = _EXACT[text[-1]] if _NAMES_ARGUMENT else "%.17g"
        shown = _shown(text, operand, operation)
        number: ast.expr = ast.Call(ast.Name(kind, ast.Load()), [_placed(shown, operation)], [])
        if isinstance(operand, ast.Name):  # which can be read twice
            read = ast.Call(ast.Name("type", ast.Load()), [copy.deepcopy(operand)], [])
            same = ast.Compare(read, [ast.Is()], [ast.Name(kind, ast.Load())])
            number = ast.IfExp(same, operand, number)
        return _placed(number, operand)

    def _f_string(self, node: ast.JoinedStr) -> None:
        for each in node.values:
            if isinstance(each, ast.FormattedValue):
                self._evaluate(each.value)
                for inner in _inner(each.format_spec):
                    self._evaluate(inner.value)
                if each.format_spec is not None:
                    self.format_may_fail.append(each)
                elif not isinstance(each.value, ast.Constant):  # which can always be shown
                    self.str_may_fail.append(each)

    def _text(self, node: ast.BinOp) -> None:
        rest: ast.expr = node.left
        behind = [node.right]
        while isinstance(rest, ast.BinOp) and isinstance(rest.op, ast.Add):
            behind.append(rest.right)
            rest = rest.left
        for each in (rest, *reversed(behind)):
            self.visit(each)

    def _percent(self, node: ast.BinOp) -> None:
        text = node.left.value if isinstance(node.left, ast.Constant) else None
        parts = (isinstance(text, str) and conversions(text)) or []
        wanted = [each for each in parts if isinstance(each, Conversion)]
        operands = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        # The compiler makes an f-string of this.
        is_shown = all(each.text[-1] in "sra" for each in wanted) and operands != [node.right]
        n_before = len(self.format_may_fail)
        for operand, conversion in zip(operands, wanted, strict=False):
            self._evaluate(operand)
            self.operands[id(operand)] = (node, conversion)
            if is_shown:
                if not isinstance(operand, ast.Constant):  # which can always be shown
                    self.str_may_fail.append(operand)
            elif len(self.format_may_fail) == n_before:
                self.format_may_fail.append(node)

    def _evaluate(self, value: ast.expr) -> None:
        if self.format_may_fail and not is_pure(value, self.place):
            self.is_exact = False


def _shown(text: str, operand: ast.expr, operation: ast.BinOp) -> ast.BinOp:
    """The operand by a format, which raises what the operation raises for it."""
    right: ast.expr = copy.deepcopy(operand)
    if isinstance(operation.right, ast.Tuple):
        n_before = 0
        if _NAMES_ARGUMENT:
            n_before = next(i for i, each in enumerate(operation.right.elts) if each is operand)
        before: list[ast.expr] = [ast.Constant("") for _ in range(n_before)]
        right = ast.Tuple([*before, right], ast.Load())
        text = "%.0s" * n_before + text
    return ast.BinOp(ast.Constant(text), ast.Mod(), right)


def _is_format(node: ast.BinOp) -> bool:
    return (
        isinstance(node.op, ast.Mod)
        and isinstance(node.left, ast.Constant)
        and isinstance(node.left.value, str)
    )


def _is_text_call(node: ast.Call) -> bool:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr == "format" and isinstance(function.value, ast.Constant)
    return isinstance(function, ast.Name) and function.id in ("str", "repr", "ascii")


def _inner(spec: ast.expr | None) -> Iterator[ast.FormattedValue]:
    if isinstance(spec, ast.JoinedStr):
        for each in spec.values:
            if isinstance(each, ast.FormattedValue):
                yield each


def _placed(node: ast.expr, at: ast.expr) -> ast.expr:
    """Give the nodes that have no position that of another."""
    for each in ast.walk(node):
        if isinstance(each, ast.expr) and not hasattr(each, "lineno"):
            ast.copy_location(each, at)
    return node
