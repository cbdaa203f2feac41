"""The default logger as a TOML file says: for `attolog.configure` and `ATTOLOG_CONFIG`."""

from __future__ import annotations

import tomllib
from typing import Any

from attolog import _core
from attolog._core import log
from attolog._types import FileOptions
from attolog._words import nearest

_KEYS = ("path", "strategy", "level", *FileOptions.__annotations__)


def apply(file: str) -> tuple[str, dict[str, Any]] | None:
    """Do what a file says.

    Returns:
        The path and the options that the logger was opened with; None where it was turned off.

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
            return path, settings
        if settings.get("strategy") == "off":
            log.close()
            return None
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
            allowed = f"allowed are {', '.join(_KEYS)}{nearest(key, _KEYS)}"
            raise ValueError(f"{file}: there is no key {key!r}; {allowed}")
    return settings
