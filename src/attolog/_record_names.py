"""Names in records: of events, and of fields that a table can have."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z_][\w.:-]{0,63}", re.ASCII)
_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})
_ROW_WORDS = _LEVELS | {"LOG", "PRINT", "STATS", "DROPPED", "CLOCK", "SKIPPED", "TRIGGER"}

RESERVED = frozenset({"time", "event", "level", "message", "weight", "thread", "text"})
"""Column names that are attolog's own; a field of that name gets a trailing underscore."""

# fmt: off
TRANSPARENT_METHODS = frozenset({
    "clone", "copy", "cpu", "cuda", "decode", "detach", "double", "flatten", "float", "int", "item",
    "lower", "max", "mean", "median", "min", "norm", "numpy", "round", "squeeze", "std", "strip",
    "sum", "title", "to", "tolist", "upper", "var",
})
# fmt: on
"""Methods whose result goes by the name of their object: `loss.item()` is loss."""


def clean(name: str, taken: set[str], numbers: dict[str, int] | None = None) -> str:
    """Make a field's name one that a table can have, and take it.

    Args:
        name: The name as the user wrote it.
        taken: The names that the record has already; the result is added.
        numbers: The last number that each name was given, for records with many of one name; one
            dictionary for each `taken`.

    Returns:
        `name`, with a trailing underscore if it is reserved, and with `_2`, `_3`, ... if taken.

    Example:
        >>> taken = {"user"}
        >>> clean("time", taken), clean("user", taken)
        ('time_', 'user_2')
    """
    base = name + "_" if name in RESERVED else name
    unique, n = base, 1
    if base in taken and numbers is not None:
        n = numbers.get(base, 1)
    while unique in taken:
        n += 1
        unique = f"{base}_{n}"
    if n > 1 and numbers is not None:
        numbers[base] = n
    taken.add(unique)
    return unique


def is_event_name(name: str) -> bool:
    """Whether `log(name, ...)` is an event, and no message or text.

    Example:
        >>> is_event_name("request"), is_event_name("two words"), is_event_name("PRINT")
        (True, False, False)
    """
    return _NAME.fullmatch(name) is not None and name not in _ROW_WORDS


def check_event_name(name: str) -> str:
    """Give the name back, if it is an event's.

    Raises:
        ValueError: It is none; the message says why.

    Example:
        >>> check_event_name("request")
        'request'
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no event name: one word of at most 64 letters, digits and _.:-"
        )
    if name in _ROW_WORDS:
        raise ValueError(f"{name!r} is no event name: attolog's own rows are called so")
    return name
