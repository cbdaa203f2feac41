"""The typed face of the journal's reader, over a stand-in for the native one."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from attolog._reading.files import JOURNAL_MAGIC, is_journal
from attolog._reading.journal import Record, read
from attolog._reading.table import Table

SECOND = 1_000_000_000

TABLES = [
    ("GEN", "event", 3, 10 * SECOND, 30 * SECOND, None),
    ("SCHED", "event", 1, 20 * SECOND, 20 * SECOND, "every:10, sample:0.1"),
    ("{model} took {dt:.3f}s", "message", 1, 25 * SECOND, 25 * SECOND, None),
    ("LOG", "text", 1, 5 * SECOND, 5 * SECOND, None),
    ("GEN", "message", 9, 1, 2, None),
    ("NEVER", "event", 0, 0, 0, None),
]

RECORDS = [
    (5 * SECOND, "text", "LOG", None, "MainThread", 7, (), (), "started"),
    (10 * SECOND, "event", "GEN", None, "worker", 7, ("model", "id"), ("r50", 1), None),
    (25 * SECOND, "message", "{m} took {dt}s", "DEBUG", "worker", 8, ("m",), ("r50",), "r50 took"),
    (26 * SECOND, "dropped", "DROPPED", None, "", 7, ("n", "since"), (4, 3), None),
]


class FakeReader:
    said: tuple[str, ...] = ()

    def __init__(
        self, paths: tuple[str, ...], ring_dir: str | None = None, check: bool = False
    ) -> None:
        self.paths = paths

    def tables(self) -> list[tuple[str, str, int, int, int, str | None]]:
        return TABLES

    def problems(self) -> list[str]:
        return list(self.said)

    def records(
        self, table: str | None = None, where: str | None = None, **query: Any
    ) -> Iterator[tuple[Any, ...]]:
        if table is not None:
            return iter(RECORDS[:1] if where == "'star' in message" else [])
        return iter(RECORDS)

    def stream(self, name: str, *columns: bool, **query: Any) -> object:
        pyarrow = pytest.importorskip("pyarrow")
        return pyarrow.table({"table": [name]}).__arrow_c_stream__()


@pytest.fixture
def run_atto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("attolog._reading.journal._core", SimpleNamespace(Reader=FakeReader))
    monkeypatch.setattr(FakeReader, "said", ())
    path = tmp_path / "run.atto"
    path.write_bytes(JOURNAL_MAGIC)
    return path


def test_events(run_atto: Path) -> None:
    run = read(run_atto)
    assert run.events == {"GEN": 3, "SCHED": 1, "NEVER": 0}
    assert list(run) == list(run.keys())
    assert list(run) == ["GEN", "SCHED", "{model} took {dt:.3f}s", "LOG", "NEVER"]
    assert len(run) == 5
    assert "LOG" in run and "*" in run and "gen" not in run


def test_a_table(run_atto: Path) -> None:
    gen = read(str(run_atto))["GEN"]
    assert isinstance(gen, Table)
    assert (gen.name, gen.kind, len(gen)) == ("GEN", "event", 3)
    assert (gen.first, gen.last) == (10 * SECOND, 30 * SECOND)
    assert repr(gen) == "<attolog.Table 'GEN': 3 records>"
    assert gen.sampling is None


def test_a_table_says_how_it_was_sampled(run_atto: Path) -> None:
    run = read(run_atto)
    assert run["SCHED"].sampling == run["*"].sampling == "every:10, sample:0.1"


def test_all_records_as_a_table(run_atto: Path) -> None:
    every = read(run_atto)["*"]
    assert (every.name, every.kind, len(every)) == ("*", "all", 6)
    assert (every.first, every.last) == (5 * SECOND, 30 * SECOND)


@pytest.mark.parametrize("name", ["SCHED", "*"])
def test_a_table_is_an_arrow_stream(run_atto: Path, name: str) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = read(run_atto)[name]
    for _ in range(2):
        assert pyarrow.table(table).to_pydict() == {"table": [name]}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("SHED", "'SHED' is none of the 5 tables; did you mean 'SCHED'?"),
        ("sched", "'sched' is none of the 5 tables; did you mean 'SCHED'?"),
        ("quite another", "'quite another' is none of the 5 tables"),
        ("star", "'star' is none of the 5 tables; 1 line of text contains it"),
        ("E", "'E' fits 3 tables: 'GEN', 'SCHED', 'NEVER'"),
    ],
)
def test_no_such_table(run_atto: Path, name: str, message: str) -> None:
    with pytest.raises(KeyError) as raised:
        read(run_atto)[name]
    assert raised.value.args == (message,)


@pytest.mark.parametrize("name", ["took_s", "took", "{model} took", "{model} took {dt:.3f}s"])
def test_a_template_goes_by_its_words_and_by_any_part(run_atto: Path, name: str) -> None:
    table = read(run_atto)[name]
    assert (table.name, table.short_name) == ("{model} took {dt:.3f}s", "took_s")
    assert "took_s" in read(run_atto) and "took" not in read(run_atto)


def test_records(run_atto: Path) -> None:
    text, event, message, dropped = read(run_atto).records()
    assert text == Record(5 * SECOND, "text", None, None, "started", {}, thread="MainThread", pid=7)
    assert (event.event, event.message, event.level) == ("GEN", None, None)
    assert event.fields == {"model": "r50", "id": 1}
    assert (message.event, message.level, message.message) == (None, "DEBUG", "r50 took")
    assert (message.thread, message.pid, message.fields) == ("worker", 8, {"m": "r50"})
    assert (dropped.kind, dropped.event, dropped.fields) == (
        "dropped",
        "DROPPED",
        {"n": 4, "since": 3},
    )


def test_an_intact_journal_warns_of_nothing(run_atto: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(run_atto).problems == ()


def test_problems_are_warned_of_once(run_atto: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeReader, "said", ("block at 64: wrong checksum", "torn end"))
    with pytest.warns(UserWarning, match="wrong checksum") as warned:
        run = read(run_atto)
    assert run.problems == ("block at 64: wrong checksum", "torn end")
    assert [str(each.message) for each in warned] == [
        "block at 64: wrong checksum (and 1 more, see .problems)"
    ]
    assert warned[0].filename == __file__
    assert repr(run).endswith("'NEVER': 0; 2 problems>")


def test_repr(run_atto: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert repr(read(run_atto)) == (
        f"<attolog.Journal {str(run_atto)!r}: 'GEN': 3, 'SCHED': 1, "
        "'{model} took {dt:.3f}s': 1, 'LOG': 1, 'NEVER': 0>"
    )
    monkeypatch.setattr(FakeReader, "tables", lambda self: [])
    assert repr(read(run_atto)) == f"<attolog.Journal {str(run_atto)!r}: empty>"
    many = [(f"E{i}", "event", 1000, 0, 0, None) for i in range(12)]
    monkeypatch.setattr(FakeReader, "tables", lambda self: many)
    assert repr(read(run_atto)).endswith("'E9': 1,000, ... 2 more>")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no-such\.atto"):
        read(tmp_path / "no-such.atto")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("run.csv", r"attolog\.read_csv"), ("run.jsonl", "read_ndjson"), ("run.log", "attolog cat")],
)
def test_another_format_is_told_what_reads_it(tmp_path: Path, name: str, hint: str) -> None:
    path = tmp_path / name
    path.write_text("1.0,A,1\n")
    with pytest.raises(ValueError, match=rf"{name} is no journal: .*{hint}"):
        read(path)


def test_what_a_journal_is(tmp_path: Path) -> None:
    def made(name: str, content: bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    assert is_journal(made("empty.atto", b""))
    assert is_journal(made("damaged.atto", b"\x00" * 100))
    assert is_journal(made("renamed.bin", JOURNAL_MAGIC + b"..."))
    assert not is_journal(made("text.bin", b"ATTO"))
