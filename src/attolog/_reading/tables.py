"""The tables of a journal by name, and their overview."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from attolog._reading import html
from attolog._reading.table import Table
from attolog._words import count

_MOST_SHOWN = 60  # tables
_MOST_COLUMNS = 12  # of a table
_PLAIN = ("time", "level")


class Tables(Mapping[str, Table]):
    """Tables by their short names; they are found by other names, too, as `run[name]` finds them.

    Its repr is an overview: the short name, rows and columns of each table.

    Example:
        >>> import attolog, tempfile
        >>> path = tempfile.mkdtemp() + "/run.atto"
        >>> with attolog.AsyncFileLogger(path) as log:
        ...     log("request", user="ann", ms=7)
        ...     log.info("epoch {epoch} loss={loss:.4f}", 1, 0.5)
        >>> attolog.read(path).tables
        table       rows  columns
        request        1  user, ms
        epoch_loss     1  epoch, loss
    """

    def __init__(self, tables: Mapping[str, Table], find: Callable[[str], Table]) -> None:
        self._tables = tables
        self._find = find

    def __getitem__(self, name: str) -> Table:
        found = self._tables.get(name)
        return self._find(name) if found is None else found

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def _rows(self) -> list[tuple[str, str, str]]:
        """The short name, rows and columns of each table, as texts; the first ones of many."""
        found = []
        for name, table in list(self._tables.items())[:_MOST_SHOWN]:
            columns = [each for each in table.columns if each not in _PLAIN]
            if len(columns) > _MOST_COLUMNS:
                columns[_MOST_COLUMNS:] = [f"... {len(columns) - _MOST_COLUMNS} more"]
            found.append((name, f"{len(table):,}", ", ".join(columns)))
        return found

    def _left_out(self) -> str:
        more = len(self._tables) - _MOST_SHOWN
        return f"... {count(more, 'more table')}" if more > 0 else ""

    def __repr__(self) -> str:
        rows = [("table", "rows", "columns"), *self._rows()]
        first, second = (max(len(row[i]) for row in rows) for i in (0, 1))
        lines = [f"{row[0]:<{first}}  {row[1]:>{second}}  {row[2]}".rstrip() for row in rows]
        return "\n".join([*lines, *filter(None, [self._left_out()])])

    def _repr_html_(self) -> str:
        table = html.table(("table", "rows", "columns"), self._rows(), numbers={1})
        return html.page(table, html.note(self._left_out()))
