"""Options of AsyncFileLogger: what they do, and what is refused."""

import base64
import json
import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog import AsyncFileLogger

from .helpers import TIME, cells, lines, log_to, run_python

PARTS = "is none of time, level, message, event, thread, file, line and function"
WRONG: list[tuple[str, object, type[Exception], str]] = [
    ("buffer_size", 0, ValueError, "1 to 16777216 records"),
    ("buffer_size", 2**24 + 1, ValueError, "1 to 16777216 records"),
    ("buffer_size", 2**70, ValueError, "1 to 16777216 records"),
    ("buffer_size", "10000", TypeError, "an int, not str"),
    ("buffer_size", 1e4, TypeError, "an int, not float"),
    ("buffer_size", True, TypeError, "an int, not bool"),
    ("buffer_bytes", 65535, ValueError, "65536 to 1073741824 bytes"),
    ("buffer_bytes", 2**30 + 1, ValueError, "65536 to 1073741824 bytes"),
    ("buffer_bytes", "1M", TypeError, "an int, not str"),
    ("on_full", "wait", ValueError, '"block" or "drop", not \'wait\''),
    ("on_full", "x" * 1000, ValueError, "not '" + "x" * 99 + "..."),
    ("on_full", None, ValueError, '"block" or "drop", not None'),
    ("block_timeout", -1, ValueError, "seconds"),
    ("block_timeout", "1", ValueError, '"500ms", "1s", "5m"'),
    ("block_timeout", "1h", ValueError, '"500ms", "1s", "5m"'),
    ("block_timeout", "s", ValueError, '"500ms", "1s", "5m"'),
    ("block_timeout", "", ValueError, '"500ms", "1s", "5m"'),
    ("block_timeout", "-1s", ValueError, "seconds"),
    ("block_timeout", float("nan"), ValueError, "seconds"),
    ("block_timeout", float("inf"), ValueError, "None or seconds, 0 or more (a finite number, or "),
    ("block_timeout", 10**400, ValueError, f"not {10**99}..."),
    ("block_timeout", "1e400s", ValueError, "not '1e400s'"),
    ("block_timeout", "nans", ValueError, "not 'nans'"),
    ("block_timeout", [], TypeError, "seconds"),
    ("exit_timeout", -1, ValueError, "seconds"),
    ("exit_timeout", None, TypeError, "must be seconds, 0 or more"),
    ("exit_timeout", float("nan"), ValueError, "not nan"),
    ("exit_timeout", -(10**400), ValueError, f"not -{10**98}..."),
    ("exit_timeout", True, TypeError, "seconds"),
    ("max_record", 1023, ValueError, "1024 to 1073741824 bytes"),
    ("max_record", "1M", TypeError, "an int, not str"),
    ("ring_dir", 3, TypeError, "a str, bytes or os.PathLike, not int"),
    ("ring_dir", "", ValueError, "not be empty"),
    ("ring_dir", "a\0b", ValueError, "a path without null characters, not 'a\\x00b'"),
    ("ring_dir", "\ud800", ValueError, "that the file system's encoding can spell"),
    ("append", 1, TypeError, "True or False, not int"),
    ("append", None, TypeError, "True or False"),
    ("columns", 2, ValueError, "3 to 1000"),
    ("columns", -1, ValueError, "3 to 1000"),
    ("columns", 1001, ValueError, "3 to 1000"),
    ("columns", "5", TypeError, "an int, not str"),
    ("digits", 7, ValueError, "6 or 9, not 7"),
    ("digits", 3, ValueError, "6 or 9, not 3"),
    ("digits", "6", TypeError, "an int, not str"),
    ("weight", 1, TypeError, "True or False, not int"),
    ("pattern", 3, TypeError, "a str, not int"),
    ("pattern", "{time} {nothing}", ValueError, f"'{{time}} {{nothing}}': {{nothing}} {PARTS}"),
    ("pattern", "{}", ValueError, f"{{}} {PARTS}"),
    ("pattern", "{0}", ValueError, f"{{0}} {PARTS}"),
    ("pattern", "{line:{width}}", ValueError, f"{{width}} {PARTS}"),
    ("pattern", "{", ValueError, "'{': it is not well formed; a brace that stands for itself is"),
    ("pattern", "{time", ValueError, "it is not well formed"),
    ("pattern", "{message:d}", ValueError, "{message:d} cannot be shown; a hole is a name and"),
    ("pattern", "{time.year}", ValueError, "{time.year} cannot be shown"),
    (
        "pattern",
        "a\nb",
        ValueError,
        "'a\\nb': it contains what no line can hold: a control character",
    ),
    ("fsync_interval", -0.1, ValueError, "seconds"),
    ("fsync_interval", "soon", ValueError, "seconds"),
    ("fsync_interval", float("inf"), ValueError, "None or seconds, 0 or more"),
    ("fsync_interval", True, TypeError, "None or seconds"),
    ("echo", 1, TypeError, "True or False, not int"),
    ("echo", None, TypeError, "True or False, not NoneType"),
]


@pytest.mark.parametrize(("option", "value", "error", "allowed"), WRONG)
def test_what_is_refused_is_told_what_is_allowed(
    tmp_path: Path, option: str, value: object, error: type[Exception], allowed: str
) -> None:
    path = tmp_path / "run.csv"
    with pytest.raises(error) as raised:
        AsyncFileLogger(path, **{option: value})  # type: ignore[arg-type]
    message = str(raised.value)
    assert allowed in message
    assert message.startswith(option) and "\n" not in message
    assert not path.exists()


@pytest.mark.parametrize("option", ["buffer_size", "on_full", "block_timeout"])
def test_what_cannot_be_shown_is_refused_all_the_same(tmp_path: Path, option: str) -> None:
    with pytest.raises(ValueError, match=f"^{option} must be .*, not <int>$"):
        AsyncFileLogger(tmp_path / "run.csv", **{option: 10**5000})  # type: ignore[arg-type]


def test_unknown_options(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="buffersize"):
        AsyncFileLogger(tmp_path / "run.csv", buffersize=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        AsyncFileLogger(tmp_path / "run.csv", 10000, "drop")  # type: ignore[call-arg, arg-type]
    with pytest.raises(TypeError):
        AsyncFileLogger()  # type: ignore[call-arg]


@pytest.mark.parametrize("path", [3, None, 1.5])
def test_a_path_is_one(path: object) -> None:
    with pytest.raises(TypeError, match=r"^path must be a str, bytes or os\.PathLike, not \w+$"):
        AsyncFileLogger(path)  # type: ignore[arg-type]


def test_paths_that_no_file_can_have(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"^path must be a path without null characters, not .*x00"
    ):
        AsyncFileLogger(f"{tmp_path}/a\0b.csv")
    with pytest.raises(ValueError, match=r"^path must be a path that the file system's encoding"):
        AsyncFileLogger("\ud800.csv")
    with pytest.raises(ValueError, match=r"^path must end in \.csv, .*; '\.\.' does not$"):
        AsyncFileLogger(b"..")  # type: ignore[arg-type]


class Unsettled:
    """A path that does not know itself."""

    def __init__(self, path: object) -> None:
        self.path = path

    def __fspath__(self) -> Any:
        if isinstance(self.path, Exception):
            raise self.path
        return self.path


@pytest.mark.parametrize("option", ["path", "ring_dir"])
def test_what_a_path_of_ones_own_complains_of_is_passed_on(tmp_path: Path, option: str) -> None:
    options: dict[str, Any] = {"path": tmp_path / "run.csv"}
    with pytest.raises(TypeError, match=r"Unsettled\.__fspath__\(\)"):
        AsyncFileLogger(**options | {option: Unsettled(3)})
    with pytest.raises(ZeroDivisionError):
        AsyncFileLogger(**options | {option: Unsettled(ZeroDivisionError())})


def test_paths_of_all_kinds(tmp_path: Path) -> None:
    path = tmp_path / "é\udcff.csv"
    for spelled in (path, str(path), os.fsencode(path)):
        with AsyncFileLogger(spelled) as log:  # type: ignore[arg-type]
            log("E")
        assert log.path == str(path)
    assert len(cells(path)) == 3


@pytest.mark.parametrize("name", ["run", "run.xlsx", "run.csv.gz", "run.csv/run", "csv", ""])
def test_the_suffix_gives_the_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / name if name else Path()
    with pytest.raises((ValueError, OSError)) as raised:
        AsyncFileLogger(str(path) if name else "")
    if name:
        assert str(path) in str(raised.value)
        assert ".csv, .jsonl, .log, .txt or .atto" in str(raised.value)


def test_a_path_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    with pytest.raises(OSError, match=re.escape(str(folder))) as raised:
        AsyncFileLogger(folder)
    assert isinstance(raised.value, IsADirectoryError)
    (tmp_path / "file").touch()
    below = tmp_path / "file" / "run.csv"
    with pytest.raises(OSError, match=re.escape(str(below))) as raised:
        AsyncFileLogger(below)


def test_missing_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.csv"
    log_to(path, lambda log: log("E"))
    assert cells(path) == [["E"]]


def test_pid_and_time_are_filled_in(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "{pid}" / "run-{pid}-{time}-{other}.csv") as log:
        pass
    assert log.path is not None
    pid, when = re.fullmatch(
        rf"{re.escape(str(tmp_path))}/(\d+)/run-\1-(\d+T\d+)-{{other}}\.csv", log.path
    ).groups()  # type: ignore[union-attr]
    assert int(pid) == os.getpid()
    datetime.strptime(when, "%Y%m%dT%H%M%S")
    assert Path(log.path).exists()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".log", ".atto"])
def test_append_is_the_default(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run{suffix}"
    for i in range(3):
        log_to(path, lambda log, i=i: log("E", x=i))  # type: ignore[misc]
    if suffix == ".atto":
        assert [r.fields["x"] for r in attolog.read(path).records()] == [0, 1, 2]
    else:
        assert len(lines(path)) == 3


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".log", ".atto"])
def test_append_false_replaces(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run{suffix}"
    log_to(path, lambda log: [log("E", x=i) for i in range(100)])
    log_to(path, lambda log: log("E", x="only"), append=False)
    if suffix == ".atto":
        assert [r.fields["x"] for r in attolog.read(path).records()] == ["only"]
    else:
        (line,) = lines(path)
        assert "only" in line


def test_append_false_forgets_the_order_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    log_to(path, lambda log: log("E", a=1, b=2))
    log_to(path, lambda log: log("E", b=3))
    assert cells(path) == [["E", "1", "2"], ["E", "", "3"]]
    log_to(path, lambda log: log("E", b=3), append=False)
    assert cells(path) == [["E", "3"]]


def test_append_false_while_another_process_has_the_file(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    with AsyncFileLogger(path) as log:
        log("FIRST")
        log.flush()
        program = """
import attolog, sys
with attolog.AsyncFileLogger(sys.argv[1], append=False) as log:
    log("SECOND")
"""
        said = run_python(program, path).stderr
        log("THIRD")
    assert [row[0] for row in cells(path)] == ["FIRST", "SECOND", "THIRD"]
    assert said.count("\n") == 1
    assert str(path) in said


def test_digits(tmp_path: Path) -> None:
    for digits, seconds in ((6, "1700000000.123456"), (9, "1700000000.123456789")):
        folder = tmp_path / str(digits)
        path = log_to(folder / "run.csv", lambda log: log("E"), digits=digits)
        assert path.read_text() == f"{seconds},E\n"
        path = log_to(folder / "run.jsonl", lambda log: log("E"), digits=digits)
        assert path.read_text() == f'{{"time":{seconds},"event":"E"}}\n'
        path = log_to(folder / "run.log", lambda log: log("E"), digits=digits)
        fraction = seconds.partition(".")[2]
        assert path.read_text() == f"2023-11-14T22:13:20.{fraction}Z EVENT    E\n"


def test_columns_make_rows_of_one_width(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        log("GEN", model="r50", id=7, value=0.5)
        log("SCHED", model="r50", id=42, exit="layer1", size=8)
        log("ODD", a=1, b=2, c='x,"y"', d="\n")
        log("TICK")
        log("a, text")

    path = log_to(tmp_path / "run.csv", use, columns=5)
    rows = cells(path)
    assert [len(row) for row in rows] == [4] * 5  # and the time stamp
    assert rows == [
        ["GEN", "r50", "7", "0.5"],
        ["SCHED", "r50", "42", "layer1,8"],
        ["ODD", "1", "2", '"x,""y""","\n"'],
        ["TICK", "", "", ""],
        ["LOG", "a, text", "", ""],
    ]
    pandas = pytest.importorskip("pandas")
    names = ["timestamp", "event", "model", "id", "value"]
    frame = pandas.read_csv(path, names=names)
    assert list(frame["event"]) == ["GEN", "SCHED", "ODD", "TICK", "LOG"]
    frame = attolog.read_csv(path, columns=5)
    assert list(frame.iloc[1])[1:] == ["SCHED", "r50", 42, "layer1", "8"]


@pytest.mark.parametrize("suffix", [".jsonl", ".log", ".atto"])
def test_columns_and_weight_are_for_csv(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(ValueError, match=r"columns is for \.csv files only"):
        AsyncFileLogger(tmp_path / f"run{suffix}", columns=5)
    with pytest.raises(ValueError, match=r"weight is for \.csv files only"):
        AsyncFileLogger(tmp_path / f"run{suffix}", weight=True)


def test_pattern(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        log("E", x=1)
        log.info("{x}", x=2)
        log("a text")

    pattern = "{level:>8}|{event}|{message}|{thread}|{function}|{line:d}|{file}"
    first, second, third = lines(log_to(tmp_path / "run.log", use, pattern=pattern))
    line = use.__code__.co_firstlineno
    where = f"{use.__qualname__}|{{}}|{__file__}"
    assert first == f"   EVENT|E|E x=1|MainThread|{where.format(line + 1)}"
    assert second == f"    INFO||2|MainThread|{where.format(line + 2)}"
    assert third == "a text"
    assert lines(log_to(tmp_path / "2.log", use, pattern="{{{message}}}"))[0] == "{E x=1}"


def test_max_record_cuts_and_says_so(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        log("E", x="a" * 5000, y=b"b" * 5000, z="short")
        log.info("{x}", x="é" * 5000)
        log("c" * 5000)
        log.event("E", "x")("d" * 5000)

    path = log_to(tmp_path / "run.jsonl", use, max_record=1024)
    rows = [json.loads(line) for line in lines(path)]
    assert rows[0]["x"] == "a" * 1024 + "... [cut; 5000 bytes]"
    assert rows[0]["z"] == "short"
    assert base64.b64decode(rows[0]["y"]) == b"b" * 1024 + b"... [cut; 5000 bytes]"
    assert re.fullmatch(r"é{511,512}\.\.\. \[cut; 10000 bytes\]", rows[1]["x"])
    assert rows[2]["text"] == "c" * 1024 + "... [cut; 5000 bytes]"
    assert rows[3]["x"] == "d" * 1024 + "... [cut; 5000 bytes]"


@pytest.mark.parametrize("timeout", [1e10, 1e300, 10**300, "1e300s"])
def test_an_exit_timeout_beyond_all_measure_waits_for_the_file(
    tmp_path: Path, timeout: object
) -> None:
    program = f"""
import attolog, sys
log = attolog.AsyncFileLogger(sys.argv[1], exit_timeout={timeout!r})
for i in range(50_000):
    log("E", i)
"""
    assert run_python(program, tmp_path / "run.csv").stderr == ""
    assert [int(row[1]) for row in cells(tmp_path / "run.csv")] == list(range(50_000))


@pytest.mark.parametrize("size", [100, 70_000, 3_000_000])
def test_a_record_larger_than_the_ring_is_whole(tmp_path: Path, size: int) -> None:
    def use(log: AsyncFileLogger) -> None:
        log("E", 1)
        log("E", "x" * size)
        log("E", 2)

    path = log_to(tmp_path / "run.csv", use, buffer_bytes=65536)
    assert [row[-1] for row in cells(path)] == ["1", "x" * size, "2"]


@pytest.mark.parametrize(
    "options",
    [
        {"buffer_size": 1},
        {"buffer_size": 10000},
        {"buffer_bytes": 65536},
        {"buffer_bytes": 100_000},
        {"on_full": "drop", "buffer_size": 100_000},
        {"block_timeout": "500ms"},
        {"block_timeout": 30},
        {"exit_timeout": "1m"},
        {"exit_timeout": 0.5},
        {"fsync_interval": "1s"},
        {"fsync_interval": 0},
        {"columns": None, "pattern": None, "ring_dir": None, "buffer_bytes": None},
        {"weight": True},
    ],
)
def test_options_that_change_no_row(tmp_path: Path, options: dict[str, Any]) -> None:
    path = log_to(tmp_path / "run.csv", lambda log: [log("E", x=i) for i in range(5000)], **options)
    assert [row[1] for row in cells(path)] == [str(i) for i in range(5000)]


def test_ring_dir(tmp_path: Path) -> None:
    rings = tmp_path / "rings"
    rings.mkdir()
    with AsyncFileLogger(tmp_path / "run.csv", ring_dir=rings) as log:
        log("E", 1)
        files = [path for path in rings.rglob("*") if path.is_file()]
        assert any(path.suffix == ".ring" for path in files)
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
        assert all(
            path.stat().st_mode & 0o777 == 0o700 for path in rings.rglob("*") if path.is_dir()
        )
    assert cells(tmp_path / "run.csv") == [["E", "1"]]
    assert not [path for path in rings.rglob("*") if path.is_file()]


def test_drop_counts_what_has_no_room(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    with AsyncFileLogger(path, buffer_bytes=65536, on_full="drop") as log:
        log.set_time(TIME)
        for i in range(20_000):
            log("E", i)
    counts = log.counts
    assert counts.calls == 20_000
    rows = cells(path)
    assert counts.written == sum(row[0] == "E" for row in rows)
    assert counts.dropped == sum(int(row[1]) for row in rows if row[0] == "DROPPED")


def test_what_is_no_file_gets_text() -> None:
    program = """
import attolog
with attolog.AsyncFileLogger("/dev/stdout", pattern="{message}") as log:  # a pipe
    log("E", x=1)
    log.print("printed")
"""
    assert run_python(program).stdout == "E x=1\nprinted\n"
    with AsyncFileLogger("/dev/null") as log:
        log("E", x=1)
    assert log.counts.written == 1


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (
            lambda: attolog.AsyncFileLogger("never-made.csv", onfull="drop"),  # type: ignore[call-arg]
            "there is no option 'onfull'; options are path, buffer_size, ",
        ),
        (
            lambda: attolog.log.open("never-made.csv", level="INFO"),  # type: ignore[call-arg]
            "there is no option 'level'; the level is set by log.level",
        ),
        (
            lambda: attolog.CircularLogger(whn="ms > 5"),  # type: ignore[call-arg]
            "CircularLogger() takes no option 'whn'; options are max_size, max_bytes, when, ",
        ),
    ],
)
def test_a_misspelt_option_is_told_with_the_options(make: Any, complaint: str) -> None:
    with pytest.raises(TypeError, match="^" + re.escape(complaint)):
        make()
