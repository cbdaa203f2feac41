"""The default logger: turned on by the program or by the environment, which has the last word."""

from __future__ import annotations

import os
import sys

from attolog import _core
from attolog._core import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Unpack

    from attolog._core import Logger
    from attolog._protocol import FileOptions

_STRATEGIES = frozenset({"sample", "every", "stats", "last"})  # words that start no path

_from_environment = False  # ATTOLOG decides: what the program says is not listened to


def init_logger(
    path: str | os.PathLike[str], *, quiet: bool = False, **options: Unpack[FileOptions]
) -> Logger:
    """Turn the default logger on: its records go to `path` from now on.

    Where `ATTOLOG` is set in the environment, that decides and this call changes nothing.

    Args:
        path: The log file. Its suffix gives the format: .csv, .jsonl, .log or .txt, .atto.
        quiet: Do not print where the log goes.
        options: Those of `AsyncFileLogger`.

    Returns:
        The default logger, `attolog.log`.

    Raises:
        OSError: The file cannot be opened.
        TypeError: An option is unknown or of the wrong type.
        ValueError: An option is out of range, or the suffix is none of those above.

    Example:
        >>> import attolog, tempfile
        >>> log = attolog.init_logger(tempfile.mkdtemp() + "/run.csv", quiet=True)
        >>> attolog.debug_log("warm-up done")
        >>> log.close()
        True
    """
    if not _from_environment:
        _core.open(log, path, **options)
        if not quiet:
            print(f"[INFO] Debug logging to: {path}")
    return log


debug_log = log.log
"""Log a text to the default logger as it stands; does nothing while that is off."""


def obey_environment() -> None:
    """Set the default logger up as `ATTOLOG` says: a path, `off`, or `all:PATH`."""
    global _from_environment
    setting = os.environ.get("ATTOLOG")
    if not setting or _is_privileged():
        return
    _from_environment = True
    if setting == "off":
        return
    strategy, _, path = setting.partition(":")
    try:
        if strategy in _STRATEGIES and path:
            raise ValueError(f"no strategy {strategy!r} here")
        _core.open(log, path if strategy == "all" and path else setting)
    except (OSError, ValueError) as error:
        allowed = "allowed are a path, all:PATH and off; logging is off"
        print(f"attolog: ATTOLOG={setting!r}: {error}; {allowed}", file=sys.stderr)


def _is_privileged() -> bool:
    """Whether the program runs with more rights than its user has (AT_SECURE)."""
    return os.getuid() != os.geteuid() or os.getgid() != os.getegid()
