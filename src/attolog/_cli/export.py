"""`attolog export`: a journal as a file that other programs read."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import click

from attolog._cli.atomic import in_place_of
from attolog._cli.progress import tracked
from attolog._cli.query import check_where, query_options, records_of, selection, tables_of
from attolog._cli.row_files import write_csv, write_jsonl, write_logfmt
from attolog._cli.show import check_regular, escape
from attolog._cli.table_files import (
    write_arrow,
    write_duckdb,
    write_folder,
    write_parquet,
    write_sqlite,
)
from attolog._cli.trace import write_trace
from attolog._cli.window import window
from attolog._reading.files import is_journal
from attolog._reading.journal import Journal, open_journal
from attolog._reading.names import listed
from attolog._reading.table import Table
from attolog._words import count

_ROWS = (".csv", ".jsonl", ".logfmt", ".trace.json")
_SUFFIXES = (*_ROWS, ".parquet", ".arrow", ".sqlite", ".duckdb")


@click.command(
    "export",
    epilog="\b\nExample:\n"
    "  attolog export run.atto requests.csv -t request --where 'ms > 20'\n"
    "  attolog export run.atto run.trace.json\n"
    "  attolog export run.atto run.sqlite",
)
@click.argument("file", type=click.Path())
@click.argument("out", type=click.Path())
@query_options
@click.option(
    "--safe-csv", is_flag=True, help="Cells that a spreadsheet would run begin with a quote."
)
def command(
    file: str,
    out: str,
    tables: tuple[str, ...],
    where: str | None,
    since: str | None,
    until: str | None,
    local: bool,
    safe_csv: bool,
) -> int:
    """Write the records of FILE, a journal, to OUT, whose suffix says how.

    .csv, .jsonl and .logfmt have the records in the order of time, .sqlite and .duckdb a table for
    each table, .parquet and .arrow one table, and a folder (OUT/) Parquet partitioned by table.
    .trace.json opens in Perfetto (ui.perfetto.dev): threads are tracks, and records with a duration
    (took_ms, elapsed) are spans. OUT is there as a whole, or as it was.
    """
    check_regular(file)
    if not is_journal(file):
        raise click.UsageError(f"{file} is no journal: only journals are exported")
    suffix = _suffix(out)
    if safe_csv and suffix != ".csv":
        raise click.UsageError("--safe-csv is for .csv")
    journal = open_journal(file)
    chosen = [table for table in tables_of(journal, tables) if len(table)]
    check_where(where, chosen)
    query = {"where": where, **window(journal, since, until, local)._asdict()}
    if suffix in (".parquet", ".arrow") and len(chosen) != 1:
        names = {table.name: table.short_name for table in chosen}
        raise click.UsageError(
            f"{suffix} holds one table: name it with -t ({listed(names, names)}), "
            "or export into a folder"
        )
    with in_place_of(out, is_folder=not suffix) as path:
        if suffix in _ROWS:
            _write_rows(journal, chosen, not tables, query, suffix, path, safe_csv)
        else:
            selections = {table.short_name: selection(table, query) for table in chosen}
            _TABLES[suffix](selections, path)
    said = f"{escape(out)}: {count(len(chosen), 'table')} of {escape(file)}"
    click.echo(said)
    for problem in journal.problems:
        click.echo(f"attolog: {escape(problem)}", err=True)
    return 1 if journal.problems else 0


def _one(write: Callable[[Any, str], None]) -> Callable[[dict[str, Any], str], None]:
    return lambda selections, path: write(next(iter(selections.values())), path)


_TABLES: dict[str, Callable[[dict[str, Any], str], None]] = {
    ".parquet": _one(write_parquet),
    ".arrow": _one(write_arrow),
    ".sqlite": write_sqlite,
    ".duckdb": write_duckdb,
    "": write_folder,
}


def _suffix(out: str) -> str:
    """The suffix of a file, and "" for a folder."""
    if out.endswith(os.sep) or os.path.isdir(out):
        return ""
    for suffix in _SUFFIXES:
        if out.lower().endswith(suffix):
            return suffix
    raise click.UsageError(
        f"{out}: the suffix is none of {', '.join(_SUFFIXES)}; a folder ends with {os.sep}"
    )


def _write_rows(
    journal: Journal,
    chosen: Sequence[Table],
    is_all: bool,
    query: dict[str, Any],
    suffix: str,
    path: str,
    safe_csv: bool,
) -> None:
    source = journal._reader.records
    records = tracked(
        records_of(source, chosen, is_all, **query), sum(map(len, chosen)), f"export {suffix}"
    )
    with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        match suffix:
            case ".csv":
                write_csv(records, file, chosen, safe_csv)
            case ".jsonl":
                write_jsonl(records, file)
            case ".logfmt":
                write_logfmt(records, file)
            case _:
                write_trace(records, file)
