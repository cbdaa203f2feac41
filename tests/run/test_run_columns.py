"""Prints under `attolog run`: the columns of training scripts, and values at risk."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

import attolog
from run.programs import compare
from run.training_prints import PREAMBLE, PRINTS


def ran(folder: Path, source: str, how: str = "pipe") -> list[attolog.Record]:
    """The records of a program that shows all that it shows under plain Python."""
    (folder / "app.py").write_text(textwrap.dedent(source))
    compare(folder, ["app.py"], how)
    return list(attolog.read(folder / "app.atto").records())


def columns(record: attolog.Record) -> str:
    return " ".join(f"{name}:{type(value).__name__}" for name, value in record.fields.items())


def test_training_scripts_have_the_columns_that_a_person_would_have_chosen(folder: Path) -> None:
    prints = "".join(f"    print({values})\n" for values, _ in PRINTS)
    records = ran(folder, f"{PREAMBLE}def main():\n{prints}main()\n")
    found = {values: columns(record) for (values, _), record in zip(PRINTS, records, strict=True)}
    assert found == dict(PRINTS)


# Each method says that it was called, so that the order and the number of calls are seen.
LOUD = """
import contextlib, io, sys
calls = []
class Loud:
    def __init__(self, name, number=1.5):
        self.name, self.number = name, number
    def __call__(self, more=1):
        calls.append(f"{self.name}()")
        self.number += more
        return self
    def __str__(self):
        calls.append(f"str {self.name}")
        return f"<{self.name} {self.number}>"
    def __repr__(self):
        calls.append(f"repr {self.name}")
        return f"<<{self.name} {self.number}>>"
    def __format__(self, spec):
        calls.append(f"format {self.name} {spec}")
        return format(self.number, spec)
    def __float__(self):
        calls.append(f"float {self.name}")
        return float(self.number)
    def __int__(self):
        calls.append(f"int {self.name}")
        return int(self.number)
    __index__ = __int__
class Text(str):
    def __str__(self):
        return "another text"
class Added(str):
    def __radd__(self, other):
        calls.append(f"radd {other}")
        return "sum"
a, b, q = Loud("a"), Loud("b"), [1, 2, 3]
t, u, r, s = "text", "", Added("r"), Text("s")
"""
AT_RISK = [
    'f"{a} {a()} {a} {a():.2f} {a!r} {a()}"',
    'f"{q} {q.pop()} {q!r:>9} {q.append(5)}"',
    'f"{a:.2f} and {b()} then {a:.1f}"',
    'f"{a!s:>12}|{a!r:<9}|{a()}"',
    "f\"{True} {None} {3:d} {q.copy()} {2.5:.2f} {'é'!r} {b()}\"",
    '"%d %s" % (a, b())',
    '"%d %.2f %s %r %x" % (a, a, a, a, a.number.__int__())',
    '"%s and %s of %d" % (a, a(), a)',
    '"%.2f of it" % a',
    '"%d of it" % 3.75, "%d" % True, "%5.1f" % 7, "%05d" % -3, "%x %o %c" % (255, 8, 65)',
    '"%s" % (q,), "%r" % q, "%s" % q',
    '"%d of it" % a, "%d" % b',
    '"%d of it" % a, b()',
    '"%d" % 10**30, "%.3f" % 10**30, "%g" % 10**400 if False else ""',
    '"a " + str(a) + " b " + str(a()) + " " + repr(a)',
    '"a " + t',
    '"a " + t + u + " " + str(a)',
    't + ": " + str(a())',
    '"a " + t, "%d" % a',
    '"a " + r + " b"',
    'r + " b"',
    '"a " + q',
    '"a " + t + 5',
    '"a " + a',
    'a + "b"',
    '"b" + s',
    '"a " + t + str(a()) + t',
    "str(a()) + t + u",
    '"{} {:.2f} {}".format(a, b, a()), a',
    "f\"{Text('t')} {a()} {Text('t')!s:>5} {b()}\"",
    '"%s %10s" % (Text("t"), Text("t")), str(Text("t"))',
    'f"{a:.2f} {print(1, end=str()) or 2}" if False else f"{a:.2f} {len(calls)} {a()}"',
    'f"{sys.stdout.write(str())} {a} {b()} {a:.1f}", "%d" % a',
    "f\"{float('nan'):.2f} {a()} {1e300:.3e} {-0.0} {b()} {10**30} {10**30:d} {a()}\"",
]


def loud_program(inner: str) -> str:
    prints = "".join(
        f"    try: print({values})\n    except Exception as error: print(type(error), error)\n"
        for values in AT_RISK
    )
    return f"{LOUD}def main():\n{prints}{inner}print(calls)\n"


WAYS = {
    "as ever": "main()\n",
    "redirected": (
        "f = io.StringIO()\nwith contextlib.redirect_stdout(f): main()\nprint(f.getvalue())\n"
    ),
    "by another print": (
        "plain = print\ndef other(*values): plain('other', values)\n"
        "import builtins\nbuiltins.print = other\nmain()\nbuiltins.print = plain\n"
    ),
    "in another encoding": "sys.stdout.reconfigure(encoding='latin-1')\nmain()\n",
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_values_are_shown_once_each_and_when_plain_python_shows_them(
    folder: Path, way: str
) -> None:
    assert ran(folder, loud_program(WAYS[way]))


def test_a_value_at_risk_that_cannot_change_keeps_its_type(folder: Path) -> None:
    (record,) = ran(
        folder,
        """
        import decimal
        def show(i=3, f=0.25, s="text", b=True, n=None, q=[1], d=decimal.Decimal("1.5")):
            print(f"{i} {f:.1f} {s} {b} {n} {q} {d} {q.pop()}")
        show()
        """,
    )
    assert record.fields == {
        "i": 3, "f": 0.25, "s": "text", "b": True, "n": None, "q": "[1]", "d": "1.5", "pop": 1,
    }  # fmt: skip


NUMPY = """
import numpy as np
def show(x=np.float32(0.25), y=np.float64(0.5), i=np.int64(7), a=np.array(1.5), q=[1, 2, 3]):
    {print}
show()
"""


@pytest.mark.parametrize(
    "print_",
    [
        'print(f"{x:.3f} {y:.4f} {i:d} {a:.2f} {q.pop()}")',
        'print("%.3f %.4f %d %.2f %s" % (x, y, i, a, q.pop()))',
        'print("%.3f %.4f %d %.2f" % (x, y, i, a), q.pop())',
        'print(x, y, i, a, "words,", q.pop())',
    ],
)
def test_numbers_of_numpy_stay_numbers(folder: Path, print_: str) -> None:
    pytest.importorskip("numpy")
    (record,) = ran(folder, NUMPY.format(print=print_))
    values: dict[str, Any] = record.fields
    assert values == {"x": 0.25, "y": 0.5, "i": 7, "a": 1.5, "pop": 3}


@pytest.mark.parametrize("print_", ['print(f"loss {x:.3f}")', 'print("loss %.3f" % x)'])
def test_a_tensor_has_the_number_that_is_shown(folder: Path, print_: str) -> None:
    first, _ = ran(
        folder,
        f"""
        calls = []
        class Tensor:
            __module__ = "torch"
            def __float__(self): calls.append("float"); return 0.23456
            def __format__(self, spec): calls.append("format"); return format(0.23456, spec)
            def __str__(self): calls.append("str"); return "tensor(0.2346, grad_fn=<Mean>)"
        def show(x=Tensor()): {print_}
        show()
        print(calls)
        """,
    )
    assert first.fields == {"x": 0.235}


def test_numbers_of_objects_of_the_program_are_texts(folder: Path) -> None:
    (record,) = ran(
        folder,
        """
        class Number:
            def __float__(self): return 0.25
        def show(x=Number()): print("x is %.1f" % x)
        show()
        """,
    )
    assert record.fields == {"x": "0.2"}


def test_a_value_at_risk_is_kept_no_longer_than_plain_python_keeps_it(folder: Path) -> None:
    ran(
        folder,
        """
        class Temporary:
            def __str__(self): return "text"
            def __del__(self): print("gone")
        def later(): return "later"
        print(f"{Temporary()} {later()}")
        def show(x): print(f"{x} {later()}")
        show(Temporary())
        """,
    )
