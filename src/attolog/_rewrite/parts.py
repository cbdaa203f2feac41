"""What print would write, taken apart into text and values.

Values are evaluated in the order of before, each once. Where something evaluated later could
change what an f-string has shown already (see effects), the value is formatted where it stands, and
its text is passed.
"""

from __future__ import annotations

import ast
import string
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

from attolog._rewrite.effects import (
    is_exact,
    is_float,
    is_int,
    is_no_tuple,
    is_pure,
    is_text,
    may_change,
)
from attolog._rewrite.percent import Conversion, conversions
from attolog._rewrite.scopes import Place


class Shown(NamedTuple):
    """The program's own format of one value, as `_core.compile_print` takes it.

    Attributes:
        format: The format.
        n_before: ALONE behind `%`, IN_FORMAT for `str.format`, IN_SUM behind `+`, else how many
            texts stand before the value in a tuple behind `%`.
        kind: "int", "float", "str", "text" or "": the values that the hole shows as the format
            does.
    """

    format: str
    n_before: int
    kind: str


ALONE, IN_FORMAT, IN_SUM = -1, -2, -3
_NAMES_ARGUMENT = sys.version_info >= (3, 15)
"""Where `%` fails, Python says which argument it was."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value among the text.

    Attributes:
        expression: What is passed.
        named: The expression it takes its name from.
        name: Its name, where the program has given one (`"{n}".format(n=...)`).
        conversion: "!s", "!r", "!a" or nothing.
        spec: What stands behind the colon: text and values, without braces of its own.
        shown: The program's own format, in a compiled print, where the hole has not all of it.
        early: The node at which the value is shown, if that is before the next one is evaluated.
    """

    expression: ast.expr
    named: ast.expr
    name: str = ""
    conversion: str = ""
    spec: tuple[str | Value, ...] = ()
    shown: Shown | None = None
    early: ast.expr | None = None


Part: TypeAlias = str | Value


class NotTextError(Exception):
    """As far as can be told, the expression is nothing but a value."""


@dataclass(slots=True)
class Splitter:
    """Takes the arguments of a print apart, from the last to the first.

    Attributes:
        place: Where they stand.
        is_compiled: The print is compiled: it takes values with their formats (`Shown`).
        is_disturbed: What was taken apart so far, and so stands behind what comes, may change
            other values when it is evaluated.
        has_format: There was a format among them, f-string or other, or text joined by +.
    """

    place: Place
    is_compiled: bool = False
    is_disturbed: bool = False
    has_format: bool = field(default=False)

    def argument(self, node: ast.expr) -> list[Part]:
        """The parts of one argument, which print turns into text when all are evaluated."""
        parts: list[Part]
        try:
            parts = self._text(node)
        except NotTextError:
            plain = "" if is_exact(node, self.place) else "!s"
            parts = [Value(node, node, conversion=plain)]
        self._pass(node)
        return parts

    def _pass(self, node: ast.AST) -> None:
        self.is_disturbed = self.is_disturbed or not is_pure(node, self.place)

    def _text(self, node: ast.expr) -> list[Part]:
        """The parts of an expression that is text when it is evaluated, or a constant."""
        if isinstance(node, ast.Constant):
            return [str(node.value)]
        parts: list[Part] | None = None
        if isinstance(node, ast.JoinedStr):
            parts = self._f_string(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            parts = self._percent(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            parts = self._sum(node)
        elif isinstance(node, ast.Call):
            parts = self._call(node)
        if parts is None:
            raise NotTextError
        return parts

    def _f_string(self, node: ast.JoinedStr) -> list[Part]:
        parts: list[Part] = []
        for each in reversed(node.values):
            if isinstance(each, ast.Constant):
                parts.append(str(each.value))
            elif isinstance(each, ast.FormattedValue):
                parts.append(self._hole(each))
                self._pass(each)
            else:  # a language newer than this
                raise NotTextError
        self.has_format = True
        return parts[::-1]

    def _hole(self, node: ast.FormattedValue) -> Value:
        spec = _spec(node.format_spec)
        conversion = f"!{chr(node.conversion)}" if node.conversion >= 0 else ""
        if self._is_shown_early(node, spec):
            assert spec is not None
            text = conversion + (":" + "".join(map(str, spec)) if spec else "")
            shown = Shown(f"{{{text}}}", IN_FORMAT, "")
            return Value(node.value, node.value, "", conversion, spec, shown, node)
        at_risk = self.is_disturbed and not _is_number(spec) and may_change(node.value, self.place)
        if spec is None or at_risk:
            return Value(ast.JoinedStr([node]), node.value)
        return Value(node.value, node.value, conversion=conversion, spec=spec)

    def _is_shown_early(
        self, node: ast.FormattedValue, spec: tuple[str | Value, ...] | None
    ) -> bool:
        """Whether a compiled print shows the hole before what stands behind is evaluated."""
        if not (self.is_compiled and self.is_disturbed) or spec is None:
            return False
        if any(isinstance(each, Value) for each in spec):
            return False
        return bool(spec) or may_change(node.value, self.place)

    def _percent(self, node: ast.BinOp) -> list[Part] | None:
        if not (isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)):
            return None
        found = conversions(node.left.value)
        if found is None:
            return None
        wanted = [each for each in found if isinstance(each, Conversion)]
        is_alone = not isinstance(node.right, ast.Tuple)
        if isinstance(node.right, ast.Tuple):
            operands = node.right.elts
        elif len(wanted) == 1:
            operands = [node.right]
            if not self.is_compiled and not is_no_tuple(node.right, self.place):
                # What a tuple of one would give: formatted as it stands.
                wanted = [replace(wanted[0], convert="whole", rest="")]
        else:
            return None
        if len(operands) != len(wanted) or any(isinstance(each, ast.Starred) for each in operands):
            return None
        self.has_format = True
        if self.is_compiled:
            made = self._operands(node, operands, wanted, is_alone=is_alone)
        elif self._changes_before(operands, wanted):
            made = None
        else:
            made = [_converted(*each, self.place) for each in zip(wanted, operands, strict=True)]
        if made is None:
            return [Value(node, node)]
        values = iter(made)
        return [each if isinstance(each, str) else next(values) for each in found]

    def _changes_before(self, operands: Sequence[ast.expr], wanted: list[Conversion]) -> bool:
        """Whether a value is changed between its evaluation and its formatting, or after that."""
        changes = self.is_disturbed
        for operand, conversion in zip(reversed(operands), reversed(wanted), strict=True):
            is_late = self.is_disturbed or bool(conversion.convert)
            if changes and is_late and may_change(operand, self.place):
                return True
            changes = changes or not is_pure(operand, self.place)
        return False

    def _operands(
        self,
        operation: ast.BinOp,
        operands: Sequence[ast.expr],
        wanted: Sequence[Conversion],
        *,
        is_alone: bool,
    ) -> list[Value] | None:
        """Operands as they are passed to a compiled print, which formats them at its end.

        If values behind the operation may change them, each is shown where it is evaluated. That
        is too early if an operand behind it may change it: then there are none.
        """
        early = operation if self.is_disturbed else None
        if early and not all(is_pure(operand, self.place) for operand in operands[1:]):
            return None
        values: list[Value] = []
        for i, (conversion, operand) in enumerate(zip(wanted, operands, strict=True)):
            n_before = ALONE if is_alone else i if _NAMES_ARGUMENT else 0
            shown: Shown | None = Shown(
                "%.0s" * max(n_before, 0) + conversion.text, n_before, conversion.convert
            )
            how, _, spec = conversion.rest.partition(":")
            if how == "!s" and not spec and is_exact(operand, self.place):
                how = ""
            if not (conversion.convert or is_alone or early):
                shown = None  # the hole shows each value so
            values.append(Value(operand, operand, "", how, (spec,) if spec else (), shown, early))
        return values

    def _sum(self, node: ast.BinOp) -> list[Part] | None:
        """`"a" + str(b)`: text if all of it is, which is then joined from the left."""
        leaves: list[ast.expr] = []
        rest: ast.expr = node
        while isinstance(rest, ast.BinOp) and isinstance(rest.op, ast.Add):
            leaves.append(rest.right)
            rest = rest.left
        leaves.append(rest)
        unknown = [leaf for leaf in leaves if not is_text(leaf, self.place)]
        if unknown and not (self.is_compiled and _are_variables_beside_text(unknown, leaves)):
            return None
        parts: list[list[Part]] = []
        for leaf in leaves:  # the last first
            try:
                parts.append(self._text(leaf))
            except NotTextError:
                shown = Shown("", IN_SUM, "str") if leaf in unknown else None
                parts.append([Value(leaf, leaf, shown=shown)])
            self._pass(leaf)
        self.has_format = True
        return [part for each in reversed(parts) for part in each]

    def _call(self, node: ast.Call) -> list[Part] | None:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr == "format":
            return self._format(node, function.value)
        if not isinstance(function, ast.Name) or function.id not in ("str", "repr", "ascii"):
            return None
        if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
            return None
        if not self.place.is_builtin(function.id):
            return None
        value = node.args[0]
        how = f"!{function.id[0]}"
        if self.is_disturbed and may_change(value, self.place):
            if self.is_compiled:
                return [Value(value, value, "", how, (), Shown(f"{{{how}}}", IN_FORMAT, ""), node)]
            return [Value(node, value)]
        return [Value(value, value, conversion=how)]

    def _format(self, node: ast.Call, text: ast.expr) -> list[Part] | None:
        """`"{} {x:.2f}".format(a, x=b)` whose holes show the values in their order, each once."""
        fields = format_fields(node, text)
        if fields is None:
            return None
        wanted = [each for each in fields if not isinstance(each, str)]
        given: list[tuple[str, ast.expr]] = [(str(i), arg) for i, arg in enumerate(node.args)]
        given += [(keyword.arg or "", keyword.value) for keyword in node.keywords]
        names = [name for name, _, _ in wanted]
        if names != [name for name, _ in given] or any("{" in rest for _, _, rest in wanted):
            return None
        self.has_format = True
        if self.is_disturbed and any(may_change(value, self.place) for _, value in given):
            return [Value(node, node)]
        parts: list[Part] = []
        values = iter(given)
        for each in fields:
            if isinstance(each, str):
                parts.append(each)
                continue
            name, value = next(values)
            _, conversion, spec = each
            parts.append(
                Value(
                    value, value, "" if name.isdigit() else name, conversion, (spec,) * bool(spec)
                )
            )
        return parts


def _are_variables_beside_text(unknown: list[ast.expr], leaves: list[ast.expr]) -> bool:
    """Whether a sum has text, and else variables alone: a compiled print asks if they are text.

    Only variables can be read twice, for the question and for the print.
    """
    return all(isinstance(leaf, ast.Name) for leaf in unknown) and len(unknown) < len(leaves)


def format_fields(node: ast.Call, text: ast.expr) -> list[str | tuple[str, str, str]] | None:
    """The text and holes of a call of str.format, holes as name, conversion and spec.

    Returns:
        None where the text is no constant, or is not well formed. `{}` are numbered, as `{0}`.
    """
    if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
        return None
    if any(isinstance(arg, ast.Starred) for arg in node.args):
        return None
    if any(keyword.arg is None for keyword in node.keywords):
        return None
    fields: list[str | tuple[str, str, str]] = []
    number = 0
    is_numbered = False
    try:
        for literal, name, spec, conversion in string.Formatter().parse(text.value):
            if literal:
                fields.append(literal)
            if name is None:
                continue
            if name == "":
                name, number = str(number), number + 1
            elif name[0].isdigit():
                is_numbered = True
            fields.append((name, f"!{conversion}" if conversion else "", spec or ""))
    except ValueError:
        return None
    return None if is_numbered and number else fields


def _converted(conversion: Conversion, operand: ast.expr, place: Place) -> Value:
    spec = conversion.rest
    how, _, spec = spec.partition(":")
    specs = (spec,) if spec else ()
    if conversion.convert in ("text", "whole"):
        right = operand if conversion.convert == "whole" else ast.Tuple([operand], ast.Load())
        text = ast.BinOp(ast.Constant(conversion.text), ast.Mod(), right)
        return Value(text, operand)
    known = {"int": is_int, "float": is_float}.get(conversion.convert)
    if known is None:
        plain = how == "!s" and not specs and is_exact(operand, place)
        return Value(operand, operand, conversion="" if plain else how, spec=specs)
    if not known(operand, place):
        if place.is_builtin(conversion.convert) is not True:
            tuple_ = ast.Tuple([operand], ast.Load())
            return Value(ast.BinOp(ast.Constant(conversion.text), ast.Mod(), tuple_), operand)
        converted = ast.Call(ast.Name(conversion.convert, ast.Load()), [operand], [])
        return Value(converted, operand, spec=specs)
    return Value(operand, operand, spec=specs)


def _spec(node: ast.expr | None) -> tuple[str | Value, ...] | None:
    """The spec of a hole; None where str.format has no such spec."""
    if node is None:
        return ()
    if not isinstance(node, ast.JoinedStr):
        return None
    spec: list[str | Value] = []
    for each in node.values:
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            if "{" in each.value or "}" in each.value:
                return None
            if each.value:
                spec.append(each.value)
        elif isinstance(each, ast.FormattedValue):
            inner = _spec(each.format_spec)
            if inner is None or any(isinstance(part, Value) for part in inner):
                return None  # a third level
            conversion = f"!{chr(each.conversion)}" if each.conversion >= 0 else ""
            spec.append(Value(each.value, each.value, conversion=conversion, spec=inner))
        else:
            return None
    return tuple(spec)


def _is_number(spec: tuple[str | Value, ...] | None) -> bool:
    """Whether only numbers take the spec, which do not change."""
    last = spec[-1] if spec else ""
    return isinstance(last, str) and last[-1:] in tuple("bdoxXeEfFgG") and "%" not in last
