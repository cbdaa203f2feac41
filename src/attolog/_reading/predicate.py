"""A condition of polars' as far as the native reader can look for it."""

from __future__ import annotations

import io
import json
import math
import re
from typing import TYPE_CHECKING, Any

from attolog._reading.arrow import Field
from attolog._reading.extras import need

if TYPE_CHECKING:
    import polars

    from attolog._reading.table import Table

_NAME = re.compile(r"[A-Za-z_\x80-\U0010ffff][\w.\x80-\U0010ffff]*")
# Words of the language, what it calls something else, and columns that are no fields.
_OTHER_NAMES = {"and", "or", "not", "in", "True", "False", "None"}
_OTHER_NAMES |= {"event", "level", "message", "thread", "time", "template", "weight"}
# Columns whose names may be made of a field's: n_2, time_, v1.
_MADE = re.compile(r".*_|.*_\d+|v\d+")

_OPERATORS = {"Eq": "==", "NotEq": "!=", "Lt": "<", "LtEq": "<=", "Gt": ">", "GtEq": ">="}
_TURNED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OPPOSITE = {">": "<=", ">=": "<"}
_EXACT = 2**53  # floats have all ints up to here
_MOST_ITEMS = 100  # of a list
_LONGEST = 5000  # characters of an expression


class Predicate:
    """What is looked for in place of a condition: all rows that it keeps, and perhaps more.

    polars filters the rows again, so a part that is not understood is left out.
    """

    def __init__(self, table: Table, condition: polars.Expr | None) -> None:
        self.where: str | None = None
        """An expression of the native reader."""
        self.since: int | None = None
        """The time of the first row in nanoseconds since 1970."""
        self.until: int | None = None
        """The time of the last row."""
        if condition is None:
            return
        self._fields = {field.name: field for field in table._fields()}
        self._has_fields = table.kind in ("event", "message")
        try:
            tree = json.loads(condition.meta.serialize(format="json"))
        except Exception:  # polars has some that it cannot write out
            return
        parts = [self._part(each) for each in self._conjuncts(tree)]
        where = " and ".join(f"({part})" for part in parts if part)
        if where and len(where) <= _LONGEST:
            self.where = where

    def _conjuncts(self, tree: Any) -> list[Any]:
        """The conditions that must all hold; those on the time are kept as bounds."""
        match tree:
            case {"BinaryExpr": {"left": left, "op": "And" | "LogicalAnd", "right": right}}:
                return [*self._conjuncts(left), *self._conjuncts(right)]
            case {"Function": {"input": [of, low, high], "function": function}} if _is_between(
                function
            ):
                return [
                    *self._conjuncts(_comparison(of, "GtEq", low)),
                    *self._conjuncts(_comparison(of, "LtEq", high)),
                ]
            case {"BinaryExpr": {"left": left, "op": op, "right": right}} if op in _OPERATORS:
                if left == {"Column": "time"}:
                    self._bound(_OPERATORS[op], right)
                elif right == {"Column": "time"}:
                    self._bound(_TURNED[_OPERATORS[op]], left)
        return [tree]

    def _bound(self, op: str, literal: Any) -> None:
        ns = _nanoseconds(literal)
        if ns is None:
            return
        if op in (">", ">=", "=="):
            self.since = ns if self.since is None else max(ns, self.since)
        if op in ("<", "<=", "=="):
            self.until = ns if self.until is None else min(ns, self.until)

    def _part(self, tree: Any) -> str | None:
        """An expression that holds wherever the condition does; None if there is none."""
        match tree:
            case {"BinaryExpr": {"left": left, "op": "And" | "LogicalAnd", "right": right}}:
                found = [part for part in (self._part(left), self._part(right)) if part]
                return " and ".join(f"({part})" for part in found) or None
            case {"BinaryExpr": {"left": left, "op": "Or" | "LogicalOr", "right": right}}:
                one, other = self._part(left), self._part(right)
                return f"({one}) or ({other})" if one and other else None
            case {"BinaryExpr": {"left": left, "op": op, "right": right}} if op in _OPERATORS:
                field = self._field(left)
                if field is not None:
                    return _compared(field, _OPERATORS[op], right)
                field = self._field(right)
                return field and _compared(field, _TURNED[_OPERATORS[op]], left)
            case {"Function": {"input": [of, low, high], "function": function}} if _is_between(
                function
            ):
                field = self._field(of)
                bounds = field and [
                    part
                    for part in (_compared(field, ">=", low), _compared(field, "<=", high))
                    if part
                ]
                return " and ".join(bounds) if bounds else None
            case {"Function": {"input": [of, items], "function": {"Boolean": {"IsIn": _}}}}:
                field = self._field(of)
                return field and _is_in(field, items)
            case {"Function": {"input": [of], "function": {"Boolean": "Not"}}}:
                field = self._field(of)
                is_bool = field is not None and field.format == "b"
                return f"{field.name} == False" if field and is_bool else None
            case {"Column": _}:
                field = self._field(tree)
                is_bool = field is not None and field.format == "b"
                return f"{field.name} == True" if field and is_bool else None
        return None

    def _field(self, tree: Any) -> Field | None:
        """The column, if the reader's expressions know it by this name and as this type."""
        match tree:
            case {"Cast": {"expr": {"Column": str(name)}, "dtype": {"Literal": dtype}}}:
                field = self._field({"Column": name})
                return field if field and field.is_number and dtype in _WIDE else None
            case {"Column": str(name)}:
                field = self._fields.get(name)
                is_known = field is not None and (field.is_number or field.format in ("b", "U"))
                is_its_own = _NAME.fullmatch(name) and not _MADE.fullmatch(name)
                if not self._has_fields or not is_known or not is_its_own:
                    return None
                return None if name in _OTHER_NAMES or (field and field.note) else field
        return None


_WIDE = ("Int64", "Float64")  # casts to these keep the order of numbers


def _comparison(left: Any, op: str, right: Any) -> Any:
    return {"BinaryExpr": {"left": left, "op": op, "right": right}}


def _is_between(function: Any) -> bool:
    match function:
        case {"Boolean": {"IsBetween": _}}:
            return True
    return False


def _compared(field: Field, op: str, literal: Any) -> str | None:
    values = _literals(literal)
    value = _written(field, values[0]) if values and len(values) == 1 else None
    if value is None:
        return None
    if field.is_number:
        # polars has NaN above all numbers; here a comparison with it is false.
        is_float = field.format in "fg"
        above = is_float and op in (">", ">=")
        return (
            f"not {field.name} {_OPPOSITE[op]} {value}" if above else f"{field.name} {op} {value}"
        )
    # The order of texts and bools is left to polars.
    return f"{field.name} {op} {value}" if op in ("==", "!=") else None


def _is_in(field: Field, literal: Any) -> str | None:
    values = _literals(literal)
    if values is None or len(values) != 1 or not isinstance(values[0], list):
        return None
    items = [_written(field, each) for each in values[0]]
    if not items or None in items or len(items) > _MOST_ITEMS:
        return None
    return f"{field.name} in ({', '.join(map(str, items))},)"


def _written(field: Field, value: object) -> str | None:
    """A literal as the reader's expressions have it, if it compares there as it does in polars."""
    if isinstance(value, bool):
        return str(value) if field.format == "b" else None
    if isinstance(value, str):
        # A lone surrogate is an escape in a column, and itself in the record.
        return repr(value) if field.format == "U" and "\\" not in value else None
    if not isinstance(value, int | float) or not field.is_number:
        return None
    is_mixed = isinstance(value, float) or field.format in "fg"
    if not math.isfinite(value) or (is_mixed and abs(value) >= _EXACT):
        return None
    return repr(value)


def _literals(tree: Any) -> list[Any] | None:
    """The values of an expression without columns; a list where it is one."""
    pl = need("polars", "polars")
    if not isinstance(tree, dict) or "Literal" not in tree:
        return None
    try:
        expression = pl.Expr.deserialize(io.BytesIO(json.dumps(tree).encode()), format="json")
        found: list[Any] = pl.select(expression).to_series().to_list()
    except Exception:  # what polars cannot read back is no literal that is known here
        return None
    return found


def _nanoseconds(tree: Any) -> int | None:
    """A literal's time in nanoseconds since 1970."""
    pl = need("polars", "polars")
    if not isinstance(tree, dict) or "Literal" not in tree:
        return None
    try:
        expression = pl.Expr.deserialize(io.BytesIO(json.dumps(tree).encode()), format="json")
        times = pl.select(expression).to_series()
        if times.dtype.base_type() is not pl.Datetime or len(times) != 1:
            return None
        found: int | None = times.dt.epoch("ns").item()
    except Exception:  # as in _literals
        return None
    return found
