"""What others can do to a log, or make a log do (rows E1, E4 and E5)."""

from __future__ import annotations

import csv
import json
import os
import stat
from pathlib import Path

import pytest

import attolog

from .harness import Program, check, read_rows, recover, ring_folder

NEWLINES = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x1b[2J\n", "\x00\n"]
FORGED = {
    "csv": '1700000000.000000,GEN,forged\n"',
    "jsonl": '{"time":1,"event":"GEN","forged":true}\n"}',
    "log": "2026-01-01T00:00:00.000000Z EVENT    GEN forged=1\n",
}

WAYS = {
    "text": "log.log(evil)",
    "sentence": "log('a ' + evil)",
    "message": "log.info('got {x}', evil)",
    "template": "log.info('{x} ' + evil, 1)",
    "event": "log(evil, 1)",
    "field": "log('GEN', evil)",
    "field_name": "log('GEN', **{evil: 1})",
    "bound": "log.bind(**{evil: evil})('GEN', 1)",
    "print": "log.print(evil)",
    "thread": "run_as(evil, lambda: log('GEN', 1))",
    "value": "log('GEN', Evil())",
    "bytes": "log('GEN', evil.encode())",
    "exception": "fail(evil)",
}

PROGRAM = """
import json
evil = json.loads(sys.argv[3])
class Evil:
    def __str__(self): return evil
def run_as(name, action):
    thread = threading.Thread(target=action, name=name)
    thread.start()
    thread.join()
def fail(text):
    try: raise ValueError(text)
    except ValueError: log.exception("failed")
log = attolog.AsyncFileLogger(path, **json.loads(sys.argv[4]))
for way in json.loads(sys.argv[5]):
    exec(way)
"""


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "log"])
def test_e1_one_call_is_one_record_whatever_it_says(log_path: Path, suffix: str) -> None:
    ways = dict(WAYS)
    if suffix == "log":  # raw by request there
        del ways["text"], ways["sentence"], ways["print"]
    path = log_path.with_suffix(f".{suffix}")
    for newline in NEWLINES:
        evil = newline + FORGED[suffix]
        options = {"pattern": "{time} {level} {thread} {message}"} if suffix == "log" else {}
        arguments = [json.dumps(each) for each in (evil, options, list(ways.values()))]
        with Program(PROGRAM, path, *arguments) as program:
            assert (program.wait(), program.stderr) == (0, "")
        data = path.read_bytes()
        text = data.decode("utf-8")
        if suffix == "csv":
            # One row a record, for a reader that follows RFC 4180.
            records = list(csv.reader(text.splitlines(keepends=True), strict=True))
            assert all(_is_stamp(cells[0]) for cells in records)
            assert not any(cells[0].startswith("1700000000") for cells in records)
        else:
            # One line a record, also for a program that knows more newlines than one.
            records = [[line] for line in text.splitlines()]
            if suffix == "jsonl":
                assert not any("forged" in json.loads(line) for [line] in records)
            else:
                assert not any(line.startswith("2026-01-01T") for [line] in records)
            assert text.isprintable() or all(c == "\n" or c.isprintable() for c in text)
        assert len(records) == len(ways), (newline, records)
        path.unlink()


def _is_stamp(cell: str) -> bool:
    seconds, _, digits = cell.partition(".")
    return seconds.isdigit() and digits.isdigit()


# ---- E4: links -----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "atto"])
def test_e4_a_symbolic_link_is_refused(log_path: Path, suffix: str) -> None:
    path, target = log_path.with_suffix(f".{suffix}"), log_path.with_name("precious")
    target.write_text("precious")
    path.symlink_to(target)
    with pytest.raises(OSError, match="symbolic link"):
        attolog.AsyncFileLogger(path)
    assert target.read_text() == "precious"
    target.unlink()
    with pytest.raises(OSError, match="symbolic link"):  # a dangling one would create its target
        attolog.AsyncFileLogger(path)
    assert not target.exists()


@pytest.mark.parametrize("suffix", ["csv", "atto"])
def test_e4_a_hard_link_is_refused(log_path: Path, suffix: str) -> None:
    path, target = log_path.with_suffix(f".{suffix}"), log_path.with_name("precious")
    target.write_text("precious")
    path.hardlink_to(target)
    with pytest.raises(OSError, match="hard link"):
        attolog.AsyncFileLogger(path)
    with pytest.raises(OSError, match="hard link"):
        attolog.AsyncFileLogger(path, append=False)
    assert target.read_text() == "precious"


LEAVE = """
log = attolog.AsyncFileLogger(path)
work(log, 0, 1_000)
os._exit(0)
"""


@pytest.mark.parametrize("suffix", ["csv", "atto"])
def test_e4_recovery_does_not_follow_links(log_path: Path, suffix: str) -> None:
    path, target = log_path.with_suffix(f".{suffix}"), log_path.with_name("precious")
    kept = log_path.with_name("kept")
    with Program(LEAVE, path) as program:
        program.wait()
    target.write_text("precious")
    path.rename(kept)  # some of the records may be in it already
    path.symlink_to(target)
    with pytest.raises(OSError, match="is a symbolic link"):
        recover(path)
    assert target.read_text() == "precious"
    path.unlink()
    kept.rename(path)
    assert recover(path)["messages"] == []  # still there, and now written
    check(read_rows(path), {0: 1_000})


def test_e4_a_link_in_place_of_a_ring_is_not_followed(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    with Program(LEAVE, path) as program:
        program.wait()
    [ring] = ring_folder(path).glob("*.ring")
    kept = ring.parent.with_suffix(".kept")
    ring.rename(kept)
    before = kept.read_bytes()
    ring.symlink_to(kept)
    assert recover(path)["messages"]
    assert kept.read_bytes() == before
    kept.unlink()


# ---- E5: the folder of the rings -----------------------------------------------------------------


def test_e5_rings_are_for_their_owner_only(log_path: Path) -> None:
    path = log_path.with_suffix(".csv")
    source = """
os.umask(0)
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
work(log, 0, 10)
work(log, 0, 1, start=10, size=100_000)
os.kill(os.getpid(), signal.SIGKILL)
"""
    with Program(source, path) as program:
        program.wait()
    folder = ring_folder(path)
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = list(folder.iterdir())
    assert {".session", ".ring", ".ledger"} <= {file.suffix for file in files}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    recover(path)
    check(read_rows(path), {0: 11})


def _give_to_nobody(folder: Path) -> None:
    os.chown(folder, 65534, 65534)


def _open_to_all(folder: Path) -> None:
    folder.chmod(0o777)


def _make_a_link(folder: Path) -> None:
    elsewhere = folder.with_name("elsewhere")
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)


def _make_a_file(folder: Path) -> None:
    folder.rmdir()
    folder.write_text("")


@pytest.mark.parametrize("suffix", ["csv", "atto"])
@pytest.mark.parametrize("spoil", [_give_to_nobody, _open_to_all, _make_a_link, _make_a_file])
def test_e5_a_folder_of_anyone_elses_is_refused(
    log_path: Path, tmp_path: Path, suffix: str, spoil: object
) -> None:
    if spoil is _give_to_nobody and os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    path = log_path.with_suffix(f".{suffix}")
    rings = tmp_path / "rings"
    folder = rings / f"attolog-{os.geteuid()}"
    folder.mkdir(parents=True, mode=0o700)
    assert callable(spoil)
    spoil(folder)
    source = """
log = attolog.AsyncFileLogger(path, ring_dir=sys.argv[3])
threads = [threading.Thread(target=work, args=(log, i, 1_000)) for i in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    with Program(source, path, rings) as program:
        assert program.wait() == 0
        assert program.stderr.count("\n") == 1
        assert str(folder) in program.stderr
        assert "kept in memory and lost with the process" in program.stderr
    check(read_rows(path), dict.fromkeys(range(3), 1_000))
    assert not folder.is_dir() or list(folder.iterdir()) == []
