"""`attolog.scan`: a polars LazyFrame whose query reaches the native reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog._reading.arrow import Stream
from attolog._reading.journal import Journal
from attolog._reading.predicate import Predicate

pl = pytest.importorskip("polars")

ROWS = 2000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scan") / "run.atto"
    with attolog.AsyncFileLogger(path, on_full="block") as log:
        for n in range(ROWS):
            user = "ann" if n % 4 else "bob"
            fields: dict[str, Any] = {"user": user, "ms": n / 8, "ok": n % 3 == 0}
            if n % 10 == 5:
                fields["ms"] = float("nan")
            if n % 10 == 7:
                del fields["ms"]
            if n % 10 == 8:
                fields["user"] = None
            log("request", n=n, mixed=n if n % 2 else "text", **fields)
            log("other", n)
    return path


@pytest.fixture(scope="module")
def run(path: Path) -> Journal:
    return attolog.read(path)


@pytest.fixture
def selections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The selections of tables that are read."""
    found: list[Any] = []

    def reading(rows: Any) -> Stream:
        found.append(rows)
        return Stream(rows)

    monkeypatch.setattr("attolog._reading.scan.Stream", reading)
    return found


def col(name: str) -> Any:
    return pl.col(name)


def moment(run: Journal, row: int) -> datetime:
    """The time of a row, cut off after the microseconds."""
    ns = run["request"].select("time").to_dicts()[row]["time"]
    return EPOCH + timedelta(microseconds=ns // 1000)


CONDITIONS: list[tuple[Callable[[], Any], str | None]] = [
    (lambda: col("n") > 1990, "(n > 1990)"),
    (lambda: col("ms") > 200, "(not ms <= 200.0)"),
    (lambda: col("ms") <= 3, "(ms <= 3.0)"),
    (lambda: col("ms") != 3, "(ms != 3.0)"),
    (lambda: col("user") == "bob", "(user == 'bob')"),
    (lambda: col("user") != "bob", "(user != 'bob')"),
    (lambda: col("user").is_in(["bob", "eve"]), "(user in ('bob', 'eve',))"),
    (lambda: col("n").is_in([3, 5]), "(n in (3, 5,))"),
    (lambda: col("n").is_between(3, 5), "(n >= 3) and (n <= 5)"),
    (lambda: col("ok"), "(ok == True)"),
    (lambda: ~col("ok"), "(ok == False)"),
    (lambda: pl.lit(5) > col("n"), "(n < 5)"),
    (lambda: (col("n") > 5) & (col("user") == "ann"), "(n > 5) and (user == 'ann')"),
    (lambda: (col("n") < 5) | (col("user") == "bob"), "((n < 5) or (user == 'bob'))"),
    (lambda: (col("n") < 5) & col("user").str.starts_with("a"), "(n < 5)"),
    (lambda: (col("n") < 5) | col("user").str.starts_with("a"), None),
    (lambda: col("n") > 1.5, "(n > 1.5)"),
    (lambda: col("n") > col("ms"), None),
    (lambda: col("user") > "b", None),
    (lambda: col("user").is_null(), None),
    (lambda: col("ms").is_nan(), None),
    (lambda: col("mixed") == "7", None),
    (lambda: col("user") == "a\\b", None),
    (lambda: col("n") > 2.0**60, None),
    (lambda: ~(col("n") > 5) & ~(col("user") == "bob"), "(n <= 5) and (user != 'bob')"),
]


@pytest.mark.parametrize(("condition", "where"), CONDITIONS)
def test_a_condition_gives_the_rows_that_polars_gives(
    path: Path, run: Journal, condition: Callable[[], Any], where: str | None
) -> None:
    expected = run["request"].to_polars().filter(condition())
    found = attolog.scan(path, table="request").filter(condition()).collect()
    assert found.equals(expected)


@pytest.mark.parametrize(("condition", "where"), CONDITIONS)
def test_a_condition_reaches_the_reader_as_far_as_it_can(
    path: Path, selections: list[Any], condition: Callable[[], Any], where: str | None
) -> None:
    attolog.scan(path, table="request").filter(condition()).collect()
    assert [selection.where for selection in selections] == [where]


def test_the_reader_looks_for_no_less_than_the_condition_keeps(run: Journal) -> None:
    table = run["request"]
    frame = table.to_polars()
    for condition, where in CONDITIONS:
        if where is not None:
            found = Predicate(table, condition()).where
            rows = {row["n"] for row in table.select("n", where=found).to_dicts()}
            assert set(frame.filter(condition())["n"]) <= rows, where


def test_bounds_of_time_reach_the_reader(path: Path, run: Journal, selections: list[Any]) -> None:
    start, end = moment(run, 500), moment(run, 700)
    frame = attolog.scan(path, table="request")
    found = frame.filter(col("time") > start, col("time") <= end).collect()
    expected = run["request"].to_polars().filter(col("time") > start, col("time") <= end)
    assert found.equals(expected) and 0 < len(found) < ROWS
    (selection,) = selections
    rows = len(selection.to_dicts())
    assert len(found) <= rows <= len(found) + 2
    between = frame.filter(col("time").is_between(start, end)).collect()
    assert selections[1].since is not None and selections[1].until is not None
    assert len(between) >= len(found)


def test_only_columns_that_are_needed_are_made(path: Path, selections: list[Any]) -> None:
    frame = attolog.scan(path, table="request")
    found = frame.filter(col("n") < 3, col("ms") < 100).select("user").collect()
    assert found.rows() == [("bob",), ("ann",), ("ann",)]
    (selection,) = selections
    assert set(selection.names) == {"user", "n", "ms"}


def test_a_limit_ends_the_reading(path: Path, selections: list[Any]) -> None:
    assert attolog.scan(path, table="request").head(3).collect()["n"].to_list() == [0, 1, 2]
    assert attolog.scan(path, table="request").select(pl.len()).collect().item() == ROWS
    assert attolog.scan(path, table="request").filter(col("n") > 7).head(2).collect().height == 2


def test_without_a_table_it_is_all_records(path: Path, run: Journal) -> None:
    frame = attolog.scan(path)
    assert frame.collect_schema().names() == ["time", "event", "level", "text", "thread", "pid"]
    assert frame.select(pl.len()).collect().item() == 2 * ROWS
    counts = frame.group_by("event").len().sort("event").collect()
    assert counts.rows() == [("other", ROWS), ("request", ROWS)]
    late = frame.filter(col("time") >= moment(run, ROWS - 1), col("event") == "other")
    assert 1 <= late.collect().height <= 2


def test_the_frame_is_of_the_records_that_there_were(tmp_path: Path) -> None:
    with attolog.AsyncFileLogger(tmp_path / "run.atto") as log:
        log("request", n=1)
        log.flush()
        frame = attolog.scan(tmp_path / "run.atto", table="request")
        log("request", n=2)
    assert frame.collect()["n"].to_list() == [1]
    assert frame.collect()["n"].to_list() == [1]


def test_a_wrong_file_or_table_is_refused_at_once(path: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        attolog.scan(tmp_path / "none.atto")
    with pytest.raises(KeyError, match="did you mean 'request'"):
        attolog.scan(path, table="requst")
