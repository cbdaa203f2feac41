"""The standard library, rewritten: every file proves itself, and once is enough."""

import warnings

import pytest
from standard_library import LIBRARY, PARTS, part

from attolog._rewrite import Options, Reason, SourceError, rewrite


@pytest.mark.parametrize(
    "number", [0, *(pytest.param(n, marks=pytest.mark.torture) for n in range(1, PARTS))]
)
@pytest.mark.parametrize("all_", [False, True])
def test_files_of_the_standard_library(number: int, all_: bool) -> None:
    options = Options(all=all_)
    n_done = n_same = 0
    for path in part(number):
        raw = (LIBRARY / path).read_bytes()
        try:
            result = rewrite(raw, str(path), options)
        except SourceError:
            with pytest.raises((SyntaxError, ValueError, RecursionError)):
                compile(raw, path, "exec")
            continue
        assert Reason.INTERNAL not in {kept.reason for kept in result.left}, path
        if not result.done:
            assert result.new == raw
            n_same += 1
            continue
        n_done += len(result.done)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(result.new, path, "exec")
        again = rewrite(result.new, str(path), options)
        assert again.new == result.new, path
        assert len(again.left) == len(result.left), path
    assert n_done
    assert n_same
