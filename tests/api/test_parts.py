"""Which files are a journal's parts."""

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import attolog

from .journal_by_hand import Site, block, decode


def tags(path: Path) -> list[Any]:
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


@contextmanager
def logging_child(path: Path, tag: int) -> Iterator[None]:
    """A process that has logged, and that lives as long as the block."""
    source = (
        "import attolog, sys\nlog = attolog.AsyncFileLogger(sys.argv[1])\n"
        "log('CHILD', tag=int(sys.argv[2]))\nlog.flush()\nprint(flush=True)\n"
        "input()\nlog.close()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", source, path, str(tag)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield
        child.communicate(b"\n", timeout=60)
    assert child.returncode == 0


def test_a_replaced_journal_loses_its_parts_too(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    log_in_two_processes(path, 1, append=True)
    log_in_two_processes(path, 2, append=False)
    assert tags(path) == [2, 2]
    assert list(tmp_path.glob("*.atto")) == [path]


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
    assert (tags(path), tags(renamed)) == ([3], [1, 1])


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
    with attolog.AsyncFileLogger(path), logging_child(path, 1):
        assert (tags(path), attolog.read(path).problems) == ([1], ())
        (part,) = tmp_path.glob("run.*-*.atto")
        assert [record["name"] for record in decode(part)] == ["CHILD"]
        assert list(decode(path)) == []


def test_the_parts_of_processes_that_end_go_into_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path) as log:
        for tag in range(20):
            pid = os.fork()
            if pid == 0:
                log("CHILD", tag=tag)
                log.close()
                os._exit(0)
            os.waitpid(pid, 0)
            assert list(tmp_path.iterdir()) == [path]
            assert sorted(tags(path)) == list(range(tag + 1))
    run = attolog.read(path)
    assert (run.problems, run.events, len(run.runs)) == ((), {"CHILD": 20}, 1)
    assert len(run.runs[0].pids) == 20
    assert [record["name"] for record in decode(path)] == ["CHILD"] * 20


def test_children_that_end_side_by_side_leave_no_part(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path) as log:
        for _ in range(20):
            own: list[int] = []
            is_child = False
            for _ in range(3):  # eight processes: those that are forked fork, too
                pid = os.fork()
                own, is_child = ([], True) if pid == 0 else ([*own, pid], is_child)
            log("TOGETHER", tag=len(own))
            if is_child:
                log.close()
            for pid in own:
                os.waitpid(pid, 0)
            if is_child:
                os._exit(0)
    assert list(tmp_path.glob("*.atto")) == [path]
    run = attolog.read(path)
    assert (run.problems, run.events) == ((), {"TOGETHER": 160})


def test_what_a_killed_child_left_goes_into_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    rings = str(tmp_path / "rings")  # which no other program of this machine recovers
    with attolog.AsyncFileLogger(path, ring_dir=rings) as log:
        for tag in range(5):
            pid = os.fork()
            if pid == 0:
                log("CHILD", tag=tag)
                os.kill(os.getpid(), signal.SIGKILL)
            os.waitpid(pid, 0)
    assert list(tmp_path.glob("*.atto")) == [path]
    assert (sorted(tags(path)), attolog.read(path).problems) == (list(range(5)), ())


def test_a_part_is_found_beside_a_journal_that_was_renamed_or_copied(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path) as log:
        log("MAIN", tag=0)
        log.flush()
        with logging_child(path, 1):
            copy = Path(shutil.copy(path, tmp_path / "copy.atto"))
            moved = path.rename(tmp_path / "moved.atto")
            assert (tags(copy), attolog.read(copy).problems) == ([0, 1], ())
            assert (tags(moved), attolog.read(moved).problems) == ([0, 1], ())


def test_a_journal_whose_part_is_missing_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with attolog.AsyncFileLogger(path) as log:
        log("MAIN", tag=0)
        log.flush()
        with logging_child(path, 1):
            shutil.copy(path, elsewhere)
            (part,) = tmp_path.glob("run.*-*.atto")
    with pytest.warns(UserWarning, match="are missing"):
        run = attolog.read(elsewhere / "run.atto")
    (problem,) = run.problems
    assert problem.endswith(f"are missing: its part {part.name} is not beside it")
    assert (run.events, attolog.read(path).problems) == ({"MAIN": 1}, ())
    # The whole journal has it, and a copy of that does too.
    shutil.copy(path, elsewhere)
    assert (tags(elsewhere / "run.atto"), attolog.read(path).problems) == ([0, 1], ())


def test_large_parts_stay_files(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    text = random.Random(1).randbytes(1 << 20)
    with attolog.AsyncFileLogger(path) as log:
        pid = os.fork()
        if pid == 0:
            for tag in range(70):
                log("CHILD", tag=tag, text=text)
            log.close()
            os._exit(0)
        os.waitpid(pid, 0)
    assert len(list(tmp_path.iterdir())) == 2
    assert (tags(path), attolog.read(path).problems) == (list(range(70)), ())


def test_the_records_of_a_removed_journal_are_in_no_later_one(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path), logging_child(path, 1):
        path.unlink()
        for append in True, False:
            with attolog.AsyncFileLogger(path, append=append) as log:
                log("MAIN", tag=2)
        assert tags(path) == [2]
    assert (tags(path), attolog.read(path).problems) == ([2], ())


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
