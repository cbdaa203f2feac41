"""The standard library, rewritten: every file proves itself, and once is enough."""

import sysconfig
import warnings
import zlib
from pathlib import Path

import pytest

from attolog._rewrite import Options, Reason, SourceError, rewrite

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
FILES = sorted(
    path.relative_to(LIBRARY)
    for path in LIBRARY.rglob("*.py")
    if not {"site-packages", "dist-packages"} & set(path.parts)
)
PARTS = 12


def part(number: int) -> list[Path]:
    """Some of the files, the same ones on every machine."""
    return [path for path in FILES if zlib.crc32(path.as_posix().encode()) % PARTS == number]


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
