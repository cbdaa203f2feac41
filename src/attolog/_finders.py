"""What finders of attolog's share: they ask all others, and can wait for a module."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


def found_by_others(
    finder: object, fullname: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    """Find a module as all finders do but the given one."""
    for each in list(sys.meta_path):
        find = None if each is finder else getattr(each, "find_spec", None)
        spec: ModuleSpec | None = None if find is None else find(fullname, path, target)
        if spec is not None:
            return spec
    return None


# Python leaves the frames of its import system out of tracebacks by the name of their file.
found_by_others.__code__ = found_by_others.__code__.replace(
    co_filename="<frozen importlib._bootstrap_external>"
)


def call_after(loader: Any, function: Callable[[ModuleType], None]) -> None:
    """Call the function when the loader has executed its module."""
    execute = getattr(loader, "exec_module", None)
    if execute is None:
        return

    def exec_module(module: ModuleType) -> None:
        vars(loader).pop("exec_module", None)  # another wait for it may have done so
        execute(module)
        function(module)

    try:
        loader.exec_module = exec_module
    except AttributeError:  # built in, or frozen: nothing that is waited for
        return
