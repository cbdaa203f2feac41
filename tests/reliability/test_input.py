"""Whatever a program logs (rows D of the reliability tests).

Logging never raises to its caller, but what is no Exception passes; text files stay valid, and one
record stays one record.
"""

from __future__ import annotations

import csv
import json
import math
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import attolog

from .harness import FORMATS


@contextmanager
def logging_to(path: Path, calls: int | None = None, **options: Any) -> Iterator[attolog.Logger]:
    """A logger of which everything that was called must be in the file."""
    log = attolog.AsyncFileLogger(path, **options)
    yield log
    assert log.close()
    counts = log.counts
    assert counts.calls == sum(counts[1:]) == counts.written, counts
    assert calls is None or counts.calls == calls, counts


def values(path: Path) -> list[list[Any]]:
    """The values of each record of a journal, JSON Lines or CSV file."""
    if path.suffix == ".atto":
        run = attolog.read(path)
        assert run.problems == ()
        return [list(record.fields.values()) for record in run.records()]
    if path.suffix == ".jsonl":
        return [list(record.values())[2:] for record in json_lines(path)]
    csv.field_size_limit(1 << 30)
    with path.open(newline="", encoding="utf-8") as file:
        return [row[2:] for row in csv.reader(file, strict=True)]


def json_lines(path: Path) -> list[dict[str, Any]]:
    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} is no JSON")

    text = path.read_bytes().decode("utf-8")
    assert text == "" or text.endswith("\n")
    return [json.loads(line, parse_constant=refuse) for line in text.split("\n")[:-1]]


# ---- D1, D2: text --------------------------------------------------------------------------------

SURROGATES = ["\ud800", "a\udfff", "\udc80é", "\ud83d x \ude00", "☃\ud800\n"]
HOSTILE = [
    "\0",
    "a\0b",
    "\r",
    "\n",
    "\r\n",
    "line\nline\rline\r\nline\n",
    "\u2028 \u2029 \x85 \x0b \x0c \x1c \x1d \x1e",
    "\x1b[31mred\x1b[0m",
    '"',
    '""',
    'a","b',
    ",",
    " x ",
    "\t",
    "\x7f\x80\x9f",
    "'",
    "\\n \\u0000 \\",
    "{} {0} {x}",
    "%s %d %",
    "\ufeff",
    "\U0010ffff",
    "\ufffe\uffff",
    "é",
    "",
    "NA",
    "=1+1",
]


@pytest.mark.parametrize("suffix", FORMATS)
def test_d1_lone_surrogates(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.{suffix}"
    with logging_to(path, 5 * len(SURROGATES)) as log:
        for text in SURROGATES:
            log("E", text)
            log.log(text)
            log.info("saw {text!r} and {text}", text)
            log.print(text, text)
            log(text, 1)
    if suffix != "atto":
        path.read_bytes().decode("utf-8")
    if suffix == "atto":
        events = [record.fields["text_"] for record in attolog.read(path).records() if record.event]
        texts = [record.message for record in attolog.read(path).records() if record.kind == "text"]
        assert events == texts == SURROGATES
    elif suffix == "jsonl":
        assert [each["text_"] for each in json_lines(path) if "event" in each] == SURROGATES


@pytest.mark.parametrize("suffix", ["atto", "jsonl", "csv"])
def test_d2_any_text_comes_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.{suffix}"
    texts = HOSTILE + [chr(c) for c in range(0x120)] + ["x" * n + "\n" for n in range(250, 260)]
    with logging_to(path, len(texts)) as log:
        for text in texts:
            log("E", text)
    assert [value for (value,) in values(path)] == texts


def test_d2_one_record_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    with logging_to(path, 4 * len(HOSTILE)) as log:
        for text in HOSTILE:
            log("E", text, a=text)
            log.info(text)
            log.debug("{t} {t!r}", text)
            log.log(text)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, strict=True))
    assert [row[1] for row in rows] == ["E", "INFO", "DEBUG", "LOG"] * len(HOSTILE)
    assert [row[2:] for row in rows[::4]] == [[text, text] for text in HOSTILE]
    assert [row[2] for row in rows[1::4]] == HOSTILE
    assert [row[2] for row in rows[2::4]] == [f"{text} {text!r}" for text in HOSTILE]
    assert [row[2] for row in rows[3::4]] == HOSTILE


@pytest.mark.parametrize("suffix", ["jsonl", "log"])
def test_d2_one_record_is_one_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.{suffix}"
    with logging_to(path, 5 * len(HOSTILE)) as log:
        for text in HOSTILE:
            log("E", text, a=text)
            log.info(text)
            log.debug("{t} {t!r}", text)
            log(text, text)
            log.bind(b=text).info("bound")
    # As str.splitlines understands lines, which is as a terminal or an editor might.
    assert len(path.read_bytes().decode("utf-8").splitlines()) == 5 * len(HOSTILE)
    assert b"\x1b" not in path.read_bytes() and b"\0" not in path.read_bytes()


# ---- D3: size ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["atto", "jsonl", "csv", "log"])
def test_d3_large_values(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.{suffix}"
    text = "0123456789" * 2_000_000
    table = dict.fromkeys(range(200_000))
    with logging_to(path, 4) as log:
        log("E", x=text)
        log("E", x=text + "é")
        log("E", x=table)
        log("E", x="small")
    if suffix == "log":
        lines = path.read_text("utf-8").splitlines()
        assert [len(line) for line in lines[:2]] == [
            len(lines[3]) - len("small") + 20_000_000 + n for n in (0, 1)
        ]
    else:
        nested = {str(key): None for key in table} if suffix == "jsonl" else str(table)
        assert [value for (value,) in values(path)] == [text, text + "é", nested, "small"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_d3_texts_past_max_record_are_cut_and_say_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.{suffix}"
    most = 1024
    long_texts = ["a" * 5000, "é" * 5000, "a" + "é" * 5000, "a" + "☃" * 5000, "\U0001f600" * 5000]
    with logging_to(path, 6 * len(long_texts), max_record=most) as log:
        for text in long_texts:
            log("E", text)
            log.log(text)
            log.info(text)
            log.info("{x!r} {x}", text)
            log.info("{x:>5001}", [text])
            log("E", [text])
    size = len(path.read_bytes())
    assert size < 6 * len(long_texts) * 6 * most, size
    if suffix == "atto":
        cut = [
            r.fields["text_"]
            for r in attolog.read(path).records()
            if r.event and "text_" in r.fields
        ]
        for short, text in zip(cut, long_texts, strict=False):
            assert short.endswith(f"... [cut; {len(text.encode())} bytes]")
            assert text.startswith(short.partition("... [")[0])
        messages = [r.message for r in attolog.read(path).records() if r.kind == "message"]
        assert len(messages) == 3 * len(long_texts)
        assert not any("\ufffd" in message for message in messages if message)
    else:
        path.read_bytes().decode("utf-8")


def test_d3_bytes_past_max_record_are_cut_and_say_so(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    lengths = [1023, 1024, 1025, 100_000]
    with logging_to(path, 2 * len(lengths), max_record=1024) as log:
        for n in lengths:
            log("E", x=b"\xff" * n)
            log.info("{x}", b"\xff" * n)
    whole = [b"\xff" * 1023, b"\xff" * 1024]
    cut = [b"\xff" * 1024 + f"... [cut; {n} bytes]".encode() for n in lengths[2:]]
    records = list(attolog.read(path).records())
    assert [r.fields["x"] for r in records[::2]] == whole + cut
    assert [r.fields["x"] for r in records[1::2]] == whole + cut


@pytest.mark.torture
@pytest.mark.parametrize("suffix", ["atto", "jsonl"])
def test_d3_a_hundred_megabytes_are_bounded(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.{suffix}"
    text = "0123456789" * 10_000_000
    table = dict.fromkeys(range(1_000_000))
    with logging_to(path, 3) as log:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        log("E", x=text)
        log("E", x=table)
        log("E", x="small")
        assert log.flush()
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000  # KiB
    assert values(path)[0] == [text] and values(path)[2] == ["small"]


# ---- D4, D5: numbers -----------------------------------------------------------------------------

INTS = [0, -1, 2**30, -(2**30), 2**31, 2**53 + 1, 2**62, 2**63 - 1, -(2**63)]
LARGE = [2**63, -(2**63) - 1, 2**64, 2**70, -(2**70), 10**400, 10**4299]


@pytest.mark.parametrize("suffix", ["atto", "jsonl", "csv"])
def test_d4_integers_are_exact(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.{suffix}"
    numbers = INTS + LARGE
    with logging_to(path, 2 * len(numbers) + 2) as log:
        for number in numbers:
            log("E", x=number)
            log.info("{n} {n:>40}", number)
        log("E", x=10**4400)
        log("E", x=-(10**4400))
    if suffix == "jsonl":
        seen = [line["x"] for line in json_lines(path) if "event" in line]
        assert [type(value) for value in seen[: len(INTS)]] == [int] * len(INTS)
    elif suffix == "atto":
        seen = [record.fields["x"] for record in attolog.read(path).records() if record.event]
    else:
        seen = [row[0] for row in values(path) if " " not in row[0]]
    exact = [value if isinstance(value, int) else int(value, 0) for value in seen]
    assert exact == [*numbers, 10**4400, -(10**4400)]
    assert hex(10**4400) in path.read_text("latin-1") or suffix == "atto"


FLOATS = [0.0, -0.0, 1e5, 1e16, 1e22, 1.5, 0.1, 5e-324, 1.7976931348623157e308, 123456789.123456789]


@pytest.mark.parametrize("suffix", ["atto", "jsonl", "csv"])
def test_d5_floats_are_exact_and_json_is_valid(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.{suffix}"
    with logging_to(path, len(FLOATS) + 3) as log:
        for number in [*FLOATS, math.inf, -math.inf, math.nan]:
            log("E", number)
    seen = [value for (value,) in values(path)]
    assert [repr(float(value)) for value in seen] == [*map(repr, FLOATS), "inf", "-inf", "nan"]
    if suffix == "csv":
        assert seen == [*map(repr, FLOATS), "inf", "-inf", "nan"]
    if suffix == "jsonl":
        assert all(type(value) is float for value in seen[:-3])
        assert all(type(value) is str for value in seen[-3:])
    if suffix == "atto":
        assert all(type(value) is float for value in seen)


# ---- D6, D7: values with code of their own -------------------------------------------------------


class Raises:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error

    def __format__(self, spec: str) -> str:
        raise self.error


class ReturnsInt:
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]


class ErrorWithoutText(Exception):
    def __str__(self) -> str:
        raise ValueError("not even that")


Call = Callable[[attolog.Logger, object], None]
CALLS: dict[str, Call] = {
    "event": lambda log, value: log("E", value),
    "keyword": lambda log, value: log("E", x=value),
    "declared": lambda log, value: log.event("D", "x")(value),
    "hole": lambda log, value: log.info("{x} {y}", value, 1),
    "spec": lambda log, value: log.info("{x:>10}", value),
    "conversion": lambda log, value: log.info("{x!s} {x!s:>10}", value),
    "number": lambda log, value: log.info("{0} {0:>10}", value),
    "text": lambda log, value: log.info(value),
    "object": lambda log, value: log(value),
    "log": lambda log, value: log.log(value),
    "exception": lambda log, value: log.exception("{x}", value),
    "print": lambda log, value: log.print(value, value),
}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_d6_a_value_that_raises_is_said_in_its_place(
    tmp_path: Path, suffix: str, call: Call
) -> None:
    path = tmp_path / f"run.{suffix}"
    errors = [ValueError("no text here"), RecursionError(), MemoryError(), ErrorWithoutText()]
    with logging_to(path, len(errors) + 1) as log:
        for error in errors:
            call(log, Raises(error))
        call(log, ReturnsInt())
    assert sys.exc_info() == (None, None, None)
    text = path.read_bytes()
    if suffix == "atto":
        text = repr(list(attolog.read(path).records())).encode()
    assert b"ValueError: no text here" in text
    assert b"RecursionError" in text
    assert b"raised TypeError: " in text  # the words are those of each Python


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_d6_what_is_no_exception_passes(
    tmp_path: Path, call: Call, error: type[BaseException]
) -> None:
    log = attolog.AsyncFileLogger(tmp_path / "run.csv")
    for _ in range(10):
        with pytest.raises(error):
            call(log, Raises(error()))
    log("E", "the next one")
    assert log.close()
    counts = log.counts
    assert counts.calls == sum(counts[1:]) and counts.written == 1, counts
    rows = (tmp_path / "run.csv").read_text().splitlines()
    said = [row.split(",") for row in rows]
    assert {row[1] for row in said} == {"DROPPED", "E"}
    # One row or several: they may be told while the program still drops.
    assert sum(int(row[2]) for row in said if row[1] == "DROPPED") == 10
    assert [row[2] for row in said if row[1] == "E"] == ["the next one"]


def self_containing() -> object:
    value: list[object] = [1]
    value.append(value)
    return value


def deep() -> object:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    return value


class Mutated(list[object]):
    def __repr__(self) -> str:
        self.clear()
        return "mutated"


def mutated() -> object:
    value: list[object] = [Mutated([1, 2]), Mutated()]
    value[0].append(value)  # type: ignore[attr-defined]
    value[1].append(value)  # type: ignore[attr-defined]

    class Clears:
        def __repr__(self) -> str:
            value.clear()
            return "cleared"

    value.insert(0, Clears())
    return value


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("make", [self_containing, deep, mutated])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_d7_strange_containers(
    tmp_path: Path, suffix: str, make: Callable[[], object], call: Call
) -> None:
    path = tmp_path / f"run.{suffix}"
    value = make()
    try:
        with logging_to(path, 2) as log:
            call(log, value)
            call(log, value)
    finally:
        while isinstance(value, list) and len(value) == 1:  # or its end overflows the stack
            (value,) = value
    text = path.read_bytes()
    expected = {self_containing: b"[1, [...]]", deep: b"RecursionError", mutated: b"cleared"}[make]
    if suffix == "atto":
        text = repr(list(attolog.read(path).records())).encode()
    elif make is mutated and call is CALLS["conversion"]:
        expected = b"[]"  # the value was taken before its texts were
    assert expected in text


# ---- D8: values as of the call -------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
def test_d8_values_are_those_of_the_call(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.{suffix}"
    changing: list[int] = []
    names = {"a": 1}
    with logging_to(path, 300) as log:
        for i in range(100):
            changing.append(i)
            names["a"] = i
            log("E", changing, names)
            log.info("{c} has {n}", changing, i)
            log.info("{c[0]} {n[a]:>4}", changing, names)
            if len(changing) > 3:
                changing.clear()
    expected: list[Any] = []
    fields: list[Any] = []
    shown: list[int] = []
    for i in range(100):
        shown.append(i)
        expected += [f"{shown}", f"{shown} has {i}", f"{shown[0]} {i:>4}"]
        fields.append({"changing": [*shown], "names": {"a": i}})
        if len(shown) > 3:
            shown.clear()
    if suffix in ("atto", "jsonl"):
        if suffix == "atto":
            rows = [{"message": r.message, **r.fields} for r in attolog.read(path).records()]
        else:
            rows = json_lines(path)
        assert [{name: row[name] for name in ("changing", "names")} for row in rows[::3]] == fields
        assert [row.get("message") or str(row["changing"]) for row in rows] == expected
        assert [str(row["c"]) for row in rows[1::3]] == expected[::3]
        return
    if suffix == "csv":
        seen = [row[0] for row in values(path)]
    else:
        lines = path.read_text().splitlines()
        assert len(lines) == 300
        assert all(text in line for text, line in zip(expected, lines, strict=True))
        return
    assert seen == expected


# ---- D9: templates that cannot be filled ---------------------------------------------------------

WRONG = [
    ("{} and {}", (1,)),
    ("{a} and {b}", (1,)),
    ("{5}", (1,)),
    ("{} {0}", (1,)),
    ("{", (1,)),
    ("}", (1,)),
    ("{x", (1,)),
    ("{x!}", (1,)),
    ("{x!z}", (1,)),
    ("{x:q}", (1,)),
    ("{x:.2f}", ("text",)),
    ("{x:>5}", (None,)),
    ("{x.nothing}", (1,)),
    ("{x[nothing]}", ({},)),
    ("{x:{y}}", (1,)),
    ("{x:{y:{z}}}", (1, 2, 3)),
    ("{x:>99999999999999999999}", (1,)),
    ("{x.__class__.nothing}", (1,)),
]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(("template", "arguments"), WRONG)
def test_d9_the_record_is_kept(
    tmp_path: Path, suffix: str, template: str, arguments: tuple[object, ...]
) -> None:
    path = tmp_path / f"run.{suffix}"
    with logging_to(path, 3) as log:
        log.warning(template, *arguments)
        log(template, *arguments)
        log.bind(bound=1).info(template, *arguments)
    if suffix == "atto":
        for record in attolog.read(path).records():
            assert record.message is not None and record.message.startswith(template)
            fields = list(record.fields.values())
            assert fields[: len(arguments)] == [
                a if a is None or isinstance(a, int | str | dict) else str(a) for a in arguments
            ]
    elif suffix == "jsonl":
        assert all(record["message"].startswith(template) for record in json_lines(path))
    else:
        assert sum(template in line for line in path.read_text("utf-8").splitlines()) == 3


FILLED: list[tuple[str, tuple[object, ...]]] = [
    ("{x}", ((1, 2),)),
    ("{x}", ((),)),
    ("{x}", (((1,),),)),
    ("{x:}|{y!r:>8}", ((), (1,))),
    ("{0} {1}", ((1, 2), ())),
    ("{x[0]}", ((7, 8),)),
    ("{x!r}", ("é",)),
    ("{x} {y}", (range(3), b"bytes")),
    ("{x!r} {x}", ("é",)),
    ("{x:{y}}", ("a", 5)),
]


@pytest.mark.parametrize(("template", "arguments"), FILLED)
def test_d9_a_template_that_can_be_filled_is(
    tmp_path: Path, template: str, arguments: tuple[object, ...]
) -> None:
    path = tmp_path / "run.csv"
    with logging_to(path, 1) as log:
        log.info(template, *arguments)
    names = dict(zip("xy", arguments, strict=False))
    assert values(path) == [[template.format(*arguments, **names)]]


@pytest.mark.parametrize("suffix", ["jsonl", "atto"])
def test_d9_many_templates_at_one_place(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.{suffix}"
    with logging_to(path, 100) as log:
        bound = log.bind(request=17)
        for i in range(100):
            bound.info(f"no {i}: {{model}} took {{}} and {{extra}}", "r50", i, extra=i)
    if suffix == "atto":
        seen = [(r.message, list(r.fields.values())) for r in attolog.read(path).records()]
        seen = [(message, [v for v in fields if v != message]) for message, fields in seen]
    else:
        seen = [(r["message"], list(r.values())[3:]) for r in json_lines(path)]
    assert seen == [(f"no {i}: r50 took {i} and {i}", ["r50", i, i, 17]) for i in range(100)]


@pytest.mark.parametrize("suffix", ["jsonl", "atto"])
def test_d9_a_declared_event_keeps_what_it_has_no_field_for(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.{suffix}"
    with logging_to(path, 4) as log:
        declared: Any = log.event("E", "a", "b")
        declared(1)
        declared(1, 2, 3)
        declared(b=2, a=1)
        declared(1, unknown=4)
    seen = [list(map(str, fields)) for fields in values(path)]
    assert seen == [["1", "None"], ["1", "2", "3"], ["1", "2"], ["1", "None", "4"]]
