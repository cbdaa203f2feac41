"""Some records of a journal, and some rows and columns of its tables."""

from typing import Any

import pytest

import attolog
from attolog._reading.journal import Journal

pyarrow = pytest.importorskip("pyarrow")

ROWS = 300_000  # some blocks


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    path = tmp_path_factory.mktemp("select") / "run.atto"
    with attolog.AsyncFileLogger(path, on_full="block") as log:
        for n in range(ROWS):
            if n % 1000 == 7:
                log.warning("queue {q} has {n}", "a", n)
            elif n % 3 == 0:
                log("OTHER", n, text=f"text {n % 50}", size=n * 0.5)
            else:
                log("DONE", n, ms=n / 8, model="A" if n % 2 else "B")
    return attolog.read(path)


def rows(table: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pyarrow.table(table).to_pylist()
    return found


def test_a_table_has_the_rows_that_were_logged_in_their_order(run: Journal) -> None:
    done = [n for n in range(ROWS) if n % 1000 != 7 and n % 3 != 0]
    table = pyarrow.table(run["DONE"])
    assert table["n"].to_pylist() == done
    assert table["ms"].to_pylist() == [n / 8 for n in done]
    assert table["time"].to_pylist() == sorted(table["time"].to_pylist())
    assert len(run["DONE"]) == len(done)


def test_columns_come_in_the_order_asked_for(run: Journal) -> None:
    selected = run["DONE"].select("model", "n", last=2)
    assert pyarrow.table(selected).column_names == ["model", "n"]
    assert rows(selected) == [
        {"model": "B", "n": ROWS - 2},
        {"model": "A", "n": ROWS - 1},
    ]


@pytest.mark.parametrize("last", [0, 1, 1000, ROWS * 2])
def test_the_last_rows_are_those_of_the_whole_table(run: Journal, last: int) -> None:
    whole = pyarrow.table(run["OTHER"].select("n"))["n"].to_pylist()
    selected = pyarrow.table(run["OTHER"].select("n", last=last))["n"].to_pylist()
    assert selected == whole[max(len(whole) - last, 0) :]


def test_rows_match_an_expression(run: Journal) -> None:
    selected = run["DONE"].select("n", where="ms > 1000 and model == 'B'")
    expected = [n for n in range(8001, ROWS) if n % 2 == 0 and n % 3 != 0 and n % 1000 != 7]
    assert pyarrow.table(selected)["n"].to_pylist() == expected


def test_rows_are_of_a_stretch_of_time(run: Journal) -> None:
    table = run["DONE"]
    times = pyarrow.table(table.select("time"))["time"].cast("int64").to_pylist()
    since, until = times[1000], times[-1000]
    selected = pyarrow.table(table.select("time", since=since, until=until))
    expected = [time for time in times if since <= time <= until]
    assert selected["time"].cast("int64").to_pylist() == expected


def test_records_are_selected_as_rows_are(run: Journal) -> None:
    records = list(run.records(last=3))
    assert [record.fields["n"] for record in records] == [ROWS - 3, ROWS - 2, ROWS - 1]
    found = list(run.records(where="level == 'WARNING' and n < 3000"))
    assert [record.message for record in found] == [f"queue a has {n}" for n in (7, 1007, 2007)]
    times = [record.time for record in run.records(since=found[0].time, until=found[1].time)]
    assert len(times) >= 1001 and times == sorted(times)


def test_wrong_names_and_expressions_are_named(run: Journal) -> None:
    with pytest.raises(KeyError, match="mss"):
        pyarrow.table(run["DONE"].select("mss"))
    with pytest.raises(ValueError, match="at column 5: expected a name"):
        pyarrow.table(run["DONE"].select(where="ms >"))
    with pytest.raises(ValueError, match="at column 5: expected a name"):
        next(iter(run.records(where="ms >")))
