"""The lines that the native reader composes are those of `attolog._cli.show`, byte for byte."""

import ctypes
import datetime as dt
import decimal
import enum
import signal
from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog import _core
from attolog._cli.show import line, line_with_origin
from attolog._reading.journal import Journal, Record

from .helpers import run_python
from .journal_by_hand import Row, Site, Tagged, block

np = pytest.importorskip("numpy")

TEXTS = [
    "",
    "ann",
    "two words",
    "a=b",
    'say "hi"',
    "it's",
    "back\\slash",
    "new\nline\rand\ttab\0",
    "\x1b[31mred\x7f\x85\x9f",
    "é ß 日本 🎉",
    "nbsp\xa0\xad",
    "\u2028\u2029\u200e\u200f\u202a\u202e\u2066\u2069\u206a\u2065\ufeff",
    "\ud800 \udfff \ud83d\ude00",
    "'\"",
    "x" * 500,
]


class Colour(enum.Enum):
    RED = 1


class Loud(str):
    def __repr__(self) -> str:
        return "LOUD"


ZONES = [
    dt.UTC,
    dt.timezone(dt.timedelta(hours=-5, minutes=-30)),
    dt.timezone(dt.timedelta(hours=23, minutes=59, seconds=59)),
]
VALUES: list[Any] = [
    *TEXTS,
    *(text.encode(errors="surrogatepass") for text in TEXTS),
    None,
    True,
    False,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    2**63,
    -(2**64),
    10**100,
    10**5000,
    -(10**4299),
    0.0,
    -0.0,
    0.1,
    1e16,
    1e-7,
    5.0,
    float("nan"),
    float("inf"),
    -float("inf"),
    *(dt.datetime(2026, 1, 2, 3, 4, 5, us, zone) for us in (0, 60) for zone in [None, *ZONES]),
    dt.datetime.min,
    dt.datetime.max,
    dt.datetime.min.replace(tzinfo=ZONES[2]),
    dt.datetime.max.replace(tzinfo=ZONES[1]),
    dt.date.min,
    dt.date.max,
    dt.date(2026, 1, 2),
    dt.time(0),
    dt.time(23, 59, 59, 999_999),
    dt.timedelta(0),
    dt.timedelta(days=-1, microseconds=500),
    dt.timedelta(days=1, hours=11),
    dt.timedelta(days=100_000_000),
    decimal.Decimal("1.50"),
    Colour.RED,
    Loud("x"),
    [np.int8(-5), np.uint64(2**64 - 1), np.float32(0.1), np.float64(0.1)],
    np.int8(-5),
    np.uint64(2**64 - 1),
    np.float32(0.1),
    np.float64(1e300),
    [],
    [1],
    [1, "two", None, True, 0.5, 1e16, -0.0],
    (),
    (1,),
    (1, [2, (3, 4)]),
    {},
    {"a": 1},
    {"a b": {"c": [1, {"d": None}]}, "it's": "a\"'b", "\x07\n\\": "\x80\u2028"},
    {1: 2},
    {"1": 2},
    {None: True},
    {(1, 2): 3},
    [float("nan"), float("inf")],
    ["NaN", "nan"],
    ["\ud800", "\ud83d\ude00", "🎉", "é", "\xa0", "\u200b", "\U000e0001"],
    [dt.date(2026, 1, 2), b"x"],
    [Loud("x"), Colour.RED],
    {Loud("k"): 1},
    [10**30, -(10**30)],
    [[[[[[[[[[]]]]]]]]]],
]


def shown(records: Iterator[Record], origin: bool) -> bytes:
    show = line_with_origin if origin else line
    return b"".join(show(each).encode(errors="backslashreplace") + b"\n" for each in records)


def composed(reader: _core.Reader, **query: Any) -> bytes:
    return b"".join(reader.lines(**query))


def check(path: Path) -> bytes:
    """Compare all lines, one at a time, and return them."""
    reader = _core.Reader(str(path))
    for origin in (True, False):
        expected = shown(Journal(str(path), lambda: reader).records(), origin)
        got = composed(reader, origin=origin)
        for mine, theirs in zip(got.splitlines(), expected.splitlines(), strict=False):
            assert mine == theirs
        assert got == expected
    return got


def test_events_of_all_values_have_the_lines_of_python(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path) as log:
        for value in VALUES:
            log("request", value, user=value)
            log("request", value, value, value, user=value)  # some without a name
    assert len(check(path).splitlines()) == 2 * len(VALUES)


def test_messages_of_all_values_have_the_lines_of_python(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    levels = ("debug", "info", "warning", "error", "critical")
    with attolog.AsyncFileLogger(path) as log:
        for i, value in enumerate(VALUES):
            getattr(log, levels[i % 5])("the {value!s:>4} of {user}", value, user=value, beside=1)
            log.info("holes {} {a.b} {c", value)
            log.log(value)
            log.print(value, value, sep="\n")
            log.print(value, end="\n\n")
        try:
            raise ValueError("two\nlines")
        except ValueError:
            log.exception("failed")
    assert len(check(path).splitlines()) == 5 * len(VALUES) + 1


def test_names_that_do_not_fit_the_site_table_have_the_lines_of_python(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    use = """import attolog, sys
with attolog.AsyncFileLogger(sys.argv[1], on_full="block") as log:
    for i in range(66_000):
        log(f"E{i}")
    for i in range(100):
        log(f"late{i}", 1, **{f"field {i}": i / 8, "\\n": None})
        log.warning(f"m{i} {{}} {{x:>9}}", "a b", x="\\x1b")
"""
    run_python(use, path)
    assert b"m99 a b" in check(path)


def test_names_in_records_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    event = Site("", (), None, "inline_event")
    sampled = Site("", (), "every:10", "inline_event")
    message = Site("", (), None, "inline_message", 30)
    rows: list[Row] = [
        (event, ("request", "user", "ann", "user", "bob", "a\nb", 1)),
        (event, (7, 8, 9, "left")),
        (event, ()),
        (sampled, ("request", "ms", 8.0, 2.0)),
        (message, ("took {} and {}", 7, "a b")),
        (message, ("took {} and {} and {}", 7)),
        (message, ()),
    ]
    path.write_bytes(block(rows, 7))
    assert len(check(path).splitlines()) == len(rows)


def test_samples_show_their_weight(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.SampledLogger(path, strategy=attolog.Every(10)) as log:
        for i in range(100):
            log("request", ms=i)
            log.info("took {ms}", i)
    assert b"weight=10.0" in check(path)


WILD = [-(2**63), 2**63 - 1, -1, 0, 86_399_999_999, 86_400_000_000, -719_163, 2_932_897]
WILD += [-62_135_596_800_000_000 - 1, -62_135_596_800_000_000, 253_402_300_800_000_000]


def test_values_that_python_does_not_have_are_shown_by_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    rows: list[Row] = [
        (Site(f"E{tag}{number}", ("value",)), (Tagged(tag, number),))  # no delta is beyond 64 bits
        for tag in (14, 16, 17, 18, 19)
        for number in WILD
    ]
    path.write_bytes(block(rows, 7))
    assert len(check(path).splitlines()) == len(rows)


def test_damaged_and_repeated_names_have_the_lines_of_python(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    bad = "\udced\udca0\udc80 \udcff\udcc3 é"
    sites = [
        Site(f"E{bad}", (bad, "v2", "x")),
        Site("twice", ("x", "x", "x")),
        Site("number", ("v2", "v3")),
        Site("weighed", ("x", "weight"), "every:10"),
        Site(f"{{}} {bad} {{}}", ("a", "b"), kind="message", level=5),
        Site("loud {}", ("a",), kind="message", level=99),
        Site("", ("text",), kind="text"),
        Site("", ("text",), kind="print", level=30),
        Site("DROPPED", ("n", "since"), kind="dropped"),
        Site("CLOCK", ("jump",), kind="clock"),
    ]
    rows: list[Row] = []
    for site in sites:
        rows += [(site, ()), (site, (bad,)), (site, (1, bad)), (site, (bad, 0.5))]
        rows += [(site, (1, 2, 3.0)), (site, (1, "\n", bad, "=", 4.0)), (site, ("a\n\n",))]
    path.write_bytes(block(rows, 7))
    check(path)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lines") / "run.atto"
    with attolog.AsyncFileLogger(path, on_full="block") as log:
        for n in range(200_000):  # some blocks
            log("request", ms=n / 8, user="ann" if n % 3 else "bob")
            log.info("queue {q} has {n}", "a", n)
    return path


def test_several_threads_keep_the_order_of_time(large: Path) -> None:
    reader = _core.Reader(str(large))
    chunks = list(reader.lines())
    assert len(chunks) > 10
    assert all(each.endswith(b"\n") and len(each) < 300_000 for each in chunks)
    expected = shown(Journal(str(large), lambda: reader).records(), False)
    assert b"".join(chunks) == expected


def test_lines_are_selected_as_records_are(large: Path) -> None:
    reader = _core.Reader(str(large))
    journal = Journal(str(large), lambda: reader)
    times = [record.time for record in journal.records(table="request", last=2000)]
    queries: list[dict[str, Any]] = [
        {"table": "request", "last": 3},
        {"where": "ms > 20 and user == 'bob'"},
        {"where": "'has 77' in message"},
        {"since": times[0], "until": times[1000]},
        {"table": "request", "where": "ms > 24990", "since": times[1]},
        {"last": 10},
        {"last": 0},
    ]
    for query in queries:
        expected = shown(journal.records(**query), False)
        where = query.get("where")
        assert composed(reader, **query) == expected, where


def test_lines_that_are_given_up_end_their_threads(large: Path) -> None:
    reader = _core.Reader(str(large))
    for taken in range(4):
        chunks = reader.lines()
        for _ in range(taken):
            next(chunks)
        del chunks


def test_a_handler_of_a_signal_runs_between_two_chunks(large: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    # No code of Python's runs between the signal and the first chunk.
    raise_signal = getattr(ctypes.PyDLL(None), "raise")
    reader = _core.Reader(str(large))
    chunks = reader.lines()
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            deque(chain(map(raise_signal, [signal.SIGUSR1]), chunks), maxlen=0)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert b"".join(chunks) == composed(reader)


def test_a_block_that_was_damaged_since_is_left_out(large: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    data = bytearray(large.read_bytes())
    path.write_bytes(data)
    reader = _core.Reader(str(path))
    whole = composed(reader)
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    left = composed(reader)
    assert 0 < len(left) < len(whole)
    assert any("was changed while it was read" in each for each in reader.problems())


def test_wrong_tables_and_expressions_are_refused(large: Path) -> None:
    reader = _core.Reader(str(large))
    with pytest.raises(KeyError, match="nothing"):
        reader.lines(table="nothing")
    with pytest.raises(ValueError, match="at column 5"):
        reader.lines(where="ms >")
    with pytest.raises(TypeError):
        reader.lines(since="yesterday")  # type: ignore[arg-type]
