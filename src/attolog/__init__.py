"""A debug log at the price of a clock reading.

A call copies its values into a ring of mapped memory; a native writer, which never takes the GIL,
puts them into a file. Nothing is lost, not even to `kill -9`, and what was logged is a typed table.

Example:
    >>> import attolog, tempfile
    >>> from attolog import log
    >>> path = tempfile.mkdtemp() + "/run.atto"
    >>> _ = attolog.init_logger(path, quiet=True)
    >>> user, ms = "ann", 7
    >>> log("request", user, ms)
    >>> log.close()
    True
    >>> [record.fields for record in attolog.read(path).records()]
    [{'user': 'ann', 'ms': 7}]
"""

from __future__ import annotations

try:
    from attolog import _imports as _imports  # its hooks come before those of any logger
except ImportError as error:  # the native module is missing, or is for another system
    if error.name not in {"attolog._core", "_core"}:  # the latter of one that cannot be loaded
        raise
    from sys import version

    raise ImportError(
        "attolog needs CPython 3.11 to 3.15, and to be installed with the Python that runs it; "
        f"this is {version.split()[0]} ({error})"
    ) from None
from attolog._core import (
    AsyncFileLogger,
    CircularLogger,
    Counts,
    Logger,
    SampledLogger,
    StatsLogger,
    log,
    tee,
)
from attolog._default_logger import (
    configure,
    configure_from_environment,
    debug_log,
    init_logger,
)

TYPE_CHECKING = False  # importing typing takes half as long as all of this
if TYPE_CHECKING:
    from typing import Any

    from attolog._reading.csv import read_csv
    from attolog._reading.journal import read
    from attolog._reading.scan import scan
    from attolog._sampling import Budget, Cap, Every, First

CircularBufferLogger = CircularLogger
"""A second name of `CircularLogger`, for programs that have a class of that name."""

__all__ = [
    "AsyncFileLogger",
    "Budget",
    "Cap",
    "CircularBufferLogger",
    "CircularLogger",
    "Counts",
    "Every",
    "First",
    "Logger",
    "SampledLogger",
    "StatsLogger",
    "configure",
    "debug_log",
    "init_logger",
    "log",
    "read",
    "read_csv",
    "scan",
    "tee",
]
__version__ = "0.1.0"

# What a program that only logs does not need is loaded when it is asked for.
_LAZY = {
    "Budget": "attolog._sampling",
    "Cap": "attolog._sampling",
    "Every": "attolog._sampling",
    "First": "attolog._sampling",
    "read": "attolog._reading.journal",
    "read_csv": "attolog._reading.csv",
    "scan": "attolog._reading.scan",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        value = getattr(importlib.import_module(_LAZY[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'attolog' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])


configure_from_environment()
