"""The figures of a table's columns, and what notebooks show of it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import attolog
from attolog._reading.html import binned, histogram
from attolog._reading.journal import Journal

ROWS = 1000


@pytest.fixture
def run(tmp_path: Path) -> Journal:
    with attolog.AsyncFileLogger(tmp_path / "run.atto", on_full="block") as log:
        for n in range(ROWS):
            log("request", n, user="ann" if n % 4 else "bob", ms=None if n % 10 == 0 else n / 8)
        log("odd", **{"<b>": "<script>alert(1)</script>", "tags": ["a"], "long": "x" * 5000})
        log.info("queue {q} is full", "a")
    return attolog.read(tmp_path / "run.atto")


def test_numbers_have_their_range_mean_and_quantiles(run: Journal) -> None:
    ms = run["request"].describe()["ms"]
    values = [n / 8 for n in range(ROWS) if n % 10]
    assert (ms.kind, ms.count, ms.nulls) == ("number", 900, 100)
    assert (ms.min, ms.max) == (min(values), max(values))
    assert ms.mean == pytest.approx(sum(values) / len(values))
    assert ms.p50 == pytest.approx(62.5, rel=0.02)
    assert ms.p99 == pytest.approx(123.75, rel=0.02)
    assert ms.distinct is None and ms.top == ()


def test_texts_have_their_most_frequent_values(run: Journal) -> None:
    user = run["request"].describe()["user"]
    assert (user.kind, user.count, user.distinct, user.is_exact) == ("text", ROWS, 2, True)
    assert user.top == (("ann", 750), ("bob", 250))
    assert user.min is None and user.mean is None


def test_figures_are_of_the_rows_that_were_selected(run: Journal) -> None:
    figures = run["request"].select("n", where="user == 'bob' and n < 100").describe()
    assert (figures.records, figures.calls) == (25, 25)
    assert [each.column for each in figures] == ["n"]
    assert (figures["n"].min, figures["n"].max) == (0, 96)
    last = run["request"].select("n", last=10).describe()
    assert (last.records, last["n"].min) == (10, ROWS - 10)


def test_figures_of_samples_are_estimates_and_say_so(tmp_path: Path) -> None:
    with attolog.SampledLogger(tmp_path / "run.atto", strategy="every:10", on_full="block") as log:
        for n in range(ROWS):
            log("request", n, user="ann" if n % 4 else "bob")
    figures = attolog.read(tmp_path / "run.atto")["request"].describe()
    assert figures.is_sampled
    assert (figures.records, figures.calls) == (ROWS / 10, ROWS)
    assert figures.title == "request: estimates of 1,000 calls from 100 records"
    assert repr(figures).startswith(figures.title)
    assert sum(n for _, n in figures["user"].top) == ROWS
    assert [each.column for each in figures] == ["n", "user"]


def test_a_description_is_a_table_on_the_terminal(run: Journal) -> None:
    lines = repr(run["request"].describe()).splitlines()
    assert lines[0] == "request: 1,000 records"
    assert lines[1].split()[:4] == ["column", "kind", "count", "nulls"]
    assert lines[3].split() == ["user", "text", "1,000", "0", "2", "ann", "(750),", "bob", "(250)"]
    assert run["request"].describe().to_dicts()[0]["column"] == "n"


def test_a_wrong_column_of_a_description_is_told_the_nearest(run: Journal) -> None:
    with pytest.raises(KeyError, match="did you mean 'ms'"):
        run["request"].describe()["mss"]
    with pytest.raises(ValueError, match="of one table"):
        run["*"].select().describe()


def elements(page: str) -> ElementTree.Element:
    """The page, which must be well-formed."""
    return ElementTree.fromstring(f"<page>{page}</page>")


def test_notebooks_show_the_first_rows_and_a_histogram_of_each_number(run: Journal) -> None:
    page = elements(run["request"]._repr_html_())
    heads = ["".join(th.itertext()) for th in page.iter("th")]
    assert [head[:4] for head in heads] == ["time", "nint", "user", "msfl"]
    assert [len(list(th.iter("svg"))) for th in page.iter("th")] == [0, 1, 0, 1]
    rows = [[td.text for td in tr.iter("td")] for tr in page.iter("tr")][1:]
    assert [row[1:] for row in rows] == [
        ["0", "bob", None],
        ["1", "ann", "0.125"],
        ["2", "ann", "0.25"],
        ["3", "ann", "0.375"],
        ["4", "bob", "0.5"],
    ]
    assert "request: 1,000 records" in run["request"]._repr_html_()


def test_values_and_names_are_escaped_and_long_ones_are_cut(run: Journal) -> None:
    shown = run["odd"]._repr_html_()
    elements(shown)
    assert "<script>" not in shown and "<b>" not in shown
    assert "&lt;script&gt;" in shown and "&lt;b&gt;" in shown
    assert "x" * 200 + "..." in shown and "x" * 201 not in shown


def test_all_that_has_a_repr_for_notebooks_is_well_formed(run: Journal) -> None:
    for each in (run, run.runs[0], run.tables, run["*"], run["full"], run["request"].describe()):
        elements(each._repr_html_())
    selected = run["request"].select("ms", where="ms > 100", last=20)
    assert len(list(elements(selected._repr_html_()).iter("tr"))) == 6
    nothing = run["request"].select("ms", where="ms > 1000")
    assert len(list(elements(nothing._repr_html_()).iter("tr"))) == 1
    assert "3 records" not in run._repr_html_() and "1,002 records" in run._repr_html_()


def test_the_first_rows_are_found_wherever_they_are(run: Journal) -> None:
    request = run["request"]
    last = request.last
    assert last is not None
    for select in (
        request.select(),
        request.select("n", where="n > 990"),
        request.select("n", since=last),
        request.select("n", until=last - 1),
        request.select("n", last=7),
    ):
        assert select._head(5) == select.to_dicts()[:5]


@pytest.mark.parametrize(
    ("numbers", "bars"),
    [
        ([], 0),
        ([3, 3, 3], 0),
        ([None, float("inf"), 1], 0),
        ([1, 2], 2),
        ([-1.7e308, 0, 1.7e308], 3),
        ([5e-324, 1e-323], 0),
        ([2**63 - 1, -(2**63)], 2),
    ],
)
def test_a_histogram_has_a_bar_for_each_part_that_has_numbers(
    numbers: list[float | None], bars: int
) -> None:
    assert histogram(numbers).count("<rect") == bars


def test_every_number_is_in_one_part() -> None:
    numbers = [n**2 / 7 for n in range(1000)]
    counts = binned(numbers)
    assert sum(counts) == 1000
    assert counts[0] > counts[1] > counts[2] and 0 not in counts
