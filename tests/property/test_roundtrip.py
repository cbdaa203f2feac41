"""What is logged comes back: values of all kinds through every sink, and templates as str.format
fills them (row F6 of the reliability tests)."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import decimal
import enum
import itertools
import json
import math
import pathlib
import string
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pyarrow  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import attolog


class Colour(enum.Enum):
    RED = 1
    GREEN = "green"


class Other:
    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


OFFSETS: Any = st.integers(-86399, 86399).map(lambda s: dt.timezone(dt.timedelta(seconds=s)))
TEXTS = st.text(st.characters(exclude_categories=()), max_size=40)
INTS = st.integers(-(2**63), 2**63 - 1)
# Where no time zone can take them out of datetime's own range.
FIRST, LAST = dt.datetime(2, 1, 1), dt.datetime(9998, 12, 31)
NUMPY = st.one_of(
    *(
        st.integers(int(numpy.iinfo(t).min), int(numpy.iinfo(t).max)).map(t)
        for t in (
            *(numpy.int8, numpy.int16, numpy.int32, numpy.int64),
            *(numpy.uint8, numpy.uint16, numpy.uint32, numpy.uint64),
        )
    ),
    st.floats(width=32).map(numpy.float32),
    st.floats().map(numpy.float64),
    st.booleans().map(numpy.bool_),
    TEXTS.map(numpy.str_),
)
VALUES = st.one_of(
    INTS,
    st.integers(-(2**200), 2**200),
    st.floats(),
    TEXTS,
    st.text("ab\n\r,\"'\0é☃\ud800", max_size=6),
    st.binary(max_size=40),
    st.booleans(),
    st.none(),
    st.datetimes(FIRST, LAST),
    st.datetimes(FIRST, LAST, timezones=OFFSETS),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.decimals(),
    st.uuids(),
    st.sampled_from(Colour),
    st.sampled_from([pathlib.PurePosixPath("/a/b"), pathlib.PurePosixPath("é")]),
    TEXTS.map(Other),
    NUMPY,
)

STRINGS = (decimal.Decimal, uuid.UUID, pathlib.PurePath, Other)


def plain(value: Any) -> Any:
    """The value as Python's own, as the table of values in the design has it."""
    if isinstance(value, numpy.generic):
        return value.item()
    if isinstance(value, Colour):
        return value.name
    return str(value) if isinstance(value, STRINGS) else value


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return repr(a) == repr(b)
    return bool(a == b)


def escaped(text: str) -> str:
    """Text as text files have it: lone surrogates are escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def in_json(value: Any) -> Any:
    # Only numpy's ints have 64 bits without a sign.
    end = 2**64 if isinstance(value, numpy.uint64) else 2**63
    value = plain(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and not -(2**63) <= value < end:
        return str(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return value


def in_csv(value: Any) -> str:
    if isinstance(value, numpy.float32):
        return str(value)
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return escaped(str(value))


MANY = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
numbers = itertools.count()


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[str], Path]:
    return lambda suffix: tmp_path / f"{next(numbers)}.{suffix}"


def write(path: Path, rows: list[list[Any]]) -> None:
    """Log each row by name, by position and declared; every call must be in the file."""
    with attolog.AsyncFileLogger(path, buffer_bytes=65536) as log:
        for row in rows:
            log("E", **{f"f{i}": value for i, value in enumerate(row)})
            log("P", *row)
            log.event("D", *(f"f{i}" for i in range(len(row))))(*row)
    assert log.counts.written == log.counts.calls == 3 * len(rows)


ROWS = st.lists(st.lists(VALUES, min_size=1, max_size=12), min_size=1, max_size=4)


@MANY
@given(ROWS)
@example([[2**63 - 1, -(2**63), 2**63, "", b"", -0.0, math.nan, 5e-324]])
@example([[dt.timedelta.max, dt.timedelta.min, dt.timedelta(106751991, 3)]])
@example([["x" * 2000, "é" * 2000, "\U0001f600" * 500, b"\0" * 2000]])
def test_f6_journal(fresh: Callable[[str], Path], rows: list[list[Any]]) -> None:
    path = fresh("atto")
    write(path, rows)
    run = attolog.read(path)
    assert run.problems == ()
    expected = [[plain(value) for value in row] for row in rows for _ in range(3)]
    found = [list(record.fields.values()) for record in run.records()]
    assert len(found) == len(expected)
    for seen, logged in zip(found, expected, strict=True):
        for a, b in zip(seen, logged, strict=True):
            if isinstance(b, dt.timedelta) and abs(b.days) > 106_751_990:  # beyond 64 bits of us
                assert a == str(b)
            elif isinstance(b, dt.datetime) and b.tzinfo is not None:
                assert a == b and a.tzinfo is not None
            elif isinstance(b, int) and not isinstance(b, bool) and not -(2**63) <= b < 2**63:
                assert a in (b, str(b))
            else:
                assert same(a, b), (a, b)


ARROW = {
    "int64": INTS,
    "double": st.floats(),
    "large_string": TEXTS.filter(lambda text: escaped(text) == text),
    "large_binary": st.binary(max_size=20),
    "bool": st.booleans(),
    "date32[day]": st.dates(),
    "time64[us]": st.times(),
    "timestamp[us]": st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)),
    "timestamp[us, tz=UTC]": st.datetimes(
        dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1), timezones=OFFSETS
    ),
    "duration[us]": st.timedeltas(dt.timedelta(-100_000), dt.timedelta(100_000)),
}


@pytest.mark.parametrize("name", ARROW)
def test_f6_arrow_stream(fresh: Callable[[str], Path], name: str) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.none() | ARROW[name], min_size=1, max_size=30))
    def check(column: list[Any]) -> None:
        path = fresh("atto")
        with attolog.AsyncFileLogger(path, buffer_bytes=65536) as log:
            for value in column:
                log("E", x=value)
        table = pyarrow.table(attolog.read(path)["E"])
        assert str(table.schema.field("time").type) == "timestamp[ns, tz=UTC]"
        if any(value is not None for value in column):
            assert str(table.schema.field("x").type) == name
        seen = table["x"].to_pylist()
        assert len(seen) == len(column)
        for a, b in zip(seen, column, strict=True):
            # In UTC, an aware datetime is equal; NaN is not null.
            assert a == b if isinstance(b, dt.datetime) else same(a, b), (a, b)

    check()


@MANY
@given(ROWS)
@example([["\u2028\x85\x0b\0\x1b\ud800", b"\xff", math.inf, 2**64, -(2**64)]])
@example([[2**63 - 1, 2**63, -(2**63), -(2**63) - 1, numpy.uint64(2**64 - 1)]])
def test_f6_json_lines(fresh: Callable[[str], Path], rows: list[list[Any]]) -> None:
    path = fresh("jsonl")
    write(path, rows)
    lines = path.read_bytes().decode("utf-8").splitlines()
    assert len(lines) == 3 * len(rows)
    for i, line in enumerate(lines):
        record = json.loads(line, parse_constant=lambda constant: pytest.fail(constant))
        for a, logged in zip(list(record.values())[2:], rows[i // 3], strict=True):
            b = in_json(logged)
            if isinstance(logged, numpy.float32) and isinstance(b, float):
                assert numpy.float32(a) == logged
            elif isinstance(b, dt.timedelta):
                assert isinstance(a, str)
                assert a.lstrip("-").startswith("P") or a == str(b)
            elif isinstance(b, str):
                assert a in (b, escaped(b)), (a, b)
            else:
                assert same(a, b), (a, b)


@MANY
@given(ROWS)
@example([["", None, 'a"b', "a,b", "\r", "\n", " ", "\0", b"'\"", -0.0]])
def test_f6_csv(fresh: Callable[[str], Path], rows: list[list[Any]]) -> None:
    path = fresh("csv")
    write(path, rows)
    with path.open(newline="", encoding="utf-8") as file:
        cells = list(csv.reader(file, strict=True))
    assert [row[1] for row in cells] == ["E", "P", "D"] * len(rows)
    for i, row in enumerate(cells):
        logged = rows[i // 3]
        assert set(row[2 + len(logged) :]) <= {""}
        for a, value in zip(row[2:], logged, strict=False):
            if isinstance(value, dt.timedelta):
                assert a.lstrip("-").startswith("P") or a == str(value)
            elif isinstance(value, numpy.float32):
                assert repr(numpy.float32(a)) == repr(value)
            else:
                assert a == in_csv(value), (a, value)


# ---- templates -----------------------------------------------------------------------------------

SPECS = st.sampled_from(
    ["", ":", ":>8", ":<8", ":^9", ":*^9", ":05", ":+", ":,", ":.3", ":.2f", ":e",
     ":g", ":x", ":#b", ":%",
     ":s", ":d", "!r", "!s", "!a", "!r:>12", ":{{}}", ":>{w}"]
)  # fmt: skip
HOLES = st.builds(
    "".join, st.tuples(st.just("{"), st.sampled_from(["", "a", "b", "k"]), SPECS, st.just("}"))
)
LITERALS = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=5)
TEMPLATES = st.lists(HOLES | LITERALS | st.sampled_from(["{{", "}}"]), max_size=6).map(
    lambda parts: "".join(["the ", *parts])
)
FORMATTED = st.one_of(
    *(INTS, st.integers(-(2**90), 2**90), st.floats(), TEXTS, st.booleans(), st.none()),
    *(st.lists(INTS, max_size=3), st.tuples(TEXTS, INTS), st.just(()), st.tuples(INTS)),
    *(st.decimals(), st.dates(), st.sampled_from(Colour), st.binary(max_size=5)),
)


def as_python_fills(template: str, values: list[Any], keywords: dict[str, Any]) -> str | None:
    """str.format, once the named holes without a keyword have taken their positional values."""
    try:
        names = [
            each[1] for each in string.Formatter().parse(template) if each[1] is not None
        ]  # holes inside a spec are keywords here
        given = dict(keywords)
        rest = list(values)
        positional = []
        for name in names:
            if name == "":
                positional.append(rest.pop(0))
            elif name not in given:
                given[name] = rest.pop(0)
        return template.format(*positional, **given)
    except Exception:
        return None


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            TEMPLATES,
            st.lists(FORMATTED, min_size=1, max_size=5),
            st.fixed_dictionaries({"k": FORMATTED, "w": st.integers(0, 20)}),
        ),
        min_size=1,
        max_size=4,
    )
)
@example([("the {a} {}", [(1, 2), ()], {"k": 1, "w": 1})])
@example([("the {a!r} {a}", ["é", 1], {"k": 1, "w": 1})])
@example([("the {}{k:{{}}}", [None], {"k": dt.date(2000, 1, 1), "w": 0})])
def test_templates_are_filled_as_str_format_does(
    fresh: Callable[[str], Path], calls: list[tuple[str, list[Any], dict[str, Any]]]
) -> None:
    path = fresh("atto")
    with attolog.AsyncFileLogger(path, buffer_bytes=65536) as log:
        for template, values, keywords in calls:
            log.info(template, *values, **keywords)
    messages = [record.message for record in attolog.read(path).records()]
    assert len(messages) == len(calls)
    for message, (template, values, keywords) in zip(messages, calls, strict=True):
        expected = as_python_fills(template, values, keywords)
        if expected is None:  # raw, or with keywords in the place of missing values
            assert message is not None and message.startswith("the ")
        else:
            assert message == expected, template
