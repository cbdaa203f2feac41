"""The standard library, compiled by `attolog run`: all but its prints is Python's own code."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from types import CodeType

import pytest
from standard_library import LIBRARY, PARTS, part

from attolog._run.transform import transform

# A compiled print changes the instructions of its function and their constants, and no more.
LOOKS = (
    "co_qualname", "co_filename", "co_firstlineno", "co_flags", "co_argcount",
    "co_posonlyargcount", "co_kwonlyargcount", "co_varnames", "co_cellvars", "co_freevars",
)  # fmt: skip


def functions(code: CodeType) -> Iterator[CodeType]:
    """The code of a module and of all that is in it, in order."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from functions(constant)


def compiled(raw: bytes, path: str) -> CodeType | None:
    """What Python makes of a source; None for one that is wrong on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            code: CodeType = compile(raw, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError):
            return None
        return code


@pytest.mark.parametrize(
    "number", [0, *(pytest.param(n, marks=pytest.mark.torture) for n in range(1, PARTS))]
)
def test_only_functions_with_prints_are_other_code(number: int) -> None:
    n_untouched = n_sites = n_same = 0
    for path in part(number):
        raw = (LIBRARY / path).read_bytes()
        plain, made = compiled(raw, str(path)), transform(raw, str(path))
        if plain is None or made is None:
            assert plain is None and (made is None or made.code is None), path
            continue
        assert (made.code is None) == (not made.sites), path
        if made.code is None:
            n_untouched += 1
            continue
        assert b"print" in raw
        n_sites += len(made.sites)
        with_prints = {site.function for site in made.sites}
        for ours, theirs in zip(functions(made.code), functions(plain), strict=True):
            for name in LOOKS:
                assert getattr(ours, name) == getattr(theirs, name), (path, ours, name)
            if not any(isinstance(each, CodeType) for each in theirs.co_consts) and (
                ours.co_qualname not in with_prints
            ):
                assert ours == theirs, (path, ours.co_qualname)
                assert list(ours.co_positions()) == list(theirs.co_positions())
                n_same += 1
    assert n_untouched
    assert n_sites
    assert n_same
