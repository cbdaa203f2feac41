"""The figures of tables: counts, quantiles, frequent values, and counts over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attolog._reading.journal import Journal
from attolog._reading.table import Table

Summary = dict[str, Any]


def summarize(table: Table, **query: Any) -> Summary:
    """The figures of a table's records, as `_core.Reader.summarize` describes them."""
    found: Summary = table._reader.summarize(table.name, **query)  # type: ignore[assignment]
    return found


def summarize_all(journal: Journal, chosen: Sequence[Table], **query: Any) -> list[Summary]:
    """The figures of several tables, in one pass."""
    if len(chosen) == 1:
        return [summarize(chosen[0], **query)]
    reader = journal._reader
    found: dict[str, Summary] = {}
    for (name, *_), summary in zip(reader.tables(), reader.summarize_all(**query), strict=True):
        found.setdefault(name, summary)  # type: ignore[arg-type]
    return [found[table.name] for table in chosen]
