"""A progress bar for work that takes longer than half a second, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

PATIENCE = 0.5  # seconds without a bar
_STEP = 1024  # size of the items between two looks at the clock

T = TypeVar("T")


def tracked(
    items: Iterable[T], total: int, what: str, size: Callable[[T], int] = lambda _: 1
) -> Iterator[T]:
    """The items, while a bar on standard error shows how many of them are done.

    Args:
        items: What is gone through.
        total: The size of all of them, about.
        what: The work, in a word or two.
        size: How much an item counts.

    Example:
        >>> sum(tracked([1, 2, 3], 3, "adding"))
        6
    """
    if sys.stderr is None or not sys.stderr.isatty():
        return iter(items)
    return _shown(items, total, what, size)


def _shown(items: Iterable[T], total: int, what: str, size: Callable[[T], int]) -> Iterator[T]:
    left = iter(items)
    end = time.monotonic() + PATIENCE
    done, looked = 0, 0
    for item in left:
        yield item
        done += size(item)
        if done - looked >= _STEP:
            looked = done
            if time.monotonic() >= end:
                break
    else:
        return

    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total, completed=done)
        for item in left:
            yield item
            done += size(item)
            if done - looked >= _STEP:
                looked = done
                progress.update(task, completed=done)
