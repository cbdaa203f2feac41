"""Forks, and imports for log calls: these are done while a logger is opened.

A call imports nothing. The child of a fork has none of its parent's other threads: if one of them
was importing a module, the child waits for the lock of that module without an end.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock

from attolog._core import restart_threads, stop_threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

# `ast` is for the carets of tracebacks, `unicodedata` for those below wide characters,
# `_suggestions` (3.13) for "Did you mean"; `_colorize` is imported lazily by traceback (3.15).
_MODULES = [
    "attolog._native.argument_names",
    "attolog._native.declared_events",
    "attolog._native.print_text",
    "attolog._native.template_strings",
    "attolog._native.exit_hooks",
    "traceback",
    "ast",
    "unicodedata",
    "_suggestions",
    "_colorize",
]
_PATIENCE = 20.0  # seconds; a fork within an import that waits for this one does not stop for good

_guard = RLock()


def load(name: str) -> ModuleType:
    """Import a module, while no other thread forks."""
    with _guard:
        __import__(name)
        return sys.modules[name]


def load_all() -> None:
    """Import all that calls can need; what is not to be had is not looked for again."""
    with _guard:
        for name in _MODULES:
            try:
                __import__(name)
            except Exception:  # not in this version, or not to be read: calls do without it
                continue
        _MODULES.clear()


def _before_fork() -> None:
    _guard.acquire(timeout=_PATIENCE)


def _after_in_parent() -> None:
    try:
        _guard.release()
    except RuntimeError:  # it was not to be had
        return


def _after_in_child() -> None:
    global _guard
    _guard = RLock()


_warns = sys.version_info >= (3, 12)  # of a fork beside threads
if _warns:
    os.register_at_fork(before=stop_threads)  # behind the hooks that are registered later
os.register_at_fork(
    before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child
)
if _warns:  # behind our own hook of Python: what is pending is done when Python code runs
    os.register_at_fork(after_in_parent=restart_threads)
