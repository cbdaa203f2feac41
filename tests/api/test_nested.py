"""Lists, tuples and dicts as values."""

import enum
import json
import math
import subprocess
import sys
import zoneinfo
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attolog
from attolog import AsyncFileLogger
from attolog._reading.table import Table

from .helpers import log_to, objects

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


class Clearing:
    """Clears the list that holds it, when it is asked for a text."""

    def __init__(self, holder: list[Any]) -> None:
        self.holder = holder

    def __repr__(self) -> str:
        self.holder.clear()
        return "cleared"


def clearing() -> list[Any]:
    holder: list[Any] = [1, {"a": [2]}]
    holder.append(Clearing(holder))
    return holder


CALLS: list[Callable[[AsyncFileLogger, object], None]] = [
    lambda log, value: log("E", x=value),
    lambda log, value: log.event("E", "x")(value),
    lambda log, value: log.info("{x}", x=value),
    lambda log, value: log.info("{x!s}", x=value),
    lambda log, value: log.info("{x!r}", x=value),
    lambda log, value: log.bind(x=value)("E"),
    lambda log, value: log("E", x=[value]),
    lambda log, value: log("E", x={"k": (value,)}),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("suffix", ["jsonl", "atto"])
def test_a_container_changed_by_its_items_is_text_alone(
    tmp_path: Path, suffix: str, call: Callable[[AsyncFileLogger, object], None]
) -> None:
    path = log_to(tmp_path / f"run.{suffix}", lambda log: call(log, clearing()))
    if suffix == "atto":
        (found,) = (record.fields for record in attolog.read(path).records())
    else:
        (found,) = objects(path)
    assert isinstance(found["x"], str) and "[1, {'a': [2]}, cleared]" in found["x"]


def test_a_repr_in_a_message_runs_the_code_of_items_once(tmp_path: Path) -> None:
    one = Counting()
    path = log_to(tmp_path / "run.jsonl", lambda log: log.info("{x!r}", [one]))
    assert [(row["message"], row["x"]) for row in objects(path)] == [("[counting]", "[counting]")]
    assert one.calls == 1


class Zone(tzinfo):
    calls = 0

    def utcoffset(self, when: datetime | None) -> timedelta:
        Zone.calls += 1
        return timedelta(hours=1)

    def dst(self, when: datetime | None) -> None: ...
    def tzname(self, when: datetime | None) -> None: ...


class Color(enum.Enum):
    RED = 1


class Number(enum.IntEnum):
    ONE = 1


class Flags(enum.Flag):
    A = 1
    B = 2


class Renamed(enum.Enum):
    ONE = 1

    @property
    def name(self) -> str:
        raise AssertionError("code that runs for the JSON")


class Scalar(np.float64):
    def item(self, *args: Any) -> Any:
        raise AssertionError("code that runs for the JSON")


DAY = datetime(2024, 1, 2, 3, 4, 5)
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (Color.RED, "RED"),
        (Number.ONE, "ONE"),
        (Flags.A, "A"),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.datetime64("2024-01-02T03:04:05"), "2024-01-02T03:04:05"),
        (DAY.replace(tzinfo=UTC), "2024-01-02T03:04:05+00:00"),
        (DAY.replace(tzinfo=BERLIN), "2024-01-02T03:04:05+01:00"),
        (time(1, tzinfo=UTC), "01:00:00+00:00"),
        (timedelta(seconds=5), "P0DT0H0M5S"),
    ],
)
def test_items_have_the_json_that_they_have_alone(
    tmp_path: Path, item: object, expected: object
) -> None:
    assert json_of(tmp_path, item) == expected
    assert json_of(tmp_path, [item]) == [expected]
    assert json_of(tmp_path, {"a": (item,)}) == {"a": [expected]}
    assert json_of(tmp_path, {item: 1}) == {json_key(expected): 1}


def json_key(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize(
    "item",
    [
        Flags(0),
        Renamed.ONE,
        Scalar(1),
        np.complex128(1j),
        np.longdouble(1),
        np.array([(1, 2.0)], dtype="i4,f8")[0],
        DAY.replace(tzinfo=Zone()),
        time(1, tzinfo=Zone()),
        Decimal("1.5"),
    ],
    ids=lambda item: type(item).__name__,
)
def test_an_item_that_may_run_code_makes_the_whole_text(tmp_path: Path, item: Any) -> None:
    for value in ([item], {"a": (1, item)}):
        assert json_of(tmp_path, value) == str(value)
    Zone.calls = 0
    str([item])
    calls, Zone.calls = Zone.calls, 0
    json_of(tmp_path, [item])
    assert Zone.calls == calls


def test_a_key_that_is_a_tuple_runs_no_code(tmp_path: Path) -> None:
    value = {(1, Color.RED): 2}
    assert json_of(tmp_path, value) == str(value)


def test_max_record_bounds_nested_values(tmp_path: Path) -> None:
    value = list(range(1000))
    found = json_of(tmp_path, value, max_record=1024)
    assert isinstance(found, str)
    assert found.startswith("[0, 1, 2") and "[cut;" in found and len(found) < 1100


def test_csv_and_text_files_have_the_str(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        log("E", x=[1, {"a": None}])
        log.info("{x} {y!r}", x=[1], y=(1,))

    assert """"[1, {'a': None}]\"""" in log_to(tmp_path / "run.csv", use).read_text()
    text = log_to(tmp_path / "run.log", use).read_text()
    assert """x="[1, {'a': None}]\"""" in text
    assert text.endswith("[1] (1,)\n")


@pytest.mark.parametrize("suffix", ["jsonl", "atto"])
def test_messages_keep_nested_values(tmp_path: Path, suffix: str) -> None:
    def use(log: AsyncFileLogger) -> None:
        log.info("{a} and {b}", a=[1, 2], b={"k": (None,)})
        log.bind(c=[3])("E")

    path = log_to(tmp_path / f"run.{suffix}", use)
    b: object
    if suffix == "atto":
        message, event = attolog.read(path).records()
        assert message.message == "[1, 2] and {'k': (None,)}"
        fields, bound, b = message.fields, event.fields, "{'k': (None,)}"  # as it was logged
    else:
        fields, bound = objects(path)
        b = {"k": [None]}
        assert fields["message"] == "[1, 2] and {'k': (None,)}"
    assert (fields["a"], fields["b"], bound["c"]) == ([1, 2], b, [3])


@pytest.mark.parametrize(
    "value",
    [(1,), [1, (2, "a")], {1: "a", (2, 3): None}, [date(2020, 1, 2)], [math.inf], [*range(99_999)]],
    ids=["tuple", "list", "dict", "date", "infinity", "long"],
)
def test_what_is_bound_keeps_its_form_in_messages(tmp_path: Path, value: object) -> None:
    def use(log: AsyncFileLogger) -> None:
        log.bind(bound=value).info("{x:{y}} {bound}", x=1, y=3)

    assert objects(log_to(tmp_path / "run.jsonl", use))[0]["message"] == f"  1 {value}"


def test_a_hole_looks_into_what_is_bound(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        log.bind(table={1: (2, 3)}).info("{x} {table!r} {table[1]} {table[1][0]}", x=1)

    message = objects(log_to(tmp_path / "run.jsonl", use))[0]["message"]
    assert message == "1 {1: (2, 3)} (2, 3) 2"


def test_what_a_killed_process_left_of_nested_values(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    rings = str(tmp_path / "rings")  # which no other program of this machine recovers
    source = (
        "import attolog, os, sys\n"
        "log = attolog.AsyncFileLogger(sys.argv[1], ring_dir=sys.argv[2])\n"
        "log('E', x=[1, {'a': [2]}], y=1, z={'a': [2]})\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", source, path, rings], check=False, timeout=60)
    run = attolog.read(path, ring_dir=rings)
    (record,) = run.records()
    assert record.fields == {"x": [1, {"a": [2]}], "y": 1, "z": {"a": [2]}}
    table = pytest.importorskip("pyarrow").table(run["E"])
    assert table["x"].to_pylist() == ["[1, {'a': [2]}]"]
    assert table["z"].to_pylist() == [{"a": [2]}]


def test_a_journal_without_nested_values_is_as_before(tmp_path: Path) -> None:
    def plain(log: AsyncFileLogger) -> None:
        log("E", x=1)

    def nested(log: AsyncFileLogger) -> None:
        log("E", x=[1])

    assert log_to(tmp_path / "plain.atto", plain).read_bytes()[10] == 0
    assert log_to(tmp_path / "nested.atto", nested).read_bytes()[10] == 1


COLUMNS: dict[str, tuple[str, list[Any]]] = {
    "ints": ("large_list<item: int64>", [[1, 2], None, [], [None, 2**63 - 1]]),
    "floats": ("large_list<item: double>", [[1.5], None, [0.25, None], []]),
    "texts": ("large_list<item: large_string>", [['a"\n', ""], None, [], ["é"]]),
    "bools": ("large_list<item: bool>", [[True], [False, None], [], None]),
    "lists": ("large_list<item: large_list<item: int64>>", [[[1], []], None, [], [[2, 3]]]),
    "empty": ("large_list<item: null>", [[], None, [None], []]),
    "dicts": (
        "struct<a: int64, b: struct<c: large_string>>",
        [{"a": 1, "b": {"c": "x"}}, None, {"a": None, "b": None}, {"a": 2, "b": {"c": None}}],
    ),
    "events": (
        "large_list<item: struct<a: int64, b: large_list<item: double>>>",
        [[{"a": 1, "b": [0.5]}, {"a": 2, "b": []}], None, [], [{"a": None, "b": None}]],
    ),
}


def log_columns(log: AsyncFileLogger) -> None:
    for row in range(4):
        log("E", **{name: values[row] for name, (_, values) in COLUMNS.items()})


@pytest.fixture
def columns(tmp_path: Path) -> Table:
    return attolog.read(log_to(tmp_path / "run.atto", log_columns))["E"]


@pytest.fixture
def arrow(columns: Table) -> Any:
    return pytest.importorskip("pyarrow").table(columns)


EXPECTED = {name: values for name, (_, values) in COLUMNS.items()}


def plain(cell: Any) -> Any:
    """The cell of a pandas column as Python's own: it has arrays in it."""
    if isinstance(cell, np.ndarray | list | tuple):
        return [plain(each) for each in cell]
    if isinstance(cell, dict):
        return {key: plain(each) for key, each in cell.items()}
    return cell.item() if isinstance(cell, np.generic) else cell


def test_lists_and_dicts_of_one_shape_are_arrow_lists_and_structs(arrow: Any) -> None:
    arrow.validate(full=True)
    types = {name: str(arrow.schema.field(name).type) for name in COLUMNS}
    assert types == {name: type_ for name, (type_, _) in COLUMNS.items()}
    assert {name: arrow[name].to_pylist() for name in COLUMNS} == EXPECTED


def test_polars_takes_lists_and_structs(columns: Table, tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(columns)
    assert {name: frame[name].to_list() for name in COLUMNS} == EXPECTED
    assert frame["ints"].list.sum().to_list() == [3, None, 0, 2**63 - 1]
    assert frame["dicts"].struct.field("b").struct.field("c").to_list() == ["x", None, None, None]
    frame.write_parquet(tmp_path / "run.parquet")
    assert polars.read_parquet(tmp_path / "run.parquet").equals(frame)
    frame.write_ndjson(tmp_path / "run.ndjson")
    found = objects(tmp_path / "run.ndjson")
    assert [[row[name] for row in found] for name in COLUMNS] == list(EXPECTED.values())


def test_duckdb_takes_lists_and_structs(columns: Table, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    connection = duckdb.connect()
    rows = connection.sql(f"SELECT {', '.join(COLUMNS)} FROM columns").fetchall()
    assert [[row[i] for row in rows] for i in range(len(COLUMNS))] == list(EXPECTED.values())
    query = "SELECT sum(e.a), max(dicts.a) FROM columns, unnest(columns.events) AS t(e)"
    assert connection.sql(query).fetchall() == [(3, 2)]
    for suffix in "parquet", "csv", "json":
        path = str(tmp_path / f"run.{suffix}")
        connection.execute(f"COPY (SELECT * FROM columns) TO '{path}'")
        assert connection.sql(f"SELECT count(*) FROM '{path}'").fetchall() == [(4,)]


def test_pandas_takes_lists_and_structs(columns: Table, arrow: Any, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frames = [arrow.to_pandas()]
    if hasattr(pandas.DataFrame, "from_arrow"):  # pandas 3
        frames.append(pandas.DataFrame.from_arrow(columns))
    for frame in frames:
        # Numbers beside None within a list are floats to pandas, as they are in its columns.
        same = EXPECTED.keys() - {"ints", "floats"}
        assert {name: plain(list(frame[name])) for name in same} == {n: EXPECTED[n] for n in same}
        assert plain(frame["ints"][0]) == [1, 2] and plain(frame["floats"][0]) == [1.5]
        frame.to_csv(tmp_path / "run.csv")
        assert len(pandas.read_csv(tmp_path / "run.csv")) == 4
        frame.to_parquet(tmp_path / "run.parquet")
        assert len(pandas.read_parquet(tmp_path / "run.parquet")) == 4


def test_arrow_writes_lists_and_structs_to_parquet(arrow: Any, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow, tmp_path / "run.parquet")
    assert parquet.read_table(tmp_path / "run.parquet").to_pydict() == arrow.to_pydict()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[1], [0.5, None]], [[1.0], [0.5, None]]),
        ([[math.inf], [1], [-math.inf]], [[math.inf], [1.0], [-math.inf]]),
        ([(1, 2), [3], ()], [[1, 2], [3], []]),
        ([{"a": 1}, {"b": "x"}], [{"a": 1, "b": None}, {"a": None, "b": "x"}]),
        ([{"a": 1}, {}], [{"a": 1}, {"a": None}]),
        ([[np.float32(0.5), np.float64(2)]], [[0.5, 2.0]]),
        ([["\ud800"]], [["\\ud800"]]),
        ([[[[[[[[[1]]]]]]]]], [[[[[[[[[1]]]]]]]]]),
    ],
)
def test_values_that_widen_to_one_shape(
    tmp_path: Path, values: list[Any], expected: list[Any]
) -> None:
    assert cells_of(tmp_path, values) == (expected, None)


@pytest.mark.parametrize(
    "values",
    [
        [[1, True]],
        [[1, "x"]],
        [["NaN", math.nan]],
        [[2**53 + 1, 0.5]],
        [[2**63]],
        [[1], [[1]]],
        [{"a": 1}, {"a": "x"}],
        [{}],
        [[{}]],
        [{1: "a"}],
        [{(1, 2): 3}],
        [{"a": 1, "A": 2}],
        [{"": 1}],
        [{f"id{i}": 1} for i in range(5)],
        [dict.fromkeys(map(str, range(300)), 1)],
        [[[[[[[[[[1]]]]]]]]]],
        [[DAY], [DAY]],
        [[b"ab"]],
        [[Color.RED]],
    ],
    ids=lambda values: str(values)[:30],
)
def test_a_column_of_several_shapes_is_of_texts(tmp_path: Path, values: list[Any]) -> None:
    note = "holds lists or dicts whose shapes have too little in common"
    assert cells_of(tmp_path, values) == ([str(value) for value in values], note)


def test_lists_beside_other_values_are_texts(tmp_path: Path) -> None:
    assert cells_of(tmp_path, [[1], None, "x"]) == (["[1]", None, "x"], "holds str, list")
    assert cells_of(tmp_path, [[1], {"a": 1}]) == (["[1]", "{'a': 1}"], "holds list, dict")


def test_lists_and_structs_are_texts_on_request(columns: Table, tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    journal = attolog.read(tmp_path / "run.atto", nested=False)
    for table in journal["E"], journal.runs[-1]["E"]:
        frame = polars.DataFrame(table)
        for name, values in EXPECTED.items():
            assert frame[name].to_list() == [None if v is None else str(v) for v in values]
        frame.write_csv(tmp_path / "run.csv")
        assert polars.read_csv(tmp_path / "run.csv")["ints"][0] == "[1, 2]"


def cells_of(tmp_path: Path, values: list[Any]) -> tuple[list[Any], str | None]:
    """The cells of a column that has held the values, and why it is text."""
    (tmp_path / "run.atto").unlink(missing_ok=True)

    def use(log: AsyncFileLogger) -> None:
        for value in values:
            log("E", x=value)

    run = attolog.read(log_to(tmp_path / "run.atto", use))
    table = pytest.importorskip("pyarrow").table(run["E"])
    table.validate(full=True)
    metadata = table.schema.field("x").metadata or {}
    note = metadata.get(b"attolog.note")
    return table["x"].to_pylist(), note and note.decode()
