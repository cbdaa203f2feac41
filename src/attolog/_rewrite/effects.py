"""What evaluating an expression can do to values that were evaluated before.

An f-string formats each value where it stands, a log call all of them at its end. The text is the
same unless a value that stands further back changes one that stands before: in
`f"{queue} {queue.pop()}"` the queue has to be formatted first.

Taken to change nothing are attributes, subscripts, operators, and the calls named below.
"""

from __future__ import annotations

import ast

from attolog._naming import PURE_BUILTINS
from attolog._rewrite.scopes import Place

# fmt: off
_PURE_FUNCTIONS = {
    "time": (
        "ctime", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time",
        "strftime", "time", "time_ns",
    ),
    "math": (
        "ceil", "exp", "floor", "fabs", "hypot", "isclose", "isfinite", "isnan", "log", "log10",
        "log2", "sqrt",
    ),
    "os": ("getcwd", "getpid"),
    "threading": ("active_count", "current_thread", "get_ident"),
}
_PURE_METHODS = frozenset((
    "as_posix", "capitalize", "count", "empty", "encode", "endswith", "format", "full",
    "get_name", "hex", "index", "isoformat", "items", "join", "keys", "ljust", "lower", "lstrip",
    "mean", "most_common", "qsize", "replace", "rjust", "rstrip", "split", "startswith", "std",
    "strftime", "strip", "title", "tolist", "total_seconds", "upper", "values", "zfill",
))
_TEXT_METHODS = frozenset((
    "capitalize", "center", "expandtabs", "format", "join", "ljust", "lower", "lstrip", "replace",
    "rjust", "rstrip", "strip", "title", "upper", "zfill",
))
# fmt: on
_PURE = (
    ast.Attribute,
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.Constant,
    ast.Dict,
    ast.FormattedValue,
    ast.IfExp,
    ast.JoinedStr,
    ast.Lambda,
    ast.List,
    ast.Name,
    ast.NamedExpr,
    ast.Set,
    ast.Slice,
    ast.Starred,
    ast.Subscript,
    ast.Tuple,
    ast.UnaryOp,
)
_REFERENCES = (
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.NamedExpr,
    ast.Await,
    ast.Yield,
    ast.YieldFrom,
)
_LOOPS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

_INT = frozenset({"hash", "id", "int", "len", "ord"})
_TEXT = frozenset({"ascii", "bin", "chr", "format", "hex", "input", "oct", "repr", "str"})


def is_pure(expression: ast.AST, place: Place) -> bool:
    """Whether evaluating the expression leaves all other values as they are."""
    if isinstance(expression, ast.Lambda):
        return True  # it is not called here
    if isinstance(expression, ast.Call):
        if not _is_pure_function(expression, place):
            return False
    elif isinstance(expression, _LOOPS):
        if any(each.is_async for each in expression.generators):
            return False
    elif isinstance(expression, ast.expr) and not isinstance(expression, _PURE):
        return False
    return all(is_pure(child, place) for child in ast.iter_child_nodes(expression))


def binds(expression: ast.expr) -> bool:
    """Whether the expression gives names a value, so that they may not be what they were."""
    return any(isinstance(node, ast.NamedExpr) for node in ast.walk(expression))


def may_change(expression: ast.expr, place: Place) -> bool:
    """Whether others may hold, and change, the object that the expression gives."""
    if isinstance(expression, ast.IfExp):
        return may_change(expression.body, place) or may_change(expression.orelse, place)
    if isinstance(expression, ast.BoolOp):
        return any(may_change(value, place) for value in expression.values)
    if isinstance(expression, ast.Call):
        return not is_exact(expression, place)
    return isinstance(expression, _REFERENCES)


def is_exact(expression: ast.expr, place: Place) -> bool:
    """Whether the value is exactly an int, a float or a str, whose `format()` is its `str()`."""
    return is_int(expression, place) or is_float(expression, place) or is_text(expression, place)


def is_int(expression: ast.expr, place: Place) -> bool:
    """Whether the value is exactly an int."""
    if isinstance(expression, ast.Constant):
        return type(expression.value) is int
    return _is_call_of(expression, _INT, place)


def is_float(expression: ast.expr, place: Place) -> bool:
    """Whether the value is exactly a float."""
    if isinstance(expression, ast.Constant):
        return type(expression.value) is float
    return _is_call_of(expression, frozenset({"float"}), place) or (
        isinstance(expression, ast.Call)
        and any(
            place.is_from(expression.func, "time", name)
            for name in ("time", "perf_counter", "monotonic")
        )
    )


def is_text(expression: ast.expr, place: Place) -> bool:
    """Whether the value is exactly a str."""
    if isinstance(expression, ast.JoinedStr):
        return True
    if isinstance(expression, ast.Constant):
        return isinstance(expression.value, str)
    if isinstance(expression, ast.BinOp):
        left, right = expression.left, expression.right
        if isinstance(expression.op, ast.Add):
            return is_text(left, place) and is_text(right, place)
        if isinstance(expression.op, ast.Mult):
            # Nothing but a number multiplies text, but an object may answer for itself.
            return (is_text(left, place) and is_int(right, place)) or (
                is_int(left, place) and is_text(right, place)
            )
        return isinstance(expression.op, ast.Mod) and is_text(left, place)
    if isinstance(expression, ast.Call) and isinstance(expression.func, ast.Attribute):
        method = expression.func
        return method.attr in _TEXT_METHODS and is_text(method.value, place)
    return _is_call_of(expression, _TEXT, place)


def is_no_tuple(expression: ast.expr, place: Place) -> bool:
    """Whether `"..." % expression` has that one value to show."""
    if isinstance(expression, ast.BinOp):
        sides = [is_no_tuple(side, place) for side in (expression.left, expression.right)]
        if isinstance(expression.op, ast.Add):  # a tuple takes tuples only
            return any(sides)
        if isinstance(expression.op, ast.Mult):  # a tuple takes an int
            both = (expression.left, expression.right)
            return all(sides) or any(is_float(e, place) or _makes_many(e) for e in both)
        return True
    return isinstance(
        expression, ast.Constant | ast.List | ast.Dict | ast.Compare | ast.ListComp | ast.UnaryOp
    ) or is_exact(expression, place)


def _makes_many(factor: ast.expr) -> bool:
    """Whether no tuple times this number has one value: `"%d" % (100 * (1,))` raises."""
    return isinstance(factor, ast.Constant) and type(factor.value) is int and abs(factor.value) != 1


def _is_call_of(expression: ast.expr, names: frozenset[str], place: Place) -> bool:
    return (
        isinstance(expression, ast.Call)
        and isinstance(expression.func, ast.Name)
        and expression.func.id in names
        and place.is_builtin(expression.func.id) is True
    )


def _is_pure_function(call: ast.Call, place: Place) -> bool:
    function = call.func
    if isinstance(function, ast.Name) and function.id in PURE_BUILTINS:
        return place.is_builtin(function.id) is True
    if isinstance(function, ast.Attribute):
        if function.attr == "get":  # a dict's has a key, a queue's has not
            return bool(call.args)
        if function.attr in _PURE_METHODS:
            return True
    return any(
        place.is_from(function, module, name)
        for module, names in _PURE_FUNCTIONS.items()
        for name in names
    )
