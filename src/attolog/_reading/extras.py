"""Optional packages: those that an extra of attolog's installs."""

from __future__ import annotations

import importlib
from typing import Any


def need(module: str, extra: str) -> Any:
    """Import a module of an optional package.

    Args:
        module: Its name: `duckdb`, `polars.io.plugins`.
        extra: The extra that installs the package.

    Raises:
        ImportError: The package is not installed; the message is the command that installs it.

    Example:
        >>> need("json", "sql").dumps([1])
        '[1]'
        >>> need("no_such_package", "sql")
        Traceback (most recent call last):
        ...
        ImportError: attolog[sql] is missing: pip install 'attolog[sql]'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != package:  # the package itself lacks something
            raise
    raise ImportError(f"attolog[{extra}] is missing: pip install 'attolog[{extra}]'", name=package)
