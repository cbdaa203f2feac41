"""The default logger by a TOML file: `attolog.configure` and `ATTOLOG_CONFIG`."""

from __future__ import annotations

import os
import tomllib
from typing import Any

from attolog import _core
from attolog._children import hand_on
from attolog._core import Logger, log
from attolog._default_logger import is_decided
from attolog._types import FileOptions

_KEYS = ("path", "strategy", "level", *FileOptions.__annotations__)


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
        ... CAND = "every:10"
        ... ''')
        >>> log = attolog.configure(folder / "attolog.toml")
        >>> for n in range(100):
        ...     log("CAND", n=n)
        >>> log.close()
        True
        >>> len((folder / "run.csv").read_text().splitlines())
        10
    """
    if not is_decided():
        apply(os.fspath(path))
    return log


def apply(file: str) -> None:
    """Do what a file says; as `configure`, whoever else decides.

    Raises:
        OSError: The file cannot be read, or the log file not be opened.
        TypeError: A value is of the wrong type.
        ValueError: The file is no TOML, a key is unknown, a value is out of range.
    """
    settings = _read(file)
    before = log.level
    try:
        log.level = settings.pop("level", before)
        if "path" in settings:
            path = settings.pop("path")
            _core.open(log, path, **settings)
            if not is_decided():
                hand_on(path, settings)
        elif settings.get("strategy") == "off":
            log.close()
        else:
            raise ValueError("path is missing")
    except Exception as error:
        log.level = before
        raise _with_file(error, file) from None


def _with_file(error: Exception, file: str) -> Exception:
    if isinstance(error, OSError) and error.errno is not None:
        return OSError(error.errno, f"{error.strerror} (says {file})", error.filename)
    for kind in (OSError, TypeError, ValueError):
        if isinstance(error, kind):
            return kind(f"{file}: {error}")
    return error


def _read(file: str) -> dict[str, Any]:
    with open(file, "rb") as toml:
        try:
            settings = tomllib.load(toml)
        except ValueError as error:  # no TOML, or no UTF-8
            raise ValueError(f"{file}: {error}") from None
    for key in settings:
        if key not in _KEYS:
            raise ValueError(f"{file}: there is no key {key!r}; allowed are {', '.join(_KEYS)}")
    return settings
