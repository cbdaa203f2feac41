"""Rows of typed columns, and the libraries that take them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from attolog._reading import html, times
from attolog._reading.arrow import ArrowStreamable, Field, Stream
from attolog._reading.extras import need

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow  # type: ignore[import-untyped]

_HEAD = 5  # rows that a notebook shows
_RECENT = 10_000  # rows that its histograms are made of


class Rows:
    """Rows as an Arrow stream, which may be passed over any number of times."""

    __slots__ = ()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule stream of the rows."""
        raise NotImplementedError

    def _fields(self) -> tuple[Field, ...]:
        return Stream(self).fields

    @property
    def columns(self) -> dict[str, str]:
        """The columns and their types, in their order. No row is decoded.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     log("request", user="ann", ms=7)
            >>> attolog.read(path)["request"].columns
            {'time': 'time', 'user': 'text', 'ms': 'int64'}
        """
        return {field.name: field.type for field in self._fields()}

    def to_polars(self) -> polars.DataFrame:
        """A polars DataFrame of the rows.

        Raises:
            ImportError: polars is missing; `attolog[polars]` installs it.
        """
        frame: polars.DataFrame = need("polars", "polars").DataFrame(self)
        return frame

    def to_arrow(self) -> pyarrow.Table:
        """A pyarrow Table of the rows.

        Raises:
            ImportError: pyarrow is missing; `attolog[arrow]` installs it.
        """
        return need("pyarrow", "arrow").table(self)

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame of the rows, made by pyarrow.

        Raises:
            ImportError: pandas or pyarrow is missing; `attolog[pandas]` installs both.
        """
        need("pandas", "pandas")
        frame: pandas.DataFrame = need("pyarrow", "pandas").table(self).to_pandas()
        return frame

    def to_dicts(self) -> list[dict[str, Any]]:
        """A dict for each row. It needs no package.

        `time` and other columns of nanoseconds are ints. Dates, times and durations are those of
        `datetime`; absent values are None.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     log("request", user="ann", ms=7)
            ...     log("request", user="bob")
            >>> attolog.read(path)["request"].select("user", "ms").to_dicts()
            [{'user': 'ann', 'ms': 7}, {'user': 'bob', 'ms': None}]
        """
        return self._first_dicts(None)

    def _first_dicts(self, most: int | None) -> list[dict[str, Any]]:
        """A dict for each of the first rows; `most` of None is all of them."""
        stream = Stream(self)
        names = [field.name for field in stream.fields]
        found: list[dict[str, Any]] = []
        for batch in stream:
            rows = zip(*batch.columns(), strict=True)
            left = None if most is None else most - len(found)
            found += (dict(zip(names, row, strict=True)) for row in islice(rows, left))
            if len(found) == most:
                break
        return found

    def _title(self) -> str:
        """What the rows are, with their number."""
        raise NotImplementedError

    def _head(self, most: int) -> list[dict[str, Any]]:
        """The first rows."""
        return self._first_dicts(most)

    def _recent(self, most: int) -> ArrowStreamable:
        """The last rows."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        fields = self._fields()
        rows = [[_shown(f, row[f.name]) for f in fields] for row in self._head(_HEAD)]
        recent: list[list[Any]] = [[] for _ in fields]
        for batch in Stream(self._recent(_RECENT)):
            for values, more in zip(recent, batch.columns(), strict=True):
                values += more
        below = [
            html.less(field.type) + (html.histogram(values) if field.is_number else "")
            for field, values in zip(fields, recent, strict=True)
        ]
        numbers = {i for i, field in enumerate(fields) if field.is_number}
        shown = html.table([f.name for f in fields], rows, numbers=numbers, below=below)
        about = f"The bars are of the last {_RECENT:,} rows." if len(rows) == _HEAD else ""
        return html.page(html.note(self._title()), shown, html.note(about))


def _shown(field: Field, value: Any) -> Any:
    if value is None or field.type != "time":
        return value
    return times.text_of(value)
