"""The program's own modules are compiled here as they are imported; all others by Python."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, NamedTuple

from attolog import _core
from attolog._finders import call_after, found_by_others
from attolog._run import cache, plain

# Under -X lazy_imports=all these would be imported by their first use, which is within an import.
_NEEDED = (call_after, found_by_others)


texts_by_path: dict[str, tuple[tuple[int, str], ...]] = {}
"""For each module the lines of its prints that stay text, with the reasons."""


class CompiledModule(NamedTuple):
    """A module's code, and whether Python warns of something in its source."""

    code: CodeType
    is_warned: bool


def compile_source(raw: bytes, path: str) -> CompiledModule | None:
    """Compile a module whose prints become records.

    Args:
        raw: The source.
        path: The file, as its code names it.

    Returns:
        None where Python is to compile it: there is nothing to do, or something is wrong.
    """
    if b"print" not in raw:
        return None
    entry = cache.load(raw, path)
    is_warned = False
    if entry is None:
        from attolog._run.transform import transform

        made = transform(raw, path)
        if made is None:
            return None
        is_warned = made.is_warned
        entry = (made.code, tuple(map(tuple, made.sites)), made.texts)
        if not is_warned:
            cache.store(raw, path, entry)
    code, sites, texts = entry
    texts_by_path[path] = texts
    if code is None:
        return None
    printers: dict[object, object] = {}
    for first, *site in sites:
        marker: Any = first
        printer: Any = _compile_print(path, *site)
        printers[marker] = printer
        printers[marker + cache.SHOW] = printer.__self__.show
        printers[marker + cache.TEXTS] = printer.__self__.are_texts
    code = _bound(code, printers)
    plain.keep(path, raw, code)
    return CompiledModule(code, is_warned)


def _compile_print(
    path: str,
    text: Any,
    names: Any,
    is_argument: Any,
    conversions: Any,
    arguments: Any,
    options: Any,
    is_event: Any,
    is_error: Any,
    line: Any,
    function: Any,
) -> Callable[..., None]:
    return _core.compile_print(
        text, names, is_argument, conversions, arguments, options, is_event, is_error,
        path, line, function,
    )  # fmt: skip


def _bound(code: CodeType, printers: Mapping[object, object]) -> CodeType:
    """Code that has the compiled prints in the place of their markers."""
    constants = tuple(
        _bound(each, printers)
        if isinstance(each, CodeType)
        else printers.get(each, each)
        if type(each) is bytes
        else each
        for each in code.co_consts
    )
    is_same = all(map(operator.is_, constants, code.co_consts))
    return code if is_same else code.replace(co_consts=constants)


class Loader(SourceFileLoader):
    """Loads a module of the program's own."""

    def get_code(self, fullname: str) -> CodeType | None:
        """The module's code; for what is compiled here `__pycache__` is left alone."""
        try:
            path = self.get_filename(fullname)
            made = compile_source(self.get_data(path), path)
        except (ImportError, OSError):
            made = None
        if made is None:
            return super().get_code(fullname)
        if made.is_warned:
            super().get_code(fullname)  # which says so, as often as Python does
        return made.code


# A module's loader looks as it does without attolog. Python leaves the frames of its import system
# out of tracebacks by the name of their file.
Loader.__module__, Loader.__qualname__ = SourceFileLoader.__module__, SourceFileLoader.__qualname__
Loader.get_code.__code__ = Loader.get_code.__code__.replace(
    co_filename="<frozen importlib._bootstrap_external>"
)


class Finder:
    """Asks all other finders, and has the program's own modules loaded by `Loader`.

    Args:
        include: Packages that are treated as the program's own.
        is_on: Whether any are.
    """

    def __init__(self, include: Sequence[str] = (), *, is_on: bool = True) -> None:
        self._is_on = is_on
        self._include = frozenset(include)
        self._foreign = _foreign_folders()
        self._after: dict[str, Callable[[ModuleType], None]] = {}

    def after_import(self, name: str, function: Callable[[ModuleType], None]) -> None:
        """Call the function with a module as soon as it is imported."""
        module = sys.modules.get(name)
        if module is not None:
            function(module)
        else:
            self._after[name] = function

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Find a module, as the finders behind this one do."""
        spec = found_by_others(self, fullname, path, target)
        if spec is None:
            return None
        loader = spec.loader
        if type(loader) is SourceFileLoader and self.is_own(fullname, loader.path):
            loader.__class__ = Loader
        if fullname in self._after and loader is not None:
            call_after(loader, self._after.pop(fullname))
        return spec

    def is_own(self, fullname: str, path: str) -> bool:
        """Whether a module is the program's own, by its file or since it is included."""
        if not self._is_on:
            return False
        if fullname.partition(".")[0] in self._include:
            return True
        file = os.path.abspath(path)
        if "/site-packages/" in file or "/dist-packages/" in file or not file.endswith(".py"):
            return False
        return not file.startswith(self._foreign)


Finder.find_spec.__code__ = Finder.find_spec.__code__.replace(
    co_filename="<frozen importlib._bootstrap_external>"
)


def _foreign_folders() -> tuple[str, ...]:
    """Folders whose modules are not the program's: Python's library, what is installed, attolog."""
    library = os.path.dirname(os.__file__)
    folders = {library, os.path.realpath(library), os.path.dirname(os.path.dirname(__file__))}
    return tuple(folder + os.sep for folder in folders)
