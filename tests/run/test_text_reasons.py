"""Why prints with values stay text, and that `attolog run --explain` says so."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from attolog._rewrite import Reason
from attolog._run import text_reasons
from attolog._run.transform import transform
from run.programs import RUN, run, without_closing, write_app

REASONS = [
    ("print(x)", "no word stands beside its values"),
    ("print(a, ':', b)", "no word stands beside its values"),
    ("print('-' * n)", "no word stands beside its values"),
    ("print('a', *xs)", "its values are not to be seen one by one (*)"),
    ("print(f'a {x}', end='')", "it does not end its line"),
    ("print('a', x, sep=s)", "sep=, end= or flush= is no constant"),
    ("print('a', x, flush=f)", "sep=, end= or flush= is no constant"),
    ("print('%(a)s of' % d)", str(Reason.WHOLE)),
    ("print('%*d of' % (w, d))", str(Reason.WHOLE)),
    ("print('{a.b} of {a.b!r}'.format(a=f(), **d))", "no word stands beside its values"),
    ("print('a', x, file=f)", str(Reason.FILE)),
    ("print('a', x)  # attolog: keep", str(Reason.KEPT)),
    ("print('a', print(x))", str(Reason.NESTED)),
    ("from sys import stderr\nprint(f'a {x}', file=stderr)", "its stream was imported by name"),
    ("print(f'a {x:{w}} {f()}')", text_reasons.NOT_EXACT),
]


@pytest.mark.parametrize(("source", "reason"), REASONS)
def test_a_print_that_stays_text_has_a_reason(source: str, reason: str) -> None:
    made = transform(source.encode(), "<source>")
    assert made is not None
    assert not made.sites
    assert made.texts[0] == (source.count("\n") + 1, reason)


@pytest.mark.parametrize(
    "source", ["print()", "print('two words')", "print('a', x)", "map(print, x)"]
)
def test_typed_rows_and_prints_without_values_have_none(source: str) -> None:
    made = transform(source.encode(), "<source>")
    assert made is not None
    assert made.texts == ()


def test_explain_names_them_at_the_end(folder: Path) -> None:
    write_app(folder, "import helpers\nfor x in range(3):\n    print(x)\n    print('x is', x)\n")
    (folder / "helpers.py").write_text("print(*[1, 2], 'words')\n")
    for _ in range(2):  # the second time by what is kept of the first
        done = run([*RUN, "--explain", "app.py"], folder)
        at = folder.resolve()
        assert without_closing(done.err).decode() == textwrap.dedent(f"""\
            {at}/app.py:3: stays text: no word stands beside its values
            {at}/helpers.py:1: stays text: its values are not to be seen one by one (*)
            """)


def test_explain_says_so_where_there_are_none(folder: Path) -> None:
    write_app(folder, "x = 1\nprint('x is', x)\n")
    done = run([*RUN, "--explain", "app.py"], folder)
    assert without_closing(done.err) == b"all prints that show values are typed rows\n"
