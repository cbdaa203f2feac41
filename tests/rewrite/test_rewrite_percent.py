"""A hole that takes the place of a %-conversion shows the same text, for every value."""

from itertools import permutations
from typing import Any

import pytest

from attolog._rewrite.percent import Conversion, conversions

VALUES: list[Any] = [
    *(0, 7, -3, True, 10**20, -(2**63), 2.5, -0.0, 1e300, 1e-5, 123456.789),
    *(float("inf"), float("-inf"), float("nan"), "text", "", "é漢", None, (1, 2), b"x"),
]
FLAGS = ["".join(flags) for n in range(4) for flags in permutations("#0- +", n)]
CONVERT: dict[str, Any] = {"int": int, "float": float, "": lambda value: value}


@pytest.mark.parametrize("kind", "diueEfFgGsra")
def test_the_text_of_a_hole_is_that_of_the_conversion(kind: str) -> None:
    n = 0
    for flags in FLAGS:
        for width in ("", "1", "8", "12"):
            for precision in ("", ".", ".0", ".3"):
                text = f"%{flags}{width}{precision}{kind}"
                (conversion,) = conversions(text) or []
                assert isinstance(conversion, Conversion)
                if conversion.convert == "text":
                    continue
                for value in VALUES:
                    try:
                        expected = text % (value,)
                    except (TypeError, ValueError, OverflowError):
                        continue
                    shown = CONVERT[conversion.convert](value)
                    assert ("{0" + conversion.rest + "}").format(shown) == expected, (text, value)
                    n += 1
    assert n > 1000


@pytest.mark.parametrize("text", ["%x", "%#X", "%o", "%c", "%.3d", "%8.1i"])
def test_what_no_spec_takes_alike_is_formatted_as_it_stands(text: str) -> None:
    assert conversions(text) == [Conversion(text, "text", "")]


@pytest.mark.parametrize("text", ["%(a)s", "%*d", "%.*f", "%", "a %", "%y", "%5%", "% %"])
def test_what_is_not_taken_apart(text: str) -> None:
    assert conversions(text) is None


def test_text_between_stays() -> None:
    assert conversions("{a}%%%s %%d") == ["{a}", "%", Conversion("%s", "", "!s"), " ", "%", "d"]
