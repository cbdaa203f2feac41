"""The description of a table: for each column its counts, range, mean and most frequent values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from attolog._reading import html
from attolog._reading.names import no_column
from attolog._words import count

_MOST_VALUES = 3  # of the most frequent ones, in a repr
_MOST_TEXT = 30  # characters of each


@dataclass(frozen=True, slots=True)
class ColumnDescription:
    """A column in figures; those that its type does not have are None."""

    column: str
    """Its name."""
    kind: str
    """number, bool, text or other."""
    count: int
    """The records that have a value."""
    nulls: int
    """The records that have none."""
    min: float | None
    """The smallest number."""
    mean: float | None
    """The mean; where records are sampled, an estimate of that of all calls."""
    p50: float | None
    """The median, to one percent of its value."""
    p99: float | None
    """The quantile 0.99, to one percent of its value."""
    max: float | None
    """The largest number."""
    distinct: int | None
    """How many values differ, of texts and bools."""
    top: tuple[tuple[Any, float], ...]
    """The most frequent values and their counts, ten at most."""
    is_exact: bool
    """Whether `distinct` and `top` are exact; there were too many values otherwise."""


class Description:
    """The columns of a table in figures; made by `describe`.

    Where records are sampled, `calls`, means, quantiles and the counts of values are estimates of
    all calls: each record counts as many times as calls it stands for.
    """

    def __init__(self, title: str, summary: Mapping[str, Any], is_sampled: bool) -> None:
        self._title = title
        self.records: int = summary["rows"]
        """How many records were looked at."""
        self.calls: float = summary["weight"]
        """How many calls they stand for."""
        self.is_sampled = is_sampled
        """Whether the figures are estimates from samples."""
        self._columns = [
            _column(each, self.records) for each in summary["columns"] if each["name"] != "time"
        ]

    def __getitem__(self, column: str) -> ColumnDescription:
        """The figures of a column.

        Raises:
            KeyError: There is no such column; the message names the nearest.
        """
        for each in self._columns:
            if each.column == column:
                return each
        raise no_column(column, self._title, (each.column for each in self._columns))

    def __len__(self) -> int:
        return len(self._columns)

    def __iter__(self) -> Iterator[ColumnDescription]:
        return iter(self._columns)

    def to_dicts(self) -> list[dict[str, Any]]:
        """A dict for each column."""
        return [asdict(each) for each in self._columns]

    @property
    def title(self) -> str:
        """The table and its records; says so where figures are estimates."""
        records = count(self.records, "record")
        if self.is_sampled:
            records = f"estimates of {count(round(self.calls), 'call')} from {records}"
        return f"{self._title}: {records}"

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                each.column,
                each.kind,
                f"{each.count:,}",
                f"{each.nulls:,}",
                *map(_number, (each.min, each.mean, each.p50, each.p99, each.max)),
                _distinct(each),
                ", ".join(f"{_value(v)} ({n:,.0f})" for v, n in each.top[:_MOST_VALUES]),
            )
            for each in self._columns
        ]

    def __repr__(self) -> str:
        rows = [_HEADS, *self._rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADS))]
        lines = [self.title]
        for row in rows:
            cells = [
                f"{cell:>{width}}" if i in _RIGHT else f"{cell:<{width}}"
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html.page(html.note(self.title), html.table(_HEADS, self._rows(), numbers=_RIGHT))


_HEADS = (
    "column",
    "kind",
    "count",
    "nulls",
    "min",
    "mean",
    "p50",
    "p99",
    "max",
    "distinct",
    "most frequent",
)
_RIGHT = range(2, 10)


def _column(summary: Mapping[str, Any], records: int) -> ColumnDescription:
    return ColumnDescription(
        column=summary["name"],
        kind=summary["kind"],
        count=summary["count"],
        nulls=records - summary["count"],
        min=summary.get("min"),
        mean=summary.get("mean"),
        p50=summary.get("p50"),
        p99=summary.get("p99"),
        max=summary.get("max"),
        distinct=summary.get("distinct"),
        top=tuple((value, n) for value, n in summary.get("top") or ()),
        is_exact=summary.get("exact", True),
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def _distinct(column: ColumnDescription) -> str:
    if column.distinct is None:
        return ""
    return f"{column.distinct:,}" if column.is_exact else f"> {column.distinct:,}"


def _value(value: object) -> str:
    text = str(value)
    shown = text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + "..."
    return shown if shown.isprintable() and shown else repr(shown)
