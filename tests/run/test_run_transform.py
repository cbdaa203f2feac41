"""Sources whose prints are compiled: templates as of `attolog rewrite`, positions of the source."""

from __future__ import annotations

import ast
import linecache
import sys
import textwrap
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from standard_library import LIBRARY, PARTS, part

import attolog
from attolog import _core
from attolog._rewrite import Kind, Options, Reason, SourceError, rewrite
from attolog._run.hook import compile_source
from attolog._run.transform import Site, transform


@pytest.fixture(scope="module", autouse=True)
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No stream is a log's: compiled prints call what print is."""
    with attolog.AsyncFileLogger(tmp_path_factory.mktemp("taken") / "run.atto") as log:
        _core.redirect_prints(log)
        yield


def sites(source: str) -> list[Site]:
    made = transform(textwrap.dedent(source).encode(), "<source>")
    assert made is not None
    return list(made.sites)


def lines(code: CodeType) -> Iterator[tuple[str, set[int]]]:
    """The lines of each function of a module."""
    yield code.co_qualname, {line for _, _, line in code.co_lines() if line}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from lines(constant)


@pytest.mark.parametrize(
    "number", [0, *(pytest.param(n, marks=pytest.mark.torture) for n in range(1, PARTS))]
)
def test_the_library_gets_the_templates_of_rewrite(number: int) -> None:
    n_sites = 0
    for path in part(number):
        raw = (LIBRARY / path).read_bytes()
        try:
            result = rewrite(raw, str(path))
        except SourceError:
            assert transform(raw, str(path)) is None
            continue
        done = {each.line: each for each in result.done}
        # Whoever takes what is printed is asked at each call under `attolog run`.
        redirected = {each.line for each in result.left if each.reason is Reason.REDIRECTED}
        made = transform(raw, str(path))
        if made is None:
            with pytest.raises(SyntaxError):
                compile(raw, path, "exec", dont_inherit=True)
            continue
        for site in made.sites:
            # Values with formats of their own are passed to compiled prints alone.
            if site.line in redirected or any(site.conversions):
                continue
            text = done[site.line].call.args[0]
            assert isinstance(text, ast.Constant)
            assert site.text == text.value, (path, site.line)
            assert site.is_event == (done[site.line].kind is Kind.EVENT)
            assert site.is_error == (done[site.line].kind is Kind.LEVEL)
        n_sites += len(made.sites)
        if made.code is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                plain = compile(raw, str(path), "exec", dont_inherit=True)
            for ours, theirs in zip(lines(made.code), lines(plain), strict=True):
                assert ours[0] == theirs[0]
                assert ours[1] <= theirs[1], (path, ours[0])
    assert n_sites


def test_what_a_site_is() -> None:
    (event, message, error) = sites(
        """
        import sys
        class Worker:
            def run(self, task, dt):
                print("GEN", task.id, len(dt), 3)
                print(f"{task.id} took {dt:.3f}s, {dt + 1}")
                print("bad", task, file=sys.stderr)
        """
    )
    assert event[1:] == (
        *("GEN", ("id", "len_dt", "v3"), (True, True, True), (None,) * 3),
        *(((None, "GEN"), (0,), (1,), (2,)), ()),
        *(True, False, 5, "Worker.run"),
    )
    text, names = "{task_id} took {dt:.3f}s, {dt_2}", ("id", "dt", "v3")
    written = (("{} took {:.3f}s, {}", (0, 1, 2)),)
    assert message[1:6] == (text, names, (False,) * 3, (None,) * 3, written)
    assert message[6:] == ((), False, False, 6, "Worker.run")
    assert error[1:] == (
        *(
            "bad {task!s}",
            ("task",),
            (True,),
            (None,),
            ((None, "bad"), (0,)),
            (("file", "stderr"),),
        ),
        *(False, True, 7, "Worker.run"),
    )


@pytest.mark.parametrize(
    "source",
    [
        "print('only text, no values')",
        "print(x)",
        "print(*xs, 'GEN')",
        "print('GEN', x, end='')",
        "from sys import stderr\nprint(f'x is {x}', file=stderr)",
        "from sys import stdout\nprint(f'x is {x}', file=stdout)",
        "import sys\nprint(x, file=sys.stderr)",
        "print(f'{x:{y}} {xs.pop()}')  # not popped where x is no number",
        "print('%d %s' % (x, xs.pop()), xs.pop())",
        "print('%s' % x + f'{x:{y}}')",
        "print('{a} of {b} {a}'.format(a=x, b=x))",
        "print = x\nprint('GEN', x)",
        "import contextlib\nwith contextlib.redirect_stdout(x):\n    print('GEN', x)",
        "print('GEN', x)  # attolog: keep",
    ],
)
def test_what_is_left_to_print(source: str) -> None:
    assert sites(source) == []


FAILING = [
    'print(f"{x:.2f}")',
    'print(f"the value {x:.2f} of {y}", y)',
    'print("the", y, f"value {x:>{y}.2f}")',
    'print(f"{bad}")',
    'print("the value", bad, "is")',
    'print("GEN", y, bad)',
    'print("%d of" % (x,), y)',
    'print("%i of %s" % (x, y))',
    'print("%.1f of %d" % (x, y))',
    'print("%x of %d" % (x, y))',
    'print("%s of it" % (bad,), 3)',
    'print("%d" % len(bad))',
    'print("%d of" % x)',
    'print("%x of %s" % (x, y))',
    'print("%.3d" % (x,), y)',
    'print("%.2f of it" % bad)',
    'print("%s of it" % bad)',
    'print("%.2f of it" % (x if y else y))',
    'print("%d and %s" % (x, y.bit_length()))',
    'print("%s and %d" % (bad, bad.missing()))',
    'print("%d of %d" % (x, y), y.bit_length())',
    'print("%s of %d" % (bad, y), y.bit_length())',
    'print(f"{x:.2f} and {y.bit_length()}")',
    'print(f"{y:d} and {bad} and {y.bit_length()}")',
    'print(f"{y:d} {y.bit_length()} {x:.2f} and {y.bit_length()}")',
    'print("the " + y)',
    'print("the " + x + y)',
    'print("the " + x + str(bad))',
    'print("the " + x + missing)',
    'print(\n    "the "\n    + x\n    + y\n)',
    'print("the " + str(bad) + " of " + str(y.bit_length()))',
    'print(\n    f"{x:.2f} and "\n    f"{y.bit_length()}"\n)',
    'print("{} of {:.2f}".format(y, x))',
    'print("the " + str(bad) + "!")',
    'print("a value", repr(bad))',
    'print("GEN", missing)',
    'print("GEN", y, bad.missing)',
    'print(f"{bad!r:>10} {y}")',
    'print(\n    "the value",\n    f"{x:.2f}",\n    y,\n)',
    'print("GEN",\n      y,\n      missing)',
]
FRAME = """
class Bad:
    def __str__(self):
        raise ValueError("no text")
    __repr__ = __str__
    def __len__(self):
        raise ValueError("no length")
def show(x="text", y=3, bad=Bad()):
{}
show()
"""


def traceback_of(code: CodeType) -> str:
    with pytest.raises(Exception) as caught:
        exec(code, {"__name__": "failing"})
    return "".join(traceback.format_exception(caught.value.with_traceback(caught.tb.tb_next)))


@pytest.mark.parametrize("statement", FAILING)
def test_tracebacks_are_those_of_the_source(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "failing.py"
    source = FRAME.format(textwrap.indent(statement, "    "))
    path.write_text(source)
    linecache.checkcache()
    made = compile_source(source.encode(), str(path))
    assert made is not None
    assert traceback_of(made.code) == traceback_of(
        compile(source, str(path), "exec", dont_inherit=True)
    )


def test_what_cannot_be_compiled_is_left_to_python() -> None:
    deep = "print('GEN', " + "-" * 50_000 + "1)"
    for source in ("print('GEN', 1", "nonlocal x\nprint('GEN', 1)", "print('GEN', 1)\0", deep):
        assert compile_source(source.encode(), "<source>") is None
    assert compile_source(b"# coding: nonsense\nprint('GEN', 1)", "<source>") is None


def test_warnings_are_told_of_and_not_given(recwarn: pytest.WarningsRecorder) -> None:
    made = transform(b'x = "\\d"\nprint("GEN", x)', "<source>")
    assert made is not None
    assert made.is_warned
    assert len(made.sites) == 1
    plain = transform(b'x = "d"\nprint("GEN", x)', "<source>")
    assert plain is not None
    assert not plain.is_warned
    assert not recwarn.list


def test_options_of_the_interpreter_hold() -> None:
    made = compile_source(b'print("GEN", __debug__)\nassert 0', "<source>")
    assert made is not None
    with pytest.raises(AssertionError):
        exec(made.code, {})
    assert sys.flags.optimize == 0


def test_a_compiled_print_calls_what_print_is_there(capsys: Any) -> None:
    given: list[Any] = []
    made = compile_source(b'def show(n):\n    print("GEN", n)\n    print(f"n is {n}")', "<source>")
    assert made is not None
    names: dict[str, Any] = {}
    exec(made.code, names)
    names["show"](1)
    assert capsys.readouterr().out == "GEN 1\nn is 1\n"
    names["print"] = lambda *args, **options: given.append((args, options))
    names["show"](2)
    assert given == [(("GEN", 2), {}), (("n is 2",), {})]


def test_all_prints_are_those_of_rewrite_where_values_are_simple() -> None:
    source = b'print("GEN", a)\nprint(f"{a} b")\nprint("%d of %s" % (a, b))\nprint("a", b)\n'
    made = transform(source, "<source>")
    assert made is not None
    done = rewrite(source, options=Options(all=True)).done
    assert [site.text for site in made.sites] == [
        ast.literal_eval(ast.unparse(each.call.args[0])) for each in done
    ]
