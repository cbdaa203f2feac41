"""Where the import of the logger goes, and what turns it on in the program's entry file."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from attolog._rewrite.find import Print
from attolog._rewrite.scopes import Scopes
from attolog._rewrite.source import Edit, Source

_MODULES = ("attolog", "attolog.prints")
"""Where the logger is imported from; the second one prints until it is turned on."""


class Start(StrEnum):
    """Whether a file turns the logger on."""

    NONE = "none"
    TOP = "top"
    """Where the program starts."""
    SWITCH = "switch"
    """Where it has read its options, unless they say --no-debug-log; else as TOP."""


@dataclass(frozen=True, slots=True)
class Insertion:
    """Statements that are put into a module.

    Attributes:
        edit: The edit that does it.
        body: The statements among which they are put.
        at: The index there.
        statements: What is put there.
    """

    edit: Edit
    body: list[ast.stmt]
    at: int
    statements: list[ast.stmt]


def name_for_log(tree: ast.Module, scopes: Scopes, found: list[Print]) -> tuple[str, bool]:
    """What the logger is called in a module, wherever it prints.

    Returns:
        The name, and whether it is imported already.
    """
    first = min((each.around.statement for each in found), default=len(tree.body))
    for node in tree.body[:first]:
        if isinstance(node, ast.ImportFrom) and node.module in _MODULES and not node.level:
            for each in node.names:
                name = each.asname or each.name
                if (
                    each.name == "log"
                    and scopes.is_import(name, node.module, "log")
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


def insertions(
    source: Source,
    tree: ast.Module,
    scopes: Scopes,
    log: str | None,
    start: Start,
    *,
    shows: bool = False,
) -> list[Insertion]:
    """What has to be put into a module.

    Args:
        source: The file.
        tree: Its tree, as parsed.
        scopes: Its names.
        log: What to import the logger as; None if it is there, or not needed.
        start: Whether the logger is turned on there.
        shows: Whether it prints while it is not turned on.
    """
    at = _after_imports(tree)
    is_inline = _is_inline(source, tree, at)
    has_start = start is not Start.NONE and not _turns_on(tree)
    # A file that turns it on wherever it is imported has no need to show what it logs.
    module = _MODULES[shows and (has_guard(tree) or not has_start)]
    names = [] if log is None else [("log", log)]
    before: list[str] = []
    after: list[str] = []
    switch: list[Insertion] = []
    if has_start:
        time = "time" if scopes.is_import("time", "time") else _free_name("time", scopes)
        if time != "time" or not _imports_time(tree.body[:at]):  # it may be imported further down
            before = ["import time" if time == "time" else f"import time as {time}"]
        init = _free_name("init_logger", scopes)
        before.append(_import_of("attolog", [("init_logger", init)]))
        call = f'{init}(f"logs/debug_{{int({time}.time())}}.log", echo=True)'
        if start is Start.SWITCH:
            switch = _switch(source, tree, scopes, call)
        if not switch:
            after = ["", call]
            # With a guard others import the file, too. (On a line with others no `if` stands.)
            if has_guard(tree) and not is_inline:
                after = ["", 'if __name__ == "__main__":', f"    {call}"]
    if names and has_start and module == "attolog":
        before[-1] += ", " + _import_of(module, names).partition(" import ")[2]
    elif names:
        before.append(_import_of(module, names))
    if not before:
        return []
    lines = [*before, *after]
    edit = _inline_edit(source, tree, at, lines) if is_inline else _edit(source, tree, at, lines)
    return [Insertion(edit, tree.body, at, ast.parse("\n".join(lines)).body), *switch]


def _imports_time(statements: list[ast.stmt]) -> bool:
    return any(
        each.name == "time" and each.asname is None
        for node in statements
        if isinstance(node, ast.Import)
        for each in node.names
    )


def _import_of(module: str, names: list[tuple[str, str]]) -> str:
    imported = ", ".join(name if name == known else f"{name} as {known}" for name, known in names)
    return f"from {module} import {imported}"


def _switch(source: Source, tree: ast.Module, scopes: Scopes, call: str) -> list[Insertion]:
    """An option --debug-log, on by default; nothing where the options are not to be found."""
    found = [
        (body, at)
        for node in ast.walk(tree)
        for body in (getattr(node, "body", None), getattr(node, "orelse", None))
        if isinstance(body, list)
        for at, statement in enumerate(body)
        if _parses_options(statement)
    ]
    if len(found) != 1 or not scopes.is_import("argparse", "argparse"):
        return []
    ((body, at),) = found
    statement = body[at]
    parser, options = statement.value.func.value.id, statement.targets[0].id
    start, stop = source.span(statement)
    first, line = source.starts[source.line_of(start) - 1], source.line_of(stop)
    indent = source.data[first:start].decode()
    rest = source.data[stop : source.starts[line]] if line < len(source.starts) else b";"
    if indent.strip() or (rest.strip() and not rest.lstrip().startswith(b"#")):
        return []  # others stand on its line
    eol = source.eol
    add = (
        f'{parser}.add_argument("--debug-log", action=argparse.BooleanOptionalAction, default=True)'
    )
    turn_on = f"if {options}.debug_log:"
    below = f"{indent}{turn_on}{eol}{indent}    {call}{eol}"
    return [
        # The last first, so that the indices hold.
        Insertion(
            Edit(source.starts[line], source.starts[line], below),
            body,
            at + 1,
            ast.parse(f"{turn_on}\n    {call}").body,
        ),
        Insertion(Edit(first, first, indent + add + eol), body, at, ast.parse(add).body),
    ]


def _parses_options(node: ast.stmt) -> bool:
    """`options = parser.parse_args()`."""
    return (
        isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr == "parse_args"
        and isinstance(node.value.func.value, ast.Name)
    )


def _turns_on(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name.endswith("init_logger"):
                return True
    return False


def has_guard(tree: ast.Module) -> bool:
    """Whether the module has `if __name__ == "__main__":`, and so is a program itself."""
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


def _is_inline(source: Source, tree: ast.Module, at: int) -> bool:
    """Whether the statements before and behind stand on one line: `import os; print()`."""
    if not 0 < at < len(tree.body):
        return False
    _, stop = source.span(tree.body[at - 1])
    return _first_line(tree.body[at]) == source.line_of(stop)


def _inline_edit(source: Source, tree: ast.Module, at: int, lines: list[str]) -> Edit:
    _, stop = source.span(tree.body[at - 1])
    return Edit(stop, stop, "".join(f"; {line}" for line in lines if line))


def _edit(source: Source, tree: ast.Module, at: int, lines: list[str]) -> Edit:
    eol = source.eol
    block = eol.join(lines) + eol
    is_long = len(lines) > 1  # it ends with a statement, of which definitions stand apart
    apart = eol if is_long and at < len(tree.body) and _is_definition(tree.body[at]) else ""
    if not at:
        start = source.starts[_above(source, tree.body[0]) - 1] if tree.body else len(source.data)
        return Edit(start, start, block + eol + apart)
    _, stop = source.span(tree.body[at - 1])
    line = source.line_of(stop)
    if line >= len(source.starts):  # the last one, which has no end
        return Edit(len(source.data), len(source.data), eol + block.removesuffix(eol))
    start = source.starts[line]
    is_below_docstring = isinstance(tree.body[at - 1], ast.Expr)
    is_followed = not source.data[start:].lstrip(b" \t\f").startswith((b"\r", b"\n"))
    gap = eol + apart if is_followed and (is_below_docstring or is_long) else ""
    return Edit(start, start, (eol if is_below_docstring else "") + block + gap)


def _is_definition(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def _above(source: Source, node: ast.stmt) -> int:
    """The first of the comment lines above a statement; those that open the file are not its."""
    first = line = _first_line(node)
    while line > 1 and source.lines(line - 1, line - 1)[0].lstrip().startswith("#"):
        line -= 1
    return first if line == 1 else line
