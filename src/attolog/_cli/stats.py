"""`attolog stats`: what a file holds, event by event."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import click

from attolog._cli.show import check_regular, escape, time_text
from attolog._reading.csv import rows
from attolog._reading.files import is_journal
from attolog._reading.journal import open_journal

HEADER = ("name", "count", "per second", "first", "last")


@dataclass(slots=True)
class Stat:
    """The records of one name; times in nanoseconds since 1970."""

    name: str
    count: int
    first: int
    last: int

    def cells(self) -> tuple[str, ...]:
        """The row of the table, in the order of HEADER."""
        seconds = (self.last - self.first) / 1e9
        rate = f"{self.count / seconds:.2f}" if seconds > 0 else ""
        return (
            escape(self.name).replace("\t", "\\t"),
            str(self.count),
            rate,
            time_text(self.first),
            time_text(self.last),
        )


@click.command("stats")
@click.argument("file", type=click.Path())
def command(file: str) -> int:
    """Count the records of FILE, a journal or a CSV, by event.

    The count of DROPPED is how many records were lost. On a terminal this is a table, else values
    separated by tabs.
    """
    check_regular(file)
    stats, problems = _of_journal(file) if is_journal(file) else _of_csv(file)
    if sys.stdout.isatty():
        _table(stats)
    else:
        for cells in (HEADER, *(stat.cells() for stat in stats)):
            click.echo("\t".join(cells))
    for problem in problems:
        click.echo(f"attolog: {escape(problem)}", err=True)
    return 1 if problems else 0


def _of_journal(path: str) -> tuple[list[Stat], tuple[str, ...]]:
    journal = open_journal(path, check=True)  # so that damaged records are not counted
    stats = []
    for table in map(journal.__getitem__, journal):
        if table.first is None or table.last is None or not len(table):
            continue
        count = len(table)
        if table.kind == "dropped":
            dropped = journal.records(table=table.name)
            count = sum(_lost(next(iter(record.fields.values()), None)) for record in dropped)
        stats.append(Stat(table.name, count, table.first, table.last))
    return stats, journal.problems


def _lost(n: object) -> int:
    """How many records a DROPPED record tells of; one where a damaged journal says nonsense."""
    return n if isinstance(n, int) and n >= 0 else 1


def _of_csv(path: str) -> tuple[list[Stat], tuple[str, ...]]:
    stats: dict[str, Stat] = {}
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
            stat = stats.setdefault(name, Stat(name, 0, time, time))
            stat.count += count
            stat.first = min(stat.first, time)
            stat.last = max(stat.last, time)
    return list(stats.values()), problems


def _table(stats: Iterable[Stat]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold")
    for heading in HEADER:
        table.add_column(heading, justify="right" if heading in HEADER[1:3] else "left")
    for stat in stats:
        table.add_row(*map(Text, stat.cells()))
    Console().print(table)
