"""The names of values in a template, and so of columns: those that a person would have chosen.

A value has the first of these names that exists and that no other value has:

1. the name that the program gives it: `"{n}".format(n=...)`;
2. its own: that of the variable, attribute or key (`loss`, `task.id`, `row["loss"]`), or that of
   the thing which it is taken of (`loss.item()`, `float(x)`, `len(x)`, `round(x, 2)`);
3. its label: the words directly in front of it (`loss: {s / n:.3f}`);
4. that of the variable whose element it is (`losses[0]`), or of the function which gives it
   (`get_lr()`, `f(x)`);
5. that of the variable which it is an offset from (`epoch + 1`);
6. its unit: the word directly behind it (`{t * 1000:.1f} ms`, and `percent` for `%`).

Variables choose first, then values with a name of their own, then all others.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from attolog._record_names import RESERVED, TRANSPARENT_METHODS, clean

# fmt: off
PURE_BUILTINS = frozenset((
    "abs", "ascii", "bin", "bool", "bytes", "callable", "chr", "complex", "dict", "divmod",
    "enumerate", "float", "format", "frozenset", "hasattr", "hash", "hex", "id", "int",
    "isinstance", "issubclass", "len", "list", "max", "min", "oct", "ord", "pow", "range", "repr",
    "reversed", "round", "set", "slice", "sorted", "str", "sum", "tuple", "type", "vars", "zip",
))
# fmt: on
"""Calls of these leave all other values as they are."""

MOST_HOLES = 1000
"""A template with more cannot be filled."""

# fmt: off
# Attributes that say little without their owner: `user.id` is user_id, `losses.avg` is losses_avg.
_VAGUE = frozenset({
    "avg", "count", "id", "index", "key", "kind", "max", "mean", "min", "name", "shape", "std",
    "sum", "type", "val", "value",
}) | RESERVED
# Attributes that are their owner in another form.
_TRANSPARENT_ATTRIBUTES = frozenset({"T", "data", "real"})
# Functions, builtin or of numpy, whose result goes by the name of their first argument.
_TRANSPARENT_FUNCTIONS = frozenset({
    "abs", "array", "asarray", "average", "float", "int", "len", "list", "mean", "median",
    "repr", "round", "set", "sorted", "std", "str", "sum", "tuple",
})
# Functions that say nothing of the value.
_CONVERSIONS = frozenset({"abs", "float", "int", "list", "repr", "round", "str", "tuple"})
_NO_LABELS = frozenset({
    "a", "after", "an", "and", "are", "as", "at", "by", "for", "from", "has", "have", "in", "is",
    "of", "on", "or", "per", "the", "to", "was", "were", "with",
})
# fmt: on
_BETWEEN = frozenset({"are", "is", "of", "was", "were"})  # a label and its value
_MOST_WORDS = 3  # of a label

_WORD = r"[^\W\d]\w*(?:[-@./][^\W_]\w*)*"
_LABEL = re.compile(rf"(?<!\w)((?:{_WORD} )*{_WORD})\.?(?:\s*[:=]\s*|[ \t])[ \t\[(<'\"|~#*$-]*\Z")
_TIGHT = re.compile(rf"(?<!\w)({_WORD})[:=\[(<]+\Z")
_BEHIND_HOLE = re.compile(r"\A[^\W\d]+\b")  # the unit of the hole before
_UNIT = re.compile(r"['\"]? ?(%|[^\W\d_]{2,}|[sh]\b)")
_MOST_NAMES = 4  # of one value: those of deeply nested expressions would be many
_LONGEST = 200  # characters in front of a value in which its label is looked for


class NamedHole(NamedTuple):
    """A hole of a template that is to have a name.

    Attributes:
        expression: Its value.
        given: The name that the program gives it, or "".
        before: The text in front of it, from the hole before it on.
        behind: The text behind it, up to the next hole.
        is_percentage: Its spec shows it in percent.
    """

    expression: ast.expr
    given: str = ""
    before: str = ""
    behind: str = ""
    is_percentage: bool = False


def names_of_holes(holes: Sequence[NamedHole]) -> list[str]:
    """Name the holes of a template; "" is the name of one that has none.

    Example:
        >>> value = ast.parse("s / len(d)", mode="eval").body
        >>> names_of_holes([NamedHole(value, before=" - loss: ")])
        ['loss']
    """
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    names: dict[int, str] = {}
    for i, hole in enumerate(holes):
        if hole.given:
            names[i] = clean(hole.given, taken, numbers)
    own = [[] if hole.given else list(_own_names(hole.expression)) for hole in holes]
    labels = [
        _labels(_BEHIND_HOLE.sub("", each.before) if i else each.before)
        for i, each in enumerate(holes)
    ]
    for i, hole in enumerate(holes):
        if isinstance(hole.expression, ast.Name) and i not in names:
            name = _take_first(own[i], taken)
            if name:
                names[i] = name
    for i, wanted in enumerate(own):
        if wanted and i not in names:
            name = _take_first(wanted, taken) or _take_first(labels[i], taken)
            names[i] = name or clean(wanted[0], taken, numbers)
    for i, hole in enumerate(holes):
        if i not in names:
            wanted = [*labels[i], *_other_names(hole.expression)]
            name = _take_first([*wanted, *_units(hole)], taken)
            names[i] = name or (clean(wanted[0], taken, numbers) if wanted else "")
    return [names[i] for i in range(len(holes))]


def _take_first(names: Sequence[str], taken: set[str]) -> str:
    for name in names:
        if name not in taken and name not in RESERVED:
            taken.add(name)
            return name
    return ""


def _own_names(expression: ast.expr) -> Iterator[str]:
    """From the shortest to the most precise."""
    return islice(_all_own_names(expression), _MOST_NAMES)


def _all_own_names(expression: ast.expr) -> Iterator[str]:
    if isinstance(expression, ast.Name):
        yield expression.id
    elif isinstance(expression, ast.NamedExpr):
        yield from _own_names(expression.target)
    elif isinstance(expression, ast.Await):
        yield from _own_names(expression.value)
    elif isinstance(expression, ast.Attribute):
        yield from _names_of_attribute(expression)
    elif isinstance(expression, ast.Subscript) and not _is_element(expression):
        yield from _names_of_key(expression.value, expression.slice)
    elif isinstance(expression, ast.Call):
        yield from _names_of_call(expression)


def _names_of_attribute(expression: ast.Attribute) -> Iterator[str]:
    name = expression.attr
    if name.startswith("__") and name.endswith("__"):
        name = name.strip("_") or name
    owners = [owner for owner in _own_names(expression.value) if owner not in ("self", "cls")]
    if not owners:
        owners = list(_function_names(expression.value))
    precise = [f"{owner}_{name}" for owner in owners]
    if name in _TRANSPARENT_ATTRIBUTES:
        yield from owners
    yield from [*precise, name] if name in _VAGUE else [name, *precise]


def _names_of_key(owner: ast.expr, key: ast.expr) -> Iterator[str]:
    """`row["loss"]` and `row.get("loss")` are loss, `values[0]` is values."""
    owners = list(_own_names(owner))
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        if key.value.isidentifier():
            yield key.value
            yield from (f"{each}_{key.value}" for each in owners)
    else:
        yield from owners


def _names_of_call(call: ast.Call) -> Iterator[str]:
    """The names of what the call's value is taken of, if it is taken of something."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else ""
    name = function.id if isinstance(function, ast.Name) else name
    values = [each for each in call.args if not isinstance(each, ast.Constant)]
    if isinstance(function, ast.Attribute) and not values:
        if name == "get" and call.args:
            yield from _names_of_key(function.value, call.args[0])
        elif name in TRANSPARENT_METHODS:
            yield from _with(name, _own_names(function.value), is_behind=True)
    elif name in _TRANSPARENT_FUNCTIONS and call.args:
        yield from _with(name, _own_names(call.args[0]))


def _with(function: str, owners: Iterator[str], *, is_behind: bool = False) -> Iterator[str]:
    """The names of the owner, then these with that of the function."""
    found = list(owners)
    yield from found
    yield from (f"{each}_{function}" if is_behind else f"{function}_{each}" for each in found)


def _other_names(expression: ast.expr) -> Iterator[str]:
    if _is_element(expression):
        yield from _own_names(vars(expression)["value"])
    yield from _function_names(expression)
    yield from _offset_names(expression)


def _units(hole: NamedHole) -> Iterator[str]:
    unit = _UNIT.match("%" if hole.is_percentage else hole.behind)
    is_text = any(
        isinstance(each, ast.Constant) and isinstance(each.value, str)
        for each in ast.iter_child_nodes(hole.expression)
    )
    if unit is not None and unit[1] not in _NO_LABELS and not is_text:
        yield "percent" if unit[1] == "%" else unit[1]


def _is_element(expression: ast.expr) -> bool:
    """Whether it is an element of a variable, by a number."""
    return (
        isinstance(expression, ast.Subscript)
        and isinstance(expression.value, ast.Name)
        and not (
            isinstance(expression.slice, ast.Constant) and isinstance(expression.slice.value, str)
        )
    )


def _function_names(expression: ast.expr) -> Iterator[str]:
    if isinstance(expression, ast.Await):
        yield from _function_names(expression.value)
    elif isinstance(expression, ast.Subscript) and not isinstance(expression.slice, ast.Constant):
        return
    elif isinstance(expression, ast.Subscript):
        yield from _function_names(expression.value)
    elif isinstance(expression, ast.Call):
        values = [each for each in expression.args if not isinstance(each, ast.Starred)]
        function = expression.func
        if values and isinstance(function, ast.Name) and function.id in _CONVERSIONS:
            yield from _other_names(values[0])
            return
        of = ""
        if len(values) == 1 and not expression.keywords:
            is_simple = isinstance(values[0], ast.Name | ast.Attribute)
            of = next(_own_names(values[0]), "") if is_simple else ""
        for name in _own_names(expression.func):
            yield f"{name}_{of}" if of else name


def _offset_names(expression: ast.expr) -> Iterator[str]:
    """`epoch + 1` is epoch: a count from one in place of zero."""
    if (
        isinstance(expression, ast.BinOp)
        and isinstance(expression.op, ast.Add | ast.Sub)
        and isinstance(expression.right, ast.Constant)
    ):
        yield from _own_names(expression.left)


def _labels(before: str) -> list[str]:
    """The words that stand directly in front of a value, as one name."""
    before = before[-_LONGEST:]
    match = _LABEL.search(before) or _TIGHT.search(before)
    if match is None:
        return []
    words = match[1].split(" ")
    while words and words[-1].lower() in _BETWEEN:
        words.pop()
    start = len(words)
    while start > 0 and words[start - 1].lower() not in _NO_LABELS:
        start -= 1
    words = words[start:] if len(words) - start <= _MOST_WORDS else words[-1:]
    name = "_".join(re.sub(r"\W", "_", word) for word in words)
    if not name.isidentifier():
        return []
    return [f"{name}_" if name.lower() in RESERVED else name]
