"""A module's source becomes code whose prints are compiled.

Nodes of the tree are replaced, and each keeps its position, so that tracebacks, tracers and
debuggers see the source as it was written.

What is called in print's place is a constant of the code: names among the builtins are gone when
objects print as the interpreter ends. It cannot be put there before the code is run, so that
a marker takes its place.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from types import CodeType
from typing import NamedTuple

from attolog._compile_warnings import collect_warnings
from attolog._native.argument_names import parts_of
from attolog._record_names import clean
from attolog._rewrite.classify import Kind, Reason, Rewrite, Skip, decide
from attolog._rewrite.find import prints
from attolog._rewrite.scopes import Place, Scopes
from attolog._rewrite.source import Source
from attolog._run.cache import SHOW, TEXTS, digest
from attolog._run.exact import Exact, make_exact
from attolog._run.print_arguments import is_partial
from attolog._run.text_reasons import why_text


class Site(NamedTuple):
    """A compiled print: what `_core.compile_print` is told, and its marker among the constants."""

    marker: bytes
    text: str
    names: tuple[str, ...]
    is_argument: tuple[bool, ...]
    conversions: tuple[tuple[str, int, str] | None, ...]
    arguments: tuple[tuple[object, ...], ...]
    options: tuple[tuple[str, object], ...]
    is_event: bool
    is_error: bool
    line: int
    function: str


class Transformation(NamedTuple):
    """What became of a source.

    Attributes:
        code: The module's code; None where no print was compiled.
        sites: Its compiled prints.
        texts: The lines of prints that show values and are not compiled, each with the reason.
        is_warned: Python warns of something in the source.
    """

    code: CodeType | None
    sites: tuple[Site, ...]
    texts: tuple[tuple[int, str], ...]
    is_warned: bool


def transform(raw: bytes, path: str) -> Transformation | None:
    """Compile a module, and the prints in it.

    Args:
        raw: The source.
        path: The file, as its code names it.

    Returns:
        None where Python has to say what is wrong with the source. Warnings are not given.
    """
    with collect_warnings() as warned:
        try:
            return _transform(raw, path, warned)
        except Exception:
            # Wrong, or too much for us: that is the interpreter's to say.
            return None


def _transform(raw: bytes, path: str, warned: list[str]) -> Transformation:
    source = Source(raw, path)
    tree = ast.parse(source.text, path)
    scopes = Scopes(tree, source.text, path)
    scopes.replaces_streams = False  # which stream a print has is asked when it is called
    if is_partial(tree, scopes):
        scopes.kept_builtins.add("print")
    chosen: list[tuple[ast.Call, Rewrite, Exact]] = []
    texts: list[tuple[int, str]] = []
    for each in prints(tree):
        if not isinstance(each.node, ast.Call):
            continue
        exact = None
        what: Rewrite | Skip
        try:
            what = decide(each, source, scopes, is_compiled=True)
            if isinstance(what, Rewrite):
                exact = make_exact(each.node, what, Place(scopes, each.around.scopes))
        except RecursionError:
            what = Skip(Reason.DEEP)
        if isinstance(what, Rewrite) and exact and not _has_surrogates(what.call.args[0]):
            chosen.append((each.node, what, exact))
        elif reason := why_text(each.node, what):
            texts.append((each.line, reason))
    whole = {id(call): copy.deepcopy(call) for call, _, exact in chosen if exact.texts}
    stem = digest(raw).hex()  # which the source itself can hardly contain
    sites = [
        _replace(call, what, exact, f"print {stem} {i}".encode())
        for i, (call, what, exact) in enumerate(chosen)
    ]
    guarded = {
        id(call): _guarded(call, exact.texts, site.marker, whole[id(call)])
        for (call, _, exact), site in zip(chosen, sites, strict=True)
        if exact.texts
    }
    if guarded:
        _put(tree, guarded)
    if not sites:
        return Transformation(None, (), tuple(texts), bool(warned))
    code = compile(tree, path, "exec", dont_inherit=True)
    functions = dict(_called(code))
    placed = tuple(site._replace(function=functions.get(site.marker, "")) for site in sites)
    return Transformation(code, placed, tuple(texts), not all(map(_is_of_markers, warned)))


def _is_of_markers(warning: str) -> bool:
    return warning.startswith("'bytes' object is not callable")


def _replace(call: ast.Call, what: Rewrite, exact: Exact, marker: bytes) -> Site:
    """Turn the call of print into one of the compiled print: `marker(print, *values)`."""
    assert isinstance(call.func, ast.Name)
    first = what.call.args[0]
    assert isinstance(first, ast.Constant)
    names = _names(what.call.args[1:])
    given = {id(arg) for arg in call.args}
    is_argument = tuple(id(value) in given for value in what.call.args[1:])
    line = call.lineno
    function = call.func
    call.args = [function, *_shown_early(exact, marker)]
    call.func = ast.copy_location(ast.Constant(marker), function)
    call.keywords = []
    ast.copy_location(call, exact.at)
    is_event, is_error = what.kind is Kind.EVENT, what.kind is Kind.LEVEL
    return Site(
        marker, str(first.value), names, is_argument, exact.conversions, exact.arguments,
        exact.options, is_event, is_error, line, "",
    )  # fmt: skip


def _shown_early(exact: Exact, marker: bytes) -> Iterator[ast.expr]:
    """The values; those that are shown before the next one is evaluated as `marker(i, value)`."""
    for i, (value, at) in enumerate(zip(exact.values, exact.early, strict=True)):
        if at is None:
            yield value
            continue
        function = ast.copy_location(ast.Constant(marker + SHOW), at)
        index = ast.copy_location(ast.Constant(i), at)
        yield ast.copy_location(ast.Call(function, [index, value], []), at)


def _guarded(call: ast.Call, texts: list[ast.Name], marker: bytes, whole: ast.Call) -> ast.expr:
    """`call if marker(*texts) else whole`: the print as it was, where a sum is not of texts."""
    function = ast.copy_location(ast.Constant(marker + TEXTS), whole)
    names: list[ast.expr] = [copy.deepcopy(each) for each in texts]
    test = ast.copy_location(ast.Call(function, names, []), whole)
    return ast.copy_location(ast.IfExp(test, call, whole), whole)


def _put(tree: ast.Module, nodes: dict[int, ast.expr]) -> None:
    """Put nodes in the place of others, which are given by identity."""
    for parent in list(ast.walk(tree)):
        for name, value in ast.iter_fields(parent):
            if isinstance(value, list):
                value[:] = [nodes.get(id(each), each) for each in value]
            elif id(value) in nodes:
                setattr(parent, name, nodes[id(value)])


def _has_surrogates(text: ast.expr) -> bool:
    """Whether print may refuse the text itself."""
    return (
        isinstance(text, ast.Constant)
        and not str(text.value).isascii()
        and any("\ud800" <= c <= "\udfff" for c in str(text.value))
    )


def _names(values: list[ast.expr]) -> tuple[str, ...]:
    """The values' names, as a log call with these values would find them in its source."""
    taken: set[str] = set()
    written = ["_".join(parts_of(value)) for value in values]
    numbers: dict[str, int] = {}
    return tuple(clean(name or f"v{i}", taken, numbers) for i, name in enumerate(written, 1))


def _called(code: CodeType) -> Iterator[tuple[bytes, str]]:
    """The bytes among the constants of code, each with the function that has them."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _called(constant)
        elif isinstance(constant, bytes):
            yield constant, code.co_qualname
