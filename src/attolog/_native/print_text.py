"""`log.print`: what print() would write, as text."""

from __future__ import annotations

import sys
from typing import Any

from attolog._native.template_strings import text_of as text_of_template


def text_of(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> str | None:
    r"""Put a line together as print() does.

    Returns:
        The text with its end; None if `file=` sent it elsewhere.

    Raises:
        TypeError: What print() would complain of: a sep or end that is no str, an unknown option.

    Example:
        >>> text_of((1, "a"), {"sep": "-"})
        '1-a\n'
    """
    options = dict(kwargs or {})
    if options.get("file") is not None:
        print(*args, **options)
        return None
    options.pop("file", None)
    options.pop("flush", None)  # the writer flushes by itself
    sep, end = options.pop("sep", None), options.pop("end", None)
    for name, value in (("sep", sep), ("end", end)):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{name} must be None or a string, not {type(value).__name__}")
    if options:
        raise TypeError(f"{next(iter(options))!r} is an invalid keyword argument for print()")
    sep = " " if sep is None else sep
    return sep.join(map(_str, args)) + ("\n" if end is None else end)


def show(values: tuple[Any, ...], names: tuple[str, ...], is_error: bool) -> None:
    """Print what a log call was given.

    Args:
        values: Its text or its values, those by name last.
        names: The names of these.
        is_error: To stderr.

    Example:
        >>> show(("request", "ann", 7), ("ms",), False)
        request ann ms=7
    """
    n = len(values) - len(names)
    named = [f"{name}={value}" for name, value in zip(names, values[n:], strict=True)]
    print(*values[:n], *named, file=sys.stderr if is_error else None)


def _str(value: Any) -> str:
    try:
        if type(value).__module__ == "string.templatelib" and hasattr(value, "interpolations"):
            return text_of_template(value.strings, value.interpolations, False)
        return str(value)
    except Exception as error:  # logging does not raise
        try:
            return f"<str() of {type(value).__name__} raised {type(error).__name__}: {error}>"
        except Exception:  # not even that
            return f"<str() of {type(value).__name__} raised {type(error).__name__}>"
