"""The checker finds what it is there to find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import attolog

from .harness import FORMATS, Program, check, check_drops, held, read_rows, ring_folder


def _write(path: Path, rows: list[tuple[int, int, int, str]]) -> None:
    with attolog.AsyncFileLogger(path) as log:
        record = log.event("R", "pid", "worker", "seq", "pad")
        for row in rows:
            record(*row)


def _rows(*sequence: int, worker: int = 0) -> list[tuple[int, int, int, str]]:
    return [(1, worker, seq, f"<{seq}:2:xx>") for seq in sequence]


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_intact_file_passes(log_path: Path, suffix: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    _write(path, _rows(0, 1, 2) + _rows(0, 1, worker=1))
    check(read_rows(path), {0: 3, 1: 2})
    check(read_rows(path), {0: 2, 1: 2}, in_flight=1)
    check_drops(read_rows(path), {0: 3, 1: 2})


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("sequence", "says"),
    [
        ((0, 2), "lost"),
        ((0, 1), "lost"),
        ((0, 1, 1, 2), "doubled"),
        ((0, 2, 1), "out of order"),
        ((0, 1, 2, 3), "4 of 3 calls"),
    ],
)
def test_it_finds_loss_duplicates_and_disorder(
    log_path: Path, suffix: str, sequence: tuple[int, ...], says: str
) -> None:
    path = log_path.with_suffix(f".{suffix}")
    _write(path, _rows(*sequence))
    with pytest.raises(AssertionError, match=says):
        check(read_rows(path), {0: 3})


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("pad", ["<1:2:x>", "<2:2:xx>", "<1:2:x", "1:2:xx>", "<1:2:xx><1:2:xx>"])
def test_it_finds_torn_and_mixed_records(log_path: Path, suffix: str, pad: str) -> None:
    path = log_path.with_suffix(f".{suffix}")
    _write(path, [*_rows(0), (1, 0, 1, pad)])
    with pytest.raises(AssertionError, match=r"torn|mixed"):
        read_rows(path)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "log"])
@pytest.mark.parametrize(
    "harm", [lambda data: data[:-1], lambda data: data[:-5] + b"\n", lambda data: data[9:]]
)
def test_it_finds_a_torn_file(log_path: Path, suffix: str, harm: Callable[[bytes], bytes]) -> None:
    path = log_path.with_suffix(f".{suffix}")
    _write(path, _rows(0, 1))
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises((AssertionError, ValueError)):
        read_rows(path)


def test_it_finds_drops_that_nobody_reported(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    _write(path, _rows(0, 1))
    with pytest.raises(AssertionError):
        check_drops(read_rows(path), {0: 3})


def test_it_knows_where_the_rings_are(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    with attolog.AsyncFileLogger(path) as log:
        log("GEN", x=1)
        assert list(ring_folder(path).glob("*.session"))


def test_nobody_writes_a_file_that_is_held(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    with attolog.AsyncFileLogger(path) as log:
        log("GEN", x=1)
        assert log.flush()
        with held(path):
            log("GEN", x=2)
            assert not log.flush(timeout=0)
            assert len(path.read_bytes().splitlines()) == 1
        assert log.flush()
        assert len(path.read_bytes().splitlines()) == 2


def test_a_programs_words_come_one_by_one_and_have_an_end(log_path: Path) -> None:
    with Program("say('one'); say('two'); sys.stdin.readline()", log_path) as program:
        assert [program.await_word(), program.await_word()] == ["one", "two"]
        with pytest.raises(AssertionError, match="nothing comes"):
            program.await_word(patience=0)
        program.close_input()
        assert program.await_word() == ""
        assert program.wait() == 0
