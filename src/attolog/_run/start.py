"""What a program finds when it starts, as if nothing had run before it.

That is its `__main__`, `sys.argv`, `sys.path`, and which modules are there already.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Sequence
from importlib.machinery import BuiltinImporter, SourceFileLoader
from types import ModuleType
from typing import Any

from attolog._run.options import Options

COMMAND = "<string>"
STANDARD_INPUT = "<stdin>"
"""Files of code that is in none, as Python calls them."""

# Python itself has these before it looks at the program's folder.
_STARTED = frozenset(
    {"abc", "codecs", "encodings", "genericpath", "io", "os", "posixpath", "site", "stat"}
) | {"runpy", "zipimport", *sys.builtin_module_names}


def as_plain(args: Sequence[str], options: Options) -> list[str]:
    """The command line that runs the program without attolog.

    Args:
        args: What stands behind `attolog run`.
        options: What was read of it.
    """
    program = ["-m", options.target] if options.is_module else [options.target]
    if options.code is not None:
        program.append(options.code)
    return [*_python(args), *program, *options.args]


def as_module(args: Sequence[str]) -> list[str] | None:
    """The command line that runs `attolog run` by `python -m`; None where this one does."""
    if "-m" in _launcher(args)[-2:-1]:
        return None
    return [*_python(args), "-m", "attolog", "run", *args]


def _launcher(args: Sequence[str]) -> list[str]:
    """What stands before `run`."""
    return sys.orig_argv[: len(sys.orig_argv) - len(args) - 1]


def _python(args: Sequence[str]) -> list[str]:
    """The interpreter and its own options."""
    launcher = _launcher(args)
    head = launcher[:-2] if launcher[-2:-1] == ["-m"] else launcher[:-1]
    return head or [sys.executable]


def is_importable(path: str) -> bool:
    """Whether Python runs the `__main__` in it: a folder or a zip file."""
    for hook in sys.path_hooks:
        try:
            hook(path)
        except ImportError:
            continue
        return True
    return False


def absolute(path: str) -> str:
    """A path as Python makes it absolute: as it was written, behind the present folder."""
    return os.getcwd() if path == "." else os.path.join(os.getcwd(), path)


def folder_of(options: Options) -> str:
    """The folder that Python puts in front of sys.path."""
    if options.is_text:
        return ""
    if options.is_module:
        return os.getcwd()
    path = absolute(options.target)
    return path if is_importable(path) else os.path.dirname(os.path.realpath(path))


def make_main(path: str | None) -> dict[str, Any]:
    """A new module `__main__`, as Python makes it.

    Args:
        path: The script, as its code names it; None where runpy goes on from here.

    Returns:
        Its names.
    """
    module = ModuleType("__main__")
    names = vars(module)
    names["__loader__"] = BuiltinImporter
    if sys.version_info < (3, 14):
        names["__annotations__"] = {}
    names["__builtins__"] = builtins
    if path is not None and path != COMMAND:
        if path != STANDARD_INPUT:
            names["__loader__"] = SourceFileLoader("__main__", path)
        names["__file__"] = path
        if sys.version_info < (3, 15):
            names["__cached__"] = None
    sys.modules["__main__"] = module
    return names


def has_shadows(folder: str) -> bool:
    """Whether the folder has modules that are called as some of Python's."""
    return bool(_shadows(folder))


def forget_shadowed(folder: str) -> None:
    """Forget Python's modules of which the program has its own, so that it imports these."""
    for name in _shadows(folder):
        for known in list(sys.modules):
            if known == name or known.startswith(f"{name}."):
                del sys.modules[known]


def _shadows(folder: str) -> set[str]:
    try:
        found = {entry.partition(".")[0] for entry in os.listdir(folder or ".")}
    except OSError:
        return set()
    return (found & sys.stdlib_module_names) - _STARTED
