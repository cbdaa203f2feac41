"""Numbers of things, as messages have them."""

from __future__ import annotations


def count(n: int, noun: str, plural: str | None = None) -> str:
    """So many of something: `1 record`, `12,345 records`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
