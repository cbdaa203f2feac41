"""Lists and dicts of random shape: a table gives each value back, or its text."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import attolog

EXACT = 2**53
KEYS = st.sampled_from(["a", "b", "c", "model", "é", "A", "it's", 'q"', "", "\0", "\ud800"])
TEXTS = st.text("aé☃\ud800\U0001f600\n\0'\"\\,:[]{}", max_size=5) | st.sampled_from(["NaN", "nan"])
INTS = st.integers(-9, 9) | st.sampled_from([EXACT, EXACT + 1, 2**63 - 1, -(2**63), 2**63])
LEAVES: list[Any] = [INTS, st.floats(), st.integers(-9, 9) | st.floats(), TEXTS, st.booleans()]


def containers(items: Any) -> Any:
    lists = st.lists(items, max_size=4)
    return lists | lists.map(tuple) | st.dictionaries(KEYS, items, max_size=4)


ANYTHING = st.none() | containers(st.recursive(st.none() | st.one_of(LEAVES), containers))


def values_of(shape: Any) -> Any:
    """Values of a shape: an index of LEAVES, [the items' shape], or {key: its shape}."""
    if isinstance(shape, int):
        return st.none() | LEAVES[shape]
    if isinstance(shape, list):
        lists = st.lists(values_of(shape[0]), max_size=4)
        return st.none() | lists | lists.map(tuple)
    every = {key: values_of(each) for key, each in shape.items()}
    return st.none() | st.fixed_dictionaries({}, optional=every)


SHAPES = st.recursive(
    st.integers(0, len(LEAVES) - 1),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=1)
        | st.dictionaries(st.sampled_from("abcdef"), inner, min_size=1, max_size=4)
    ),
    max_leaves=8,
).filter(lambda shape: not isinstance(shape, int))
COLUMNS = SHAPES.flatmap(lambda shape: st.lists(values_of(shape), min_size=1, max_size=8))


def have_one_shape(values: list[Any]) -> bool:
    """Whether the values have a type in common, as docs/explanation/how-it-works.md says."""
    values = [value for value in values if value is not None]
    kinds = {list if isinstance(value, tuple) else type(value) for value in values}
    ints = [value for value in values if type(value) is int]
    if kinds == {int, float}:
        return all(abs(value) <= EXACT for value in ints)
    if len(kinds) > 1:
        return False
    if kinds == {list}:
        return have_one_shape(list(itertools.chain(*values)))
    if kinds == {dict}:
        keys = {key for value in values for key in value}
        return (
            all(key and "\0" not in key and escaped(key) == key for key in keys)
            and len({key.replace("A", "a") for key in keys}) == len(keys) > 0
            and len(keys) * len(values) <= 4 * sum(map(len, values))
            and all(have_one_shape([v[key] for v in values if key in v]) for key in keys)
        )
    return all(-(2**63) <= value < 2**63 for value in ints)


def escaped(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def is_given_back(cell: Any, value: Any) -> bool:
    if isinstance(value, list | tuple):
        return (
            isinstance(cell, list)
            and len(cell) == len(value)
            and all(map(is_given_back, cell, value))
        )
    if isinstance(value, dict):
        return (
            isinstance(cell, dict)
            and cell.keys() >= value.keys()
            and all(is_given_back(each, value.get(key)) for key, each in cell.items())
        )
    if isinstance(value, str):
        return bool(cell == escaped(value))
    if isinstance(value, float) and math.isnan(value):
        return isinstance(cell, float) and math.isnan(cell)
    if type(value) is int and type(cell) is float:
        return cell == value
    return type(cell) is type(value) and repr(cell) == repr(value)


numbers = itertools.count()


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    return lambda: tmp_path / f"{next(numbers)}.atto"


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(COLUMNS | st.lists(ANYTHING, min_size=1, max_size=4))
@example([[1, EXACT], [0.5]])
@example([[1, EXACT + 1], [0.5]])
@example([[math.nan, 1], [math.inf, None, -0.0]])
@example([["NaN"], [math.nan]])
@example([{"a": [{"b": 1}]}, {"c": (None,)}, {}, None])
@example([{key: 1} for key in "abcd"])
@example([{key: 1} for key in "abcde"])
@example([[[]], [], None, ([None],)])
def test_a_table_has_the_value_or_its_text(fresh: Callable[[], Path], column: list[Any]) -> None:
    path = fresh()
    with attolog.AsyncFileLogger(path, buffer_bytes=65536) as log:
        for value in column:
            log("E", x=value)
    table = pyarrow.table(attolog.read(path)["E"])
    table.validate(full=True)
    cells = table["x"].to_pylist()
    assert len(cells) == len(column)
    if have_one_shape(column):
        assert table.schema.field("x").metadata is None
        assert all(map(is_given_back, cells, column)), cells
    else:
        assert cells == [None if value is None else escaped(str(value)) for value in column]
        assert table.schema.field("x").metadata
