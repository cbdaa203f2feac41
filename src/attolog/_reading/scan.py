"""`attolog.scan`: a journal's table as a polars LazyFrame that decodes what a query needs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from attolog._reading.arrow import Stream
from attolog._reading.extras import need
from attolog._reading.journal import read
from attolog._reading.predicate import Predicate

if TYPE_CHECKING:
    import polars

    from attolog._reading.table import Table

_EXTRA = "polars"


def scan(
    path: str | os.PathLike[str], *, table: str = "*", ring_dir: str | None = None
) -> polars.LazyFrame:
    """Make a polars LazyFrame of a journal's table; records are decoded when it is collected.

    Columns that the query does not use are not made. Conditions on `time` and comparisons with
    literals reach the native reader, which passes over blocks without such rows. A limit ends the
    reading. The frame is of the records that the journal has now.

    Args:
        path: The journal, as for `read`.
        table: The table, by any of its names. `*` is all records: time, event, level, text, thread
            and pid.
        ring_dir: The folder of its rings, if the logger was given one.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: polars is missing; `attolog[polars]` installs it.
        KeyError: There is no such table.
        ValueError: The file is no journal.

    Example:
        >>> import attolog, polars, tempfile
        >>> path = tempfile.mkdtemp() + "/run.atto"
        >>> with attolog.AsyncFileLogger(path) as log:
        ...     for ms in 70, 20, 30:
        ...         log("request", ms, user="ann")
        >>> slow = attolog.scan(path, table="request").filter(polars.col("ms") > 20)
        >>> slow.select("user", "ms").collect().rows()
        [('ann', 70), ('ann', 30)]
    """
    need("polars", _EXTRA)
    return lazy_frame(read(path, ring_dir=ring_dir)[table])


def lazy_frame(table: Table) -> polars.LazyFrame:
    """A LazyFrame of a table."""
    pl = need("polars", _EXTRA)
    register = need("polars.io.plugins", _EXTRA).register_io_source

    def batches(
        names: list[str] | None, predicate: Any, most: int | None, size: int | None
    ) -> Iterator[polars.DataFrame]:
        condition = Predicate(table, predicate)
        needed = None if names is None else [*names]
        if needed is not None and predicate is not None:
            needed += (each for each in predicate.meta.root_names() if each not in needed)
        # All records come with all of their columns; a table without any has no rows to count.
        asked = () if table.kind == "all" or not needed else tuple(needed)
        rows = table.select(
            *asked, where=condition.where, since=condition.since, until=condition.until
        )
        left = most
        for batch in Stream(rows):
            frame = pl.DataFrame(batch)
            if predicate is not None:
                frame = frame.filter(predicate)
            if names is not None:
                frame = frame.select(names)
            if left is not None:
                frame = frame.head(left)
                left -= len(frame)
            yield frame
            if left == 0:
                return

    schema = pl.DataFrame(table.select(last=0)).schema
    frame: polars.LazyFrame = register(batches, schema=schema)
    return frame
