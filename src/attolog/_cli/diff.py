"""`attolog diff`: the changes from one journal to another, each with a test of significance."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import click

from attolog._cli import significance
from attolog._cli.progress import tracked
from attolog._cli.query import check_where, query_options, selection, tables_of
from attolog._cli.show import check_regular, escape, value_text
from attolog._cli.tables import json_option, number, write
from attolog._cli.window import window
from attolog._reading.arrow import Stream
from attolog._reading.files import is_journal
from attolog._reading.journal import open_journal
from attolog._reading.table import Table
from attolog._words import count

_MOST_VALUES = 100_000  # numbers of a column that are compared
_MOST_DISTINCT = 1_000  # texts; a column of more is one of ids
_EVIDENCE = ((0.001, "strong"), (0.05, "clear"), (0.2, "weak"))
_OWN = ("time", "level", "weight")  # columns that are attolog's

_HEADINGS = {
    "table": "table",
    "column": "column",
    "change": "change",
    "before": "before",
    "after": "after",
    "effect": "effect",
    "q": "q",
    "evidence": "evidence",
}


@dataclass(slots=True)
class _Side:
    """A table of one of the journals."""

    name: str
    rows: int = 0
    weight: float = 0.0
    numbers: dict[str, list[float]] = field(default_factory=dict)
    texts: dict[str, Counter[str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Journal:
    seconds: float
    tables: dict[str, _Side]
    problems: tuple[str, ...]


@click.command(
    "diff",
    epilog="\b\nExample:\n  attolog diff before.atto run.atto",
)
@click.argument("before", type=click.Path())
@click.argument("after", type=click.Path())
@query_options
@click.option("--all", "is_all", is_flag=True, help="Also changes without any evidence.")
@json_option
def command(
    before: str,
    after: str,
    tables: tuple[str, ...],
    where: str | None,
    since: str | None,
    until: str | None,
    local: bool,
    is_all: bool,
    as_json: bool,
) -> int:
    """Compare two journals: tables, their rates, and the distributions of their columns.

    The strongest changes come first. The effect is from 0 to 1. q is the p-value corrected for the
    number of comparisons: of the changes with q < 0.05, one in twenty may be chance.
    """
    options = tables, where, since, until, local
    sides = [_read(path, *options) for path in (before, after)]
    changes = sorted(_changes(*sides), key=lambda change: change["p"])
    for change, q in zip(
        changes, significance.corrected([change["p"] for change in changes]), strict=True
    ):
        found = next((word for limit, word in _EVIDENCE if q < limit), "none")
        change |= {"q": q, "evidence": found}
    order = [word for _, word in _EVIDENCE]
    shown = [change for change in changes if change["evidence"] != "none" or is_all or as_json]
    weak = order.index("weak")
    ranks = {word: int(rank >= weak) for rank, word in enumerate(order)} | {"none": 2}
    shown.sort(key=lambda change: (ranks[change["evidence"]], -change["effect"], change["q"]))
    if not as_json:
        shown = [_as_text(change) for change in shown]
    if shown or as_json or not sys.stdout.isatty():
        write(shown, _HEADINGS, as_json)
    if not as_json and sys.stdout.isatty():
        _say_more(changes, len(shown))
    problems = [problem for side in sides for problem in side.problems]
    for problem in problems:
        click.echo(f"attolog: {escape(problem)}", err=True)
    return 1 if problems else 0


def _say_more(changes: list[dict[str, Any]], shown: int) -> None:
    left = len(changes) - shown
    if left:
        click.echo(f"{count(left, 'comparison')} without evidence of a change: --all")
    if any(change["evidence"] == "weak" for change in changes):
        click.echo("Weak evidence (q from 0.05 to 0.2) may well be chance.")


def _as_text(change: Mapping[str, Any]) -> dict[str, Any]:
    return {**change, "effect": round(change["effect"], 3), "q": float(f"{change['q']:.2g}")}


def _read(
    path: str,
    names: tuple[str, ...],
    where: str | None,
    since: str | None,
    until: str | None,
    local: bool,
) -> _Journal:
    check_regular(path)
    if not is_journal(path):
        raise click.UsageError(f"{path} is no journal: only journals are compared")
    journal = open_journal(path)
    chosen = tables_of(journal, tuple(name for name in names if name in journal) or names)
    check_where(where, chosen)
    times = window(journal, since, until, local)
    query = {"where": where, **times._asdict()}
    every = journal["*"]
    first = max(every.first or 0, times.since or 0)
    last = min(every.last or 0, times.until or every.last or 0)
    found = {table.name: _side(table, query) for table in chosen if table.kind != "clock"}
    return _Journal(max(1, last - first) / 1e9, found, journal.problems)


def _side(table: Table, query: Mapping[str, Any]) -> _Side:
    side = _Side(table.short_name)
    step = max(1, len(table) // _MOST_VALUES)
    stream = Stream(selection(table, query))
    fields = [(i, each) for i, each in enumerate(stream.fields) if each.name not in _OWN]
    weights = next((i for i, each in enumerate(stream.fields) if each.name == "weight"), None)
    for batch in tracked(stream, len(table), f"read {table.short_name}", len):
        columns = batch.columns()
        for i, each in fields:
            if each.is_number:
                kept = columns[i][-side.rows % step :: step]
                numbers = side.numbers.setdefault(each.name, [])
                numbers += [value for value in kept if value is not None and value == value]
            elif each.format in ("U", "b"):
                seen = side.texts.setdefault(each.name, Counter())
                if len(seen) <= _MOST_DISTINCT:
                    seen.update(value_text(value) for value in columns[i] if value is not None)
        side.rows += len(batch)
        sampled = (
            [1.0] * len(batch) if weights is None or table.sampling is None else columns[weights]
        )
        side.weight += sum(1.0 if weight is None else weight for weight in sampled)
    return side


def _changes(before: _Journal, after: _Journal) -> Iterator[dict[str, Any]]:
    for name in dict.fromkeys([*before.tables, *after.tables]):
        old = before.tables.get(name, _Side(""))
        new = after.tables.get(name, _Side(""))
        if not old.rows and not new.rows:
            continue
        yield _rate(old, new, before.seconds, after.seconds)
        if old.rows and new.rows:
            yield from _columns(old, new)


def _rate(old: _Side, new: _Side, seconds: float, other_seconds: float) -> dict[str, Any]:
    # A sampled record stands for several calls: as many records are seen in a shorter time.
    times = [
        each.rows * length / each.weight if each.weight else length
        for each, length in ((old, seconds), (new, other_seconds))
    ]
    rates = old.weight / seconds, new.weight / other_seconds
    return {
        "table": new.name or old.name,
        "column": None,
        "change": "came" if not old.rows else "went" if not new.rows else "rate",
        "before": f"{number(float(f'{rates[0]:.4g}'))}/s",
        "after": f"{number(float(f'{rates[1]:.4g}'))}/s",
        "effect": 1 - min(rates) / max(rates),
        "test": "Poisson",
        "p": significance.rates(old.rows, times[0], new.rows, times[1]),
    }


def _columns(old: _Side, new: _Side) -> Iterator[dict[str, Any]]:
    for name, values in old.numbers.items():
        others = new.numbers.get(name)
        if values and others:
            effect, p = significance.distributions(values, others)
            yield {
                **_of(new, name, "distribution", _middle(values), _middle(others)),
                "effect": effect,
                "test": "Kolmogorov-Smirnov",
                "p": p,
            }
    for name, counts in old.texts.items():
        other = new.texts.get(name)
        if counts and other and max(len(counts), len(other)) <= _MOST_DISTINCT:
            effect, p = significance.frequencies(counts, other)
            yield {
                **_of(new, name, "values", *_most_changed(counts, other)),
                "effect": effect,
                "test": "chi-squared",
                "p": p,
            }


def _of(side: _Side, column: str, change: str, before: str, after: str) -> dict[str, Any]:
    return {
        "table": side.name,
        "column": column,
        "change": change,
        "before": before,
        "after": after,
    }


def _middle(values: list[float]) -> str:
    ordered = sorted(values)
    last = len(ordered) - 1
    p50, p99 = (ordered[round(last * q)] for q in (0.5, 0.99))
    return f"{p50:.4g} (p99 {p99:.4g})"


def _most_changed(counts: Counter[str], others: Counter[str]) -> tuple[str, str]:
    """The value whose share changed most, with its shares."""
    n, m = counts.total(), others.total()
    value = max({*counts, *others}, key=lambda v: (abs(counts[v] / n - others[v] / m), v))
    shown = escape(value if len(value) <= 30 else value[:27] + "...")
    return f"{shown} {100 * counts[value] / n:.1f} %", f"{shown} {100 * others[value] / m:.1f} %"
