"""What a value is called in a template, and so as a column: after what the program calls it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from attolog._record_names import RESERVED, clean

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

# Attributes that say little without what they are of: `user.id` is user_id.
_VAGUE = frozenset({"id", "index", "key", "kind", "name", "type", "value"}) | RESERVED
# Calls whose value goes by the name of their argument.
_TRANSPARENT = frozenset({"abs", "float", "int", "repr", "round", "str"})


def name_of(expression: ast.expr, taken: set[str], numbers: dict[str, int] | None = None) -> str:
    """Name a value, and take the name.

    Args:
        expression: The value.
        taken: The names that others have.
        numbers: As for `clean`.

    Returns:
        A name that is not taken, nor one of attolog's own; "" for what has none, such as `a + b`.

    Example:
        >>> [name_of(ast.parse(e, mode="eval").body, set()) for e in ("user.id", "len(q)", "a + b")]
        ['user_id', 'len_q', '']
    """
    names = list(_names(expression))
    for name in names:
        if name not in taken and name not in RESERVED:
            taken.add(name)
            return name
    return clean(names[0], taken, numbers) if names else ""


def _names(expression: ast.expr) -> Iterator[str]:
    """From the shortest to the most precise."""
    if isinstance(expression, ast.Name):
        yield expression.id
    elif isinstance(expression, ast.NamedExpr):
        yield from _names(expression.target)
    elif isinstance(expression, ast.Await):
        yield from _names(expression.value)
    elif isinstance(expression, ast.Attribute):
        name = expression.attr
        if name.startswith("__") and name.endswith("__"):
            name = name.strip("_") or name
        owners = [owner for owner in _names(expression.value) if owner not in ("self", "cls")]
        precise = [f"{owner}_{name}" for owner in owners]
        yield from [*precise, name] if name in _VAGUE else [name, *precise]
    elif isinstance(expression, ast.Subscript):
        key = expression.slice
        owners = list(_names(expression.value))
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            if key.value.isidentifier():
                yield key.value
                yield from (f"{owner}_{key.value}" for owner in owners)
        else:
            yield from owners
    elif isinstance(expression, ast.Call):
        yield from _names_of_call(expression)


def _names_of_call(call: ast.Call) -> Iterator[str]:
    values = [arg for arg in call.args if not isinstance(arg, ast.Starred)]
    function = call.func
    if values and isinstance(function, ast.Name) and function.id in _TRANSPARENT:
        yield from _names(values[0])
        return
    if len(values) == 1 and not call.keywords:
        of = next(_names(values[0]), "") if isinstance(values[0], ast.Name | ast.Attribute) else ""
        for name in _names(function):
            yield f"{name}_{of}" if of else name
        return
    yield from _names(function)
