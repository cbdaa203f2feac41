"""Templates that ask for more text than a record can hold: braces of a stranger in an f-string."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import attolog

from .helpers import run_python

_NINES = 999_999_999
_ARABIC = "".join(chr(0x660 + int(digit)) for digit in str(_NINES))


def logged(
    folder: Path, template: str, *args: Any, max_record: int = 1 << 28, **kwargs: Any
) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / "run.atto"
    with attolog.AsyncFileLogger(path, max_record=max_record) as log:
        log.info(template, *args, **kwargs)
    (record,) = attolog.read(path).records()
    assert record.message is not None
    return record.message


@pytest.mark.parametrize(
    ("template", "args", "values"),
    [
        ("{x:>999999999}", (7,), "x=7"),
        ("{x:>999999999}", ("seven",), "x=seven"),
        ("{x!r:>999999999}", ([7],), "x=[7]"),
        ("{x:.999999999f}", (7.5,), "x=7.5"),
        ("{x:,.999999999%}", (7.5,), "x=7.5"),
        (f"{{x:>{_ARABIC}}}", (7,), "x=7"),
        ("{x:>800000}{x:<800000}", (7,), "x=7"),
        ("{x:>600000}{y:>600000}", ([], {}), "x=[] y={}"),
        ("{x:{w}}", (7, _NINES), "x=7 w=999999999"),
        ("{x:{w}}", (7, ">999999999"), "x=7 w=>999999999"),
        ("{x:{w}{w}}", (7, 9999), "x=7 w=9999"),
        ("{x:>9999{w}}", (7, 9999), "x=7 w=9999"),
        ("{x:.{w}f}", (7.5, _NINES), "x=7.5 w=999999999"),
        ("{x:{w:>999999999}}", (7, 1), "x=7 w=1"),
        ("{:{}}", (7, _NINES), "v1=7 v2=999999999"),
        ("{0:{1}}", (7, _NINES), "v1=7 v2=999999999"),
    ],
)
def test_a_width_of_a_strangers_is_not_built(
    tmp_path: Path, template: str, args: tuple[Any, ...], values: str
) -> None:
    assert logged(tmp_path, f"login of {template}", *args) == f"login of {template} {values}"


def test_max_record_bounds_widths(tmp_path: Path) -> None:
    template = "{x:>5000}"
    assert logged(tmp_path, template, 7, max_record=4096) == f"{template} x=7"
    assert logged(tmp_path / "wide", template, 7, max_record=8192) == f"{7:>5000}"


@pytest.mark.parametrize("template", ["{x:>1000000}", "{x:>{w}}", "{x:{w}d}"])
def test_widths_within_bounds_are_those_of_format(tmp_path: Path, template: str) -> None:
    expected = template.format(x=7, w=1_000_000)
    assert logged(tmp_path, template, x=7, w=1_000_000) == expected


def test_long_values_are_the_callers_own(tmp_path: Path) -> None:
    text = "x" * 3_000_000
    assert logged(tmp_path, "{x} {x!r:>9}", x=text) == f"{text} {text!r:>9}"


def test_refusing_takes_no_memory(tmp_path: Path) -> None:
    done = run_python(
        "import attolog, re, sys\n"
        "with attolog.AsyncFileLogger(sys.argv[1]) as log:\n"
        "    for value in (7, 'text', [7], 7.5, None):\n"
        "        log.info('login of {x:>999999999}', value)\n"
        "        log.info('login of {x:{w}}', value, w=99_999_999)\n"
        "    assert log.counts.dropped == 0\n"
        "print(re.search(r'VmHWM:\\s*(\\d+) kB', open('/proc/self/status').read())[1])\n",
        tmp_path / "run.log",
    )
    assert int(done.stdout) < 90_000
