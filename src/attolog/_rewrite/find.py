"""The prints of a module, and what stands around them."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace

from attolog._rewrite.scopes import Scope
from attolog._rewrite.source import Source

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_PROMPT = re.compile(r"\s*(?:>>>|\.\.\.) .*\bprint\s*\(")


@dataclass(frozen=True, slots=True)
class Context:
    """What a node stands in.

    Attributes:
        scopes: The functions, classes and comprehensions, the outermost first.
        statement: The index of the module's statement.
        in_print: An argument of a print.
        in_f_string: A value of an f-string.
        is_redirected: `with redirect_stdout(...)`.
    """

    scopes: tuple[Scope, ...] = ()
    statement: int = 0
    in_print: bool = False
    in_f_string: bool = False
    is_redirected: bool = False


@dataclass(frozen=True, slots=True)
class Print:
    """A print: its call, or its name where that is not called."""

    node: ast.Call | ast.Name
    around: Context
    has_inner: bool = False

    @property
    def line(self) -> int:
        """The number of its line."""
        return self.node.lineno


def prints(tree: ast.Module) -> list[Print]:
    """All prints of a module, in the order of the source."""
    found: list[tuple[ast.Call | ast.Name, Context]] = []
    with_inner: set[int] = set()
    # What is to be visited, each with the number of the print that it is an argument of. Not by
    # recursion: an `elif` stands inside of the `if` before it.
    planned: list[tuple[ast.AST, Context, int]] = [
        (statement, Context(statement=i), -1) for i, statement in enumerate(tree.body)
    ]
    kept_as_text = _text_annotations(tree)
    while planned:
        node, around, outer = planned.pop()
        if id(node) in kept_as_text:
            continue
        if isinstance(node, ast.Call) and _is_print(node.func):
            inner = replace(around, in_print=True)
            n = len(found)
            planned += [(child, inner, n) for child in (*node.args, *node.keywords)]
        elif not (isinstance(node, ast.Name) and _is_print(node)):
            planned += [(child, inside, outer) for child, inside in _children(node, around)]
            continue
        elif not isinstance(node.ctx, ast.Load):
            continue
        found.append((node, around))
        with_inner.add(outer)
    every = [Print(*each, i in with_inner) for i, each in enumerate(found)]
    return sorted(every, key=lambda each: (each.node.lineno, each.node.col_offset))


def _text_annotations(tree: ast.Module) -> set[int]:
    """The annotations, by id, of a module where Python keeps them as text (PEP 563)."""
    imports = (node for node in tree.body if isinstance(node, ast.ImportFrom))
    if not any(
        node.module == "__future__" and any(each.name == "annotations" for each in node.names)
        for node in imports
    ):
        return set()
    annotations: list[ast.expr | None] = []
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTIONS):
            annotations.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            annotations.append(node.annotation)
    return {id(each) for each in annotations if each is not None}


def _is_print(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "print"


def _children(node: ast.AST, around: Context) -> Iterator[tuple[ast.AST, Context]]:
    inside = around
    body: list[ast.AST] = []
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Lambda)):
        # Decorators, defaults and annotations stand outside.
        inside = replace(around, scopes=(*around.scopes, node))
        body = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    elif isinstance(node, _COMPREHENSIONS):
        inside = replace(around, scopes=(*around.scopes, node))
        body = list(ast.iter_child_nodes(node))
    elif isinstance(node, ast.With | ast.AsyncWith) and any(map(_redirects, node.items)):
        inside = replace(around, is_redirected=True)
        body = list(node.body)
    elif isinstance(node, ast.JoinedStr):
        inside = replace(around, in_f_string=True)
        body = list(node.values)
    own = {id(each) for each in body}
    for child in ast.iter_child_nodes(node):
        yield child, inside if id(child) in own else around


def _redirects(item: ast.withitem) -> bool:
    call = item.context_expr
    if not isinstance(call, ast.Call):
        return False
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else ""
    name = function.id if isinstance(function, ast.Name) else name
    return name in ("redirect_stdout", "redirect_stderr")


def is_kept(source: Source, node: ast.expr) -> bool:
    """Whether `# attolog: keep` stands on a line of the node."""
    at = bisect_left(source.kept, node.lineno)
    return at < len(source.kept) and source.kept[at] <= (node.end_lineno or node.lineno)


def doctest_prints(source: Source, tree: ast.Module) -> list[int]:
    """The lines of docstrings in which an example prints."""
    found: list[int] = []
    if ">>>" not in source.text:
        return found
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Module, *_FUNCTIONS, ast.ClassDef)) or not node.body:
            continue
        first = node.body[0]
        if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
            continue
        if isinstance(first.value.value, str) and ">>>" in first.value.value:
            lines = source.lines(first.lineno, first.end_lineno or first.lineno)
            found += [i for i, line in enumerate(lines, first.lineno) if _PROMPT.match(line)]
    return found
