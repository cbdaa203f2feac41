"""Whether the log call that a print becomes behaves as the print, where that fails, too.

`attolog rewrite` may change what happens to a print that raises; `attolog run` may not. Both make
equal templates. Here it is found out what is shown when, and which node Python blames for it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from attolog._rewrite.classify import Kind, Rewrite
from attolog._rewrite.effects import binds, is_pure, is_text
from attolog._rewrite.parts import IN_SUM, Shown, Value
from attolog._rewrite.percent import Conversion, conversions
from attolog._rewrite.scopes import Place
from attolog._run.print_arguments import as_written

_OWN_CODE = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Exact:
    """What a print is compiled to.

    Attributes:
        values: What is passed.
        early: For each of these the node at which it is shown before the next one is evaluated.
        conversions: For each the program's own format; see `_core.compile_print`.
        texts: The variables that must be exact texts; for others the print stays as it is.
        at: The node whose position the call has: the one that Python blames where it raises.
        arguments: What the print is given, for one that does not go to the log; see
            `_core.compile_print`.
        options: Its keywords, as the program has written them.
    """

    values: list[ast.expr]
    early: tuple[ast.expr | None, ...]
    conversions: tuple[tuple[str, int, str] | None, ...]
    texts: list[ast.Name]
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
    values = what.call.args[1:]
    none = (None,) * len(values)
    if what.kind is Kind.EVENT:
        return Exact(values, none, none, [], call, arguments, options)
    shown = what.template.shown if what.template is not None else ()
    conversions = (
        tuple(None if each.shown is None else _as_tuple(each.shown) for each in shown) or none
    )
    early = tuple(each.early for each in shown) or none
    is_nested = any(isinstance(part, Value) for each in shown for part in each.spec)
    if len(conversions) != len(values) or (is_nested and any(conversions)):
        return None
    in_sums = [each for each in shown if each.shown and each.shown.n_before == IN_SUM]
    texts = [each.expression for each in in_sums if isinstance(each.expression, ast.Name)]
    if texts and any(isinstance(node, _OWN_CODE) for arg in call.args for node in ast.walk(arg)):
        return None  # the print is there twice, but code may be there once
    early_ids = {id(each.expression) for each in shown if each.early}
    walk = _Walk(call, place, early_ids, {each.id for each in texts})
    for arg in call.args:
        walk.visit(arg)
    if not walk.is_exact:
        return None
    placed = [_placed(value) for value in values]
    at = walk.error_location()
    return Exact(placed, early, conversions, texts, at, arguments, options)


def _as_tuple(shown: Shown) -> tuple[str, int, str]:
    """The plain tuple, which can be marshalled."""
    return shown.format, shown.n_before, shown.kind


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
        early: The values, by identity, that are shown as they are evaluated: they fail there.
        texts: The variables, by name, that are read before all else: nothing may change them.
        is_exact: Nothing is done that the print would not have done, had it failed before.
        format_may_fail: The nodes that fail for some values: those with a format.
        str_may_fail: The nodes that fail where a value cannot be shown at all.
    """

    call: ast.Call
    place: Place
    early: set[int]
    texts: set[str]
    is_exact: bool = True
    is_pure: bool = True
    format_may_fail: list[ast.expr] = field(default_factory=list)
    str_may_fail: list[ast.expr] = field(default_factory=list)

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
        elif isinstance(node, ast.BinOp) and (is_text(node, self.place) or self._is_sum(node)):
            self._text(node)
        elif isinstance(node, ast.Call) and _is_text_call(node):
            for arg in (*node.args, *(keyword.value for keyword in node.keywords)):
                self._evaluate(arg)
            is_format = isinstance(node.func, ast.Attribute)
            if not any(id(arg) in self.early for arg in node.args):
                (self.format_may_fail if is_format else self.str_may_fail).append(node)
        else:
            self._evaluate(node)
            self.str_may_fail.append(self.call)

    def _f_string(self, node: ast.JoinedStr) -> None:
        for each in node.values:
            if isinstance(each, ast.FormattedValue):
                self._evaluate(each.value)
                for inner in _inner(each.format_spec):
                    self._evaluate(inner.value)
                if id(each.value) in self.early:
                    continue
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
            if not (isinstance(each, ast.Name) and each.id in self.texts):
                self.visit(each)
            elif not self.is_pure:
                self.is_exact = False

    def _is_sum(self, node: ast.BinOp) -> bool:
        """Whether it is a sum of texts and of variables that must be texts."""
        rest: ast.expr = node
        while isinstance(rest, ast.BinOp) and isinstance(rest.op, ast.Add):
            leaf = rest.right
            if isinstance(leaf, ast.Name) and leaf.id in self.texts:
                return True
            rest = rest.left
        return isinstance(rest, ast.Name) and rest.id in self.texts

    def _percent(self, node: ast.BinOp) -> None:
        text = node.left.value if isinstance(node.left, ast.Constant) else None
        parts = (isinstance(text, str) and conversions(text)) or []
        wanted = [each for each in parts if isinstance(each, Conversion)]
        operands = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        # The compiler makes an f-string of this.
        is_shown = all(each.text[-1] in "sra" for each in wanted) and operands != [node.right]
        for operand in operands:
            self._evaluate(operand)
        if any(id(operand) in self.early for operand in operands):
            return
        if not is_shown:
            self.format_may_fail.append(node)
        else:
            # Constants can always be shown.
            self.str_may_fail += [each for each in operands if not isinstance(each, ast.Constant)]

    def _evaluate(self, value: ast.expr) -> None:
        self.is_pure = self.is_pure and is_pure(value, self.place) and not binds(value)
        if self.format_may_fail and not is_pure(value, self.place):
            self.is_exact = False


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


def _placed(value: ast.expr) -> ast.expr:
    """A value with a position: an f-string that was made of one hole has that of the hole."""
    if not hasattr(value, "lineno"):
        assert isinstance(value, ast.JoinedStr)
        ast.copy_location(value, value.values[0])
    return value
