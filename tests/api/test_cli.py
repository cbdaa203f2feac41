"""The command line, run in this process but for terminals and pipes."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from attolog import AsyncFileLogger
from attolog._cli import VERBS, main
from attolog._cli import recover as recover_verb
from attolog._cli.show import line, line_with_origin
from attolog._reading.files import JOURNAL_MAGIC
from attolog._reading.journal import Journal

from .helpers import run_python
from .terminal import environment, on_a_terminal

T = 1_700_000_000 * 1_000_000_000
SHOWN = "2023-11-14T22:13:20.000001Z"

RECORDS = [
    (T + 1999, "event", "GEN", None, "a", 7, ("model", "n", "s"), ("r50", 1, 'say "hi"'), None),
    (T + 1999, "message", "{m} took", "DEBUG", "b", 7, ("m",), ("x",), "x\ntook\t\\\x1b[31m"),
    (T + 1999, "text", "LOG", None, "a", 8, (), (), "sentence \u202e\udc80"),
    (T + 1999, "print", "PRINT", None, "a", 8, (), (), "printed\n"),
    (T + 1999, "dropped", "DROPPED", None, "", 7, ("n", "since"), (4, 5), None),
    (T + 1999, "dropped", "DROPPED", None, "", 7, ("n", "since"), (3, 9), None),
]
LINES = [
    rf'{SHOWN} EVENT    GEN model=r50 n=1 s="say ""hi"""',
    rf"{SHOWN} DEBUG    x\ntook\t\\\x1b[31m",
    rf"{SHOWN} LOG      sentence {chr(92)}u202e\udc80",
    rf"{SHOWN} PRINT    printed",
    rf"{SHOWN} WARNING  DROPPED n=4 since=5",
    rf"{SHOWN} WARNING  DROPPED n=3 since=9",
]


class FakeReader:
    kept: list[tuple[Any, ...]] = RECORDS
    said: tuple[str, ...] = ()

    def __init__(
        self, paths: tuple[str, ...], ring_dir: str | None = None, check: bool = False
    ) -> None: ...

    def tables(self) -> list[tuple[str, str, int, int, int, None]]:
        return [
            ("GEN", "event", 40, T, T + 4_000_000_000, None),
            ("DROPPED", "dropped", 2, T, T, None),
            ("NEVER", "event", 0, 0, 0, None),
        ]

    def problems(self) -> list[str]:
        return list(self.said)

    def records(
        self, *, table: str | None = None, last: int | None = None, **query: None
    ) -> Iterator[tuple[Any, ...]]:
        kept = [record for record in self.kept if table in (None, record[2])]
        return iter(kept if last is None else kept[max(len(kept) - last, 0) :])

    def lines(self, *, last: int | None, origin: bool, **_: None) -> Iterator[bytes]:
        reader: Any = self
        for record in Journal("run.atto", lambda: reader).records(last=last):
            shown = line_with_origin(record) if origin else line(record)
            yield shown.encode(errors="backslashreplace") + b"\n"


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("attolog._reading.journal._core", SimpleNamespace(Reader=FakeReader))
    path = tmp_path / "run.atto"
    path.write_bytes(JOURNAL_MAGIC)
    return str(path)


@pytest.fixture
def csv(tmp_path: Path) -> str:
    path = tmp_path / "run.csv"
    path.write_text('1.5,GEN,"a\nb",2\n3.5,GEN,x,3\n2.0,LOG,"1,2"\n4.0,DROPPED,7,3.0\n')
    return str(path)


@pytest.fixture
def while_following(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run one step at each turn of `-f`, then Ctrl-C."""

    def follow(*steps: Callable[[], object]) -> None:
        left = list(steps)

        def sleep(_seconds: float) -> None:
            if not left:
                raise KeyboardInterrupt
            left.pop(0)()

        monkeypatch.setattr("attolog._cli.cat.time.sleep", sleep)

    return follow


Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("verb", [["cat"], []])
def test_cat_shows_the_records_of_a_journal(journal: str, capsys: Capture, verb: list[str]) -> None:
    assert main([*verb, journal]) == 0
    assert capsys.readouterr().out.splitlines() == LINES


def test_cat_of_a_damaged_journal(
    journal: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeReader, "said", ("block at 64: wrong checksum",))
    assert main(["cat", "-n", "1", journal]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == LINES[-1:]
    assert captured.err == "attolog: block at 64: wrong checksum\n"


@pytest.mark.parametrize("verb", [["cat"], []])
def test_cat_shows_other_files_as_they_are(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], verb: list[str]
) -> None:
    content = b"one\x1b[31m\r\n\xff\xfe\x00\n\nlast without end"
    (tmp_path / "run.log").write_bytes(content)
    assert main([*verb, str(tmp_path / "run.log")]) == 0
    assert capsysbinary.readouterr().out == content


@pytest.mark.parametrize(("n", "shown"), [("0", 0), ("2", 2), ("99", 5)])
def test_cat_of_the_last_lines(csv: str, capsys: Capture, n: str, shown: int) -> None:
    assert main(["cat", "-n", n, csv]) == 0
    lines = Path(csv).read_text().splitlines()
    assert capsys.readouterr().out.splitlines() == lines[len(lines) - shown :]


def test_follow_a_text_file_through_rotation(
    tmp_path: Path, capsys: Capture, while_following: Callable[..., None]
) -> None:
    path = tmp_path / "run.log"
    path.write_text("old\n1\n")

    def append(text: str) -> None:
        with path.open("a") as file:
            file.write(text)

    def rotate() -> None:
        append("4\n")
        path.rename(tmp_path / "run.log.1")
        path.write_text("5\n")

    while_following(
        lambda: append("2\nthr"),
        lambda: append("ee\n"),
        rotate,
        lambda: path.unlink(),
        lambda: path.write_text("6\n7\n"),
        lambda: os.truncate(path, 0),
        lambda: append("8\n"),
    )
    assert main(["cat", "-f", "-n", "1", str(path)]) == 130
    captured = capsys.readouterr()
    assert captured.out.split() == ["1", "2", "three", "4", "5", "6", "7", "8"]
    assert captured.err.strip() == ""  # a newline after the terminal's ^C is click's


def test_stats_of_a_csv(csv: str, capsys: Capture) -> None:
    assert main(["stats", csv]) == 0
    rows = [line.split("\t")[:4] for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [
        ["GEN", "2", "1.0", "1970-01-01T00:00:01.500000Z"],
        ["LOG", "1", "", "1970-01-01T00:00:02.000000Z"],
        ["DROPPED", "7", "", "1970-01-01T00:00:04.000000Z"],
    ]


def test_stats_of_packed_and_torn_rows(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "run.csv"
    path.write_text('1.0,GEN,"1,2"\n2.0,GEN,\n3.0,DROPPED,"5,2.5"\n4.0,GE')
    assert main(["stats", str(path)]) == 1
    captured = capsys.readouterr()
    rows = [line.split("\t")[:2] for line in captured.out.splitlines()[1:]]
    assert rows == [["GEN", "2"], ["DROPPED", "5"]]
    assert captured.err == f"attolog: {path}: the last row is incomplete\n"


def recovered(monkeypatch: pytest.MonkeyPatch, **found: object) -> list[tuple[str, bool]]:
    calls: list[tuple[str, bool]] = []

    def recover(path: str, check: bool, ring_dir: str | None) -> dict[str, object]:
        calls.append((path, check))
        return {"records": 0, "sessions": 0, "messages": [], **found}

    monkeypatch.setattr(
        recover_verb,
        "_core",
        SimpleNamespace(recover=recover, places=lambda path, ring_dir: {"homes": [], "ends": []}),
    )
    return calls


def test_recover(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    calls = recovered(monkeypatch, records=12, sessions=2)
    assert main(["recover", "run.csv"]) == 0
    assert main(["recover", "--check", "run.csv"]) == 1
    assert calls == [("run.csv", False), ("run.csv", True)]
    assert capsys.readouterr().out.splitlines() == [
        "run.csv: recovered 12 records of 2 killed processes",
        "run.csv: would recover 12 records of 2 killed processes",
    ]


@pytest.mark.parametrize(
    ("records", "sessions", "said"),
    [
        (1, 1, "1 record of 1 killed process"),
        (0, 1, "0 records of 1 killed process"),
        (2000, 2, "2,000 records of 2 killed processes"),
    ],
)
def test_recover_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, records: int, sessions: int, said: str
) -> None:
    recovered(monkeypatch, records=records, sessions=sessions)
    assert main(["recover", "run.csv"]) == 0
    assert capsys.readouterr().out == f"run.csv: recovered {said}\n"


@pytest.mark.parametrize("name", ["run.csv", "run.atto"])
def test_records_of_a_file_that_was_removed_go_into_no_other(
    tmp_path: Path, capsys: Capture, name: str
) -> None:
    path = tmp_path / name
    run_python(
        "import attolog, os, sys; attolog.AsyncFileLogger(sys.argv[1])('E', n=1); os._exit(0)", path
    )
    path.unlink()
    assert main(["recover", str(path)]) == 1
    assert not path.exists()
    AsyncFileLogger(str(path)).close()
    assert main(["recover", str(path)]) == 0
    assert path.read_bytes() == b""
    captured = capsys.readouterr()
    assert captured.out == f"{path}: nothing to recover\n"
    assert captured.err == f"attolog: {path}: No such file or directory\n"


def test_records_follow_a_file_that_was_renamed(tmp_path: Path, capsys: Capture) -> None:
    path, old = tmp_path / "run.csv", tmp_path / "run.old.csv"
    run_python(
        "import attolog, os, sys; attolog.AsyncFileLogger(sys.argv[1])('E', n=1); os._exit(0)", path
    )
    path.rename(old)
    assert main(["recover", str(old)]) == 0
    assert capsys.readouterr().out == f"{old}: recovered 1 record of 1 killed process\n"
    assert ",E,1\n" in old.read_text()


def test_recover_nothing(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    recovered(monkeypatch)
    assert main(["recover", "--check", "run.csv"]) == 0
    assert capsys.readouterr().out == "run.csv: nothing to recover\n"


def test_recover_says_what_went_wrong(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    recovered(monkeypatch, sessions=1, messages=["disk full"])
    assert main(["recover", "run.csv"]) == 1
    assert capsys.readouterr().err == "attolog: disk full\n"


@pytest.mark.parametrize("verb", ["cat", "stats", "recover"])
@pytest.mark.parametrize("name", ["no-such.atto", "no-such.csv", "no\nsuch.log"])
def test_a_missing_file(tmp_path: Path, capsys: Capture, verb: str, name: str) -> None:
    assert main([verb, str(tmp_path / name)]) == 1
    escaped = name.replace("\n", r"\n")
    assert capsys.readouterr().err == f"attolog: {tmp_path}/{escaped}: No such file or directory\n"


@pytest.mark.parametrize("args", [["cat"], ["cat", "-f"], ["stats"]])
def test_what_is_no_journal(tmp_path: Path, capsys: Capture, args: list[str]) -> None:
    path = tmp_path / "run.atto"
    path.write_bytes(bytes(range(256)))
    assert main([*args, str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"attolog: {path} is no journal: no block of one is in it\n"


def test_stats_of_what_is_neither(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "run.log"
    path.write_text("a sentence\n")
    assert main(["stats", str(path)]) == 1
    assert f"attolog: {path}: line 1 is no row" in capsys.readouterr().err


@pytest.mark.parametrize(
    "args", [["nonsense"], ["cat"], ["cat", "-n", "x", "f"], ["stats", "--no"], ["--no"]]
)
def test_wrong_usage(capsys: Capture, args: list[str]) -> None:
    assert main(args) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("attolog: ") and captured.err.count("\n") == 1


@pytest.mark.parametrize("args", [[], ["--help"], ["-h"]])
def test_help_names_every_verb(capsys: Capture, args: list[str]) -> None:
    assert main(args) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {verb} " in out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_the_first_sentence_of_a_verb(verb: str) -> None:
    command = importlib.import_module(f"attolog._cli.{verb}").command
    assert command.get_short_help_str(1000) == VERBS[verb]


def test_help_loads_no_verb() -> None:
    program = (
        "import sys; from attolog._cli import main; main(['--help']);"
        "print([m for m in sys.modules if m.startswith('attolog._cli.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "['attolog._cli.usage', 'attolog._cli.wrong']"


def test_a_file_called_like_a_verb_needs_the_verb(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("stats").write_text("1.0,A,1\n")
    Path("plain").write_text("shown\n")
    assert main(["cat", "stats"]) == 0
    assert main(["plain"]) == 0
    assert capsys.readouterr().out == "1.0,A,1\nshown\n"


def test_e3_a_terminal_gets_no_control_bytes(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    path.write_bytes("a\x1b]0;owned\x07\tb\rc\x9b31m\u202e é\n".encode() + b"\xff\n")
    shown = on_a_terminal("cat", str(path)).decode()
    assert shown.split() == [r"a\x1b]0;owned\x07", r"b\rc\x9b31m\u202e", "é", r"\xff"]


def test_stats_on_a_terminal(csv: str) -> None:
    lines = on_a_terminal("stats", csv).decode().splitlines()
    assert lines[0].split() == ["name", "count", "per", "second", "first", "last"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["GEN", "2"],
        ["LOG", "1"],
        ["DROPPED", "7"],
    ]


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    path.write_text("line\n" * 200_000)
    command = [sys.executable, "-m", "attolog", str(path)]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()
        assert process.stderr.read() == b""


def test_only_the_verb_in_use_is_loaded(csv: str) -> None:
    program = (
        "import sys; from attolog._cli import main; main(['cat', sys.argv[1]]);"
        "print([m for m in sys.modules if m in ('rich', 'pandas', 'attolog._cli.stats')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, csv], env=environment(), capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


NO_FILE = ("bench", "ctl", "rewrite", "run")
FURTHER = {"export": ["run.csv"], "plot": ["ms"], "diff": ["run.csv"]}


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in NO_FILE])
def test_what_is_no_file_is_refused(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fifo = tmp_path / "fifo.csv"
    os.mkfifo(fifo)
    for path in (tmp_path, fifo):
        assert main([verb, str(path), *FURTHER.get(verb, [])]) == 1
        assert capsys.readouterr() == ("", f"attolog: {path} is not a regular file\n")


def test_numbers_that_python_does_not_write_out_are_shown(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with AsyncFileLogger(tmp_path / "run.atto") as log:
        log("N", n=16**5000)
        log("Z", n=1)
    assert main(["cat", str(tmp_path / "run.atto")]) == 0
    shown = capfdbinary.readouterr().out.decode().splitlines()
    assert [line.split(" ", 1)[1] for line in shown] == [
        f"EVENT    N n=0x1{'0' * 5000}",
        "EVENT    Z n=1",
    ]


def test_a_count_of_lines_beyond_all_measure(csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cat", "-n", str(10**20), csv]) == 2
    most = f"{sys.maxsize:,}"
    said = f"--lines must be a whole number from 0 to {most}, not '{10**20}'"
    assert capsys.readouterr().err == f"attolog: {said} (see attolog cat --help)\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stat"], "there is no verb 'stat'; verbs are bench, cat, "),
        (["rewrit", "x"], "; did you mean 'rewrite'? (see attolog --help)"),
        (["--nosuch"], "there is no option '--nosuch' (see attolog --help)"),
        (["cat"], "FILE is missing (see attolog cat --help)"),
        (["cat", "-n", "x", "a.csv"], "--lines must be a whole number from 0 to "),
        (["cat", "-n", "-1", "a.csv"], "not '-1' (see attolog cat --help)"),
        (["cat", "--folow", "a.csv"], "there is no option '--folow'; did you mean '--follow'? "),
        (["ctl", "x"], "PID must be a whole number from 0 to 4,294,967,295, not 'x'"),
        (["bench", "--json"], "--json needs a value (see attolog bench --help)"),
    ],
)
def test_wrong_usage_is_one_line_in_plain_words(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert output.err.startswith("attolog: ")
    assert output.err.count("\n") == 1


def test_help_has_each_form_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rewrite", "--help"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "Usage: attolog rewrite [OPTIONS] PATH...",
        "       attolog rewrite --prove [OPTIONS] PATH... -- COMMAND",
    ]


def test_without_a_standard_output_nothing_is_shown(csv: str) -> None:
    command = f"exec {sys.executable} -m attolog cat {csv} >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "attolog: standard output is closed\n")


@pytest.mark.parametrize("verb", ["cat", "stats"])
def test_lone_surrogates_are_shown_by_their_number(tmp_path: Path, verb: str) -> None:
    path = tmp_path / "run.atto"
    with AsyncFileLogger(path) as log:
        log("lone \ud800 {x}", 3)
    shown = subprocess.run(
        [sys.executable, "-m", "attolog", verb, str(path)],
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
    )
    assert b"lone \\ud800 " in shown.stdout
