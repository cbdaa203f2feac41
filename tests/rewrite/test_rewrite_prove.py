"""`attolog rewrite --prove`: a program before and after, line by line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from attolog._rewrite.prove import Logged, compare

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
        (("app.py", "--entry", "app.py"), (sys.executable, "app.py"), "without --entry"),
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


def logged(*texts: str) -> list[Logged]:
    return [Logged(text.encode(), "N") for text in texts]


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
