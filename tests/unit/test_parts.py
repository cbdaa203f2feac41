"""Which files are a journal's parts."""

import multiprocessing
from pathlib import Path

import attolog


def log_in_child(path: Path, tag: int) -> None:
    with attolog.AsyncFileLogger(path) as log:
        log("CHILD", tag=tag)


def log_in_two_processes(path: Path, tag: int, append: bool) -> None:
    with attolog.AsyncFileLogger(path, append=append) as log:
        log("MAIN", tag=tag)
        child = multiprocessing.get_context("spawn").Process(target=log_in_child, args=(path, tag))
        child.start()
        child.join()
        assert child.exitcode == 0


def test_a_replaced_journal_loses_its_parts_too(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    log_in_two_processes(path, 1, append=True)
    log_in_two_processes(path, 2, append=False)
    tags = [record.fields["tag"] for record in attolog.read(path).records()]
    assert tags == [2, 2]


def test_a_journal_with_a_number_in_its_name_is_no_part(tmp_path: Path) -> None:
    for name in ("v0.atto", "v0.5.atto", "v0.-5.atto", "v0.5-.atto", "v0.old.atto"):
        with attolog.AsyncFileLogger(tmp_path / name) as log:
            log("A", name=name)
    names = [record.fields["name"] for record in attolog.read(tmp_path / "v0.atto").records()]
    assert names == ["v0.atto"]
