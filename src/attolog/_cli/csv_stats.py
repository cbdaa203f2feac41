"""The counts of a CSV file of attolog's, by event."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from attolog._cli.show import time_text
from attolog._reading.csv import rows


@dataclass(slots=True)
class _Stat:
    count: int
    first: int
    last: int


def csv_stats(path: str, local: bool) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The rows of `attolog stats`, and what is wrong with the file.

    Raises:
        ValueError: A row is none of attolog's.
    """
    stats: dict[str, _Stat] = {}
    problems: tuple[str, ...] = ()
    with open(path, "rb") as file:
        for _, row in rows(file, path):
            if not row.endswith(b"\n"):
                problems = (f"{path}: the last row is incomplete",)
                break
            stamp, event, *values = row[:-1].split(b",", 3)
            name = event.decode(errors="replace")
            time = int(Decimal(stamp.decode()) * 1_000_000_000)
            # With `columns=3` the third cell is `"n,since"`.
            lost = values[0].removeprefix(b'"') if name == "DROPPED" and values else b""
            count = int(lost) if lost.isdigit() else 1
            stat = stats.setdefault(name, _Stat(0, time, time))
            stat.count += count
            stat.first = min(stat.first, time)
            stat.last = max(stat.last, time)
    return [
        row_of(name, each.count, each.first, each.last, local) for name, each in stats.items()
    ], problems


def row_of(name: str, count: int, first: int, last: int, local: bool) -> dict[str, Any]:
    """The first cells of a row: name, count, rate and times."""
    seconds = (last - first) / 1e9
    return {
        "name": name,
        "count": count,
        "per_second": float(f"{count / seconds:.6g}") if seconds > 0 else None,
        "first": time_text(first, local),
        "last": time_text(last, local),
    }
