"""The end of a process waits for the screen, also where Python's own exit does not come."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from typing import Any

_drain: Callable[[], object] | None = None
_is_registered = False  # with multiprocessing, whose hooks a forked child inherits


def drain_at_end(drain: Callable[[], object]) -> None:
    """Call `drain` when this process ends, and when children of multiprocessing do.

    Args:
        drain: Waits for the screen.
    """
    global _drain
    if _drain is None:
        os.register_at_fork(after_in_child=_hook_multiprocessing)
    _drain = drain
    atexit.register(drain)
    _hook_multiprocessing()


def leave_exit_to_others() -> None:
    """Take back what `drain_at_end` does at Python's exit: the caller waits there by itself."""
    if _drain is not None:
        atexit.unregister(_drain)


def _hook_multiprocessing() -> None:
    """Its children end by os._exit(); before that, they call finalizers of their own."""
    global _is_registered
    util = sys.modules.get("multiprocessing.util")
    if util is None or _is_registered:
        return
    _is_registered = True
    _add_finalizer(util)  # this may be such a child, and at work already
    util.register_after_fork(_add_finalizer, lambda add: add(util))


def _add_finalizer(util: Any) -> None:
    util.Finalize(None, _drain, exitpriority=-100)  # late among the others
