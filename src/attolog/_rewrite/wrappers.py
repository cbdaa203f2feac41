"""Functions of the program's own that print what they are given, and the calls of them.

Such a call is no print, and stays. Its values are those that a person would look for in the log.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
_TEXTS = ast.JoinedStr | ast.BinOp | ast.Call


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A function that prints one of its parameters.

    Attributes:
        name: What it is called.
        line: The number of the print's line.
    """

    name: str
    line: int


def wrappers(tree: ast.Module) -> list[Wrapper]:
    """The functions of a module that print a parameter as it is."""
    found: list[Wrapper] = []
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTIONS) and not node.name.startswith("__"):
            own = node.args
            given = [*own.posonlyargs, *own.args, *own.kwonlyargs, *filter(None, [own.vararg])]
            names = {each.arg for each in given}
            printed = [call for call in _prints(node) if _shows_one_of(call, names)]
            if printed:
                found.append(Wrapper(node.name, printed[0].lineno))
    return found


def calls(tree: ast.Module, names: Iterable[str]) -> list[tuple[str, int]]:
    """The calls of functions by name, or of methods, that are given a text with values in it."""
    wanted = frozenset(names)
    found: list[tuple[str, int]] = []
    for node in ast.walk(tree) if wanted else ():
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else ""
            name = function.id if isinstance(function, ast.Name) else name
            if name in wanted and any(isinstance(arg, _TEXTS) for arg in node.args):
                found.append((name, node.lineno))
    return sorted(found, key=lambda each: each[1])


def _prints(function: ast.AST) -> Iterable[ast.Call]:
    """The prints of a function, those of functions inside of it left out."""
    planned = list(ast.iter_child_nodes(function))
    for node in planned:  # which grows
        if isinstance(node, ast.Call) and _is_print(node.func):
            yield node
        if not isinstance(node, _FUNCTIONS | ast.Lambda | ast.ClassDef):
            planned += ast.iter_child_nodes(node)


def _is_print(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) and function.id == "print"


def _shows_one_of(call: ast.Call, names: set[str]) -> bool:
    if len(call.args) != 1:
        return False
    shown = call.args[0].value if isinstance(call.args[0], ast.Starred) else call.args[0]
    return isinstance(shown, ast.Name) and shown.id in names
