"""SQL over the tables of a journal, by DuckDB."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import attolog
from attolog._reading.journal import Journal

duckdb = pytest.importorskip("duckdb")


@pytest.fixture
def run(tmp_path: Path) -> Journal:
    with attolog.AsyncFileLogger(tmp_path / "run.atto") as log:
        for n in range(100):
            log("request", n, user="ann" if n % 4 else "bob", ms=n / 8)
            log.info("epoch {epoch} loss={loss:.4f}", n, 1 / (1 + n))
        log("REQUEST", n=1)
        log("records", n=2)
        log("order", n=3)
    return attolog.read(tmp_path / "run.atto")


def test_each_table_is_a_view_under_its_short_name(run: Journal) -> None:
    query = "select user, count(*), max(ms) from request group by user order by user"
    assert run.sql(query).fetchall() == [("ann", 75, 12.375), ("bob", 25, 12.0)]
    assert run.sql("select min(loss) from epoch_loss").fetchall() == [(0.01,)]
    assert run.sql('select n from "order"').fetchall() == [(3,)]


def test_tables_are_joined(run: Journal) -> None:
    query = "select loss, ms from request join epoch_loss on n = epoch where n = 3"
    assert run.sql(query).fetchall() == [(0.25, 0.375)]


def test_records_are_the_records_of_all_tables(run: Journal) -> None:
    assert run.sql("select count(*) from records").fetchall() == [(203,)]
    assert run.sql("select text from records where event = 'records'").fetchall() == [
        ("records n=2",)
    ]


def test_names_that_are_equal_in_sql_have_numbers(run: Journal) -> None:
    assert run.sql("select n from REQUEST_2").fetchall() == [(1,)]
    assert run.sql("select n from records_2").fetchall() == [(2,)]
    assert len(run.sql("show tables").fetchall()) == 6


def test_a_relation_may_be_fetched_again(run: Journal) -> None:
    relation = run.sql("select n from request order by n desc limit 2")
    assert relation.fetchall() == [(99,), (98,)]
    relation = run.sql("select n from request order by n desc limit 2")
    assert relation.filter("n < 99").fetchall() == [(98,)]


def test_parameters_are_values(run: Journal) -> None:
    query = "select count(*) from request where user = ? and ms > ?"
    assert run.sql(query, params=["bob", 6]).fetchall() == [(12,)]


def test_times_are_utc(run: Journal) -> None:
    first = run["request"].first
    assert first is not None
    ((text,),) = run.sql("select cast(min(time) as text) from request").fetchall()
    assert text.startswith(f"{datetime.fromtimestamp(first // 10**9, UTC):%Y-%m-%d %H:%M:%S}")


def test_a_wrong_query_is_an_error_of_duckdb(run: Journal) -> None:
    with pytest.raises(duckdb.Error, match="nowhere"):
        run.sql("select * from nowhere")


def test_a_run_has_its_own_records_alone(tmp_path: Path, run: Journal) -> None:
    assert run.runs[0].sql("select count(*) from request").fetchall() == [(100,)]
