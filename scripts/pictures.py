"""Makes the pictures of README.md: `make pictures`.

- `terminal.svg` is a terminal. Its commands are really run, in a pseudoterminal, and what they
  write is drawn.
- `call-cost.svg` is a bar chart of the table of calls in docs/explanation/benchmarks.md.

    python scripts/pictures.py FOLDER
"""

from __future__ import annotations

import html
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

BENCHMARKS = Path(__file__).parent.parent / "docs" / "explanation" / "benchmarks.md"
WIDTH = 88

SHOP = """\
import random

for n in range(300_000):
    user, ms = random.choice(["ann", "bob", "eve"]), random.expovariate(0.1)
    print(f"request {n} of {user} took {ms:.1f} ms")
"""
ASK = """\
import attolog, duckdb

requests = attolog.read("shop.atto")["request {n} of {user} took {ms:.1f} ms"]
print(duckdb.sql("select user, count(*) n, max(ms) from requests group by user"))
"""
SERVE = """\
import attolog, os, signal

attolog.init_logger("run.atto", quiet=True)
for n in range(100_000):
    attolog.log("request", n)
os.kill(os.getpid(), signal.SIGKILL)
"""
SESSION = (
    "cat shop.py",
    "attolog run --quiet shop.py",
    "attolog cat -n 2 shop.atto",
    "cat ask.py; python ask.py",
    "python serve.py     # logs 100,000 requests, then kills itself with SIGKILL",
    "attolog stats run.atto | cut -f 1,2",
)


def main() -> None:
    """Write both pictures."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "call-cost.svg").write_text(chart(BENCHMARKS.read_text("utf-8")), "utf-8")
    (folder / "terminal.svg").write_text(terminal(), "utf-8")


def terminal() -> str:
    """The session as a picture."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"))  # noqa: SIM115
    with tempfile.TemporaryDirectory() as folder:
        for name, source in (("shop.py", SHOP), ("ask.py", ASK), ("serve.py", SERVE)):
            Path(folder, name).write_text(source, "utf-8")
        for command in SESSION:
            console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
            shown = Text.from_ansi(run(command, folder))
            if shown:
                console.print(shown)
    picture = console.export_svg(title="attolog", unique_id="attolog")
    # No font is fetched: a reader's own fixed-width font does.
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)


def run(command: str, folder: str) -> str:
    """What a command writes to a terminal."""
    environment = {name: v for name, v in os.environ.items() if not name.startswith("ATTOLOG")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment |= {"TERM": "xterm-256color", "COLUMNS": str(WIDTH), "PAGER": "cat"}
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        ["bash", "-c", command], cwd=folder, env=environment, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 1 << 16)
        except OSError:  # no process has the terminal any more
            break
        shown += chunk
    program.wait()
    return shown.decode().replace("\r\n", "\n").rstrip("\n")


BAR, ROW, LEFT, RIGHT, TOP = 430, 24, 280, 90, 34
OURS, OTHERS = "#2f6fde", "#9aa3ad"


def chart(page: str) -> str:
    """The table "a call in a burst" of the page as bars."""
    rows = bars(page)
    longest = max(ns for _, ns in rows)
    width, height = LEFT + BAR + RIGHT, TOP + ROW * len(rows) + 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{LEFT}" y="20" fill="#333">ns that a log call takes (shorter is better)</text>',
    ]
    for i, (name, ns) in enumerate(rows):
        y = TOP + ROW * i
        is_ours = name.startswith("attolog")
        weight = ' font-weight="bold"' if is_ours else ""
        size = max(1, round(BAR * ns / longest))
        lines += [
            f'<text x="{LEFT - 8}" y="{y + 16}" text-anchor="end" fill="#333"{weight}>'
            f"{html.escape(name)}</text>",
            f'<rect x="{LEFT}" y="{y + 4}" width="{size}" height="16" '
            f'fill="{OURS if is_ours else OTHERS}"/>',
            f'<text x="{LEFT + size + 6}" y="{y + 16}" fill="#333"{weight}>{ns:,}</text>',
        ]
    return "\n".join([*lines, "</svg>\n"])


def bars(page: str) -> list[tuple[str, int]]:
    """The rows of the page's table of calls: a name, and the ns of a call in a burst."""
    _, _, table = page.partition("| a call in a burst |")
    found = re.findall(r"^\| ([^|]+) \| \**([\d,]+) ns\** \|", table.split("\n\n")[0], re.MULTILINE)
    return [(name.strip("*` ").replace("`", ""), int(ns.replace(",", ""))) for name, ns in found]


if __name__ == "__main__":
    main()
