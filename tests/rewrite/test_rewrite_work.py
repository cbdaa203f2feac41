"""The work on a source grows with its length, whatever it is made of."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest

from attolog._rewrite import Options, rewrite
from attolog._run.transform import transform

_PRINTS = """
    print("GEN", x, b)
    print(f"value {x} and {b:.2f} of {x!r}")
    print("sum " + str(x) + " of %d, %s" % (b, x))
"""


def _functions(n: int) -> str:
    return "".join(f"def f{i}(b):\n    x = b + {i}{_PRINTS}" for i in range(n))


def _one_function(n: int) -> str:
    return "def f(b):\n    x = b\n" + _PRINTS * n


def _module(n: int) -> str:
    return "x = b = 1\nif x:\n" + _PRINTS * n


def _classes(n: int) -> str:
    inner = _PRINTS.replace("\n", "\n    ").rstrip(" ")
    return "".join(f"class C{i}:\n    def f(self, x, b):\n        x = b{inner}" for i in range(n))


def _methods(n: int) -> str:
    inner = _PRINTS.replace("\n", "\n    ").rstrip(" ")
    return "class C:\n" + "".join(
        f"    def f{i}(self, x, b):\n        x = b{inner}" for i in range(n)
    )


def _one_name(n: int) -> str:
    return "".join(f"def f(b):\n    x = b + {i}{_PRINTS}" for i in range(n))


def _branches(n: int) -> str:
    chain = "".join(f"    elif b == {i}:\n        print('CASE', x, {i})\n" for i in range(n))
    return f"def f(x, b):\n    if not b:\n        pass\n{chain}"


def _loops(n: int) -> str:
    return "".join(
        f"for i{i} in range(2):\n    while i{i}:\n        try:\n            print('LOOP', i{i})\n"
        "        finally:\n            break\n"
        for i in range(n)
    )


def _one_line(n: int) -> str:
    return "; ".join(f"print('GEN', {i}, id)" for i in range(n)) + "\n"


def _lambdas(n: int) -> str:
    return "all = [" + ", ".join(f"lambda x: print('GEN', x, {i})" for i in range(n)) + "]\n"


def _comprehensions(n: int) -> str:
    return "".join(f"[print('GEN', x, y) for x in range({i}) for y in (x,)]\n" for i in range(n))


def _docstrings(n: int) -> str:
    return "".join(f'def f{i}():\n    """\n    >>> print(1)\n    1\n    """\n' for i in range(n))


def _imports(n: int) -> str:
    names = "".join(f"import time as t{i}\n" for i in range(n))
    return names + "".join(
        f"print(f'at {{t{i}.time()}} and {{t{i}.time():.3f}}')\n" for i in range(n)
    )


def _holes(n: int) -> str:
    return (
        "x = 1\nprint(f'" + "".join(f"{{x + {i}:.1f}} x, {{x!r:>{i}}} " for i in range(n)) + "')\n"
    )


def _values(n: int) -> str:
    return "x = 1\nprint('GEN', " + ", ".join(["x", "int(x)", "x.real"] * n) + ")\n"


def _comments(n: int) -> str:
    return "".join(f"print('KEPT', {i})  # attolog: keep\nprint('LOST', {i})\n" for i in range(n))


_SHAPES = [
    _functions,
    _one_function,
    _module,
    _classes,
    _methods,
    _one_name,
    _branches,
    _loops,
    _one_line,
    _lambdas,
    _comprehensions,
    _docstrings,
    _imports,
    _holes,
    _values,
    _comments,
]
_WAYS: dict[str, Callable[[bytes], object]] = {
    "run": lambda raw: transform(raw, "app.py"),
    "rewrite": lambda raw: rewrite(raw, "app.py", Options(all=True)),
}


def work(function: Callable[[], object]) -> int:
    """The steps of Python's that a call takes: the instructions of all code that it runs."""
    n = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal n
        if event == "call":
            frame.f_trace_lines = False
            frame.f_trace_opcodes = True
        elif event == "opcode":
            n += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return n


@pytest.mark.parametrize("shape", _SHAPES, ids=lambda each: each.__name__.strip("_"))
@pytest.mark.parametrize("way", _WAYS)
def test_twice_the_source_is_twice_the_work(way: str, shape: Callable[[int], str]) -> None:
    sizes = (20, 40, 80)
    steps = []
    for n in sizes:
        call = partial(_WAYS[way], shape(n).encode())
        call()  # what is imported at first
        steps.append(work(call))
    first, second = steps[1] - steps[0], steps[2] - steps[1]
    assert second < 2.2 * first, steps
