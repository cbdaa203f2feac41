"""The pages of the documentation, and a run of their code blocks as a reader would run them.

    python tests/docs/pages.py PAGE     runs a page in the working directory, block by block

| block | what happens |
|---|---|
| `python` | it runs; all blocks of a page share their names |
| `text title="Output"` | the Python block before it must have printed this |
| any block with another title | the title is a file's name, and the block is its text |
| `python title="Python 3.14"` | it runs from that version on |
| `console` | each line behind `$ ` is a command; the lines below it are what a terminal shows |
| `<!-- run: ... -->` | Python that readers do not need to see |

In an expected output `...` stands for any text, and a time for any time. A command's exit status
must be 0, or the one that stands behind it: `# exit status 1`.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?: title=\"(?P<title>[^\"]*)\")?[^\n]*\n"
    r"(?P<text>.*?)^(?P=indent)```$|^<!-- run: (?P<hidden>.*?) -->$",
    re.MULTILINE | re.DOTALL,
)
_PYTHON = re.compile(r"Python 3\.(\d+)")
_STYLE = re.compile(r"\x1b\[[\d;]*m|\x1b\]8;;[^\x1b]*\x1b\\")  # colours and links
_STATUS = re.compile(r"\s*# exit status (\d+)$")
# What is different in each run, and what stands for it. Times come first.
_VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6,9}Z|\b1[67]\d{8}\.\d{6,9}\b"), "TIME"),
    (re.compile(r"\b\d+\.\d+(?= +TIME)"), "RATE"),
    (re.compile(r"\b[\d.]+ s of the program's time"), "SECONDS"),
    (re.compile(r"attolog-\d+"), "attolog-UID"),
    (re.compile(r"[ \t]+"), " "),
)


@dataclass(frozen=True)
class Block:
    """A code block of a page.

    Attributes:
        language: What stands behind the fence; `python` for what is hidden.
        title: A file's name, "Output", a version, or "".
        text: The lines of the block.
        line: The number of its first line in the page.
    """

    language: str
    title: str
    text: str
    line: int


def blocks(page: str) -> Iterator[Block]:
    """The code blocks of a page, hidden ones included."""
    for found in _BLOCK.finditer(page):
        line = page.count("\n", 0, found.start()) + 2
        if found["hidden"] is not None:
            yield Block("python", "", found["hidden"] + "\n", line - 1)
            continue
        indent = len(found["indent"])
        text = "".join(each[indent:] for each in found["text"].splitlines(keepends=True))
        yield Block(found["language"], found["title"] or "", text, line)


def is_alike(found: str, expected: str) -> bool:
    """Whether an output is the expected one, in which `...` stands for any text."""
    pattern = re.escape(_stable(expected)).replace(r"\.\.\.", ".*?")
    return re.fullmatch(pattern, _stable(found), re.DOTALL) is not None


def _stable(text: str) -> str:
    lines = (line.strip() for line in text.strip().splitlines())
    text = "\n".join(lines)
    for pattern, instead in _VOLATILE:
        text = pattern.sub(instead, text)
    return text


class Runner:
    """Runs the blocks of one page in the working directory.

    Args:
        path: The page.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: dict[str, object] = {"__name__": "__main__"}
        self._printed = ""

    def run(self) -> None:
        """Run all blocks.

        Raises:
            AssertionError: An output is not the expected one; the message names page and line.
        """
        for block in blocks(self._path.read_text(encoding="utf-8")):
            if block.title == "Output":
                self._check(block.line, "the Python block", self._printed, block.text)
            elif block.language == "python" and self._is_to_run(block.title):
                self._printed = self._run_python(block)
            elif block.language == "console":
                self._run_commands(block)
            elif block.title and not _PYTHON.match(block.title):
                Path(block.title).write_text(block.text, encoding="utf-8")

    def _is_to_run(self, title: str) -> bool:
        version = _PYTHON.match(title)
        return not title or (version is not None and sys.version_info >= (3, int(version[1])))

    def _run_python(self, block: Block) -> str:
        code = compile("\n" * (block.line - 1) + block.text, self._path, "exec")
        sys.stdout.flush()
        before = os.dup(1)
        with tempfile.TemporaryFile("w+") as printed:
            os.dup2(printed.fileno(), 1)
            try:
                exec(code, self._names)
            finally:
                sys.stdout.flush()
                os.dup2(before, 1)
                os.close(before)
            printed.seek(0)
            return printed.read()

    def _run_commands(self, block: Block) -> None:
        line = block.line
        for each in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, expected = each.partition("\n")
            while command.endswith("\\"):
                more, _, expected = expected.partition("\n")
                command = command[:-1] + more
            status = _STATUS.search(command)
            shown, returned = _at_a_terminal(command)
            assert returned == int(status[1] if status else 0), (
                f"{self._path}:{line}: {command}: exit status {returned}\n{shown}"
            )
            if expected:
                self._check(line, command, shown, expected)
            line += each.count("\n")

    def _check(self, line: int, what: str, found: str, expected: str) -> None:
        found = found.replace(f"{Path.cwd()}/", "")
        assert is_alike(found, expected), (
            f"{self._path}:{line}: {what} shows\n{found}\ninstead of\n{expected}"
        )


def _at_a_terminal(command: str) -> tuple[str, int]:
    """What a command shows on a terminal, and its exit status."""
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120", "PAGER": "cat"}
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        ["bash", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 1 << 16)
        except OSError:  # nobody has the terminal any more
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    text = _STYLE.sub("", shown.decode(errors="replace")).replace("\r\n", "\n")
    status = program.wait()
    return text, status if status >= 0 else 128 - status


if __name__ == "__main__":
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    Runner(Path(sys.argv[1])).run()
