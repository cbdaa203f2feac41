"""Which files are a journal's parts."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

from journal_by_hand import Site, block, decode

import attolog


def tags(path: Path) -> list[object]:
    return [record.fields["tag"] for record in attolog.read(path).records()]


def log_in_another_run(path: Path, tag: int) -> None:
    env = {name: value for name, value in os.environ.items() if name != "ATTOLOG_RUN_ID"}
    source = (
        "import attolog, sys\nwith attolog.AsyncFileLogger(sys.argv[1]) as log: "
        "log('OTHER', tag=int(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", source, path, str(tag)], env=env, check=True, timeout=60)


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
    assert tags(path) == [2, 2]
    assert len(list(tmp_path.glob("*.atto"))) == 2


def test_a_journal_with_a_number_in_its_name_is_no_part(tmp_path: Path) -> None:
    for name in ("v0.atto", "v0.5.atto", "v0.-5.atto", "v0.5-.atto", "v0.old.atto"):
        with attolog.AsyncFileLogger(tmp_path / name) as log:
            log("A", name=name)
    names = [record.fields["name"] for record in attolog.read(tmp_path / "v0.atto").records()]
    assert names == ["v0.atto"]


def test_journals_that_are_named_like_parts_are_neither_read_nor_deleted(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    october, november = tmp_path / "run.2026-10.atto", tmp_path / "run.2026-11.atto"
    log_in_another_run(october, 10)
    log_in_child(november, 11)  # of this run
    log_in_two_processes(path, 12, append=True)
    assert tags(path) == [12, 12]
    log_in_two_processes(path, 13, append=False)
    assert (tags(path), tags(october), tags(november)) == ([13, 13], [10], [11])


def test_a_journal_that_is_renamed_within_a_run_is_no_part_of_the_next(tmp_path: Path) -> None:
    path, renamed = tmp_path / "run.atto", tmp_path / "run.2026-10.atto"
    log_in_two_processes(path, 1, append=True)
    path.rename(renamed)
    with attolog.AsyncFileLogger(path) as log:
        log("MAIN", tag=2)
    assert tags(path) == [2]
    with attolog.AsyncFileLogger(path, append=False) as log:
        log("MAIN", tag=3)
    assert (tags(path), tags(renamed)) == ([3], [1])


def test_the_parts_of_a_removed_journal_are_not_those_of_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    log_in_two_processes(path, 1, append=True)
    path.unlink()
    log_in_two_processes(path, 2, append=True)  # within the same run
    assert tags(path) == [2, 2]
    path.unlink()
    log_in_another_run(path, 3)
    assert tags(path) == [3]


def test_a_part_belongs_to_a_journal_that_several_runs_append_to(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    log_in_another_run(path, 1)
    log_in_two_processes(path, 2, append=True)
    log_in_another_run(path, 3)
    assert sorted(map(str, tags(path))) == ["1", "2", "2", "3"]


def test_the_part_of_a_journal_without_records_is_read_with_it(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path):
        child = multiprocessing.get_context("spawn").Process(target=log_in_child, args=(path, 1))
        child.start()
        child.join()
    assert (tags(path), attolog.read(path).problems) == ([1], ())
    parts = list(tmp_path.glob("run.*-*.atto"))
    assert len(parts) == 1
    assert [record["name"] for part in parts for record in decode(part)] == ["CHILD"]
    assert list(decode(path)) == []


def test_many_parts_are_read_with_few_descriptors(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    site = Site("E", ("n",))
    path.write_bytes(block([(site, (1,))], 1))
    for pid in range(2, 80):
        (tmp_path / f"run.{pid}-1.atto").write_bytes(block([(site, (pid,))], pid))
    source = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))\n"
        "from attolog._cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )

    def run(*args: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", source, *args], capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    assert run("stats", str(path))[1].startswith("E\t79\t")
    shown = run("cat", str(path))
    assert sorted(int(line.rpartition("=")[2]) for line in shown) == list(range(1, 80))
    # The same of a journal that is followed.
    command = [sys.executable, "-c", source, "cat", "-f", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert sorted(process.stdout.readline() for _ in shown) == sorted(f"{x}\n" for x in shown)
        with (tmp_path / "run.79-1.atto").open("ab") as part:
            part.write(block([(site, (1000,)), (site, (2000,))], 79))
        assert process.stdout.readline().endswith(" E n=1000\n")
        process.kill()
