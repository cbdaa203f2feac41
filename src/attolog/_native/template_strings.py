"""Template strings (`t"..."`, PEP 750): what a log call makes of one.

It says by itself what its values are called and how they are shown, so that no source is read. The
columns are those of the f-string that has these words.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from attolog._naming import MOST_HOLES, PURE_BUILTINS, NamedHole, names_of_holes


def template_of(
    strings: Sequence[str], interpolations: Sequence[Any]
) -> tuple[str, tuple[int, ...]] | None:
    """The template that a log call takes, and which values fill it.

    Args:
        strings: The text between the values, as in `Template.strings`.
        interpolations: As in `Template.interpolations`.

    Returns:
        The template, and the places of its values among the interpolations: a variable that is
        shown twice in one way is one value. None for what no template can say.

    Example:
        `t"{user.id!r} took {ms:.1f} ms"` gives `("{user_id!r} took {ms:.1f} ms", (0, 1))`.
    """
    expressions = [_parsed(each.expression) for each in interpolations]
    if len(expressions) > MOST_HOLES or any(set("{}") & set(s.format_spec) for s in interpolations):
        return None
    may_share = not any(
        _may_change(node) for each in expressions if each for node in ast.walk(each)
    )
    shown: dict[tuple[str, str], int] = {}
    holes: list[NamedHole] = []
    values: list[int] = []
    found: list[tuple[int, str]] = []  # for each place: which hole it is, what follows its name
    for i, (expression, each) in enumerate(zip(expressions, interpolations, strict=True)):
        rest = f"!{each.conversion}" if each.conversion else ""
        rest += f":{each.format_spec}" if each.format_spec else ""
        variable = (each.expression, rest)
        is_shared = may_share and isinstance(expression, ast.Name)
        if not is_shared or variable not in shown:
            shown[variable] = len(holes)
            named = expression or ast.Constant(None)
            is_percentage = each.format_spec.endswith("%")
            holes.append(NamedHole(named, "", strings[i], strings[i + 1], is_percentage))
            values.append(i)
        found.append((shown[variable], rest))
    names = names_of_holes(holes)
    pieces = [_escaped(strings[0])]
    for (hole, rest), behind in zip(found, strings[1:], strict=True):
        pieces += (f"{{{names[hole]}{rest}}}", _escaped(behind))
    return "".join(pieces), tuple(values)


def text_of(strings: Sequence[str], interpolations: Sequence[Any], doubles_braces: bool) -> str:
    """The text of the f-string that has these words; a value that raises is named in its place.

    Args:
        strings: As for `template_of`.
        interpolations: So, too.
        doubles_braces: The text is to be a template that has no values.

    Example:
        `t"{dt:.1f}s"` gives `"0.5s"`.
    """
    pieces = [strings[0]]
    for each, behind in zip(interpolations, strings[1:], strict=True):
        pieces += (_shown(each), behind)
    text = "".join(pieces)
    return _escaped(text) if doubles_braces else text


def _parsed(expression: str) -> ast.expr | None:
    try:
        return ast.parse(f"({expression}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # the program has made it by itself


def _may_change(node: ast.AST) -> bool:
    """Whether it may give a variable another value between two uses of it in one template."""
    if isinstance(node, ast.Call):
        return not (isinstance(node.func, ast.Name) and node.func.id in PURE_BUILTINS)
    return isinstance(node, ast.Await | ast.NamedExpr | ast.Yield | ast.YieldFrom)


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _shown(interpolation: Any) -> str:
    try:
        value = interpolation.value
        for conversion, convert in (("s", str), ("r", repr), ("a", ascii)):
            if interpolation.conversion == conversion:
                value = convert(value)
        return format(value, interpolation.format_spec)
    except Exception as error:  # logging does not raise
        return f"<{interpolation.expression} raised {type(error).__name__}>"
