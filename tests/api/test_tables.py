"""The tables of a journal by name, and the libraries that take them."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog._reading.extras import need
from attolog._reading.journal import Journal

pyarrow = pytest.importorskip("pyarrow")

ROWS = 3000
VALUES: dict[str, list[Any]] = {
    "whole": [1, -(2**63), None],
    "real": [0.5, float("inf"), None],
    "mixed": [1, 0.5, None],
    "huge": [2**80, 1, None],
    "truth": [True, False, None],
    "words": ["a", "", "Ä\U0001f600"],
    "raw": [b"\x00\xff", b"", None],
    "naive": [datetime(2026, 1, 2, 3, 4, 5, 6), datetime(1900, 1, 1), None],
    "aware": [datetime(2026, 1, 2, 3, 4, 5, 6, UTC), None, None],
    "day": [date(2026, 1, 2), date(1, 1, 1), None],
    "clock": [time(23, 59, 59, 999999), time(0), None],
    "span": [timedelta(days=-1, microseconds=5), timedelta(0), None],
    "items": [[1, None], [], None],
    "record": [{"x": 1, "y": ["a"]}, {"x": None, "y": []}, None],
    "nothing": [None, None, None],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    path = tmp_path_factory.mktemp("tables") / "run.atto"
    with attolog.AsyncFileLogger(path, on_full="block") as log:
        for n in range(ROWS):
            log("request", n, user="ann" if n % 4 else "bob", ms=n / 8)
        for i in range(3):
            log("VALUES", **{name: values[i] for name, values in VALUES.items()})
        log.info("epoch {epoch} loss={loss:.4f}", 1, 0.5)
        log.info("valid {epoch} acc={acc}", 1, 0.25)
        log("a text")
    return attolog.read(path)


def test_tables_go_by_their_short_names(run: Journal) -> None:
    assert list(run.tables) == ["request", "VALUES", "epoch_loss", "valid_acc", "LOG"]
    assert run.tables["epoch_loss"] is run["epoch_loss"]
    assert run.tables["acc"] is run["valid_acc"]
    assert "epoch_loss" in run.tables and "loss" not in run.tables
    with pytest.raises(KeyError, match=r"did you mean 'epoch_loss'"):
        run.tables["epoch_lose"]


def test_the_overview_has_names_rows_and_columns(run: Journal) -> None:
    lines = repr(run.find("epoch")).splitlines()
    assert [line.split(maxsplit=2) for line in lines] == [
        ["table", "rows", "columns"],
        ["epoch_loss", "1", "epoch, loss"],
        ["valid_acc", "1", "epoch, acc"],
    ]
    assert "request     3,000  n, user, ms" in repr(run.tables)
    assert "... 3 more" in repr(run.tables)  # of the columns of VALUES


def test_an_overview_of_very_many_tables_counts_those_it_leaves_out(tmp_path: Path) -> None:
    with attolog.AsyncFileLogger(tmp_path / "run.atto") as log:
        for n in range(70):
            log(f"event{n}", n=n)
    tables = attolog.read(tmp_path / "run.atto").tables
    assert repr(tables).splitlines()[-1] == "... 10 more tables"
    assert "... 10 more tables" in tables._repr_html_()


@pytest.mark.parametrize(
    ("word", "tables"),
    [
        ("loss", ["epoch_loss"]),
        ("EPOCH", ["epoch_loss", "valid_acc"]),
        ("user", ["request"]),
        ("nowhere", []),
    ],
)
def test_a_word_finds_tables_by_name_and_by_column(
    run: Journal, word: str, tables: list[str]
) -> None:
    assert list(run.find(word)) == tables


def test_columns_have_types_in_words(run: Journal) -> None:
    assert run["request"].columns == {
        "time": "time",
        "n": "int64",
        "user": "text",
        "ms": "float64",
    }
    columns = run["VALUES"].columns
    assert columns["items"] == "list of int64"
    assert columns["record"] == "dict of x: int64, y: list of text"
    assert columns["huge"] == "text"
    assert list(run["request"].select("ms", "n").columns) == ["ms", "n"]


def test_dicts_have_the_values_that_pyarrow_makes(run: Journal) -> None:
    names = list(VALUES)
    found = run["VALUES"].select(*names).to_dicts()
    assert found == pyarrow.table(run["VALUES"].select(*names)).to_pylist()
    for name in set(VALUES) - {"mixed", "huge"}:
        assert [row[name] for row in found] == VALUES[name], name


def test_dicts_have_times_in_nanoseconds(run: Journal) -> None:
    times = [row["time"] for row in run["request"].select("time", last=10).to_dicts()]
    assert times == [record.time for record in run.records(table="request", last=10)]


def test_dicts_of_an_empty_selection_are_none(run: Journal) -> None:
    assert run["request"].select(where="ms < 0").to_dicts() == []


def test_data_frames_have_all_rows(run: Journal) -> None:
    polars = pytest.importorskip("polars")
    pytest.importorskip("pandas")
    request = run["request"]
    frame = request.to_polars()
    assert isinstance(frame, polars.DataFrame)
    assert frame["ms"].to_list() == [n / 8 for n in range(ROWS)]
    assert request.to_arrow()["user"].to_pylist()[:2] == ["bob", "ann"]
    assert request.select("n", last=2).to_pandas()["n"].tolist() == [ROWS - 2, ROWS - 1]


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    run: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("polars", "pyarrow", "pandas", "duckdb"):
        monkeypatch.setitem(sys.modules, module, None)
    request = run["request"]
    for extra, call in (
        ("polars", request.to_polars),
        ("arrow", request.to_arrow),
        ("pandas", request.to_pandas),
        ("sql", lambda: attolog.read(run._path).sql("select 1")),
        ("polars", lambda: attolog.scan(run._path)),
    ):
        with pytest.raises(ImportError) as raised:
            call()
        wanted = f"attolog[{extra}] is missing: pip install 'attolog[{extra}]'"
        assert str(raised.value) == wanted


def test_a_module_that_its_package_lacks_is_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_other.py").write_text("import no_such_package_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package_at_all"):
        need("needs_other", "sql")


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("-5m", None),
        (datetime(2000, 1, 1, tzinfo=UTC), "-0ns"),
        ("2000-01-01", None),
        (0, 2**62),
    ],
)
def test_times_are_texts_datetimes_or_numbers(run: Journal, since: Any, until: Any) -> None:
    assert len(run["request"].select("n", since=since, until=until).to_dicts()) == ROWS
    assert len(list(run.records(table="request", since=since, until=until))) == ROWS


def test_a_span_counts_back_from_the_last_record_of_the_journal(run: Journal) -> None:
    end = run["LOG"].last
    assert end is not None
    assert run["request"].select(since="-250ms").since == end - 250_000_000


def test_a_wrong_name_is_told_the_nearest(run: Journal) -> None:
    request = run["request"]
    with pytest.raises(KeyError) as raised:
        request.select("mss")
    assert str(raised.value) == "'mss' is no column of 'request'; did you mean 'ms'?"
    with pytest.raises(KeyError) as raised:
        request.select(where="usr == 'ann'")
    assert str(raised.value) == "'usr' is no column of 'request'; did you mean 'user'?"
    with pytest.raises(KeyError) as raised:
        request.select("zzz")
    assert str(raised.value) == "'zzz' is no column of 'request'; there are time, n, user, ms"
    with pytest.raises(KeyError, match="'mss' is no column of any table; did you mean 'ms'"):
        run.records(where="mss > 3")
    with pytest.raises(KeyError, match="did you mean 'loss'"):
        run.column("los")


def test_names_of_all_records_are_known_in_every_table(run: Journal) -> None:
    wheres = ["event == 'request'", "thread == 'MainThread'", "time > 0", "message == None"]
    for where in wheres:
        assert len(run["request"].select("n", where=where).to_dicts()) == ROWS, where


def test_the_place_of_a_wrong_expression_is_marked(run: Journal) -> None:
    for select in (run["request"].select, run.records):
        with pytest.raises(ValueError, match="at column 8") as raised:
            select(where="ms > 5 $ 3")
        assert raised.value.__notes__ == ["    ms > 5 $ 3\n           ^"]
    with pytest.raises(ValueError, match="is no time"):
        run["request"].select(since="yesterday")


def test_a_selection_shows_what_was_asked_for(run: Journal) -> None:
    selected = run["request"].select("n", where="ms > 5", last=3)
    assert repr(selected) == "<attolog.Selection of 'request': 'n', where='ms > 5', last=3>"
    assert repr(run["request"].select()) == "<attolog.Selection of 'request': all>"


def test_processes_have_their_threads_and_records(run: Journal) -> None:
    (process,) = run.processes
    records = list(run.records())
    assert process.records == len(records) == len(run["*"])
    assert (process.start, process.end) == (records[0].time, records[-1].time)
    assert (process.pid, process.run) == (records[0].pid, run.runs[0].id)
    assert process.threads == ("MainThread",)
