"""The end of a process waits for screen and files, also where Python's own exit does not come.

Children of multiprocessing that are forked end by os._exit(), which no exit handler sees.
"""

from __future__ import annotations

import atexit
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_LAST = -(10**9)  # of multiprocessing's finalizers

_drain: Callable[[], object] | None = None
_end: Callable[[], object] | None = None


def drain_at_end(drain: Callable[[], object]) -> None:
    """Call `drain` at Python's exit.

    Args:
        drain: Waits for the screen.
    """
    global _drain
    _drain = drain
    atexit.register(drain)


def leave_exit_to_others() -> None:
    """Take back what `drain_at_end` does: the caller waits for the screen by itself."""
    if _drain is not None:
        atexit.unregister(_drain)


def end_children(end: Callable[[], object]) -> None:
    """Call `end` where children of multiprocessing end, in this process and those forked from it.

    Args:
        end: Puts everything into the files. Records of later calls are kept, too.
    """
    global _end
    _end = end
    os.register_at_fork(after_in_child=_hook)
    _hook()  # this may be such a child, and at work already


def _hook() -> None:
    util = sys.modules.get("multiprocessing.util")
    flush = getattr(util, "_flush_std_streams", None)
    if flush is None or hasattr(flush, "__wrapped__"):
        return  # multiprocessing has not made this process, or it is hooked

    def flush_and_end() -> None:
        flush()
        # The last that such a child does. It is also done before a process is started.
        if sys._getframe(1).f_code.co_name == "_bootstrap" and _end is not None:
            _end()

    flush_and_end.__wrapped__ = flush  # type: ignore[attr-defined]
    assert util is not None
    setattr(util, "_flush_std_streams", flush_and_end)  # noqa: B010
    if sys.version_info >= (3, 13):  # exit handlers are called behind that, and finalizers last
        _end_after_finalizers()
        util.register_after_fork(_end_after_finalizers, _call)


def _end_after_finalizers() -> None:
    util: Any = sys.modules.get("multiprocessing.util")
    process: Any = sys.modules.get("multiprocessing.process")
    if process.parent_process() is not None:
        util.Finalize(None, _end, exitpriority=_LAST)


def _call(function: Callable[[], object]) -> None:
    function()
