"""Parts become a template and the values that fill it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from attolog._naming import MOST_HOLES, NamedHole, names_of_holes
from attolog._rewrite.effects import binds, is_pure
from attolog._rewrite.parts import Part, Shown, Value
from attolog._rewrite.scopes import Place


@dataclass(frozen=True, slots=True)
class Template:
    """A template.

    Attributes:
        pieces: Its text, that of each hole by itself; braces of the text are doubled.
        is_hole: Which pieces are holes.
        values: What is passed, in the order of evaluation.
        shown: Each of these values as it stands in the text first.
        may_raise: There are specs, which do not take every value.
    """

    pieces: tuple[str, ...]
    is_hole: tuple[bool, ...]
    values: tuple[ast.expr, ...]
    shown: tuple[Value, ...]
    may_raise: bool

    @property
    def text(self) -> str:
        """The whole template."""
        return "".join(self.pieces)


class _Holes:
    """The holes of a template, each with its name, and the values that are passed for them."""

    def __init__(self, parts: Sequence[Part], place: Place) -> None:
        self.shown: list[Value] = []
        self._holes: list[NamedHole] = []
        self._at: list[int] = []  # for each hole in the text: which of these it is
        self._shared: dict[tuple[str, str, Shown | None], int] = {}
        # A variable that is shown twice is passed once, if nothing can change it in between.
        self._may_share = all(
            is_pure(each.expression, place) and not binds(each.expression) for each in _all(parts)
        )
        around = ["", *(part if isinstance(part, str) else "" for part in parts), ""]
        for i, part in enumerate(parts):
            if isinstance(part, Value):
                self._add(part, around[i], around[i + 2])
        self._names = names_of_holes(self._holes)
        self._next = iter(self._at)

    @property
    def n_holes(self) -> int:
        """How many there are in the text."""
        return len(self._at)

    def text(self, value: Value) -> str:
        """The text of the next hole."""
        name = self._names[next(self._next)]
        spec = [each if isinstance(each, str) else self.text(each) for each in value.spec]
        return f"{{{name}{_behind_name(value, spec)}}}"

    def _add(self, value: Value, before: str, behind: str) -> None:
        inner = [each for each in value.spec if isinstance(each, Value)]
        at = len(self._holes)
        is_variable = isinstance(value.expression, ast.Name) and value.early is None
        if self._may_share and is_variable and not inner:
            rest = _behind_name(value, [str(each) for each in value.spec])
            at = self._shared.setdefault((vars(value.expression)["id"], rest, value.shown), at)
        self._at.append(at)
        if at == len(self._holes):
            last = value.spec[-1] if value.spec else ""
            is_percentage = isinstance(last, str) and last.endswith("%")
            self.shown.append(value)
            self._holes.append(NamedHole(value.named, value.name, before, behind, is_percentage))
        for each in inner:
            self._add(each, "", "")


def _behind_name(value: Value, spec: list[str]) -> str:
    """The conversion and the spec of a hole."""
    return value.conversion + (f":{''.join(spec)}" if spec else "")


def make_template(parts: list[Part], place: Place) -> Template | None:
    """Make a template of parts; None if it has too many holes."""
    parts = _joined(parts)
    holes = _Holes(parts, place)
    if holes.n_holes > MOST_HOLES:
        return None
    pieces: list[str] = []
    for part in parts:
        if isinstance(part, Value):
            pieces.append(holes.text(part))
        else:
            pieces.append(part.replace("{", "{{").replace("}", "}}") if holes.n_holes else part)
    return Template(
        tuple(pieces),
        tuple(isinstance(part, Value) for part in parts),
        tuple(value.expression for value in holes.shown),
        tuple(holes.shown),
        any(part.spec for part in parts if isinstance(part, Value)),
    )


def _joined(parts: Iterable[Part]) -> list[Part]:
    """Parts, with neighbouring text as one."""
    joined: list[Part] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return joined


def _all(parts: Iterable[Part]) -> Iterable[Value]:
    for part in parts:
        if isinstance(part, Value):
            yield part
            yield from _all(part.spec)
