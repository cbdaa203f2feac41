"""Numbers of things, and names like a misspelt one, as messages have them."""

from __future__ import annotations

TYPE_CHECKING = False  # this is loaded in programs that log, and typing takes longer than all of it
if TYPE_CHECKING:
    from collections.abc import Iterable


def count(n: int, noun: str, plural: str | None = None) -> str:
    """So many of something: `1 record`, `12,345 records`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the known names most like it; "" without any.

    Example:
        >>> nearest("usr", ["user", "ms"])
        "; did you mean 'user'?"
        >>> nearest("USER", ["user", "ms"])
        "; did you mean 'user'?"
        >>> nearest("colour", ["user", "ms"])
        ''
    """
    from difflib import get_close_matches

    names = list(known)
    near = get_close_matches(name, names, n=3)
    if not near:
        near = [each for each in names if each.lower() == name.lower()]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
