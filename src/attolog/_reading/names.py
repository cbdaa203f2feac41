"""Names of tables that one can type: a template's words in place of the whole template."""

from __future__ import annotations

import difflib
import re
import string
from collections.abc import Iterable, Mapping
from typing import Protocol

_MOST_WORDS = 6
_MOST_LISTED = 10
_WORD = re.compile(r"[^\W_]+")


class Named(Protocol):
    """What a short name is made of."""

    name: str
    kind: str
    first: int | None


class UnknownNameError(KeyError):
    """A KeyError whose message is shown as it is; that of a plain one gets quotes."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


def short_names(tables: Iterable[Named]) -> dict[str, str]:
    """A short name for each table, by the whole names.

    All but templates keep their names. A template has the name of its literal words. Where two
    would be equal, the one whose first record came later gets a number, so that a file that grows
    keeps its names.

    Example:
        >>> from types import SimpleNamespace
        >>> def table(name, kind, first):
        ...     return SimpleNamespace(name=name, kind=kind, first=first)
        >>> short_names(
        ...     [
        ...         table("request", "event", 3),
        ...         table("epoch {n}: loss={loss:.3f}", "message", 2),
        ...         table("Epoch {n}, loss {x}", "message", 1),
        ...     ]
        ... )
        {'request': 'request', 'Epoch {n}, loss {x}': 'epoch_loss', \
'epoch {n}: loss={loss:.3f}': 'epoch_loss_2'}
    """
    every = list(tables)
    names = {table.name: table.name for table in every if table.kind != "message"}
    used = set(names.values())
    numbers: dict[str, int] = {}  # by words: the last one given, so that none is tried twice
    templates = [table for table in every if table.kind == "message" and table.name not in names]
    for table in sorted(templates, key=lambda table: (table.first or 0, table.name)):
        words = short = words_of(table.name)
        while short in used:
            numbers[words] = numbers.get(words, 1) + 1
            short = f"{words}_{numbers[words]}"
        used.add(short)
        names[table.name] = short
    return names


def words_of(template: str) -> str:
    """The first literal words of a template, or those of its holes if it has none.

    Example:
        >>> words_of("[{name}] epoch {epoch} step {step} loss={loss:.4f}")
        'epoch_step_loss'
        >>> words_of("{model}: {ms:.1f}")
        'model_ms'
    """
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError:  # a text with braces of its own
        parts = [(template, None, None, None)]
    literal = " ".join(part[0] for part in parts)
    holes = " ".join(part[1] or "" for part in parts)
    for text in literal, holes:
        words = [word.lower() for word in _WORD.findall(text) if not word.isdecimal()]
        if words:
            return "_".join(words[:_MOST_WORDS])
    return "message"


def find(name: str, names: Mapping[str, str]) -> list[str]:
    """The whole names of the tables that a name fits: one if it is exact, else those it is part of.

    Args:
        name: A whole name, a short one, or a part of a name.
        names: The short names by the whole ones.

    Example:
        >>> names = {"request": "request", "epoch {n}: loss {x}": "epoch_loss"}
        >>> find("epoch_loss", names), find("loss", names), find("e", names)
        (['epoch {n}: loss {x}'], ['epoch {n}: loss {x}'], ['request', 'epoch {n}: loss {x}'])
    """
    if name in names:
        return [name]
    exact = [whole for whole, short in names.items() if short == name]
    return exact or [whole for whole, short in names.items() if name in whole or name in short]


def suggestion(name: str, names: Iterable[str]) -> str:
    """The end of a message about a name that there is not: the names most like it.

    Example:
        >>> suggestion("los", ["loss", "epoch"]), suggestion("LOSS", ["loss"]), suggestion("x", [])
        ("; did you mean 'loss'?", "; did you mean 'loss'?", '')
    """
    every = list(dict.fromkeys(names))
    near = difflib.get_close_matches(name, every, n=3)
    lowered = {other.lower(): other for other in every}
    if not near and name.lower() in lowered:
        near = [lowered[name.lower()]]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def no_column(name: str, table: str | None, columns: Iterable[str]) -> UnknownNameError:
    """The error about a column that a table does not have, or none of the tables for None."""
    every = list(columns)
    hint = suggestion(name, every)
    if not hint:
        shown = [*every[:_MOST_LISTED], *(["..."] if len(every) > _MOST_LISTED else [])]
        hint = f"; there are {', '.join(shown)}" if shown else ""
    of = "any table" if table is None else repr(table)
    return UnknownNameError(f"{name!r} is no column of {of}{hint}")


def listed(wholes: Iterable[str], names: Mapping[str, str]) -> str:
    """The short names of some tables, for a message."""
    shown = [repr(names[whole]) for whole in wholes]
    if len(shown) > _MOST_LISTED:
        shown[_MOST_LISTED:] = [f"and {len(shown) - _MOST_LISTED} more"]
    return ", ".join(shown)
