"""Names of values: what the caller wrote at the call, read from the source once per site.

`log("request", user, timer.ms)` has the columns user and ms. The code object says where in the
source the call stands, linecache has the source, and the parser takes that piece of it apart. A
source that no longer fits the code gives no names rather than wrong ones.
"""

from __future__ import annotations

# All that a call needs is imported here, when a logger is opened (`_imports.py`). `_ast` has the
# parser's own node types.
import _ast
import linecache
import re
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from opcode import opname
from types import CodeType
from typing import Any, TypeAlias
from weakref import ref

from attolog._record_names import TRANSPARENT_METHODS, clean

_Position: TypeAlias = tuple[int, int | None, int | None, int | None]
"""Line, end line, column, end column."""


def names(
    code: CodeType,
    lasti: int,
    n_values: int,
    kwnames: tuple[str, ...],
    module_globals: dict[str, Any] | None,
) -> tuple[str, ...]:
    """Name the positional values of a call.

    Args:
        code: The caller's code.
        lasti: The byte offset of the call in it, as in `frame.f_lasti`.
        n_values: How many positional values there are behind the first argument.
        kwnames: The names of the keyword arguments, as passed.
        module_globals: The caller's globals, whose `__loader__` knows the source of code in a zip.

    Returns:
        `n_values` names, all different and none of them that of a keyword (after `clean`). A value
        whose name cannot be told is `v1`, `v2`, ... by its position. Never raises an Exception.

    Example:
        `log("request", user, len(q), 3, ms=t)` gives `("user", "len_q", "v3")`.
    """
    written: list[str] = [""] * n_values
    if n_values:
        # A file or a parser that fails must not fail the log call.
        with suppress(Exception):
            written = _written(code, lasti, n_values, kwnames, module_globals) or written
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    for keyword in kwnames:
        clean(keyword, taken, numbers)
    return tuple(clean(name or f"v{i}", taken, numbers) for i, name in enumerate(written, 1))


def _written(
    code: CodeType,
    lasti: int,
    n_values: int,
    kwnames: tuple[str, ...],
    module_globals: dict[str, Any] | None,
) -> list[str] | None:
    """The names as written, "" for values without one; None where the call was not found."""
    facts = _facts_of(code)
    position = facts.calls.get(lasti)
    if position is None:
        return None
    line, end_line, col, end_col = position
    lines = _lines(code, module_globals)
    if line > len(lines):
        return None

    if col is not None and end_line is not None and end_col is not None:
        call = lines[line - 1 : end_line]
        call[-1] = _cut(call[-1], 0, end_col)
        call[0] = _cut(call[0], col, None)
        written = _name_arguments("".join(call), facts, n_values, kwnames)
        if written is not None:
            return written

    # Without columns (-X no_debug_ranges) only the line is known, and for a method called some
    # lines below its object the columns are those of the method's name.
    found = [
        written
        for text in _calls_opening(lines[line - 1 :], col)
        if (written := _name_arguments(text, facts, n_values, kwnames)) is not None
    ]
    return found[0] if found and all(other == found[0] for other in found) else None


class _Facts:
    """What is known of code, read once: there may be thousands of calls in it.

    Attributes:
        calls: Where each call stands in the source, by its offset. C code can call on the caller's
            behalf, as in `for _ in starmap(log, rows)`; such an offset is none of these.
        texts: The texts among its constants.
        names: The names in it; private ones of a class, which stand mangled in its code, as they
            are written.
    """

    def __init__(self, code: CodeType) -> None:
        self.code = ref(code)
        self.calls: dict[int, _Position] = {}
        bytecode = code.co_code
        at = None  # of the call whose inline caches follow: they are counted as part of it
        for lasti, position in zip(range(0, len(bytecode), 2), code.co_positions(), strict=False):
            if bytecode[lasti] != 0:
                is_call = opname[bytecode[lasti]].startswith(("CALL", "PRECALL"))
                line, end_line, col, end_col = position
                at = (line, end_line, col, end_col) if is_call and line is not None else None
            if at is not None:
                self.calls[lasti] = at
        self.texts = {constant for constant in code.co_consts if isinstance(constant, str)}
        known = {*code.co_names, *code.co_varnames, *code.co_cellvars, *code.co_freevars}
        self.names = known | {
            name[at:] for name in known for at in range(len(name)) if name.startswith("__", at)
        }


_last: _Facts | None = None


def _facts_of(code: CodeType) -> _Facts:
    global _last
    facts = _last
    if facts is None or facts.code() is not code:
        _last = facts = _Facts(code)
    return facts


def _lines(code: CodeType, module_globals: dict[str, Any] | None) -> list[str]:
    # 3.13 keeps the sources of -c and the REPL by code object.
    by_code = getattr(linecache, "_getlines_from_code", None)
    lines: list[str] = by_code(code) if by_code is not None else []
    return lines or linecache.getlines(code.co_filename, module_globals)


def _cut(line: str, start: int, stop: int | None) -> str:
    """Part of a line by the parser's columns, which count UTF-8 bytes."""
    return line[start:stop] if line.isascii() else line.encode()[start:stop].decode()


def _name_arguments(
    text: str, facts: _Facts, n_values: int, kwnames: tuple[str, ...]
) -> list[str] | None:
    """Parse `text` and name its arguments, if it is a call that fits the one being made."""
    # An escape that Python does not know would be warned of a second time.
    plain = re.sub(r"\\.", "__", text)
    try:
        tree = compile(f"({plain}\n)", "<call>", "eval", _ast.PyCF_ONLY_AST)
    except (SyntaxError, ValueError):
        return None
    call = tree.body if isinstance(tree, _ast.Expression) else None
    if not isinstance(call, _ast.Call) or len(call.args) != n_values + 1:
        return None
    if any(isinstance(arg, _ast.Starred) for arg in call.args):
        return None
    keywords = [keyword.arg for keyword in call.keywords]
    if None in keywords:
        if not {keyword for keyword in keywords if keyword}.issubset(kwnames):
            return None
    elif keywords != list(kwnames):
        return None

    first, *values = call.args
    text_first = first.value if isinstance(first, _ast.Constant) else None
    if isinstance(text_first, str) and plain == text and text_first not in facts.texts:
        return None
    parts = [parts_of(value) for value in values]
    if not all(part in facts.names or part in facts.texts for each in parts for part in each):
        return None
    return ["_".join(each) for each in parts]


def parts_of(value: _ast.expr) -> tuple[str, ...]:
    """The words that a value is called by; none for a value without a name.

    Example:
        `user.user_id`: user_id; `len(q)`: len, q; `loss.item()`: loss; `row["auc"]`: auc.
    """
    if isinstance(value, _ast.Name):
        return (value.id,)
    if isinstance(value, _ast.Attribute):
        return (value.attr,)
    if isinstance(value, _ast.Subscript) and isinstance(value.slice, _ast.Constant):
        key = value.slice.value
        return (key,) if isinstance(key, str) and key.isidentifier() else ()
    if isinstance(value, _ast.Call) and not value.args and isinstance(value.func, _ast.Attribute):
        method = value.func
        is_same = method.attr in TRANSPARENT_METHODS and not value.keywords
        return parts_of(method.value) if is_same else ()
    if isinstance(value, _ast.Call) and len(value.args) == 1 and not value.keywords:
        pair = (value.func, value.args[0])
        if all(isinstance(node, _ast.Name | _ast.Attribute) for node in pair):
            return parts_of(pair[0]) + parts_of(pair[1])
    return ()


def _calls_opening(lines: list[str], col: int | None) -> Iterator[str]:
    """The calls by name on the first of `lines`, each up to its closing parenthesis.

    Args:
        lines: The source from that line on.
        col: Where the name starts, if only the call of that one is wanted.
    """
    if col is not None:
        lines = [_cut(lines[0], col, None), *lines[1:]]
    brackets: list[int | None] = []  # the open ones: where the name before stands, or None
    name_at: int | None = None
    try:
        for token in tokenize.generate_tokens(iter(lines).__next__):
            row, start = token.start
            if row > 1 and not any(at is not None for at in brackets):
                return
            if token.type == tokenize.OP and token.string in "([{":
                brackets.append(name_at if token.string == "(" else None)
            elif token.type == tokenize.OP and token.string in ")]}" and brackets:
                at = brackets.pop()
                if at is not None and (col is None or at == 0):
                    end_row, end = token.end
                    call = lines[:end_row]
                    call[-1] = call[-1][:end]
                    call[0] = call[0][at:]
                    yield "".join(call)
            name_at = start if token.type == tokenize.NAME and row == 1 else None
    except (tokenize.TokenError, SyntaxError):
        return
