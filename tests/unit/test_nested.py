"""Lists, tuples and dicts as values."""

import json
import math
import subprocess
import sys
from collections import OrderedDict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from written import objects, written

import attolog
from attolog import AsyncFileLogger

cyclic: list[Any] = [1]
cyclic.append(cyclic)
deep: list[Any] = []
for _ in range(100):
    deep = [deep]


class Counting:
    """Counts how often it is asked for a text."""

    calls = 0

    def __repr__(self) -> str:
        self.calls += 1
        return "counting"


def json_of(tmp_path: Path, value: object, **options: Any) -> Any:
    (tmp_path / "run.jsonl").unlink(missing_ok=True)
    path = tmp_path / "run.jsonl"
    with AsyncFileLogger(path, **options) as log:
        log("E", x=value)
    return json.loads(path.read_text())["x"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], []),
        ((), []),
        ([[], {}, ((),)], [[], {}, [[]]]),
        ([1, -2.5, None, True, 'a"\n\x00é\ud800'], [1, -2.5, None, True, 'a"\n\x00é\ud800']),
        ([10**30, -(10**30)], [10**30, -(10**30)]),
        ([math.nan, math.inf, -math.inf], ["NaN", "Infinity", "-Infinity"]),
        ([date(2020, 1, 2), b"ab"], ["2020-01-02", "YWI="]),
        ({1: 1, 2.5: 2, None: 3, True and "t": 4}, {"1": 1, "2.5": 2, "null": 3, "t": 4}),
        ({(1, 2): {"b": [{"c": None}]}, 'q"': 1}, {"(1, 2)": {"b": [{"c": None}]}, 'q"': 1}),
    ],
)
def test_nested_values_are_json_in_json_lines(
    tmp_path: Path, value: object, expected: object
) -> None:
    assert json_of(tmp_path, value) == expected


@pytest.mark.parametrize(
    "value",
    [cyclic, deep, OrderedDict(a=1), {1, 2}, [1, {2}]],
    ids=["cyclic", "deep", "subclass", "set", "set within"],
)
def test_what_is_no_json_is_its_text(tmp_path: Path, value: object) -> None:
    assert json_of(tmp_path, value) == str(value)


@pytest.mark.parametrize("form", ["list", "dict", "key"])
def test_an_object_within_is_asked_for_its_text_once(tmp_path: Path, form: str) -> None:
    one = Counting()
    value: Any = {"list": [1, one], "dict": {"a": (one,)}, "key": {(1, one): 2}}[form]
    assert json_of(tmp_path, value) == str(value)
    assert one.calls == 2  # for the log, and here


def test_max_record_bounds_nested_values(tmp_path: Path) -> None:
    value = list(range(1000))
    found = json_of(tmp_path, value, max_record=1024)
    assert isinstance(found, str)
    assert found.startswith("[0, 1, 2") and "[cut;" in found and len(found) < 1100


def test_csv_and_text_files_have_the_str(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        log("E", x=[1, {"a": None}])
        log.info("{x} {y!r}", x=[1], y=(1,))

    assert """"[1, {'a': None}]\"""" in written(tmp_path / "run.csv", use).read_text()
    text = written(tmp_path / "run.log", use).read_text()
    assert """x="[1, {'a': None}]\"""" in text
    assert text.endswith("[1] (1,)\n")


@pytest.mark.parametrize("suffix", ["jsonl", "atto"])
def test_messages_keep_nested_values(tmp_path: Path, suffix: str) -> None:
    def use(log: AsyncFileLogger) -> None:
        log.info("{a} and {b}", a=[1, 2], b={"k": (None,)})
        log.bind(c=[3])("E")

    path = written(tmp_path / f"run.{suffix}", use)
    if suffix == "atto":
        message, event = attolog.read(path).records()
        assert message.message == "[1, 2] and {'k': (None,)}"
        fields, bound = message.fields, event.fields
    else:
        fields, bound = objects(path)
        assert fields["message"] == "[1, 2] and {'k': (None,)}"
    assert (fields["a"], fields["b"], bound["c"]) == ([1, 2], {"k": [None]}, [3])


def test_what_a_killed_process_left_of_nested_values(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    rings = str(tmp_path / "rings")  # which no other program of this machine recovers
    source = (
        "import attolog, os, sys\n"
        "log = attolog.AsyncFileLogger(sys.argv[1], ring_dir=sys.argv[2])\n"
        "log('E', x=[1, {'a': [2]}], y=1)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", source, path, rings], check=False, timeout=60)
    (record,) = attolog.read(path, ring_dir=rings).records()
    assert record.fields == {"x": [1, {"a": [2]}], "y": 1}


def test_a_journal_without_nested_values_is_as_before(tmp_path: Path) -> None:
    def plain(log: AsyncFileLogger) -> None:
        log("E", x=1)

    def nested(log: AsyncFileLogger) -> None:
        log("E", x=[1])

    assert written(tmp_path / "plain.atto", plain).read_bytes()[10] == 0
    assert written(tmp_path / "nested.atto", nested).read_bytes()[10] == 1
