"""Values in all four formats: the design's table of values, end to end."""

import enum
import json
import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

import attolog
from attolog import AsyncFileLogger

from .helpers import TIME, lines, log_to, objects

pa = pytest.importorskip("pyarrow")

CSV_TIME = "1700000000.123456"
TEXT_TIME = "2023-11-14T22:13:20.123456Z"


class Color(enum.Enum):
    RED = 1


class Number(enum.IntEnum):
    ONE = 1


class Flags(enum.Flag):
    A = 1
    B = 2


class Int(int):
    pass


class Str(str):
    def __str__(self) -> str:
        return "from str()"


class Raises:
    def __str__(self) -> str:
        raise ValueError("no text")


class RaisesInRaising:
    class Error(Exception):
        def __str__(self) -> str:
            raise ValueError

    def __str__(self) -> str:
        raise self.Error


class NoStr:
    def __str__(self) -> str:
        return 3  # type: ignore[return-value]


def complaint_of(value: object) -> str:
    """Says in Python's own words why the value has no text."""
    try:
        return str(value)
    except TypeError as error:
        return f"TypeError: {error}"


class UnknownZone(tzinfo):
    def utcoffset(self, when: datetime | None) -> None: ...
    def dst(self, when: datetime | None) -> None: ...
    def tzname(self, when: datetime | None) -> None: ...


EAST = timezone(timedelta(hours=2))
DAY = datetime(2024, 1, 2, 3, 4, 5, 678900)
UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")
US, US_UTC = pa.timestamp("us"), pa.timestamp("us", "UTC")
TEXT, NUMBERS = pa.large_string(), pa.large_list(pa.int64())

# value, cell of CSV and text, JSON value, Arrow type, Arrow value
VALUES: list[tuple[object, str, object, Any, object]] = [
    (0, "0", 0, pa.int64(), 0),
    (-(2**63), "-9223372036854775808", -(2**63), pa.int64(), -(2**63)),
    (2**63 - 1, "9223372036854775807", 2**63 - 1, pa.int64(), 2**63 - 1),
    (2**63, "9223372036854775808", "9223372036854775808", TEXT, "9223372036854775808"),
    (-(2**70), str(-(2**70)), str(-(2**70)), TEXT, str(-(2**70))),
    (10**4400, hex(10**4400), hex(10**4400), TEXT, hex(10**4400)),
    (0.1, "0.1", 0.1, pa.float64(), 0.1),
    (1e5, "100000.0", 1e5, pa.float64(), 1e5),
    (1e16, "1e+16", 1e16, pa.float64(), 1e16),
    (5e-324, "5e-324", 5e-324, pa.float64(), 5e-324),
    (-0.0, "-0.0", -0.0, pa.float64(), -0.0),
    (float("inf"), "inf", "Infinity", pa.float64(), float("inf")),
    (float("-inf"), "-inf", "-Infinity", pa.float64(), float("-inf")),
    ("text", "text", "text", TEXT, "text"),
    ("", "", "", TEXT, ""),
    ("é漢😀", "é漢😀", "é漢😀", TEXT, "é漢😀"),
    ("a\ud800b", "a\\ud800b", "a\ud800b", TEXT, "a\\ud800b"),
    (b"a\x00'", "b\"a\\x00'\"", "YQAn", pa.large_binary(), b"a\x00'"),
    (True, "True", True, pa.bool_(), True),
    (False, "False", False, pa.bool_(), False),
    (None, "", None, pa.null(), None),
    (DAY, "2024-01-02T03:04:05.678900", "2024-01-02T03:04:05.678900", US, DAY),
    (
        DAY.replace(tzinfo=EAST),
        "2024-01-02T03:04:05.678900+02:00",
        "2024-01-02T03:04:05.678900+02:00",
        US_UTC,
        DAY.replace(tzinfo=EAST),
    ),
    (
        datetime(1969, 12, 31, 23, 59, tzinfo=UTC),
        "1969-12-31T23:59:00+00:00",
        "1969-12-31T23:59:00+00:00",
        US_UTC,
        datetime(1969, 12, 31, 23, 59, tzinfo=UTC),
    ),
    (
        DAY.replace(tzinfo=UnknownZone()),
        "2024-01-02T03:04:05.678900",
        "2024-01-02T03:04:05.678900",
        US,
        DAY,
    ),
    (date(1, 1, 1), "0001-01-01", "0001-01-01", pa.date32(), date(1, 1, 1)),
    (date(9999, 12, 31), "9999-12-31", "9999-12-31", pa.date32(), date(9999, 12, 31)),
    (time(1, 2, 3), "01:02:03", "01:02:03", pa.time64("us"), time(1, 2, 3)),
    (time(1, 2, 3, 4), "01:02:03.000004", "01:02:03.000004", pa.time64("us"), time(1, 2, 3, 4)),
    (time(1, tzinfo=UTC), "01:00:00+00:00", "01:00:00+00:00", TEXT, "01:00:00+00:00"),
    (
        timedelta(days=1, hours=2, seconds=3, microseconds=400_000),
        "P1DT2H0M3.4S",
        "P1DT2H0M3.4S",
        pa.duration("us"),
        timedelta(days=1, hours=2, seconds=3, microseconds=400_000),
    ),
    (
        timedelta(seconds=-1),
        "P-1DT23H59M59S",
        "P-1DT23H59M59S",
        pa.duration("us"),
        timedelta(seconds=-1),
    ),
    (Decimal("1.10"), "1.10", "1.10", TEXT, "1.10"),
    (UUID, str(UUID), str(UUID), TEXT, str(UUID)),
    (PurePosixPath("/x/y"), "/x/y", "/x/y", TEXT, "/x/y"),
    (Color.RED, "RED", "RED", TEXT, "RED"),
    (Number.ONE, "ONE", "ONE", TEXT, "ONE"),
    (Flags.A, "A", "A", TEXT, "A"),
    ([1, "a"], "[1, 'a']", [1, "a"], TEXT, "[1, 'a']"),
    ((1, 2), "(1, 2)", [1, 2], NUMBERS, [1, 2]),
    ({}, "{}", {}, TEXT, "{}"),
    (bytearray(b"x"), "bytearray(b'x')", "bytearray(b'x')", TEXT, "bytearray(b'x')"),
    (Int(3), "3", "3", TEXT, "3"),
    (Str("x"), "from str()", "from str()", TEXT, "from str()"),
    (1j, "1j", "1j", TEXT, "1j"),
    (np.int8(-5), "-5", -5, pa.int8(), -5),
    (np.int16(-5), "-5", -5, pa.int16(), -5),
    (np.int32(-5), "-5", -5, pa.int32(), -5),
    (np.int64(-5), "-5", -5, pa.int64(), -5),
    (np.uint8(255), "255", 255, pa.uint8(), 255),
    (np.uint16(5), "5", 5, pa.uint16(), 5),
    (np.uint32(5), "5", 5, pa.uint32(), 5),
    (np.uint64(2**64 - 1), str(2**64 - 1), 2**64 - 1, pa.uint64(), 2**64 - 1),
    (np.float32(0.5), "0.5", 0.5, pa.float32(), 0.5),
    (np.float64(0.1), "0.1", 0.1, pa.float64(), 0.1),
    (np.bool_(True), "True", True, pa.bool_(), True),
    (np.str_("x"), "x", "x", TEXT, "x"),
    (np.bytes_(b"x"), "b'x'", "eA==", pa.large_binary(), b"x"),
    (np.datetime64("2024-01-02T03:04:05"), "2024-01-02T03:04:05", "2024-01-02T03:04:05", US,
     datetime(2024, 1, 2, 3, 4, 5)),
    (np.timedelta64(5, "s"), "P0DT0H0M5S", "P0DT0H0M5S", pa.duration("us"), timedelta(seconds=5)),
]  # fmt: skip
SAID = [
    (Raises(), "<str() of Raises raised ValueError: no text>"),
    (RaisesInRaising(), "<str() of RaisesInRaising raised Error>"),
    (NoStr(), f"<str() of NoStr raised {complaint_of(NoStr())}>"),
]


def quoted(cell: str, special: str) -> str:
    if any(c in cell for c in special):
        return '"' + cell.replace('"', '""') + '"'
    return cell


@pytest.mark.parametrize(
    ("value", "cell", "in_json", "arrow_type", "in_arrow"),
    VALUES,
    ids=[type(row[0]).__name__ for row in VALUES],
)
def test_values(
    tmp_path: Path,
    value: object,
    cell: str,
    in_json: object,
    arrow_type: Any,
    in_arrow: object,
) -> None:
    def use(log: AsyncFileLogger) -> None:
        log("E", x=value)
        log.event("E", "x")(value)

    row = f"{CSV_TIME},E,{quoted(cell, ',' + chr(34))}\n"
    assert log_to(tmp_path / "run.csv", use).read_bytes().decode() == 2 * row

    json_lines = lines(log_to(tmp_path / "run.jsonl", use))
    assert len(json_lines) == 2
    for line in json_lines:
        found = json.loads(line)["x"]
        assert (type(found), repr(found)) == (type(in_json), repr(in_json))

    shown = "None" if value is None else cell
    if arrow_type == pa.large_binary():
        shown = cell.replace("\\", "\\\\")  # escapes are escaped, like all that a line holds
    elif arrow_type in (TEXT, NUMBERS) and (cell == "" or set(cell) & set(" \"'=")):
        shown = '"' + cell.replace('"', '""') + '"'
    text = log_to(tmp_path / "run.log", use).read_bytes().decode()
    assert text == 2 * f"{TEXT_TIME} EVENT    E x={shown}\n"

    run = attolog.read(log_to(tmp_path / "run.atto", use))
    column = pa.table(run["E"])["x"]
    assert column.type == arrow_type
    assert column.to_pylist() == [in_arrow] * 2
    if isinstance(in_arrow, float):  # 0.0 == -0.0
        assert str(column[0]) == str(in_arrow)


@pytest.mark.parametrize(("value", "said"), SAID)
def test_a_str_that_raises_is_said_and_the_caller_goes_on(
    tmp_path: Path, value: object, said: str
) -> None:
    def use(log: AsyncFileLogger) -> None:
        log("E", x=value)
        log.event("E", "x")(value)
        log.log(value)
        log(value)
        log.info(value)
        log.info("{x:5}|{y}", x=1, y=value)
        log.bind(x=value)("E")

    found = objects(log_to(tmp_path / "run.jsonl", use))
    assert [row.get("x", row.get("text", row.get("message"))) for row in found[:5]] == [said] * 5
    assert found[5]["y"] == said
    assert found[6] == {"event": "E", "x": said}


def test_nan_is_not_null(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        for x in (float("nan"), None, np.float32("nan"), 1.5):
            log("E", x)

    assert [line.split(",")[2] for line in lines(log_to(tmp_path / "run.csv", use))] == [
        "nan",
        "",
        "nan",
        "1.5",
    ]
    assert [row["x"] for row in objects(log_to(tmp_path / "run.jsonl", use))] == [
        "NaN",
        None,
        "NaN",
        1.5,
    ]
    column = pa.table(attolog.read(log_to(tmp_path / "run.atto", use))["E"])["x"]
    assert column.null_count == 1
    assert str(column.to_pylist()) == "[nan, None, nan, 1.5]"


NOTE = b"attolog.note"


@pytest.mark.parametrize(
    ("values", "arrow_type", "column", "note"),
    [
        ([1, 2.5], pa.float64(), [1.0, 2.5], None),
        ([1, None], pa.int64(), [1, None], None),
        ([None, None], pa.null(), [None, None], None),
        ([2**53, 0.5], pa.float64(), [2.0**53, 0.5], None),
        ([2**53 + 1, 0.5], TEXT, [str(2**53 + 1), "0.5"], True),
        ([1, 2**64], TEXT, ["1", str(2**64)], True),
        ([True, 1], TEXT, ["True", "1"], True),
        ([True, None], pa.bool_(), [True, None], None),
        ([1, "a"], TEXT, ["1", "a"], True),
        (["a", b"b"], TEXT, ["a", "b'b'"], True),
        ([np.int8(1), np.int16(300)], pa.int64(), [1, 300], None),
        ([DAY, DAY.replace(tzinfo=EAST)], TEXT, None, True),
    ],
)
def test_columns_of_several_types(
    tmp_path: Path,
    values: list[object],
    arrow_type: Any,
    column: list[object] | None,
    note: bool | None,
) -> None:
    def use(log: AsyncFileLogger) -> None:
        for x in values:
            log("E", x)

    table = pa.table(attolog.read(log_to(tmp_path / "run.atto", use))["E"])
    assert table["x"].type == arrow_type
    if column is not None:
        assert table["x"].to_pylist() == column
    metadata = table.schema.field("x").metadata or {}
    assert (NOTE in metadata) == bool(note)


def test_time_of_a_table(tmp_path: Path) -> None:
    run = attolog.read(log_to(tmp_path / "run.atto", lambda log: log("E")))
    column = pa.table(run["E"])["time"]
    assert column.type == pa.timestamp("ns", "UTC")
    assert column.cast(pa.int64()).to_pylist() == [TIME]


def test_what_is_logged_again_and_again_is_the_same(tmp_path: Path) -> None:
    """The fast path and the slow one agree, whatever a call was made with before."""
    kinds: list[Any] = [1, 1.5, "a", None, True, 2**70, "é", b"x", DAY, [1], np.int8(3)]

    def use(log: AsyncFileLogger) -> None:
        event = log.event("E", "x")
        for _ in range(2):
            for x in kinds:
                event(x)
                log("E", x=x)
                log.info("<{x}>", x=x)

    rows = [line.split(",", 2) for line in lines(log_to(tmp_path / "run.csv", use))]
    events = [row[2] for row in rows if row[1] == "E"]
    assert events[::2] == events[1::2]
    assert events[: len(kinds)] == ["1", "1", "1.5", "1.5", "a", "a", "", "", "True", "True",
                                    str(2**70)]  # fmt: skip
    shown = [row[2].strip('"') for row in rows if row[1] == "INFO"]
    assert shown == [f"<{x}>" for x in kinds] * 2


def test_a_file_is_utf_8_whatever_is_logged(tmp_path: Path) -> None:
    text = "".join(map(chr, [0xD800, 0xDFFF, 0x10FFFF, 0, 0x7F, 0x80, 0xFFFF]))

    def use(log: AsyncFileLogger) -> None:
        log("E", x=text)
        log.info("{x}", x=text)
        log.log(text)
        log.print(text)
        log.bind(**{text: 1})("E")

    for suffix in (".csv", ".jsonl", ".log"):
        log_to(tmp_path / f"run{suffix}", use).read_bytes().decode("utf-8")


def test_numpy_times_finer_than_microseconds_are_no_bare_numbers(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path) as log:
        log("T", a=np.datetime64("2026-01-01T00:00:00.123456000"))
        log("T", a=np.datetime64("2026-01-01T00:00:00.123456789"))
        log("T", a=np.timedelta64(5000, "ns"))
    exact, fine, span = (record.fields["a"] for record in attolog.read(path).records())
    assert exact == datetime(2026, 1, 1, 0, 0, 0, 123456)
    assert fine == "2026-01-01T00:00:00.123456789"
    assert span == timedelta(microseconds=5)
