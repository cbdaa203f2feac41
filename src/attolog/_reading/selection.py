"""Some rows and columns of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from attolog._reading.description import Description
from attolog._reading.rows import Rows

if TYPE_CHECKING:
    from attolog._reading.table import Table

_NEVER = 2**63 - 1  # a time behind that of any record


@dataclass(frozen=True, slots=True)
class Selection(Rows):
    """Some of the columns and rows of a table, an Arrow stream as the table is; made by `select`.

    It may be passed over any number of times.
    """

    table: Table
    """The table."""
    names: tuple[str, ...] = ()
    """The columns that were asked for, all if there are none."""
    where: str | None = None
    """The expression that the records match."""
    since: int | None = None
    """The time of the first row in nanoseconds since 1970."""
    until: int | None = None
    """The time of the last row."""
    last: int | None = None
    """The most rows."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule stream of the rows."""
        return self.table._stream(
            columns=self.names or None,
            where=self.where,
            since=self.since,
            until=self.until,
            last=self.last,
        )

    def describe(self) -> Description:
        """The columns in figures, as those of `Table.describe`."""
        if self.table.kind == "all":
            raise ValueError("figures are those of one table, not of all records")
        table = self.table
        rare = [field.name for field in table._fields() if field.note.endswith("as JSON")]
        own = {*table._own_columns} - {*rare}
        figures = table._reader.summarize(
            table.name,
            columns=tuple(name for name in self.names if name in own) if self.names else None,
            where=self.where,
            since=self._first_time(),
            until=self.until,
        )
        return Description(table.short_name, figures, table.sampling is not None)

    def _first_time(self) -> int | None:
        """The time from which on there are only rows of the selection, if nothing else matters."""
        if self.last is None:
            return self.since
        first = replace(self, names=("time",))._first_dicts(1)
        return first[0]["time"] if first else _NEVER

    def _title(self) -> str:
        return repr(self)[1:-1]

    def _head(self, most: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for window in self._windows(most):
            found += window._first_dicts(most - len(found))
            if len(found) == most:
                break
        return found

    def _windows(self, most: int) -> Iterator[Selection]:
        """The rows by stretches of time, for a reader that ends with `most` rows.

        The first stretch has about as many rows if all match. Each next one is longer, so that few
        blocks are decoded for few rows, and long stretches by several threads for many.
        """
        first, last, rows = self.table.first, self.table.last, len(self.table)
        if self.last is not None or first is None or last is None:
            yield self
            return
        start = first if self.since is None else max(first, self.since)
        end = last if self.until is None else min(last, self.until)
        wanted = 2 * max(most, 100)
        while wanted < rows:
            until = start + (last - first) * wanted // rows
            if until >= end:
                break
            yield replace(self, since=start, until=until)
            start = until + 1
            wanted *= 8
        yield replace(self, since=start, until=end)

    def _recent(self, most: int) -> Selection:
        return replace(self, last=most if self.last is None else min(self.last, most))

    def __repr__(self) -> str:
        bounds = {name: getattr(self, name) for name in ("where", "since", "until", "last")}
        asked = [
            *map(repr, self.names),
            *(f"{name}={value!r}" for name, value in bounds.items() if value is not None),
        ]
        return f"<attolog.Selection of {self.table.name!r}: {', '.join(asked) or 'all'}>"
