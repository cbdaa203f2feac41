"""`"%5.2f of %s" % (a, b)` as holes of a template, where the text is equal for every value.

| | |
|---|---|
| `%s %r %a` | a hole with that conversion: `{a!s}` |
| `%d %i %u` | a hole of `int(a)`, which is what `%d` shows of a float, too |
| `%e %f %g` | a hole of `float(a)` |
| `%x %o %c`, `%.3d` | a hole of the text `"%x" % (a,)`: no spec takes these values |

Mappings (`%(name)s`), widths from values (`%*d`) and wrong numbers of values are not taken apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CONVERSION = re.compile(
    r"%(?P<flags>[#0\- +]*)(?P<width>\d*)(?:\.(?P<precision>\d*))?"
    r"[hlL]?(?P<type>[diueEfFgGxXocsra%])"
)


@dataclass(frozen=True, slots=True)
class Conversion:
    """One of a format.

    Attributes:
        text: As it stands in the format.
        convert: "int" or "float" for what the value goes through first, "text" for what is to be
            formatted as it stands, "" for nothing.
        rest: What follows the name in a hole: `!s:>5`, `:.2f`.
    """

    text: str
    convert: str
    rest: str


def conversions(text: str) -> list[str | Conversion] | None:
    """Take a format apart into text and conversions; None where that is not done.

    Example:
        >>> conversions("%d %%")
        [Conversion(text='%d', convert='int', rest=''), ' ', '%']
    """
    parts: list[str | Conversion] = []
    at = 0
    while (start := text.find("%", at)) >= 0:
        match = _CONVERSION.match(text, start)
        if match is None:
            return None
        if start > at:
            parts.append(text[at:start])
        if match["type"] != "%":
            parts.append(_conversion(match))
        elif match[0] == "%%":
            parts.append("%")
        else:
            return None
        at = match.end()
    if at < len(text):
        parts.append(text[at:])
    return parts


def _conversion(match: re.Match[str]) -> Conversion:
    flags, width, precision, kind = match.group("flags", "width", "precision", "type")
    if kind in "sra":
        align = "<" if "-" in flags else ">"
        cut = "" if precision is None else f".{precision or 0}"
        spec = (align + width if width else "") + cut
        return Conversion(match[0], "", f"!{kind}:{spec}" if spec else f"!{kind}")
    if kind in "xXoc" or (kind in "diu" and precision is not None):
        return Conversion(match[0], "text", "")
    sign = "+" if "+" in flags else " " if " " in flags else ""
    align, zero = ("<", "") if "-" in flags else ("", "0" if "0" in flags and width else "")
    if kind in "diu":
        spec = f"{align if width else ''}{sign}{zero}{width}"
        return Conversion(match[0], "int", f":{spec}d" if spec else "")
    form = "#" if "#" in flags else ""
    cut = "" if precision is None else f".{precision or 0}"
    return Conversion(
        match[0], "float", f":{align if width else ''}{sign}{form}{zero}{width}{cut}{kind}"
    )
