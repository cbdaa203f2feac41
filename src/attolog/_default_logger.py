"""The default logger: the program or the environment turns it on; the environment goes before."""

from __future__ import annotations

import os
import sys

from attolog import _core
from attolog._core import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Unpack

    from attolog._core import Logger
    from attolog._types import FileOptions

_is_off = False  # ATTOLOG says so
_is_decided = False  # by ATTOLOG or ATTOLOG_CONFIG: calls of the program change nothing


def init_logger(
    path: str | os.PathLike[str], *, quiet: bool = False, **options: Unpack[FileOptions]
) -> Logger:
    """Turn the default logger on, and say so: its records go to `path` from now on.

    This is `attolog.log.open(path)` with a line on standard output. Processes that
    `multiprocessing` starts later log there, too, however they are started.

    Where `ATTOLOG` or `ATTOLOG_CONFIG` is set in the environment, that decides and this call
    changes nothing.

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
    open(path, **options)
    if not (quiet or _is_decided):
        print(f"[INFO] Debug logging to: {path}", flush=options.get("echo", False))
    return log


def open(path: str | os.PathLike[str], **options: Unpack[FileOptions]) -> None:  # noqa: A001
    """Turn the default logger on, unless the environment decides: its method `open`."""
    if not _is_decided:
        _core.open(log, path, **options)
        _join_others(path, options)


def _join_others(path: str | os.PathLike[str], options: Mapping[str, Any]) -> None:
    """Have children log there too, and let the screen show prints and records in their order."""
    _load("attolog._children").hand_on(path, options)
    if options.get("echo"):
        _load("attolog._run.descriptors").wait_at_ends()
        if sys.stdout is not None:
            sys.stdout.flush()  # what was printed comes before what is logged


def configure(path: str | os.PathLike[str]) -> Logger:
    """Turn the default logger on as a TOML file says.

    The file has `path`, and may have `strategy` (such as "sample:0.01", for what no rule names),
    `level`, a table `[rules]` of strategies by name, and the options of `AsyncFileLogger` by their
    names. A path is relative to the working directory. With `strategy = "off"` and no path the
    logger is turned off.

    Where `ATTOLOG` or `ATTOLOG_CONFIG` is set in the environment, that decides and this call
    changes nothing.

    Args:
        path: The TOML file.

    Returns:
        The default logger, `attolog.log`.

    Raises:
        OSError: The file cannot be read, or the log file not be opened.
        TypeError: A value is of the wrong type.
        ValueError: The file is no TOML, a key is unknown, a value is out of range.

    Example:
        >>> import attolog, pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "attolog.toml").write_text(f'''
        ... path = "{folder}/run.csv"
        ... digits = 9
        ... [rules]
        ... request = "every:10"
        ... ''')
        >>> log = attolog.configure(folder / "attolog.toml")
        >>> for n in range(100):
        ...     log("request", n=n)
        >>> log.close()
        True
        >>> len((folder / "run.csv").read_text().splitlines())
        10
    """
    if not _is_decided:
        opened = _load("attolog._config_file").apply(os.fspath(path))
        if opened is not None:
            _join_others(*opened)
    return log


def join_parent(given: bytes) -> None:
    """Log as the parent process does, unless the environment of this child decides.

    Args:
        given: The bytes that `attolog._children` made in the parent.
    """
    if not log and not _is_decided:
        _load("attolog._children").join(given)


def _load(name: str) -> Any:
    from attolog._imports import load

    return load(name)


debug_log = log.log
"""Log a text to the default logger as it stands; does nothing while that is off."""


def is_off() -> bool:
    """Whether the environment says that nothing is to be logged."""
    return _is_off


def configure_from_environment() -> None:
    """Set the default logger up as `ATTOLOG`, else `ATTOLOG_CONFIG`, and `ATTOLOG_RULES` say."""
    global _is_off, _is_decided
    setting = os.environ.get("ATTOLOG")
    config = os.environ.get("ATTOLOG_CONFIG")
    rules = os.environ.get("ATTOLOG_RULES")
    if not (setting or config or rules) or _is_privileged():
        return
    _is_off = setting == "off"
    _is_decided = bool(setting or config)
    _load("attolog._environment").apply(setting, config, rules)


def _is_privileged() -> bool:
    """Whether the program runs with more rights than its user has (AT_SECURE)."""
    return os.getuid() != os.geteuid() or os.getgid() != os.getegid()
