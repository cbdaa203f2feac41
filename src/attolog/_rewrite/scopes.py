"""What a name means at a place of a module, by the compiler's own symbol tables."""

from __future__ import annotations

import ast
import builtins
import symtable
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from attolog._compile_warnings import collect_warnings

Scope: TypeAlias = (
    ast.FunctionDef
    | ast.AsyncFunctionDef
    | ast.Lambda
    | ast.ClassDef
    | ast.ListComp
    | ast.SetComp
    | ast.DictComp
    | ast.GeneratorExp
)
"""The nodes that have a symbol table of their own, modules aside."""

Meaning: TypeAlias = Literal["global", "local", "unsure"]

_Key: TypeAlias = tuple[int, bool, str]
"""As far as a scope can be known: its line, whether it is a class, its name."""

_NAMES = {
    ast.Lambda: "lambda",
    ast.ListComp: "listcomp",
    ast.SetComp: "setcomp",
    ast.DictComp: "dictcomp",
    ast.GeneratorExp: "genexpr",
}


class Scopes:
    """The names of a module.

    Args:
        tree: The module.
        text: Its source.
        name: Its file, for errors.

    Raises:
        SyntaxError: What only the compiler finds wrong, such as a `nonlocal` without a function.
    """

    def __init__(self, tree: ast.Module, text: str, name: str) -> None:
        with collect_warnings():  # of what the program will be warned of itself
            self._module = symtable.symtable(text, name, "exec")
        self._tables: dict[_Key, list[symtable.SymbolTable]] = defaultdict(list)
        self._tables_with: dict[str, list[symtable.SymbolTable]] = defaultdict(list)
        # All names are asked for once for each print: a look at all symbols of a name happens once.
        self._bound: dict[str, bool] = {}
        self._rebound: dict[str, bool] = {}
        self._meanings: dict[tuple[str, _Key], Meaning | None] = {}
        self._imports: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self._may_rebind_builtins = False
        self.has_star = False
        """Whether a `from x import *` may bind any name."""
        self.replaces_streams = False
        """Whether `sys.stdout` or `sys.stderr` is given another value."""
        self.kept_builtins: set[str] = set()
        """Names that the module binds, and that still mean Python's own."""
        self._read_tables()
        self._read_imports(tree)

    def binds(self, name: str) -> bool:
        """Whether the module itself, or a function by `global`, gives the name a value."""
        if name not in self._bound:
            self._bound[name] = any(
                (table is self._module or symbol.is_declared_global())
                and (symbol.is_assigned() or symbol.is_imported())
                for table, symbol in self._symbols(name)
            )
        return self._bound[name]

    def uses(self, name: str) -> bool:
        """Whether the name means something in the module, or outside of it, in any scope."""
        return any(
            table is self._module or symbol.is_global() for table, symbol in self._symbols(name)
        )

    def is_builtin(self, name: str, around: tuple[Scope, ...]) -> bool | None:
        """Whether the name is Python's own inside these scopes; None: it cannot be told."""
        if not hasattr(builtins, name):
            return False
        meaning = self.meaning(name, around)
        if meaning == "local" or (name not in self.kept_builtins and self.binds(name)):
            return False
        return None if meaning == "unsure" or self._may_rebind_builtins else True

    def is_import(self, name: str, module: str, attribute: str = "") -> bool:
        """Whether the name, wherever it is bound, is that module or that attribute of it."""
        if self._imports.get(name) != {(module, attribute)}:
            return False
        if name not in self._rebound:
            self._rebound[name] = any(
                symbol.is_assigned() or symbol.is_parameter() for _, symbol in self._symbols(name)
            )
        return not self._rebound[name]

    def meaning(self, name: str, around: tuple[Scope, ...]) -> Meaning:
        """Whether the name, read inside these scopes, is one of the module's or of a function's.

        Args:
            name: The name.
            around: The scopes around the place, the outermost first.
        """
        for scope in reversed(around):
            if isinstance(scope, ast.ClassDef) and scope is not around[-1]:
                continue  # methods do not see the names of their class
            key = _key_of(scope)
            if (name, key) not in self._meanings:
                self._meanings[name, key] = self._meaning_in(key, name)
            found = self._meanings[name, key]
            if found is not None:
                return found
        return "global"

    def _meaning_in(self, key: _Key, name: str) -> Meaning | None:
        """None: the scope does not say, those around it do."""
        tables = self._tables.get(key, [])
        found: set[Meaning | None] = {
            _meaning_of(table.lookup(name)) for table in tables if name in table.get_identifiers()
        }
        if len(tables) > 1 and found - {"global", None}:
            return "unsure"  # two lambdas on a line: which of them?
        if len(found) > 1:
            return "global"
        return found.pop() if found else None

    def _symbols(self, name: str) -> Iterator[tuple[symtable.SymbolTable, symtable.Symbol]]:
        return ((table, table.lookup(name)) for table in self._tables_with.get(name, []))

    def _read_tables(self) -> None:
        tables = [self._module]
        for table in tables:  # which grows
            # Symbols are made when they are asked for: each takes a walk over the table's children.
            for name in table.get_identifiers():
                self._tables_with[name].append(table)
            for child in table.get_children():
                tables.append(child)
                is_class = child.get_type() == "class"
                name = child.get_name().strip("<>")  # 3.13 has <lambda>
                self._tables[child.get_lineno(), is_class, name].append(child)

    def _read_imports(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for each in node.names:
                    name = each.asname or each.name.partition(".")[0]
                    self._imports[name].add((each.name if each.asname else name, ""))
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                for each in node.names:
                    self._imports[each.asname or each.name].add((module, each.name))
                    if each.name == "*":
                        self.has_star = True
                        known = module in sys.stdlib_module_names and module != "builtins"
                        self._may_rebind_builtins |= not known
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                on = node.value.id if isinstance(node.value, ast.Name) else ""
                self._may_rebind_builtins |= on in ("builtins", "__builtins__")
                self.replaces_streams |= on == "sys" and node.attr in ("stdout", "stderr")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a module, for those who ask what a name means there."""

    scopes: Scopes
    around: tuple[Scope, ...] = ()

    def is_builtin(self, name: str) -> bool | None:
        """Whether the name is Python's own here; None: it cannot be told."""
        return self.scopes.is_builtin(name, self.around)

    def is_from(self, expression: ast.expr, module: str, name: str) -> bool:
        """Whether the expression is `module.name`, in one of the ways of writing it."""
        if isinstance(expression, ast.Attribute) and isinstance(expression.value, ast.Name):
            return expression.attr == name and self.scopes.is_import(expression.value.id, module)
        return isinstance(expression, ast.Name) and self.scopes.is_import(
            expression.id, module, name
        )


def _key_of(scope: Scope) -> _Key:
    if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return scope.lineno, isinstance(scope, ast.ClassDef), scope.name
    return scope.lineno, False, _NAMES[type(scope)]


def _meaning_of(symbol: symtable.Symbol) -> Meaning | None:
    if symbol.is_free():
        return None
    return "global" if symbol.is_global() or symbol.is_declared_global() else "local"
