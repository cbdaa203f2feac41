"""`counts` adds up, whatever happens."""

import threading
from pathlib import Path

import pytest

import attolog
from attolog import AsyncFileLogger, Counts

from .helpers import cells


def adds_up(counts: Counts) -> bool:
    return counts.calls == sum(counts[1:])


def test_counts_is_a_named_tuple(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as log:
        log("E", 1)
    counts = log.counts
    assert isinstance(counts, attolog.Counts)
    assert isinstance(counts, tuple)
    assert counts == (1, 1, 0, 0, 0, 0, 0)
    assert repr(counts) == (
        "attolog.Counts(calls=1, written=1, waiting=0, dropped=0, sampled_out=0, aggregated=0, "
        "overwritten=0)"
    )
    match counts:
        case Counts(calls, written, waiting):
            assert (calls, written, waiting) == (1, 1, 0)


def test_what_is_filtered_is_no_call(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as log:
        log.level = "ERROR"
        log.info("no")
        log("{} no", 1)
        log.enabled = False
        log("E", 1)
    assert log.counts == (0, 0, 0, 0, 0, 0, 0)


def test_every_kind_of_record_counts_once(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as log:
        log("E", 1)
        log("text")
        log.log("text")
        log.info("message")
        log.print("a\nb")
        log.print("")
        log.exception("e")
        log.event("D", "x")(1)
        log.bind(a=1)("E", 2)
        assert log.flush()
        assert log.counts.written == log.counts.calls == 9


@pytest.mark.parametrize("n_threads", [1, 4, 16])
@pytest.mark.parametrize("on_full", ["block", "drop"])
def test_with_threads(tmp_path: Path, n_threads: int, on_full: str) -> None:
    path, n = tmp_path / "run.csv", 5000
    log = AsyncFileLogger(path, buffer_bytes=65536, on_full=on_full)  # type: ignore[arg-type]
    event = log.event("E", "thread", "i")

    def work(thread: int) -> None:
        for i in range(n):
            event(thread, i)
            if i % 1000 == 0:
                assert adds_up(log.counts)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(n_threads)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert adds_up(log.counts)
    assert log.counts.calls == n_threads * n
    assert log.close(timeout=None)

    counts = log.counts
    assert adds_up(counts)
    assert counts.calls == n_threads * n
    assert counts.waiting == 0
    rows = cells(path)
    seen = [(int(row[1]), int(row[2])) for row in rows if row[0] == "E"]
    assert len(set(seen)) == len(seen) == counts.written
    assert sum(int(row[1]) for row in rows if row[0] == "DROPPED") == counts.dropped
    if on_full == "block":
        assert counts.dropped == 0


def test_calls_after_close_and_a_second_file(tmp_path: Path) -> None:
    from attolog import _core

    log = AsyncFileLogger(tmp_path / "one.csv")
    log("E", 1)
    log.close()
    log("E", 2)
    assert log.counts == (2, 1, 0, 1, 0, 0, 0)
    _core.open(log, tmp_path / "two.csv")
    log("E", 3)
    assert adds_up(log.counts)
    log.close()
    assert log.counts == (3, 2, 0, 1, 0, 0, 0)
    assert cells(tmp_path / "two.csv") == [["E", "3"]]


def test_a_record_that_cannot_be_taken_is_dropped_and_said(tmp_path: Path) -> None:
    class Interrupts:
        def __str__(self) -> str:
            raise KeyboardInterrupt

    path = tmp_path / "run.csv"
    with AsyncFileLogger(path) as log:
        log("E", 1)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                log("E", Interrupts())
    assert log.counts == (4, 1, 0, 3, 0, 0, 0)
    rows = cells(path)
    assert [row for row in rows if row[0] == "E"] == [["E", "1"]]
    assert sum(int(row[1]) for row in rows if row[0] == "DROPPED") == 3
