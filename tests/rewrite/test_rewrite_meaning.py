"""A rewritten print logs the text that the print wrote, whatever its values are."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

import attolog
from attolog._rewrite import Options, rewrite
from attolog._rewrite.prove import as_printed

VALUES = '''
import sys
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from time import perf_counter

class Color(Enum):
    RED = 1

class Odd:
    """Shows itself differently in each way."""
    def __str__(self):
        return "a str"
    def __repr__(self):
        return "a répr"
    def __format__(self, spec):
        return f"a format <{spec}>"
    def __int__(self):
        return 8
    def __float__(self):
        return 8.125

@dataclass
class Task:
    id: int
    name: str
    queue: list

class Text(str):
    def __str__(self):
        return "a text"

n, m, big, yes, none = 7, -42, 2**70, True, None
x, y, z = 2.5, -0.0, float("nan")
s, u, braces = "text", "é\\t漢 %d", "{x} {} }"
q, d, one, two = [1, 2, 3], {"loss": 0.25, "k": "v"}, (5,), (5, 6)
odd, dec, frac, when = Odd(), Decimal("1.005"), Fraction(1, 8), datetime(2026, 1, 2, 3, 4, 5)
text, red, task = Text("own"), Color.RED, Task(3, "r50", q)
w, p = 9, 2
items = iter("abc")

def step():
    global n
    n += 1
    q.append(n)
    return n

def changed(value):
    q.append(value)
    return q
'''

SIMPLE = ["n", "m", "big", "yes", "none", "x", "y", "z", "s", "u", "braces", "q", "one", "two"]
SIMPLE += ["len(q)", "task.id", "task.name", "d['loss']", "q.pop()", "step()", "n + m", "n * x"]
ODD = ["odd", "dec", "frac", "when", "text", "red", "task", "changed(x)", "next(items)", "str(odd)"]
ODD += ["x if n else odd", "(n := n + 1)", "[v for v in q]", "(lambda: n)()", "perf_counter() < 0"]
EXPRESSIONS = st.sampled_from(SIMPLE + ODD)
# Quotes and backslashes have no place in the f-strings of Python 3.11.
PLAIN_EXPRESSIONS = EXPRESSIONS.filter(lambda text: "'" not in text)

SPECS = st.sampled_from([
    *("", "", "", ">9", "<12", "^7.2", ".2f", "8.3f", "d", "05d", "+", ",", "x", "e", "g", "%"),
    *("{w}", "%H:%M", "{w}.{p}f", "*>{w}", "n", "s", ">{len(s)}"),
])  # fmt: skip
LITERALS = st.text(alphabet="ab c:[]=%{}\t\n\\é'\"-", max_size=6)


def braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


@st.composite
def f_strings(draw: st.DrawFn) -> str:
    body = ""
    for _ in range(draw(st.integers(0, 4))):
        literal = braced(draw(LITERALS).replace("\\", "").replace("'", "").replace('"', ""))
        body += literal.replace("\n", "\\n").replace("\t", "\\t")
        expression = draw(PLAIN_EXPRESSIONS)
        sign = draw(st.sampled_from(["", "", "", " = ", "="]))
        conversion = draw(st.sampled_from(["", "", "", "!r", "!s", "!a"]))
        spec = draw(SPECS)
        body += "{ " + expression + sign + conversion + (":" + spec if spec else "") + "}"
    return f'f"{body}"'


@st.composite
def percents(draw: st.DrawFn) -> str:
    kinds = st.sampled_from("ssrdiufegGxoca")
    flags = st.sampled_from(["", "", "", "-", "0", "+", " ", "#", "-0", "+0"])
    widths = st.sampled_from(["", "", "5", "12", ".2", "8.3", "0", ".0"])
    conversions = [
        "%" + draw(flags) + draw(widths) + draw(kinds) for _ in range(draw(st.integers(1, 3)))
    ]
    body = draw(LITERALS).replace("%", "%%").join(conversions) + draw(st.sampled_from(["", "%%"]))
    operands = [draw(EXPRESSIONS) for _ in conversions]
    if len(operands) == 1 and draw(st.booleans()):
        return f"{body!r} % ({operands[0]})"
    return f"{body!r} % ({', '.join(operands)},)"


@st.composite
def formats(draw: st.DrawFn) -> str:
    operands = [draw(EXPRESSIONS) for _ in range(draw(st.integers(1, 3)))]
    names = draw(
        st.sampled_from([["", "", ""], ["0", "1", "2"], ["a", "time", "c"], ["1", "0", "0"]])
    )
    body = ""
    for name, _ in zip(names, operands, strict=False):
        access = draw(st.sampled_from(["", "", "", "", ".id", "[0]", ".__class__.__name__"]))
        conversion = draw(st.sampled_from(["", "", "!r", "!s"]))
        spec = draw(SPECS.filter(lambda spec: "{" not in spec))
        body += braced(draw(LITERALS)) + "{" + name + access + conversion
        body += (":" + spec if spec else "") + "}"
    given = [
        f"{name}={operand}" if name.isalpha() else operand
        for name, operand in zip(names, operands, strict=False)
    ]
    return f"{body!r}.format({', '.join(given)})"


@st.composite
def sums(draw: st.DrawFn) -> str:
    leaves = st.one_of(
        LITERALS.map(repr),
        EXPRESSIONS.map(lambda text: f"str({text})"),
        EXPRESSIONS.map(lambda text: f"repr({text})"),
        f_strings(),
        percents().map(lambda text: f"({text})"),
        st.sampled_from(["'-' * 3", "', '.join(d)", "s", "text"]),
    )
    return " + ".join(draw(st.lists(leaves, min_size=2, max_size=4)))


TAGS = st.sampled_from(["'GEN'", "'DONE'", "'two words'", "'Total:'", "'LOG'", "'{x}'", "''"])
EVENTS = st.tuples(TAGS, st.lists(st.sampled_from(SIMPLE), min_size=1, max_size=4)).map(
    lambda pair: ", ".join([pair[0], *pair[1]])
)
ARGUMENTS = st.one_of(
    f_strings(), percents(), formats(), sums(), EXPRESSIONS, TAGS, LITERALS.map(repr)
)
MANY = st.lists(ARGUMENTS, max_size=3).map(", ".join)
STARRED = st.sampled_from(["*q", "'a', *two", "*one, n"])
OPTIONS = st.sampled_from([
    *("", "", "", "", "sep=''", "sep=', '", "sep=None", "sep=s", "end='\\n\\n'", "end=''"),
    *("flush=True", "flush=yes", "file=sys.stderr", "file=sys.stdout", "file=None"),
])  # fmt: skip
PRINTS = st.tuples(st.one_of(EVENTS, MANY, MANY, f_strings(), STARRED), OPTIONS).map(
    lambda pair: f"print({', '.join(filter(None, pair))})\n"
)


@dataclass
class Written:
    out: str
    err: str


def plain(source: str) -> Written | None:
    """What the print writes; None if it raises."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            exec(compile(VALUES + source, "<plain>", "exec"), {"__name__": __name__})
    except Exception:
        return None
    return Written(out.getvalue(), err.getvalue())


def logged(sources: Sequence[str], path: Path) -> list[Written]:
    """What the log has of each of the rewritten prints."""
    # In the place of the program's own, which other tests find as it was.
    with attolog.AsyncFileLogger(path) as log, patch.object(attolog, "log", log):
        for i, source in enumerate(sources):
            log("NEXT", i)
            exec(compile(source, f"<rewritten {i}>", "exec"), {"__name__": __name__})
    found: list[Written] = []
    for record in attolog.read(path).records():
        if record.event == "NEXT":
            found.append(Written("", ""))
        elif record.level == "WARNING":
            found[-1].err += f"{record.message}\n"
        else:
            found[-1].out += as_printed(record)
    path.unlink()
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(PRINTS, min_size=1, max_size=12))
def test_the_text_is_that_of_print(tmp_path_factory: Any, prints: list[str]) -> None:
    sources: list[str] = []
    befores: list[str] = []
    expected: list[Written] = []
    for source in prints:
        raw = (VALUES + source).encode(errors="surrogatepass")
        result = rewrite(raw, options=Options(all=True))
        again = rewrite(result.new, options=Options(all=True))
        assert again.new == result.new
        before = plain(source)
        if before is not None and result.done:
            sources.append(result.new.decode())
            befores.append(source)
            expected.append(before)
    path = tmp_path_factory.getbasetemp() / "meaning.atto"
    found = logged(sources, path)
    for before_text, source, want, got in zip(befores, sources, expected, found, strict=True):
        assert got == want, (before_text, source.splitlines()[-1])


def test_the_values_can_be_printed() -> None:
    assert plain("print(n, q.pop(), odd)") == Written("7 3 a str\n", "")
