"""SimPy's bank_renege under plain Python and under `attolog run`, by turns.

The example is SimPy's own, with more customers: some 200,000 prints of f-strings. Its last
statement writes down the time: the program's own time is from the start of the process to there,
start-up of `attolog run` included. The other time ends with the process, when all is shown. stdout
goes to a file, a pipe, or a terminal, each read by a process of its own; the slow terminal takes
1 MB/s.
"""

from __future__ import annotations

import os
import pty
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import attolog
from benchmarks.machine import without_python
from benchmarks.row import Measures, Row, must_arrive
from benchmarks.table import summary

_ROOT = Path(__file__).parents[2]
_SCREEN = _ROOT / "benchmarks" / "screen.py"
_SLOW = 1_000_000  # bytes per second
_SINKS = ("file", "pipe", "fast terminal", "slow terminal")
_HOWS = ("plain", "run")
_AT_THE_END = """
with open(__import__("os").environ["ENDED_AT"], "w") as file:
    file.write(str(__import__("time").monotonic()))
"""


class Bank:
    """The program, enlarged, in a folder; SimPy is used where it was unpacked."""

    def __init__(self, folder: Path) -> None:
        sys.path.append(str(_ROOT / "tests"))
        from programs.fetch import unpacked
        from programs.table import PROGRAMS

        program = next(each for each in PROGRAMS if each.name == "simpy-bank_renege")
        assert program.package is not None
        source = unpacked(program.package, _ROOT / "build" / "programs" / "sources")
        self.folder = folder
        self.script = folder / program.command[0]
        shutil.copy(source / program.folder / program.command[0], self.script)
        program.change(folder)
        with self.script.open("a", encoding="utf-8") as file:
            file.write(_AT_THE_END)
        self.ended_at = folder / "ended_at"
        self.environment = without_python(os.environ) | {
            "PYTHONPATH": str(source / "src"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "ENDED_AT": str(self.ended_at),
        }

    def run(self, how: str, sink: str) -> tuple[float, float, int]:
        """The program's own seconds, those until its process has ended, and the lines shown."""
        journal = self.folder / "run.atto"
        journal.unlink(missing_ok=True)
        attolog_run = ["-m", "attolog", "run", "-o", str(journal)] if how == "run" else []
        command = [sys.executable, *attolog_run, str(self.script)]
        with _opened(sink, self.folder) as out:
            start = time.monotonic()
            done = subprocess.run(
                command, env=self.environment, cwd=self.folder, stdout=out,
                stderr=subprocess.PIPE,
            )  # fmt: skip
            end = time.monotonic()
        done.check_returncode()
        lines = int((self.folder / "lines").read_text(encoding="ascii"))
        if how == "run":
            must_arrive(_records(journal), lines)
        own = float(self.ended_at.read_text(encoding="ascii"))
        return own - start, end - start, lines


@contextmanager
def _opened(sink: str, folder: Path) -> Iterator[int]:
    """A descriptor to write to; afterwards the folder's file `lines` says how many came."""
    count = folder / "lines"
    if sink == "file":
        shown = folder / "shown"
        with shown.open("wb") as file:
            yield file.fileno()
        count.write_text(str(shown.read_bytes().count(b"\n")), encoding="ascii")
        return
    ours, theirs = os.pipe() if sink == "pipe" else pty.openpty()
    pace: Sequence[str] = [str(_SLOW)] if sink == "slow terminal" else []
    reader = subprocess.Popen(
        [sys.executable, str(_SCREEN), str(count), *pace], stdin=ours, stdout=subprocess.PIPE
    )
    os.close(ours)
    assert reader.stdout is not None
    reader.stdout.readline()  # it is ready: its start is not in what is measured
    try:
        yield theirs
    finally:
        os.close(theirs)
        reader.wait()
        reader.stdout.close()


def _records(journal: Path) -> int:
    tables = attolog.read(journal)
    return sum(
        len(tables[name]) for name in tables if tables[name].kind not in ("dropped", "clock")
    )


def run(quick: bool) -> Measures:
    """One run."""
    turns = 1 if quick else 3
    times: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with TemporaryDirectory(prefix="attolog-bench-") as name:
        bank = Bank(Path(name))
        lines = bank.run("run", "file")[2]  # SimPy's bytecode, the compiled prints
        for turn in range(turns):
            for sink in _SINKS:
                for how in _HOWS if turn % 2 else reversed(_HOWS):
                    own, whole, shown = bank.run(how, sink)
                    must_arrive(shown, lines)
                    times.setdefault((sink, how), []).append((own, whole))
    measures: Measures = {"lines": lines}
    for (sink, how), of in times.items():
        own, whole = (statistics.median(each) for each in zip(*of, strict=True))
        measures[f"{sink}, {how}, s"] = own
        measures[f"{sink}, {how}, s until shown"] = whole
    return measures


def show(runs: list[Measures]) -> str:
    """The table: medians of the runs, with the least and the most."""
    rows = ["", f"{runs[0]['lines']:,.0f} lines", ""]
    rows.append("| stdout | plain (s) | run (s) | plain / run | until shown: plain (s) | run (s) |")
    rows.append("|---" * 6 + "|")
    for sink in _SINKS:
        cells = []
        for unit in ("s", "s until shown"):
            for how in _HOWS:
                median, least, most = summary(runs, f"{sink}, {how}, {unit}")
                cells.append(f"{median:.2f} ({least:.2f} to {most:.2f})")
        ratio = statistics.median(
            each[f"{sink}, plain, s"] / each[f"{sink}, run, s"] for each in runs
        )
        cells.insert(2, f"{ratio:.2f} x")
        rows.append(f"| {sink} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


ROW = Row("SimPy's bank_renege under attolog run", (), run, show=show)
