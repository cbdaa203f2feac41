"""The figures of a table: counts, quantiles, frequent values, and counts over time."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from attolog._cli.query import selection
from attolog._reading.arrow import Stream
from attolog._reading.table import Table

Summary = dict[str, Any]

_MOST_GROUPS = 1000
_MOST_TOP = 10
_WEIGHT = "weight"


def summarize(
    table: Table,
    *,
    where: str | None = None,
    since: int | None = None,
    until: int | None = None,
    bins: int = 0,
    by: str | None = None,
) -> Summary:
    """The figures of a table's records, as `_core.Reader.summarize` describes them."""
    native = getattr(table._reader, "summarize", None)
    query: dict[str, Any] = {"where": where, "since": since, "until": until}
    if native is not None:
        found: Summary = native(table.name, bins=bins, by=by, **query)
        return found
    stream = Stream(selection(table, query))
    names = [field.name for field in stream.fields]
    kinds = [_kind(field) for field in stream.fields]
    columns: list[list[Any]] = [[] for _ in names]
    for batch in stream:
        for values, more in zip(columns, batch.columns(), strict=True):
            values += more
    rows = range(len(columns[0]) if columns else 0)
    whole = _of(names, kinds, columns, rows, bins)
    if by is not None:
        keys = columns[names.index(by)]
        groups: dict[Any, list[int]] = {}
        for i in rows:
            key = keys[i] if keys[i] in groups or len(groups) < _MOST_GROUPS else "(others)"
            groups.setdefault(key, []).append(i)
        whole["groups"] = {
            key: _of(names, kinds, columns, part, bins) for key, part in groups.items()
        }
    return whole


def _kind(field: Any) -> str:
    return "number" if field.is_number else {"b": "bool", "U": "text"}.get(field.format, "other")


def _of(
    names: list[str], kinds: list[str], columns: list[list[Any]], rows: Any, bins: int
) -> Summary:
    n = len(rows)
    times = [columns[0][i] for i in rows]
    first, last = min(times, default=None), max(times, default=None)
    weights = [1.0] * n
    if _WEIGHT in names:
        given = columns[names.index(_WEIGHT)]
        weights = [1.0 if given[i] is None else float(given[i]) for i in rows]
    histogram = [0] * bins
    if bins and first is not None and last is not None:
        for time in times:
            histogram[min(bins - 1, (time - first) * bins // max(1, last - first))] += 1
    figures = [
        _column(name, kind, [(values[i], w) for i, w in zip(rows, weights, strict=True)])
        for name, kind, values in zip(names, kinds, columns, strict=True)
        if name not in ("time", _WEIGHT)
    ]
    return {
        "rows": n,
        "weight": math.fsum(weights),
        "first": first,
        "last": last,
        "histogram": histogram,
        "columns": figures,
    }


def _column(name: str, kind: str, pairs: list[tuple[Any, float]]) -> Summary:
    pairs = [pair for pair in pairs if pair[0] is not None]
    found: Summary = {"name": name, "kind": kind, "count": len(pairs)}
    if kind == "number":
        pairs = sorted(pair for pair in pairs if not math.isnan(pair[0]))
        if pairs:
            total = math.fsum(w for _, w in pairs)
            found |= {"min": pairs[0][0], "max": pairs[-1][0]}
            found["mean"] = math.fsum(v * w for v, w in pairs) / total
            found |= {"p50": _quantile(pairs, 0.5 * total), "p99": _quantile(pairs, 0.99 * total)}
    elif kind != "other":
        counts: Counter[Any] = Counter()
        for value, weight in pairs:
            counts[value] += weight  # type: ignore[assignment]
        found |= {"distinct": len(counts), "exact": True, "top": counts.most_common(_MOST_TOP)}
    return found


def _quantile(pairs: list[tuple[Any, float]], wanted: float) -> float:
    reached = 0.0
    for value, weight in pairs:
        reached += weight
        if reached >= wanted:
            return float(value)
    return float(pairs[-1][0])
