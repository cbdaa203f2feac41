"""Parts become a template and the values that fill it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from attolog._naming import MOST_HOLES, name_of
from attolog._record_names import clean
from attolog._rewrite.effects import binds, is_pure
from attolog._rewrite.parts import Part, Value
from attolog._rewrite.scopes import Place


@dataclass(frozen=True, slots=True)
class Template:
    """A template.

    Attributes:
        pieces: Its text, that of each hole by itself; braces of the text are doubled.
        is_hole: Which pieces are holes.
        values: What is passed, in the order of evaluation.
        may_raise: There are specs, which do not take every value.
    """

    pieces: tuple[str, ...]
    is_hole: tuple[bool, ...]
    values: tuple[ast.expr, ...]
    may_raise: bool

    @property
    def text(self) -> str:
        """The whole template."""
        return "".join(self.pieces)


class _Builder:
    def __init__(self, parts: list[Part], place: Place) -> None:
        self.values: list[ast.expr] = []
        self.n_holes = 0
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._shown: dict[tuple[str, str], str] = {}
        # A variable that is shown twice is passed once, if nothing can change it in between.
        self._may_share = all(
            is_pure(each.expression, place) and not binds(each.expression) for each in _all(parts)
        )

    def hole(self, value: Value) -> str:
        self.n_holes += 1
        if (
            self._may_share
            and isinstance(value.expression, ast.Name)
            and not any(isinstance(each, Value) for each in value.spec)
        ):
            rest = _rest(value, [str(each) for each in value.spec])
            variable = (value.expression.id, rest)
            if variable not in self._shown:
                self.values.append(value.expression)
                self._shown[variable] = self._name(value)
            return f"{{{self._shown[variable]}{rest}}}"
        self.values.append(value.expression)
        name = self._name(value)
        spec = [each if isinstance(each, str) else self.hole(each) for each in value.spec]
        return f"{{{name}{_rest(value, spec)}}}"

    def _name(self, value: Value) -> str:
        if value.name:
            return clean(value.name, self._taken, self._numbers)
        return name_of(value.named, self._taken, self._numbers)


def _rest(value: Value, spec: list[str]) -> str:
    """What stands behind a hole's name."""
    return value.conversion + (f":{''.join(spec)}" if spec else "")


def make_template(parts: list[Part], place: Place) -> Template | None:
    """Make a template of parts; None if it has too many holes."""
    parts = _joined(parts)
    builder = _Builder(parts, place)
    is_template = any(isinstance(part, Value) for part in parts)
    pieces: list[str] = []
    for part in parts:
        if isinstance(part, Value):
            pieces.append(builder.hole(part))
        else:
            pieces.append(part.replace("{", "{{").replace("}", "}}") if is_template else part)
    if builder.n_holes > MOST_HOLES:
        return None
    return Template(
        tuple(pieces),
        tuple(isinstance(part, Value) for part in parts),
        tuple(builder.values),
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
