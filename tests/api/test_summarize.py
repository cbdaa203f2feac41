"""Figures of tables, against figures that Python makes of the records."""

import ctypes
import math
import operator
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog import _core
from attolog._reading.journal import Journal, Record

from .journal_by_hand import Row, Site, block

N = 120_000  # some blocks
USERS = ["ann", "bob", "a longer name"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("summarize") / "run.atto"
    with attolog.AsyncFileLogger(path, on_full="block") as log:
        for n in range(N):
            if n % 3 == 0:
                log.warning("queue {q} has {n}", "a", n)
            elif n % 1000 == 1:
                log("request", ms=None, user=USERS[n % 3], hit=None)
            else:
                log("request", ms=(n * 37 % 1000) / 8, user=USERS[n % 7 % 3], hit=n % 5 == 0)
    return path


@pytest.fixture(scope="module")
def reader(path: Path) -> _core.Reader:
    return _core.Reader((str(path),))


@pytest.fixture(scope="module")
def requests(reader: _core.Reader) -> list[Record]:
    return list(Journal("run.atto", lambda: reader).records(table="request"))


def column(figures: Any, name: str) -> dict[str, Any]:
    (found,) = (dict(each) for each in figures["columns"] if each["name"] == name)
    return found


def quantile(numbers: Sequence[float], q: float) -> float:
    return sorted(numbers)[max(math.ceil(q * len(numbers)), 1) - 1]


def check_numbers(found: dict[str, Any], numbers: list[float]) -> None:
    assert found["kind"] == "number"
    assert found["count"] == len(numbers)
    assert (found["min"], found["max"]) == (min(numbers), max(numbers))
    assert found["sum"] == math.fsum(numbers)
    assert found["mean"] == pytest.approx(math.fsum(numbers) / len(numbers), rel=1e-12)
    for name, q in (("p50", 0.5), ("p99", 0.99)):
        assert found[name] == pytest.approx(quantile(numbers, q), rel=0.01)
    assert (found["top"], found["distinct"], found["not_finite"]) == ([], None, 0)


def check_texts(found: dict[str, Any], kind: str, values: list[Any]) -> None:
    counts = Counter(values)
    assert found["kind"] == kind
    assert found["count"] == len(values)
    assert found["top"] == sorted(counts.items(), key=lambda each: (-each[1], str(each[0])))
    assert (found["distinct"], found["exact"]) == (len(counts), True)
    assert found["min"] is found["max"] is found["mean"] is found["p50"] is None


def test_figures_of_a_table_are_those_of_its_records(
    reader: _core.Reader, requests: list[Record]
) -> None:
    figures = reader.summarize("request", bins=10)
    assert figures["rows"] == figures["weight"] == len(requests)
    assert (figures["first"], figures["last"]) == (requests[0].time, requests[-1].time)
    assert figures["span"] == (requests[0].time, requests[-1].time)
    assert len(figures["histogram"]) == 10 and sum(figures["histogram"]) == len(requests)
    assert [each["name"] for each in figures["columns"]] == ["ms", "user", "hit"]
    numbers = [record.fields["ms"] for record in requests if record.fields["ms"] is not None]
    check_numbers(column(figures, "ms"), numbers)
    check_texts(column(figures, "user"), "text", [each.fields["user"] for each in requests])
    hits = [each.fields["hit"] for each in requests if each.fields["hit"] is not None]
    check_texts(column(figures, "hit"), "bool", hits)
    assert "groups" not in figures


def test_bytes_are_a_table_s_share_of_the_file(path: Path, reader: _core.Reader) -> None:
    names = [table[0] for table in reader.tables()]
    total = sum(reader.summarize(name)["bytes"] for name in names)
    assert 0.9 * path.stat().st_size < total < path.stat().st_size
    estimated = sum(reader.summarize(name, columns=())["bytes"] for name in names)
    assert 0.9 * path.stat().st_size < estimated < path.stat().st_size


def test_columns_come_in_the_order_asked_for(reader: _core.Reader) -> None:
    figures = reader.summarize("request", columns=("user", "ms"))
    assert [each["name"] for each in figures["columns"]] == ["user", "ms"]
    nothing = reader.summarize("request", columns=())
    assert nothing["columns"] == []
    assert (nothing["rows"], nothing["first"]) == (figures["rows"], figures["first"])


def test_groups_have_figures_of_their_own(reader: _core.Reader, requests: list[Record]) -> None:
    figures = reader.summarize("request", columns=("ms",), by="user", bins=4)
    assert set(figures["groups"]) == set(USERS)
    for user, group in figures["groups"].items():
        mine = [each for each in requests if each.fields["user"] == user]
        numbers = [each.fields["ms"] for each in mine if each.fields["ms"] is not None]
        assert group["rows"] == len(mine) == sum(group["histogram"])
        check_numbers(column(group, "ms"), numbers)
    hits = reader.summarize("request", columns=(), by="hit")["groups"]
    assert set(hits) == {True, False, None}
    assert sum(each["rows"] for each in hits.values()) == len(requests)


def test_a_where_and_times_choose_the_records(reader: _core.Reader, requests: list[Record]) -> None:
    since, until = requests[5000].time, requests[-5000].time
    query: dict[str, Any] = {"where": "ms > 20 and user == 'bob'", "since": since, "until": until}
    figures = reader.summarize("request", columns=("ms",), bins=3, **query)
    numbers = [
        each.fields["ms"]
        for each in requests
        if since <= each.time <= until
        and each.fields["ms"] is not None
        and each.fields["ms"] > 20
        and each.fields["user"] == "bob"
    ]
    check_numbers(column(figures, "ms"), numbers)
    assert figures["rows"] == len(numbers) == sum(figures["histogram"])
    assert figures["span"] == (since, until)
    none = reader.summarize("request", where="ms > 1e9", bins=2)
    assert (none["rows"], none["first"], none["last"], none["span"]) == (0, None, None, None)
    assert none["histogram"] == [0, 0]
    assert column(none, "ms")["min"] is None and column(none, "user")["top"] == []


def test_all_tables_are_summarized_in_one_pass(reader: _core.Reader) -> None:
    figures = reader.summarize_all(bins=5)
    names = [table[0] for table in reader.tables()]
    assert figures == [reader.summarize(name, bins=5) for name in names]


def test_figures_do_not_depend_on_the_threads(reader: _core.Reader) -> None:
    assert reader.summarize("request", by="user") == reader.summarize("request", by="user")
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(reader.summarize("request", by="user")))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [reader.summarize("request", by="user")] * 3


def test_samples_count_as_the_calls_that_they_stand_for(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.SampledLogger(path, strategy=attolog.Every(10)) as log:
        for n in range(1000):
            log("request", ms=n, user="ann")
    reader = _core.Reader((str(path),))
    figures = reader.summarize("request", bins=1)
    assert figures["rows"] == 100
    assert figures["weight"] == 1000
    assert figures["histogram"] == [1000]
    assert [each["name"] for each in figures["columns"]] == ["ms", "user"]
    assert column(figures, "user")["top"] == [("ann", 1000)]
    assert column(figures, "ms")["count"] == 100
    assert reader.summarize("request", columns=())["weight"] == 1000
    weights = column(reader.summarize("request", columns=("weight",)), "weight")
    assert (weights["min"], weights["max"]) == (10.0, 10.0)


def test_values_of_all_kinds_have_figures(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    texts = [f"text {n}" for n in range(20_000)]
    with attolog.AsyncFileLogger(path, on_full="block") as log:
        for n, text in enumerate(texts):
            log("request", int=2**63 - 1 - n, mixed=text if n % 2 else n, many=text, nested=[n])
        log("request", huge=10**30, special=float("nan"))
        log("request", huge=-(2**64), special=float("inf"))
        log("request", huge=10**5000, special=0.5)
    figures = _core.Reader((str(path),)).summarize("request")
    ints = column(figures, "int")
    assert (ints["min"], ints["max"]) == (2**63 - len(texts), 2**63 - 1)
    assert column(figures, "mixed")["kind"] == "other"
    assert column(figures, "mixed")["max"] == len(texts) - 2
    many = column(figures, "many")
    assert (many["count"], many["exact"], len(many["top"])) == (len(texts), False, 10)
    assert (column(figures, "nested")["kind"], column(figures, "nested")["count"]) == (
        "other",
        len(texts),
    )
    huge = column(figures, "huge")
    assert (huge["min"], huge["max"], huge["not_finite"]) == (-(2.0**64), 1e30, 1)
    special = column(figures, "special")
    assert (special["count"], special["min"], special["not_finite"]) == (3, 0.5, 2)


def test_groups_of_equal_keys_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    values = [1, True, 1.0, "1", "(others)", None]
    with attolog.AsyncFileLogger(path) as log:
        for value in values:
            log("request", key=value)
        for n in range(2000):
            log("many", key=n)
    reader = _core.Reader((str(path),))
    groups = reader.summarize("request", by="key")["groups"]
    assert [each["rows"] for each in groups.values()] == [1] * len(values)
    many = reader.summarize("many", by="key")["groups"]
    assert len(many) == 1001
    assert many["(others)"]["rows"] == 1000


def test_messages_prints_and_rows_of_attolog_have_figures(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path) as log:
        log.info("took {ms}", 7)
        log.print("text")
        log.log("sentence")
    reader = _core.Reader((str(path),))
    for table in reader.tables():
        assert reader.summarize(table[0])["rows"] == 1


def test_names_that_travel_in_records_have_figures(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    inline = Site("", (), None, "inline_event")
    rows: list[Row] = [
        (Site("request", ("ms",)), (1,)),
        (inline, ("request", "ms", 3)),
        (inline, ("other", "ms", 5)),
    ]
    path.write_bytes(block(rows, 7))
    reader = _core.Reader((str(path),))
    figures = reader.summarize("request")
    assert (figures["rows"], column(figures, "ms")["sum"]) == (2, 4)
    assert reader.summarize("other", columns=())["rows"] == 1


def test_a_block_that_was_damaged_since_is_left_out(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run.atto"
    data = bytearray(path.read_bytes())
    copy.write_bytes(data)
    reader = _core.Reader((str(copy),))
    whole = reader.summarize("request")
    data[len(data) // 2] ^= 0xFF
    copy.write_bytes(data)
    left = reader.summarize("request")
    assert 0 < left["rows"] < whole["rows"]
    assert any("was changed while it was read" in each for each in reader.problems())


def test_wrong_names_and_numbers_are_refused(reader: _core.Reader) -> None:
    with pytest.raises(KeyError, match="nothing"):
        reader.summarize("nothing")
    with pytest.raises(KeyError, match="wrong"):
        reader.summarize("request", columns=("ms", "wrong"))
    with pytest.raises(KeyError, match="wrong"):
        reader.summarize("request", by="wrong")
    with pytest.raises(ValueError, match="at column 5"):
        reader.summarize("request", where="ms >")
    with pytest.raises(ValueError, match="0 to 100000 bins"):
        reader.summarize("request", bins=-1)
    with pytest.raises(ValueError, match="0 to 1000 bins"):
        reader.summarize("request", bins=1001, by="user")
    with pytest.raises(TypeError):
        reader.summarize("request", columns=["ms"])  # type: ignore[arg-type]


def test_a_handler_of_a_signal_ends_the_pass(reader: _core.Reader) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    # No code of Python's runs between the signal and the pass.
    raise_signal = getattr(ctypes.PyDLL(None), "raise")
    calls = [partial(raise_signal, signal.SIGUSR1), partial(reader.summarize, "request")]
    results: list[object] = []
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            results.extend(map(operator.call, calls))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert results == [0]


def test_calls_are_counted_by_level(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path) as log:
        log("request", ms=1)
        for n in range(3):
            log.info("step {n}", n)
        log.error("step {n}", 3)
    reader = attolog.read(path)._reader
    assert reader.summarize("step {n}")["levels"] == {"INFO": 3, "ERROR": 1}
    assert reader.summarize("request")["levels"] == {}
