"""Which call it is, is known however Python runs it: by its interpreter or by its JIT."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import attolog

# Calls of one name, whose columns are known by where they stand: in a loop, in functions that are
# called from it, in generators, comprehensions and behind `with` and `except`.
PROGRAM = """
import sys, attolog
log = attolog.AsyncFileLogger(sys.argv[1])
declared = log.event("D", "x")
N = 20_000
def called(inner): log("A", inner)
def caller(outer):
    log("A", outer)
    called(outer)
def generator(n):
    for yielded in range(n):
        log("A", yielded)
        yield yielded
class Method:
    def __call__(self, attribute): log("A", attribute)
    def __enter__(self): return self
    def __exit__(self, *error): log("A", error)
method = Method()
def loop():
    each = generator(N)
    for i in range(N):
        first = second = i
        log("A", first); log("A", second)
        odd = even = caught = i
        if i % 3: log("A", odd)
        else: log("A", even)
        caller(i)
        next(each)
        method(i)
        declared(i)
        [log("A", listed) for listed in (i,)]
        if i % 100 == 0:
            with method: pass
            try: raise ValueError
            except ValueError: log("A", caught)
loop()
log.close()
"""


@pytest.mark.parametrize("jit", ["0", "1"])
def test_calls_of_one_name_keep_their_columns(tmp_path: Path, jit: str) -> None:
    path, program = tmp_path / "run.atto", tmp_path / "program.py"
    program.write_text(PROGRAM)
    subprocess.run(
        [sys.executable, program, path], env={**os.environ, "PYTHON_JIT": jit}, check=True
    )
    found = Counter(
        (record.event, *(record.fields or ())) for record in attolog.read(path).records()
    )
    n = 20_000
    every = ("first", "second", "outer", "inner", "yielded", "attribute", "listed")
    assert found == {
        **{("A", name): n for name in every},
        ("A", "odd"): n - (n + 2) // 3,
        ("A", "even"): (n + 2) // 3,
        ("A", "error"): n // 100,
        ("A", "caught"): n // 100,
        ("D", "x"): n,
    }
