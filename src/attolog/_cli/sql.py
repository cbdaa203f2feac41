"""`attolog sql`: a journal's tables in SQL, by DuckDB; without a query, a prompt."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from attolog._cli.show import check_regular, escape
from attolog._cli.tables import json_option, write
from attolog._cli.wrong import WrongQuery
from attolog._reading.files import is_journal
from attolog._reading.journal import Journal, open_journal
from attolog._reading.sql import ALL, view_names

_PROMPT, _MORE = "sql> ", "...> "
_HELP = "A statement ends with ';'. .tables lists the tables, .quit or Ctrl-D ends."
_MOST_SHOWN = 1_000  # rows on a terminal
_MOST_REMEMBERED = 1_000  # lines of the history
_WORDS = (
    *("select", "from", "where", "group by", "order by", "having", "limit", "join", "using", "as"),
    *("count(*)", "sum(", "avg(", "min(", "max(", "median(", "quantile_cont(", "desc", "and", "or"),
)


@click.command(
    "sql",
    epilog="\b\nExample:\n"
    "  attolog sql run.atto 'select user, max(ms) from request group by user order by 2 desc'",
)
@click.argument("file", type=click.Path())
@click.argument("query", required=False)
@json_option
def command(file: str, query: str | None, as_json: bool) -> int:
    """Answer QUERY about FILE, a journal, by DuckDB; or ask for queries.

    Each table is a view under its short name, and records has all records. Without QUERY there is a
    prompt, or the query comes from a pipe.
    """
    check_regular(file)
    if not is_journal(file):
        raise click.UsageError(f"{file} is no journal: DuckDB reads CSV and JSON by itself")
    journal = open_journal(file)
    try:
        if query is not None:
            _answer(journal, query, as_json)
        elif sys.stdin.isatty():
            _ask(journal, as_json)
        else:
            _answer(journal, sys.stdin.read(), as_json)
    except ImportError as error:
        raise click.ClickException(str(error)) from None
    for problem in journal.problems:
        click.echo(f"attolog: {escape(problem)}", err=True)
    return 1 if journal.problems else 0


def _answer(journal: Journal, query: str, as_json: bool) -> None:
    """Print what a statement gives.

    Raises:
        WrongQuery: DuckDB does not take it.
    """
    from attolog._reading.extras import need

    duckdb = need("duckdb", "sql")
    try:
        relation: Any = journal.sql(query)
        if relation is None:  # a statement without rows
            return
        is_cut = sys.stdout.isatty() and not as_json
        rows = (relation.limit(_MOST_SHOWN + 1) if is_cut else relation).fetchall()
    except duckdb.Error as error:
        raise WrongQuery(str(error)) from None
    _write(relation, rows[:_MOST_SHOWN] if is_cut else rows, as_json)
    if is_cut and len(rows) > _MOST_SHOWN:
        click.echo(f"... more than {_MOST_SHOWN:,} rows; a pipe or --json gets all of them")


def _write(relation: Any, rows: Sequence[Sequence[Any]], as_json: bool) -> None:
    # Two columns may have one name: the second gets a number, as in DuckDB's own subqueries.
    names: list[str] = []
    for name in relation.columns:
        n = sum(other.partition(":")[0] == name for other in names)
        names.append(f"{name}:{n}" if n else name)
    write([dict(zip(names, row, strict=True)) for row in rows], {n: n for n in names}, as_json)


def _ask(journal: Journal, as_json: bool) -> None:
    click.echo(_HELP)
    lines: list[str] = []
    with _edited(journal):
        while True:
            try:
                line = input(_MORE if lines else _PROMPT)
            except EOFError:
                click.echo()
                return
            except KeyboardInterrupt:  # the statement is given up
                click.echo()
                lines.clear()
                continue
            if not lines and line.strip() in (".quit", ".exit"):
                return
            if not lines and line.strip() == ".tables":
                for name in (*view_names(journal.tables), ALL):
                    click.echo(escape(name))
                continue
            lines += [line] if line.strip() or lines else []
            if line.rstrip().endswith(";"):
                _try(journal, "\n".join(lines), as_json)
                lines.clear()


def _try(journal: Journal, query: str, as_json: bool) -> None:
    try:
        _answer(journal, query, as_json)
    except WrongQuery as error:
        for each in (error.message, *error.lines):
            click.echo(escape(each), err=True)
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


@contextmanager
def _edited(journal: Journal) -> Iterator[None]:
    """Lines are edited, completed and remembered, where Python has readline."""
    try:
        import readline
    except ImportError:
        yield
        return
    _complete(readline, journal)
    path = _history()
    with suppress(OSError):
        readline.read_history_file(path)
    readline.set_history_length(_MOST_REMEMBERED)
    try:
        yield
    finally:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            readline.write_history_file(path)


def _history() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "attolog" / "sql_history"


def _complete(readline: ModuleType, journal: Journal) -> None:
    """Complete the names of tables and columns, and the words of SQL."""
    columns = {name for table in journal.tables.values() for name in table.columns}
    words = [*view_names(journal.tables), ALL, *sorted(columns), *_WORDS]

    def complete(start: str, state: int) -> str | None:
        fitting = [word for word in words if word.lower().startswith(start.lower())]
        return fitting[state] if state < len(fitting) else None

    readline.set_completer_delims(" \t\n,;()=<>'\"*+/")
    readline.set_completer(complete)
    readline.parse_and_bind("tab: complete")
