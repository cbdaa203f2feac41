"""Tables as typed files: Parquet, Arrow, SQLite, DuckDB."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from typing import Any
from urllib.parse import quote

from attolog._cli.progress import tracked
from attolog._cli.row_files import iso
from attolog._reading.arrow import Stream
from attolog._reading.extras import need
from attolog._reading.selection import Selection

# By short names: what is exported of each table.
Selections = Mapping[str, Selection]

_ROWS = 10_000  # that go into SQLite at a time
_SQLITE_TYPES = {"bool": "INTEGER", "float64": "REAL", "bytes": "BLOB"}
_MOST_INT = (1 << 63) - 1


def write_parquet(selection: Selection, path: str) -> None:
    """Write one table as Parquet (zstd), batch by batch."""
    pyarrow, parquet = need("pyarrow", "arrow"), need("pyarrow.parquet", "arrow")
    reader = pyarrow.RecordBatchReader.from_stream(selection)
    with parquet.ParquetWriter(path, reader.schema, compression="zstd") as writer:
        for batch in tracked(reader, len(selection.table), "export .parquet", len):
            writer.write_batch(batch)


def write_arrow(selection: Selection, path: str) -> None:
    """Write one table as an Arrow IPC file."""
    pyarrow, ipc = need("pyarrow", "arrow"), need("pyarrow.ipc", "arrow")
    reader = pyarrow.RecordBatchReader.from_stream(selection)
    with ipc.new_file(path, reader.schema) as writer:
        for batch in tracked(reader, len(selection.table), "export .arrow", len):
            writer.write_batch(batch)


def write_folder(selections: Selections, path: str) -> None:
    """Write Parquet partitioned by table, as Hive has it: `table=request/part-0.parquet`."""
    for name, selection in selections.items():
        folder = os.path.join(path, f"table={quote(name, safe='')}")
        os.mkdir(folder)
        write_parquet(selection, os.path.join(folder, "part-0.parquet"))


def write_duckdb(selections: Selections, path: str) -> None:
    """Write a DuckDB database with a table for each."""
    duckdb = need("duckdb", "sql")
    with closing(duckdb.connect(path)) as connection:
        for name, selection in zip(_distinct(selections), selections.values(), strict=True):
            connection.register("selection", selection)
            connection.execute(f"create table {quoted(name)} as select * from selection")
            connection.unregister("selection")


def write_sqlite(selections: Selections, path: str) -> None:
    """Write an SQLite database with a table for each.

    Times are ISO texts, bools 0 and 1, NaN is null. Lists, dicts and ints beyond 64 bits are texts.
    """
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        for name, selection in zip(_distinct(selections), selections.values(), strict=True):
            stream = Stream(selection)
            kinds = [_SQLITE_TYPES.get(field.type, field.type) for field in stream.fields]
            kinds = ["INTEGER" if "int" in kind else kind for kind in kinds]
            names = _distinct([field.name for field in stream.fields])
            columns = ", ".join(
                f"{quoted(column)} {kind if kind.isupper() else 'TEXT'}"
                for column, kind in zip(names, kinds, strict=True)
            )
            connection.execute(f"create table {quoted(name)} ({columns})")
            marks = ", ".join("?" * len(names))
            insert = f"insert into {quoted(name)} values ({marks})"
            rows = tracked(_rows(stream), len(selection.table), name)
            while part := list(islice(rows, _ROWS)):
                connection.executemany(insert, part)
        connection.commit()


def _rows(stream: Stream) -> Iterator[tuple[Any, ...]]:
    for batch in stream:
        columns = batch.columns()
        for i, field in enumerate(stream.fields):
            if field.type == "time":
                columns[i] = [None if ns is None else iso(ns) for ns in columns[i]]
            elif field.type not in ("bool", "float64", "text", "bytes", "int64"):
                columns[i] = list(map(_sqlite, columns[i]))
        yield from zip(*columns, strict=True)


def _sqlite(value: object) -> object:
    if value is None or isinstance(value, float | str | bytes):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _MOST_INT else str(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _distinct(names: Iterable[str]) -> list[str]:
    """Names that differ in more than case, as SQL wants them."""
    found: dict[str, str] = {}
    for name in names:
        unused = name
        while unused.lower() in found:
            unused += "_"
        found[unused.lower()] = unused
    return list(found.values())


def quoted(name: str) -> str:
    """A name as SQL has it.

    Example:
        >>> quoted("a b")
        '"a b"'
    """
    return '"' + name.replace('"', '""') + '"'
