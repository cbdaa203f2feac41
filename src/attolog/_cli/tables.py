"""Tables for a terminal, for a pipe (values separated by tabs), and as JSON.

On a terminal a table is as wide as it has to be. Nothing is cut, so a name can be copied.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from attolog._cli.show import escape

Row = Mapping[str, Any]

_WIDEST = 1_000_000

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def write(rows: Sequence[Row], headings: Mapping[str, str], as_json: bool = False) -> None:
    """Print rows as a table.

    Args:
        rows: The values by key. JSON has all of them.
        headings: The keys of the columns that are shown, with their headings.
        as_json: Print a list of objects.
    """
    if as_json:
        write_json(rows)
    elif sys.stdout.isatty():
        write_terminal(rows, headings)
    else:
        click.echo("\t".join(headings.values()))
        for row in rows:
            click.echo("\t".join(_plain(row.get(key)) for key in headings))


def write_json(value: object) -> None:
    """Print a value as JSON; NaN and infinities are null, for JSON has none."""
    click.echo(json.dumps(_finite(value), indent=2, ensure_ascii=False, default=str))


def write_terminal(rows: Sequence[Row], headings: Mapping[str, str]) -> None:
    """Print rows as a table with aligned columns, those without a value left out."""
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    keys = [key for key in headings if any(row.get(key) not in (None, "") for row in rows)]
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for i, key in enumerate(keys):
        values = [row.get(key) for row in rows]
        is_number = all(isinstance(value, int | float | None) for value in values)
        style = "cyan" if i == 0 else None
        table.add_column(
            headings[key], justify="right" if is_number else "left", no_wrap=True, style=style
        )
    for row in rows:
        table.add_row(*(Text(number(row.get(key))) for key in keys))
    console = Console()
    options = console.options.update(max_width=_WIDEST)
    natural = Measurement.get(console, options, table).maximum
    Console(width=max(natural, console.width), height=console.height).print(table, crop=False)


def number(value: object) -> str:
    """A value for a reader: thousands apart, six digits of a float.

    Example:
        >>> number(1234567), number(0.123456789), number(True), number(None)
        ('1,234,567', '0.123457', 'True', '')
    """
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float):
        is_whole = value.is_integer() and abs(value) < 1e15
        return f"{value:,.0f}" if is_whole else f"{value:.6g}"
    return escape(str(value)).replace("\t", "\\t")


def _plain(value: object) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else escape(str(value)).replace("\t", "\\t")


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
