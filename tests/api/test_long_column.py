"""A column of all tables that have it, as one long table."""

from __future__ import annotations

from pathlib import Path

import pytest

import attolog
from attolog._reading.journal import Journal


@pytest.fixture
def run(tmp_path: Path) -> Journal:
    with attolog.AsyncFileLogger(tmp_path / "run.atto") as log:
        for epoch in range(50):
            log.info("train {epoch} loss={loss}", epoch, 1 / (1 + epoch))
            log("valid", loss=epoch, epoch=epoch, acc=0.5)
            log("other", n=epoch)
        log("odd", table="t", mixed="text", loss=[1])
        log("even", table="u", mixed=7)
    return attolog.read(tmp_path / "run.atto")


def test_rows_come_in_the_order_of_time_with_the_name_of_their_table(run: Journal) -> None:
    rows = run.column("epoch").to_dicts()
    assert list(rows[0]) == ["time", "table", "epoch", "loss"]
    assert [row["table"] for row in rows[:4]] == ["train_loss", "valid"] * 2
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert [row["loss"] for row in rows[2:4]] == [0.5, 1.0]
    assert len(rows) == 100


def test_a_column_of_different_types_is_one_of_texts(run: Journal) -> None:
    column = run.column("mixed")
    assert column.columns == {"time": "time", "table": "text", "mixed": "text", "table_": "text"}
    assert [(row["mixed"], row["table_"]) for row in column.to_dicts()] == [
        ("text", "t"),
        ("7", "u"),
    ]
    assert run.column("loss").columns["loss"] == "text"  # of floats and a list


def test_rows_are_selected_by_time_and_expression(run: Journal) -> None:
    assert len(run.column("epoch", where="epoch >= 40").to_dicts()) == 20
    moment = run.column("epoch").to_dicts()[90]["time"]
    assert len(run.column("epoch", since=moment).to_dicts()) == 10
    assert len(run.column("epoch", until=moment).to_dicts()) == 91
    assert len(run.column("epoch", since="-5m").to_dicts()) == 100
    with pytest.raises(KeyError, match="did you mean 'epoch'"):
        run.column("loss", where="epoc > 1")


def test_a_column_that_no_table_has_is_refused(run: Journal) -> None:
    for name in ("los", "time", "level"):
        with pytest.raises(KeyError, match=f"'{name}' is no column of any table"):
            run.column(name)


def test_a_notebook_shows_the_first_rows_and_the_tables(run: Journal) -> None:
    shown = run.column("acc")._repr_html_()
    assert "attolog.LongColumn &#x27;acc&#x27; of 1 table: valid" in shown
    assert shown.count("<tr>") == 6
    recent = run.column("epoch")._recent(10)
    assert [row["epoch"] for row in recent.to_dicts()] == [e for e in range(45, 50) for _ in (0, 1)]


def test_it_may_be_passed_over_again(run: Journal) -> None:
    column = run.column("n")
    assert column.to_dicts() == column.to_dicts() != []
