"""Some rows and columns of a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from attolog._reading.description import Description
from attolog._reading.rows import Rows
from attolog._reading.summary import summarize

if TYPE_CHECKING:
    from attolog._reading.table import Table


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
        is_sampled = self.table.sampling is not None
        summary = summarize(self, is_sampled)
        return Description(self.table.short_name, summary, is_sampled)

    def _title(self) -> str:
        return repr(self)[1:-1]

    def _head(self, most: int) -> list[dict[str, Any]]:
        """The first rows, looked for in the first blocks and then in ever more of them."""
        first, last, rows = self.table.first, self.table.last, len(self.table)
        if self.last is None and first is not None and last is not None:
            start = first if self.since is None else max(first, self.since)
            end = last if self.until is None else min(last, self.until)
            wanted = most * 16
            while wanted < rows:
                until = start + (last - first) * wanted // rows
                if until >= end:
                    break
                found = replace(self, until=until)._first_dicts(most)
                if len(found) == most:
                    return found
                wanted *= 16
        return self._first_dicts(most)

    def _recent(self, most: int) -> Selection:
        return replace(self, last=most if self.last is None else min(self.last, most))

    def __repr__(self) -> str:
        bounds = {name: getattr(self, name) for name in ("where", "since", "until", "last")}
        asked = [
            *map(repr, self.names),
            *(f"{name}={value!r}" for name, value in bounds.items() if value is not None),
        ]
        return f"<attolog.Selection of {self.table.name!r}: {', '.join(asked) or 'all'}>"
