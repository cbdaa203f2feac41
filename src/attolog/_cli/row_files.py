"""Records as rows of a text file: CSV, JSON Lines, logfmt. They come in the order of time."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import IO, Any

from attolog._cli.query import columns_of
from attolog._cli.trace import finite
from attolog._reading.table import Table

RawRecord = tuple[Any, ...]  # as `_core.Reader.records` gives it

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What makes a spreadsheet run a cell as a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def iso(ns: int) -> str:
    """A time with all its nine digits.

    Example:
        >>> iso(1_700_000_000_123_456_789)
        '2023-11-14T22:13:20.123456789Z'
    """
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def write_csv(
    records: Iterable[RawRecord], out: IO[str], tables: Sequence[Table], is_safe: bool
) -> None:
    """Write CSV with a header: time, the table if there are several, and all their columns.

    Args:
        records: The records.
        out: The file, opened with `newline=""`.
        tables: The tables that they are of.
        is_safe: Cells that a spreadsheet would run as formulas begin with `'`.
    """
    names = {table.name: table.short_name for table in tables}
    columns = [name for name in columns_of(tables) if name != "time"]
    table = ["table" if "table" not in columns else "table_"] if len(tables) > 1 else []
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["time", *table, *columns])
    for time, kind, name, level, _, _, fields, values, text, *_ in records:
        row = dict(zip(fields, values, strict=True))
        if kind == "message":
            row["level"] = level
        elif kind in ("text", "print"):
            row["text"] = text
        cells: list[object] = [row.get(column) for column in columns]
        if is_safe:
            cells = [_safe(cell) for cell in cells]
        writer.writerow([iso(time), *([names[name]] if table else []), *cells])


def _safe(cell: object) -> object:
    if cell is None or isinstance(cell, bool | int | float):
        return cell
    text = str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


def write_jsonl(records: Iterable[RawRecord], out: IO[str]) -> None:
    """Write the objects that a `.jsonl` log has, with nine digits of a second.

    NaN and infinities are texts, for JSON has none.
    """
    for record in records:
        time, kind, name, level, _, _, fields, values, text, *_ = record
        head: dict[str, Any] = {"event": name}
        rest = dict(zip(fields, values, strict=True))
        if kind == "message":
            head = {"level": level, "message": text}
            rest.pop("message", None)
        elif kind in ("text", "print"):
            head, rest = {"text": text}, {}
        seconds, part = divmod(time, 1_000_000_000)
        body = json.dumps(head | finite(rest), ensure_ascii=False, default=str)
        out.write(f'{{"time": {seconds}.{part:09d}, {body[1:]}\n')


def write_logfmt(records: Iterable[RawRecord], out: IO[str]) -> None:
    """Write `key=value` pairs, a line for each record; texts with blanks or signs are quoted."""
    for time, kind, name, level, thread, pid, fields, values, text, *_ in records:
        pairs: list[tuple[str, object]] = [("time", iso(time))]
        if level is not None:
            pairs.append(("level", level.lower()))
        rest = list(zip(fields, values, strict=True))
        if kind in ("message", "text", "print"):
            pairs.append(("msg", text.removesuffix("\n") if kind == "print" else text))
            rest = [pair for pair in rest if kind == "message" and pair[0] != "message"]
        else:
            pairs.append(("event", name))
        pairs += [*rest, ("thread", thread), ("pid", pid)]
        out.write(" ".join(f"{_key(key)}={_logfmt(value)}" for key, value in pairs) + "\n")


def _key(name: str) -> str:
    return "".join("_" if c <= " " or c in '="' else c for c in name)


def _logfmt(value: object) -> str:
    if value is None:
        return ""
    text = str(value)
    is_plain = text and not any(c <= " " or c in '="\\\x7f' for c in text)
    return text if is_plain else json.dumps(text, ensure_ascii=False)
