"""What is formatted natively equals CPython's own ``format()``, to the byte."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from attolog._core import _format

#: The mini-language's parts, each often empty, so that most specs make sense for some type.
SPECS = st.builds(
    "".join,
    st.tuples(
        st.one_of(
            st.just(""),
            st.sampled_from("<>=^"),
            st.builds("".join, st.tuples(st.characters(), st.sampled_from("<>=^"))),
        ),
        st.sampled_from(["", "", "+", "-", " "]),
        st.sampled_from(["", "", "z"]),
        st.sampled_from(["", "", "#"]),
        st.sampled_from(["", "0"]),
        st.one_of(st.just(""), st.integers(0, 80).map(str)),
        st.sampled_from(["", "", ",", "_"]),
        st.one_of(st.just(""), st.integers(0, 40).map(".{}".format)),
        st.sampled_from(["", *"bdeEfFgGosxX%"]),
    ),
) | st.text(alphabet="<>=^+- z#0123456789,_.bcdeEfFgGnosxX%", max_size=6)

INTS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats() | st.builds(lambda n, d: n / 10**d, INTS, st.integers(0, 18))
TEXTS = st.text(alphabet=st.characters(exclude_categories=()), max_size=20)
VALUES = INTS | FLOATS | TEXTS | st.booleans() | st.none()


def _python(spec: str, value: object) -> str | None:
    try:
        return format(value, spec)
    except (ValueError, TypeError):
        return None


@settings(max_examples=5000, deadline=None)
@given(SPECS, VALUES)
@example("012,.2f", 1234.5)
@example("z.0f", -0.4)
@example("#.0g", 0.0)
@example("é>5.2", "漢字x")
@example("_b", -(2**63))
def test_native_text_is_what_python_writes(spec: str, value: object) -> None:
    native = _format(spec, value)
    if native is not None:
        assert native == _python(spec, value)


@settings(max_examples=5000, deadline=None)
@given(SPECS, VALUES)
def test_only_what_is_documented_is_left_to_python(spec: str, value: object) -> None:
    # Widths and precisions of some thousand characters are left to Python. So are separators behind
    # the point, which Python has from 3.14 on.
    assume(not re.search(r"\d{4}|\.\d*[,_]", spec))
    if spec[-1:] in ("n", "c"):
        assert _format(spec, value) is None
    elif _python(spec, value) is not None:
        assert _format(spec, value) is not None


@settings(max_examples=5000, deadline=None)
@given(FLOATS)
def test_floats_are_written_as_repr_writes_them(value: float) -> None:
    assert _format("", value) == repr(value)


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        (".2f", "text"),
        ("s", 1),
        ("s", True),
        (">5", None),
        ("4097", 1),
        (".4097f", 1.0),
        ("", 2**63),
        ("", b"bytes"),
        ("", [1]),
    ],
)
def test_the_rest_is_not_native(spec: str, value: object) -> None:
    assert _format(spec, value) is None
