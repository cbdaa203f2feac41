"""The arguments of a print as the program has written them, for one that does not go to the log."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from attolog._rewrite.classify import Kind, Rewrite
from attolog._rewrite.parts import Part, Splitter, Value
from attolog._rewrite.scopes import Place, Scopes


def as_written(call: ast.Call, what: Rewrite, place: Place) -> tuple[tuple[Any, ...], ...] | None:
    """Tell what each argument of a print is made of.

    Args:
        call: The print.
        what: What it becomes; its values are those that the call passes.
        place: Where it stands.

    Returns:
        For each argument `(index,)` of the value that it is, `(None, constant)`, or a format for
        `str.format` and the indices of the values that fill it. None where that cannot be told.
    """
    values = what.call.args[1:]
    if what.kind is Kind.EVENT:
        name = what.call.args[0]
        assert isinstance(name, ast.Constant)
        return ((None, name.value), *((i,) for i in range(len(values))))
    if what.template is None:  # a call of str.format, whose format is the template
        text = what.call.args[0]
        is_one = len(call.args) == 1 and isinstance(text, ast.Constant)
        return ((vars(text)["value"], tuple(range(len(values)))),) if is_one else None
    splitter = Splitter(place, is_compiled=True)
    split = [splitter.argument(arg) for arg in reversed(call.args)][::-1]
    made = _Arguments(values)
    arguments = tuple(made.argument(*each) for each in zip(call.args, split, strict=True))
    return arguments if made.n_taken == len(values) and made.is_known else None


def is_partial(tree: ast.Module, scopes: Scopes) -> bool:
    """Whether the module's `print` is `partial(print, flush=True)`, wherever it binds the name.

    What it is at a call is asked then.
    """
    place = Place(scopes)
    n_partials = n_others = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            is_name = [ast.dump(target) for target in node.targets] == [_PRINT]
            n_partials += is_name and _is_partial_call(node.value, place)
        elif isinstance(node, ast.Name):
            n_others += node.id == "print" and not isinstance(node.ctx, ast.Load)
        elif isinstance(node, _DEFINITIONS):
            n_others += node.name == "print"
        elif isinstance(node, ast.alias):
            n_others += (node.asname or node.name) == "print"
    return n_partials == n_others > 0


_PRINT = ast.dump(ast.Name("print", ast.Store()))
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)


def _is_partial_call(node: ast.expr, place: Place) -> bool:
    return (
        isinstance(node, ast.Call)
        and place.is_from(node.func, "functools", "partial")
        and [ast.dump(arg) for arg in node.args] == [ast.dump(ast.Name("print", ast.Load()))]
        and [keyword.arg for keyword in node.keywords] == ["flush"]
        and isinstance(node.keywords[0].value, ast.Constant)
    )


class _Arguments:
    """Finds the values among those that are passed: in order, a variable that is shared once.

    Attributes:
        n_taken: How many were found so far.
        is_known: All were.
    """

    def __init__(self, values: Sequence[ast.expr]) -> None:
        self._values = [ast.dump(value) for value in values]
        self.n_taken = 0
        self.is_known = True

    def argument(self, node: ast.expr, parts: list[Part]) -> tuple[Any, ...]:
        if isinstance(node, ast.Constant):
            return (None, node.value)
        if len(parts) == 1 and isinstance(parts[0], Value) and parts[0].expression is node:
            return (self._find(node),)
        indices: list[int] = []
        return ("".join(self._shown(part, indices) for part in parts), tuple(indices))

    def _shown(self, part: Part, indices: list[int]) -> str:
        if isinstance(part, str):
            return part.replace("{", "{{").replace("}", "}}")
        indices.append(self._find(part.expression))
        spec = "".join(
            each if isinstance(each, str) else self._shown(each, indices) for each in part.spec
        )
        return f"{{{part.conversion}{spec and ':'}{spec}}}"

    def _find(self, value: ast.expr) -> int:
        wanted = ast.dump(value)
        if self.n_taken < len(self._values) and self._values[self.n_taken] == wanted:
            self.n_taken += 1
            return self.n_taken - 1
        if wanted in self._values[: self.n_taken]:
            return self._values.index(wanted)
        self.is_known = False
        return 0
