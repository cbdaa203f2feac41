"""The module around the prints: its names, its imports, its first lines."""

import pytest

from attolog._rewrite import Options, Reason, Start, rewrite

from .helpers import reasons, whole

SHADOWED = [
    'def print(*args): pass\nprint("GEN", x)',
    'print = logger.info\nprint("GEN", x)',
    'from rich import print\nprint("GEN", x)',
    'def f(print):\n    print("GEN", x)',
    'def f():\n    print("GEN", x)\n    print = 1',
    'def f(print):\n    def g():\n        print("GEN", x)\n    return g',
    'def f():\n    global print\n    print = 1\ndef g():\n    print("GEN", x)',
    'class A:\n    print = 1\n    print("GEN", x)',
    'def f(print): return [print("GEN", x) for x in y]',
    'for print in printers: print("GEN", x)',
    'try:\n    from rich import print\nexcept ImportError: pass\nprint("GEN", x)',
]

NOT_SHADOWED = [
    'def f(print): pass\nprint("GEN", x)',
    'class A:\n    def print(self):\n        print("GEN", x)',
    'class A:\n    print = 1\n    def f(self): print("GEN", x)',
    'from math import *\nprint("GEN", x)',
    'self.print = 1\nprint("GEN", x)',
]

UNSURE = [
    'from helpers import *\nprint("GEN", x)',
    'from .helpers import *\nprint("GEN", x)',
    'import builtins\nbuiltins.print = f\nprint("GEN", x)',
    'f = (lambda print: print(1, 2)), (lambda: print("GEN", x))',
]


@pytest.mark.parametrize("source", SHADOWED)
def test_a_print_of_the_programs_own_is_left(source: str) -> None:
    assert set(reasons(source, all_=True)) <= {Reason.SHADOWED}


@pytest.mark.parametrize("source", NOT_SHADOWED)
def test_other_names_called_print_do_no_harm(source: str) -> None:
    assert 'log("GEN", x)' in whole(source)


@pytest.mark.parametrize("source", UNSURE)
def test_what_cannot_be_told_is_left(source: str) -> None:
    assert set(reasons(source, all_=True)) == {Reason.UNSURE}


TAKEN = [
    "from math import log\n",
    "from math import *\n",
    "from mylogs import log\n",
    "log = []\n",
    "def log(text): pass\n",
    "def f():\n    global log\n    log = 1\n",
    "def f(): return log\n",  # a name from elsewhere, whatever that is
    "if x:\n    from math import log\n",
]


@pytest.mark.parametrize("before", TAKEN)
def test_where_log_is_taken_it_goes_by_another_name(before: str) -> None:
    new = whole(before + 'print("GEN", x)\n')
    assert "from attolog import log as attolog_log\n" in new
    assert 'attolog_log("GEN", x)\n' in new


def test_where_that_is_taken_too_it_gets_a_number() -> None:
    new = whole('attolog_log = log = 1\nprint("GEN", x)\n')
    assert "from attolog import log as attolog_log_2\n" in new


def test_a_name_of_a_function_counts_where_it_prints() -> None:
    assert "import log\n" in whole('def f(log): pass\nprint("GEN", x)\n')
    new = whole('def f(log):\n    def g(): print("GEN", x)\n')
    assert "    def g(): attolog_log(" in new
    new = whole('class A:\n    log = 1\n    def g(self): print("GEN", x)\n')
    assert "self): log(" in new


@pytest.mark.parametrize("name", ["log", "atto"])
def test_an_import_that_is_there_is_used(name: str) -> None:
    imported = "from attolog import log" + ("" if name == "log" else f" as {name}")
    before = f'{imported}\n{name}("A", x)\nprint("GEN", x)\n'
    assert whole(before) == before.replace("print", name)


def test_an_import_that_comes_too_late_is_not() -> None:
    new = whole('print("GEN", x)\nfrom attolog import log\n')
    assert new.startswith("from attolog import log")
    assert new.count("import log") == 2


BUILTINS_OF_ITS_OWN = [
    ("str = repr\n", 'print("a" + str(b))', 'log.print("a" + str(b))'),
    ("int = f\n", 'print("%d x" % (a,))', 'log("{a} x", "%d" % (a,))'),
    ("len = f\n", 'print(f"{q} {len(x)}")', 'log("{q} {x}", f"{q}", len(x))'),
    ("sys = 1\n", 'print("GEN", x, file=sys.stdout)', None),
    ("import mysys as sys\n", 'print("GEN", x, file=sys.stderr)', None),
    ("from sys import stderr\n", 'print("bad", file=stderr)', 'log.warning("bad")'),
    ("import sys as s\n", 'print("bad", file=s.stderr)', 'log.warning("bad")'),
    ("def f():\n  import sys\n", '  print("bad", file=sys.stderr)', '  log.warning("bad")'),
    ("from time import time\n", 'print(f"{x} {time()}")', 'log("{x} {time_}", x, time())'),
]


@pytest.mark.parametrize(("preamble", "before", "after"), BUILTINS_OF_ITS_OWN)
def test_names_are_looked_up(preamble: str, before: str, after: str | None) -> None:
    if after is None:
        assert reasons(preamble + before, all_=True) == [Reason.FILE]
    else:
        assert whole(preamble + before, all_=True).endswith(after)


GEN = 'print("GEN", x)\n'
NEW = 'log("GEN", x)\n'
IMPORT = "from attolog import log\n"
PLACES = [
    ("", f"{IMPORT}\n"),
    ("import os\nimport sys\n\n", f"import os\nimport sys\n{IMPORT}\n"),
    ("import os\n", f"import os\n{IMPORT}"),
    ('"""Doc."""\n', f'"""Doc."""\n\n{IMPORT}\n'),
    ('"""Doc."""\n\n', f'"""Doc."""\n\n{IMPORT}\n'),
    ('"""Doc\nstring."""\nfrom __future__ import annotations\n',
     f'"""Doc\nstring."""\nfrom __future__ import annotations\n{IMPORT}'),
    ("from __future__ import annotations\nimport os\nx = 1\nimport sys\n",
     f"from __future__ import annotations\nimport os\n{IMPORT}x = 1\nimport sys\n"),
    ("#!/usr/bin/env python\n# coding: utf-8\n\n# The value.\nx = 1\n",
     f"#!/usr/bin/env python\n# coding: utf-8\n\n{IMPORT}\n# The value.\nx = 1\n"),
    ("#!/usr/bin/env python\n# What it does.\nx = 1\n",
     f"#!/usr/bin/env python\n# What it does.\n{IMPORT}\nx = 1\n"),
    ("import os; ", "import os; from attolog import log; "),
    ('"""Doc."""; ', '"""Doc."""; from attolog import log; '),
    ("@a\ndef f(): pass\n", f"{IMPORT}\n@a\ndef f(): pass\n"),
    ("import (\n    os,\n)\n".replace("import (", "from a import ("),
     f"from a import (\n    os,\n)\n{IMPORT}"),
    ("import os  # why\n", f"import os  # why\n{IMPORT}"),
    ("import os \\\n  , sys\n", f"import os \\\n  , sys\n{IMPORT}"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), PLACES)
def test_the_import_stands_below_docstring_and_imports(before: str, after: str) -> None:
    assert whole(before + GEN) == after + NEW


def entry(source: str, start: Start = Start.TOP) -> str:
    return rewrite(source.encode(), options=Options(start=start)).new.decode()


CALL = '(f"logs/debug_{int(time.time())}.log", echo=True)\n'


def test_the_entry_file_turns_the_log_on() -> None:
    assert entry("import os\n\n" + GEN) == (
        f"import os\nimport time\nfrom attolog import init_logger, log\n\ninit_logger{CALL}\n{NEW}"
    )


def test_an_entry_file_that_is_imported_too_turns_it_on_as_the_program_only() -> None:
    guarded = '\nif __name__ == "__main__":\n    main()\n'
    assert entry(GEN + guarded) == (
        "import time\nfrom attolog import init_logger, log\n\n"
        f'if __name__ == "__main__":\n    init_logger{CALL}\n{NEW}{guarded}'
    )


def test_an_entry_file_without_prints_turns_it_on() -> None:
    assert entry("x = 1\n").startswith("import time\nfrom attolog import init_logger\n\ninit")
    assert entry("").endswith(f"init_logger{CALL}\n")
    assert entry("import os").endswith(f"init_logger{CALL}".rstrip("\n"))


def test_an_entry_file_that_turns_it_on_is_left() -> None:
    for on in ("import attolog\nattolog.init_logger('a.csv')\n", entry("x = 1\n"), entry("")):
        assert entry(on) == on


def test_names_that_the_entry_file_has_taken_are_left_alone() -> None:
    new = entry("from time import time\ninit_logger = 1\n")
    assert new.startswith(
        "from time import time\nimport time as attolog_time\n"
        "from attolog import init_logger as attolog_init_logger\n\nattolog_init_logger("
    )
    assert "int(attolog_time.time())" in new


@pytest.mark.parametrize("guard", ["", '\nif __name__ == "__main__": pass\n'])
def test_an_entry_file_of_statements_on_one_line_turns_it_on(guard: str) -> None:
    new = entry("import os; " + GEN + guard)
    compile(new, "<entry>", "exec")
    assert new.startswith("import os; import time; from attolog import init_logger, log; ")
    assert "init_logger(f" in new.splitlines()[0]


PARSER = """\
import argparse, time

def main():
    parser = argparse.ArgumentParser()
    args = parser.parse_args()  # all of them
    print("GEN", args)
"""


def test_a_switch_turns_the_log_on_where_the_options_are_known() -> None:
    assert entry(PARSER, Start.SWITCH) == (
        "import argparse, time\nfrom attolog import init_logger, log\n\n"
        "def main():\n"
        "    parser = argparse.ArgumentParser()\n"
        '    parser.add_argument("--debug-log", action=argparse.BooleanOptionalAction, '
        "default=True)\n"
        "    args = parser.parse_args()  # all of them\n"
        "    if args.debug_log:\n"
        f"        init_logger{CALL}"
        '    log("GEN", args)\n'
    )


@pytest.mark.parametrize(
    "source",
    [
        PARSER.replace("= parser", "= x = parser"),
        PARSER.replace("args = parser.parse_args()", "a = 1; args = parser.parse_args()"),
        PARSER.replace("import argparse", "from x import argparse"),
        PARSER + PARSER,
        "x = 1\n",
    ],
)
def test_where_they_are_not_it_is_turned_on_at_the_top(source: str) -> None:
    assert entry(source, Start.SWITCH) == entry(source)
