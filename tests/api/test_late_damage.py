"""Damage to the records of a block, which shows when they are read."""

import warnings
from pathlib import Path

import pytest

import attolog
from attolog._cli import main
from attolog._reading.journal import Journal

from .helpers import TIME


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "run.atto"
    for n in range(3):
        with attolog.AsyncFileLogger(path) as log:
            log.set_time(TIME + n)
            log("request", n=n)
    data = bytearray(path.read_bytes())
    second = data.index(b"\x89ATTO", 1)
    data[second + 64] ^= 1  # the first byte behind the header
    path.write_bytes(data)
    return path


def opened(path: Path) -> Journal:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = attolog.read(path)
    assert (run.problems, len(run["request"])) == ((), 3)
    return run


def test_records_warn_of_it_at_their_end(damaged: Path) -> None:
    run = opened(damaged)
    with pytest.warns(UserWarning, match="its checksum does not match, 1 records are missing"):
        assert [record.fields["n"] for record in run.records()] == [0, 2]
    assert len(run.problems) == 1


def test_a_table_warns_of_it_at_its_end(damaged: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    for name, last in ("request", None), ("*", None), ("request", 5):
        table = opened(damaged)[name]
        rows = table if last is None else table.select("n", last=last)
        with pytest.warns(UserWarning, match="its checksum does not match"):
            assert pyarrow.table(rows).num_rows == 2


def test_a_check_finds_it_at_once(damaged: Path) -> None:
    with pytest.warns(UserWarning, match="its checksum does not match"):
        run = attolog.read(damaged, check=True)
    assert (len(run.problems), run.events) == (1, {"request": 2})


@pytest.mark.parametrize("verb", ["cat", "stats"])
def test_verbs_tell_of_it_and_count_what_is_there(
    damaged: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main([verb, str(damaged)]) == 1
    captured = capsys.readouterr()
    assert "its checksum does not match" in captured.err
    lines = [line for line in captured.out.splitlines() if "request" in line]
    assert len(lines) == (2 if verb == "cat" else 1)
    assert verb == "cat" or "\t2\t" in lines[0]
