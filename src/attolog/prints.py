"""The default logger for code whose prints were rewritten, so that no text of theirs is lost.

While the log was never turned on, calls of this `log` print, at once and to the `sys.stdout` of
then. In all else it is `attolog.log`. With `ATTOLOG=off` it is `attolog.log` itself, and silent.

    from attolog.prints import log
    log("hello {user}, visit {n}", "ann", 3)    # hello ann, visit 3
    log("request", "ann", 3)                    # request ann 3
"""

from __future__ import annotations

from attolog import _core
from attolog._default_logger import is_off
from attolog._native import print_text as print_text  # a call imports nothing

__all__ = ["log"]

log: _core.Logger = _core.log if is_off() else _core.printing_logger(_core.log)
