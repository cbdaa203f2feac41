"""The figures of a table's columns, of the rows that `select` gives: the native reader's pass."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from attolog._reading.arrow import Field, Stream

if TYPE_CHECKING:
    from attolog._reading.rows import Rows

_MOST_DISTINCT = 10_000
_WEIGHT = "weight"


def summarize(rows: Rows, is_sampled: bool) -> dict[str, Any]:
    """Pass over rows once; the result is that of `_core.Reader.summarize`."""
    stream = Stream(rows)
    columns: list[list[Any]] = [[] for _ in stream.fields]
    for batch in stream:
        for values, more in zip(columns, batch.columns(), strict=True):
            values += more
    n = len(columns[0]) if columns else 0
    weights = [1.0] * n
    names = [field.name for field in stream.fields]
    if is_sampled and _WEIGHT in names:
        weights = [1.0 if w is None else float(w) for w in columns[names.index(_WEIGHT)]]
    figures = [
        _figures(field, values, weights)
        for field, values in zip(stream.fields, columns, strict=True)
        if field.name != _WEIGHT or not is_sampled
    ]
    return {"rows": n, "weight": math.fsum(weights), "columns": figures}


def _figures(field: Field, values: list[Any], weights: list[float]) -> dict[str, Any]:
    pairs = [(v, w) for v, w in zip(values, weights, strict=True) if v is not None]
    kind = "number" if field.is_number else {"b": "bool", "U": "text"}.get(field.format, "other")
    found: dict[str, Any] = {"name": field.name, "kind": kind, "count": len(pairs)}
    if kind == "number":
        pairs = sorted(pair for pair in pairs if not math.isnan(pair[0]))
        total = math.fsum(w for _, w in pairs)
        if pairs:
            found |= {"min": pairs[0][0], "max": pairs[-1][0]}
            found["mean"] = math.fsum(v * w for v, w in pairs) / total
            for name, q in ("p50", 0.5), ("p99", 0.99):
                reached = list(accumulate(weight for _, weight in pairs))
                at = bisect_left(reached, q * total * (1 - 1e-12))
                found[name] = float(pairs[min(at, len(pairs) - 1)][0])
    elif kind != "other":
        counts: Counter[Any] = Counter()
        for value, weight in pairs:
            counts[value] += weight  # type: ignore[assignment]
        found["distinct"] = min(len(counts), _MOST_DISTINCT)
        found["exact"] = len(counts) <= _MOST_DISTINCT
        found["top"] = counts.most_common(10)
    return found
