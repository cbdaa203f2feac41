"""`attolog rewrite --prove`: a program before and after, line by line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from attolog._rewrite.prove import MOST, LoggedText, compare

PROGRAM = """
import sys

class Shy:
    def __str__(self):
        return "shy"

def main(n):
    print("started with", n, "tasks")
    for i in range(n):
        print("GEN", "ResNet50", i, i / 4, None, i > 1)
        print(f"[{i}] took {i / 3:.3f} s", end=" ")
        print("and", Shy())
    print(i)
    print("bad", [i], file=sys.stderr)
    sys.stdout.write("written\\n")
    print("%d of %5.1f%%" % (i, 12.5))
    sys.exit(3)

main(int(sys.argv[1]))
"""


def prove(folder: Path, *options: str, command: tuple[str, ...]) -> tuple[int, str, str]:
    line = [sys.executable, "-m", "attolog", "rewrite", "--prove", *options, "--", *command]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ATTOLOG")}
    ended = subprocess.run(
        line, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "app.py"
    path.write_text(PROGRAM)
    return path


@pytest.mark.parametrize("options", [(), ("--all",)])
def test_the_same_text(app: Path, options: tuple[str, ...]) -> None:
    command = (sys.executable, "app.py", "4")
    status, out, err = prove(app.parent, *options, "app.py", command=command)
    assert (status, out.startswith("Proved: the log has the same text, to the byte (")) == (0, True)
    assert "7 prints: " in err
    assert app.read_text() == PROGRAM
    assert list(app.parent.iterdir()) == [app]


def test_a_difference_is_named(app: Path) -> None:
    # An enum's name is what the log keeps of it.
    colour = "import enum\nColour = enum.Enum('Colour', 'RED')\n"
    app.write_text(colour + "print('SAME', 1)\nprint('HUE', Colour.RED)\n")
    status, out, _ = prove(app.parent, "app.py", command=(sys.executable, "app.py"))
    assert status == 1
    assert out.splitlines() == [
        "stdout, line 2: (logged by HUE)",
        "-HUE Colour.RED\\n",
        "+HUE RED\\n",
    ]


def test_another_exit_status_is_a_difference(app: Path) -> None:
    app.write_text('print("GEN", 1)\nimport sys\nsys.exit("attolog" in sys.modules)\n')
    status, out, _ = prove(app.parent, "app.py", command=(sys.executable, "app.py"))
    assert (status, out) == (1, "The exit status was 0 and is 1.\n")


@pytest.mark.parametrize(
    ("options", "command", "says"),
    [
        (("app.py",), ("no-such-program",), "no-such-program: No such file or directory"),
        (("app.py",), (sys.executable, "-c", "pass"), "the rewritten program logged nothing"),
        (("app.py", "--ignore", "("), (sys.executable, "app.py"), "--ignore (: "),
        (("app.py",), (), "--prove goes with a command"),
        (("/dev/null",), (sys.executable, "app.py"), "nothing was rewritten"),
    ],
)
def test_what_is_wrong_is_one_line(
    app: Path, options: tuple[str, ...], command: tuple[str, ...], says: str
) -> None:
    status, out, err = prove(app.parent, *options, command=command)
    assert status != 0 and out == ""
    assert says in err.splitlines()[-1]


def test_a_file_elsewhere_cannot_be_proved(
    app: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("elsewhere")
    status, _, err = prove(folder, str(app), command=(sys.executable, str(app), "2"))
    assert status == 1 and "not below" in err.splitlines()[-1]


def logged(*texts: str) -> list[LoggedText]:
    return [LoggedText(text.encode(), "N") for text in texts]


def test_texts_may_be_laid_into_one_another_in_any_way() -> None:
    # Also in the middle of a line, and where either could come first.
    for before in ("aabc", "abac", "aacb", "acab"):
        assert compare("stdout", before.encode(), b"ab", logged("a", "c")) == []
    assert compare("stdout", b"x 1 y\nx 2 y\n", b"x x ", logged("1 y\n", "2 y\n")) == []


@pytest.mark.parametrize(
    ("before", "left", "texts", "found"),
    [
        ("a\nb\n", "", ("a\n", "c\n"), [(2, b"b\n", b"c\n")]),
        ("a\nb\n", "", ("a\n",), [(2, b"b\n", None)]),
        ("a\n", "", ("a\n", "b\n"), [(2, None, b"b\n")]),
        ("a\n", "b\n", ("a\n",), [(2, None, b"b\n")]),
        ("a\nb\nc\n", "c\n", ("x\n", "b\n"), [(1, b"a\n", b"x\n")]),
        ("ab\nc\nd\n", "a", ("x\n", "c\n", "y\n"), [(1, b"ab\n", b"x\n"), (3, b"d\n", b"y\n")]),
    ],
)
def test_differences_are_told_by_line(
    before: str, left: str, texts: tuple[str, ...], found: list[tuple[int, bytes | None, bytes]]
) -> None:
    differences = compare("stderr", before.encode(), left.encode(), logged(*texts))
    assert [(each.line, each.printed, each.logged) for each in differences] == found


STEPS = [f"step {i}\n" for i in range(40)]


def laid(*lines: str) -> bytes:
    return "".join(lines).encode()


@pytest.mark.parametrize("n_extra", [1, 3, 10])
@pytest.mark.parametrize("is_logged", [True, False])
def test_after_a_difference_the_rest_is_compared_as_ever(n_extra: int, is_logged: bool) -> None:
    before = laid("started 1.25\n", *(f"{step}tick\n" for step in STEPS))
    ticks = "tick\n" * len(STEPS)
    one = compare("stdout", before, laid("started 1.75\n", ticks), logged(*STEPS))
    assert [(each.line, each.logged) for each in one] == [(1, b"started 1.75\n")]

    extra = [f"new {i}\n" for i in range(n_extra)]
    left = laid("started 1.25\n", *([] if is_logged else extra), ticks)
    records = [*STEPS[:20], *(extra if is_logged else []), *STEPS[20:]]
    found = compare("stdout", before, left, logged(*records))
    assert [each.printed for each in found] == [None] * n_extra
    assert [each.logged for each in found] == [each.encode() for each in extra]


def test_lines_that_are_gone_are_named() -> None:
    found = compare("stdout", laid(*STEPS), b"", logged(*STEPS[:7], *STEPS[10:]))
    assert [(each.line, each.printed) for each in found] == [
        (n, f"step {n - 1}\n".encode()) for n in (8, 9, 10)
    ]


def test_differences_far_apart_are_told_each() -> None:
    changed = [step.upper() if i in (3, 30) else step for i, step in enumerate(STEPS)]
    found = compare("stdout", laid(*STEPS), b"", logged(*changed))
    assert [(each.line, each.logged) for each in found] == [(4, b"STEP 3\n"), (31, b"STEP 30\n")]


def test_texts_without_a_line_in_common_come_to_an_end() -> None:
    found = compare("stdout", laid(*STEPS), b"x\n" * 50, logged(*["y\n"] * 50))
    assert 0 < len(found) <= MOST


def test_lines_that_match_may_differ_or_be_missing() -> None:
    ignored = re.compile(rb"^took \d")
    before = laid("took 1 s\n", "a\n", "took 2 s\n", "b\n")
    left = laid("took 3 s\n", "took 4 s\n")
    assert compare("stdout", before, left, logged("a\n", "b\n"), ignored) == []
    (one,) = compare("stdout", before, left, logged("a\n", "c\n"), ignored)
    assert (one.line, one.printed, one.logged) == (4, b"b\n", b"c\n")
    (one,) = compare("stdout", before, b"", logged("took 9 s\n", "a\n", "c\n"), ignored)
    assert one.line == 4


TIMED = """
import os, sys, time, traceback
sys.stdout.write(f"started at {time.time_ns()}\\n")
print("GEN", 1)
print(f"in {os.getcwd()} by {__file__}")
try:
    1 / 0
except ZeroDivisionError:
    traceback.print_exc()
for i in range(3):
    print(f"step {i} is done")
    sys.stdout.write("tick\\n")
"""


@pytest.mark.parametrize("ignore", [(), ("--ignore", "^started", "--ignore", "line \\d+")])
def test_both_runs_are_at_one_path(app: Path, ignore: tuple[str, ...]) -> None:
    app.write_text(TIMED)
    status, out, err = prove(app.parent, "app.py", *ignore, command=(sys.executable, "app.py"))
    if ignore:
        assert (status, out.startswith("Proved")) == (0, True)
        return
    # The import has moved the line of the traceback.
    assert status == 1
    assert [line for line in out.splitlines() if line.startswith("std")] == [
        "stdout, line 1:",
        "stderr, line 2:",
    ]
    assert "Not proved: 2 differences.\n" in err


def test_a_status_of_other_files_is_explained(app: Path) -> None:
    (app.parent / "python2.py").write_text('print "x"\n')
    command = (sys.executable, "app.py", "2")
    status, out, err = prove(app.parent, ".", command=command)
    assert (status, out.startswith("Proved")) == (1, True)
    assert err.endswith("Status 1: 1 file skipped, see above.\n")
