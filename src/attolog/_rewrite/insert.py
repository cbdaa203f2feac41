"""Where the import of the logger goes, and what turns it on in the program's entry file."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from attolog._rewrite.find import Print
from attolog._rewrite.scopes import Scopes
from attolog._rewrite.source import Edit, Source


@dataclass(frozen=True, slots=True)
class Insertion:
    """Statements that are put into a module.

    Attributes:
        edit: The edit that does it.
        at: The index in the module's body.
        statements: What is put there.
    """

    edit: Edit
    at: int
    statements: list[ast.stmt]


def name_for_log(tree: ast.Module, scopes: Scopes, found: list[Print]) -> tuple[str, bool]:
    """What the logger is called in a module, wherever it prints.

    Returns:
        The name, and whether it is imported already.
    """
    first = min((each.around.statement for each in found), default=len(tree.body))
    for node in tree.body[:first]:
        if isinstance(node, ast.ImportFrom) and node.module == "attolog" and not node.level:
            for each in node.names:
                name = each.asname or each.name
                if (
                    each.name == "log"
                    and scopes.is_import(name, "attolog", "log")
                    and _is_free_at(name, scopes, found)
                ):
                    return name, True
    return _free_name("log", scopes, found), False


def _free_name(name: str, scopes: Scopes, found: Iterable[Print] = ()) -> str:
    number = 1
    free = name
    while (
        scopes.uses(free)
        or (scopes.has_star and number == 1)
        or not _is_free_at(free, scopes, found)
    ):
        free = f"attolog_{name}" + (f"_{number}" if number > 1 else "")
        number += 1
    return free


def _is_free_at(name: str, scopes: Scopes, found: Iterable[Print]) -> bool:
    return all(scopes.meaning(name, each.around.scopes) == "global" for each in found)


def insertion(
    source: Source, tree: ast.Module, scopes: Scopes, log: str | None, is_entry: bool
) -> Insertion | None:
    """What has to be put into a module.

    Args:
        source: The file.
        tree: Its tree, as parsed.
        scopes: Its names.
        log: What to import the logger as; None if it is there, or not needed.
        is_entry: The program starts here: turn the logger on.
    """
    is_off = is_entry and not _turns_on(tree)
    names: list[tuple[str, str]] = []
    lines: list[str] = []
    start: list[str] = []
    if is_off:
        time = "time"
        if not scopes.is_import("time", "time"):
            time = _free_name("time", scopes)
        # Even if it is there, it may be imported further down.
        lines.append("import time" if time == "time" else f"import time as {time}")
        init = _free_name("init_logger", scopes)
        names.append(("init_logger", init))
        call = f'{init}(f"logs/debug_{{int({time}.time())}}.log")'
        start = ["", call]
        if _has_guard(tree):  # it is imported by others, too
            start = ["", 'if __name__ == "__main__":', f"    {call}"]
    if log is not None:
        names.append(("log", log))
    if not names:
        return None
    imported = ", ".join(name if name == known else f"{name} as {known}" for name, known in names)
    lines += [f"from attolog import {imported}", *start]
    at = _after_imports(tree)
    edit = _edit(source, tree, at, lines)
    return Insertion(edit, at, ast.parse("\n".join(lines)).body)


def _turns_on(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name.endswith("init_logger"):
                return True
    return False


def _has_guard(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
        for node in tree.body
    )


def _after_imports(tree: ast.Module) -> int:
    """The index behind docstring, `from __future__` and the imports that follow."""
    at = 0
    if tree.body and ast.get_docstring(tree, clean=False) is not None:
        at = 1
    while at < len(tree.body) and isinstance(tree.body[at], ast.Import | ast.ImportFrom):
        at += 1
    return at


def _edit(source: Source, tree: ast.Module, at: int, lines: list[str]) -> Edit:
    eol = source.eol
    before = tree.body[at - 1] if at else None
    after = tree.body[at] if at < len(tree.body) else None
    if before is not None:
        _, stop = source.span(before)
        if after is not None and _first_line(after) == source.line_of(stop):
            # `import os; print()`: what cannot follow a semicolon does not come up there.
            if not any(line.startswith("if ") for line in lines):
                return Edit(stop, stop, "".join(f"; {line}" for line in lines if line))
            lines = [line for line in lines if line]
            guard, call = lines[-2:]
            simple = "".join(f"; {line}" for line in lines[:-2])
            call = f"__name__ == '__main__' and {call.strip()}"
            return Edit(stop, stop, f"{simple}; {call}") if guard else Edit(stop, stop, simple)
        line = source.line_of(stop)
        block = eol.join(lines)
        if line >= len(source.starts):  # the last line, which has no end
            return Edit(len(source.data), len(source.data), eol + block)
        where = source.starts[line]
        gap = eol if isinstance(before, ast.Expr) else ""  # below a docstring
        is_apart = not source.data[where:].lstrip(b" \t\f").startswith((b"\r", b"\n"))
        needs_gap = is_apart and (bool(gap) or len(lines) > 1)
        return Edit(where, where, gap + block + eol + (eol if needs_gap else ""))
    where = source.starts[_above(source, after) - 1] if after is not None else len(source.data)
    return Edit(where, where, eol.join(lines) + eol + eol)


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def _above(source: Source, node: ast.stmt) -> int:
    """The first of the comment lines above a statement; those that open the file are not its."""
    first = line = _first_line(node)
    while line > 1 and source.lines(line - 1, line - 1)[0].lstrip().startswith("#"):
        line -= 1
    return first if line == 1 else line
