"""`attolog stats`: the tables of a file in figures."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from attolog._cli.csv_stats import csv_stats, row_of
from attolog._cli.figures import Summary, summarize, summarize_all
from attolog._cli.query import check_columns, check_where, columns_of, query_options, tables_of
from attolog._cli.show import check_regular, escape, time_text, value_text
from attolog._cli.sparkline import blocks_of, sparkline, spread
from attolog._cli.tables import json_option, number, write, write_terminal
from attolog._cli.window import Window, window
from attolog._reading.files import is_journal
from attolog._reading.journal import Journal, open_journal
from attolog._reading.table import Table
from attolog._reading.times import span

WIDTH = 30  # of a sparkline
_MOST_STRETCHES = 10_000
_MOST_VALUES = 3  # frequent ones that a table shows
_LONGEST_VALUE = 30  # characters of such a one

TABLES = {
    "name": "name",
    "count": "count",
    "per_second": "per second",
    "first": "first",
    "last": "last",
    "table": "table",
    "calls": "calls (estimated)",
    "share": "share of bytes",
}
ON_TERMINAL = {
    "table": "table",
    "count": "count",
    "calls": "calls (estimated)",
    "per_second": "per second",
    "percent": "bytes",
    "over_time": "over time",
}
_CSV = {key: TABLES[key] for key in ("name", "count", "per_second", "first", "last")}
COLUMNS = {
    "table": "table",
    "group": "group",
    "time": "time",
    "rows": "rows",
    "column": "column",
    "count": "values",
    "min": "min",
    "mean": "mean",
    "p50": "p50",
    "p99": "p99",
    "max": "max",
    "distinct": "distinct",
    "top": "most frequent",
}


@click.command(
    "stats",
    epilog="\b\nExample:\n"
    "  attolog stats run.atto --by user\n"
    "  attolog stats run.atto -t request --every 10s",
)
@click.argument("file", type=click.Path())
@query_options
@click.option("--by", metavar="COLUMN", help="Figures for each value of a column.")
@click.option("--every", metavar="SPAN", help="Figures for each stretch of time: 1s, 5m.")
@json_option
def command(
    file: str,
    tables: tuple[str, ...],
    where: str | None,
    since: str | None,
    until: str | None,
    local: bool,
    by: str | None,
    every: str | None,
    as_json: bool,
) -> int:
    """Count the records of FILE, a journal or a CSV, table by table.

    The count of DROPPED is how many records were lost. On a terminal, and with --table, --by or
    --every, the columns follow: least and largest values, means and quantiles (within 1 %), and the
    most frequent values. Into a pipe go values separated by tabs.
    """
    check_regular(file)
    if by is not None and every is not None:
        raise click.UsageError("--by and --every do not go together")
    if not is_journal(file):
        if tables or where or since or until or by or every:
            raise click.UsageError(f"{file} is no journal: only its events are counted")
        stats, problems = csv_stats(file, local)
        write(stats, _CSV, as_json)
        return _end(problems)
    journal = open_journal(file, check=True)  # so that damaged records are not counted
    chosen = tables_of(journal, tables)
    check_where(where, chosen)
    query = {"where": where, **window(journal, since, until, local)._asdict()}
    if by is not None:
        check_columns([by], chosen, "--by")
        groups = _by(chosen, by, query)
        write(groups, {**COLUMNS, "group": by}, as_json)
    elif every is not None:
        write(_every(chosen, journal, _span(every), query, local), COLUMNS, as_json)
    else:
        _whole(journal, chosen, query, local, as_json, bool(tables))
    return _end(journal.problems)


def _end(problems: Sequence[str]) -> int:
    for problem in problems:
        click.echo(f"attolog: {escape(problem)}", err=True)
    return 1 if problems else 0


def _whole(
    journal: Journal,
    chosen: Sequence[Table],
    query: dict[str, Any],
    local: bool,
    as_json: bool,
    has_names: bool,
) -> None:
    rows = table_rows(journal, chosen, query, local)
    if as_json:
        write(rows, TABLES, as_json=True)
        return
    columns = [cells for row in rows for cells in _columns(row["table"], row["columns"])]
    if not sys.stdout.isatty():
        write(*(columns, COLUMNS) if has_names else (rows, TABLES))
        return
    write_terminal(rows, ON_TERMINAL)
    if columns:
        click.echo()
        write_terminal(columns, COLUMNS)
    if any("calls" in row for row in rows):
        click.echo("\nOf sampled tables, means and quantiles are estimates for all calls.")


def table_rows(
    journal: Journal, chosen: Sequence[Table], query: dict[str, Any], local: bool
) -> list[dict[str, Any]]:
    """A row of `attolog stats` for each table that has records."""
    figures = summarize_all(journal, chosen, bins=WIDTH, **query)
    found = [each for each in zip(chosen, figures, strict=True) if each[1]["rows"]]
    start = min((summary["first"] for _, summary in found), default=0)
    end = max((summary["last"] for _, summary in found), default=0)
    payload = sum(summary.get("bytes") or 0 for _, summary in found)
    rows = []
    for table, summary in found:
        first, last = summary["first"], summary["last"]
        lost = _lost(journal, table, query) if table.kind == "dropped" else None
        row = row_of(table.name, summary["rows"] if lost is None else lost, first, last, local)
        row["table"] = table.short_name
        if table.sampling is not None:
            row |= {"calls": round(summary["weight"]), "estimated": True}
        if payload:
            row["share"] = summary["bytes"] / payload
            row["percent"] = f"{100 * row['share']:.0f} %"
        line = spread(summary["histogram"], first, last, start, end, WIDTH)
        rows.append(
            row
            | {"over_time": sparkline(line, blocks_of(sys.stdout))}
            | {key: summary[key] for key in ("columns", "levels")}
        )
    return rows


def _lost(journal: Journal, table: Table, query: dict[str, Any]) -> int:
    """How many records the DROPPED records tell of; one where a damaged journal says nonsense."""
    total = 0
    for record in journal.records(table=table.name, **query):
        n = next(iter(record.fields.values()), None)
        total += n if isinstance(n, int) and n >= 0 else 1
    return total


def _columns(table: str, columns: Sequence[Summary], **more: object) -> Iterator[dict[str, Any]]:
    for column in columns:
        top = column.get("top") or []
        shown = [f"{_short(value)} ({number(round(n))})" for value, n in top[:_MOST_VALUES]]
        about = "" if column.get("exact", True) else "about: "
        yield {**column, "table": table, "column": column["name"], **more} | {
            "top": about + ", ".join(shown) if shown else None
        }


def _short(value: object) -> str:
    text = escape(value_text(value))
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."


def _by(chosen: Sequence[Table], by: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for table in chosen:
        if by not in columns_of([table]):
            continue
        groups = summarize(table, by=by, **query)["groups"]
        for value, summary in sorted(groups.items(), key=lambda group: -group[1]["rows"]):
            rows += _group(table, summary, group=value_text(value))
    return rows


def _every(
    chosen: Sequence[Table], journal: Journal, length: int, query: dict[str, Any], local: bool
) -> list[dict[str, Any]]:
    every = journal["*"]
    start = max(query["since"] or 0, every.first or 0) // length * length
    end = min(query["until"] or every.last or 0, every.last or 0)
    stretches = range(start, end + 1, length)
    if len(stretches) > _MOST_STRETCHES:
        raise click.UsageError(
            f"--every: {len(stretches):,} stretches are more than {_MOST_STRETCHES:,}"
        )
    rows: list[dict[str, Any]] = []
    for at in stretches:
        times = Window(max(at, query["since"] or 0), min(at + length - 1, end))
        for table in chosen:
            summary = summarize(table, **{**query, **times._asdict()})
            if summary["rows"]:
                rows += _group(table, summary, time=time_text(at, local))
    return rows


def _group(table: Table, summary: Summary, **key: object) -> list[dict[str, Any]]:
    """The rows of a group: its numeric columns, or the group alone where there are none."""
    more = {**key, "rows": summary["rows"]}
    if table.sampling is not None:
        more["calls"] = round(summary["weight"])
    numeric = [column for column in summary["columns"] if column["kind"] == "number"]
    return list(_columns(table.short_name, numeric, **more)) or [
        {"table": table.short_name, **more}
    ]


def _span(text: str) -> int:
    try:
        length = span(text)
    except ValueError as error:
        raise click.UsageError(f"--every: {error}") from None
    if not length:
        raise click.UsageError("--every: a stretch of time has a length")
    return length
