"""What Python warns of while it compiles a source, kept from the program."""

from __future__ import annotations

import warnings
from _thread import get_ident
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

# From 3.14 on a thread may have filters of its own.
_filters_of_thread: Callable[[], Any] = getattr(warnings, "_get_filters", lambda: warnings.filters)


class _Collector:
    """Stands in a filter where the pattern of a warning's text has its place."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._thread: int | None = get_ident()

    def match(self, text: str) -> bool:
        if self._thread != get_ident():
            return False
        self.texts.append(text)
        return True

    def end(self) -> None:
        self._thread = None  # another thread may have copied the filters


@contextmanager
def collect_warnings() -> Iterator[list[str]]:
    """Keep this thread's warnings to ourselves.

    `warnings.catch_warnings` does more: other threads lose their warnings, those that were shown
    are shown again, and Python knows other filters than the program's when it ends.

    Yields:
        The texts of the warnings, as they come.

    Examples:
        >>> with collect_warnings() as texts:
        ...     code = compile("1 is 1", "example", "eval")
        >>> len(texts)
        1
    """
    collector = _Collector()
    filters, own = _filters_of_thread(), ("ignore", collector, Warning, None, 0)
    filters.insert(0, own)
    try:
        yield collector.texts
    finally:
        collector.end()
        with suppress(ValueError):
            filters.remove(own)
