"""`python -m programs`: each program under plain Python and `attolog run`, the texts compared.

Sources, copies, journals and the environment are in build/programs, and are kept. A line is printed
for each program; the exit status is 1 if anything differs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from programs import compare, fetch
from programs.program import Program
from programs.sinks import SINKS, Job, Ran
from programs.table import PROGRAMS

_HOME = Path(__file__).parents[2] / "build" / "programs"
_ATTOLOG = str(Path(sys.executable).with_name("attolog"))


def main() -> int:
    """Run what the command line asks for; 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="python -m programs", description=__doc__)
    parser.add_argument("words", nargs="*", help="only programs whose names contain one of these")
    options = parser.parse_args()
    chosen = [each for each in PROGRAMS if not options.words or _has(each, options.words)]
    if not chosen:
        parser.error("no program has such a name")
    packages = [p for each in PROGRAMS for p in (each.package, *each.needs) if p is not None]
    fetch.install(packages, Path(sys.prefix, "programs-installed"))
    differs = 0
    width = max(len(each.name) for each in chosen)
    for program in chosen:
        row = _Row(program)
        row.fill()
        print(f"{program.name:<{width}}  {row}", flush=True)
        for difference in row.differences:
            print(f"    {difference}", flush=True)
        differs += bool(row.differences)
    print(f"{len(chosen)} programs, {differs} of them differ")
    return int(differs > 0)


def _has(program: Program, words: list[str]) -> bool:
    return any(word in program.name for word in words)


class _Row:
    """What is found out about a program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.differences: list[str] = []
        self._said: list[str] = []
        self._prints = 0
        self._size = 0  # of what plain Python writes to stdout
        self._seconds = ""

    def fill(self) -> None:
        """Run it in all ways."""
        for sink in SINKS:
            if sink == "head" and self.program.not_for_head:
                self._note(sink, None)
                continue
            try:
                self._to(sink)
            except subprocess.TimeoutExpired as error:
                self._note(sink, f"no end after {error.timeout:.0f} s: {error.cmd[-3:]}")
        file = self.program.rewritable
        self._note("prove", None if file is None else _prove(self.program, file))

    def _to(self, sink: str) -> None:
        program = self.program
        journal = _HOME / "journals" / f"{program.name}.atto"
        start = time.perf_counter()
        plain = _run(program, sink, None)
        between = time.perf_counter()
        run, prints = compare.without_closing_line(_run(program, sink, journal))
        end = time.perf_counter()
        if sink == "pipe":
            self._prints, self._size = prints or 0, len(plain.stdout)
        difference = compare.same(program, sink, plain, run, self._size)
        if not difference and prints is None:
            difference = "no closing line"
        if sink != "head" and plain.status != program.status:
            difference = f"plain Python ends with {plain.status}, and not {program.status}"
        self._note(sink, difference)
        if sink == "file":
            self._seconds = f"{between - start:.2f} s / {end - between:.2f} s"
            is_all = not program.not_in_journal
            self._note("journal", compare.journal_has(program, journal, run) if is_all else None)

    def _note(self, what: str, difference: str | None) -> None:
        word = "-" if difference is None else "DIFFERENT" if difference else "same"
        self._said.append(f"{what} {word}")
        if difference:
            self.differences.append(f"{what}: {difference}")

    def __str__(self) -> str:
        return f"{self._prints:>9,} prints  {', '.join(self._said)}, {self._seconds}"


def _run(program: Program, sink: str, journal: Path | None) -> Ran:
    """Run it in a new copy of its folder, always the same one: tracebacks show it."""
    command = [word.format(stdlib=sysconfig.get_path("stdlib")) for word in program.command]
    if journal is None:
        command[:0] = [sys.executable]
    else:
        journal.parent.mkdir(parents=True, exist_ok=True)
        for old in journal.parent.glob(f"{journal.stem}*"):
            old.unlink() if old.is_file() else shutil.rmtree(old)
        command[:0] = [_ATTOLOG, "run", "-o", str(journal), *program.options]
    stdin = None if program.stdin is None else program.stdin.encode()
    return SINKS[sink](Job(command, _copy(program), _environment(program), stdin))


def _copy(program: Program) -> Path:
    folder = _HOME / "run" / program.name
    shutil.rmtree(folder, ignore_errors=True)
    if program.package is None:
        folder.mkdir(parents=True)
    else:
        source = fetch.unpacked(program.package, _HOME / "sources") / program.folder
        shutil.copytree(source, folder)
    program.change(folder)
    return folder


def _environment(program: Program) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ATTOLOG", "PYTHON", "COLUMNS", "LINES", "PYTEST"))
    }
    mine = {"PYTHONHASHSEED": "0", "TERM": "dumb", "XDG_CACHE_HOME": str(_HOME / "cache")}
    return kept | mine | dict(program.environment)


def _prove(program: Program, file: str) -> str | None:
    """What `attolog rewrite --prove` says if it does not hold; None: nothing can be rewritten."""
    folder = _copy(program)
    options = ["rewrite", "--all", "--prove", file, "--", sys.executable, *program.command]
    with tempfile.TemporaryFile() as stdin:
        stdin.write((program.stdin or "").encode())
        stdin.seek(0)
        done = subprocess.run(
            [_ATTOLOG, *options],
            cwd=folder,
            env=_environment(program),
            stdin=stdin,
            capture_output=True,
        )
    if done.returncode == 0:
        return ""
    if b"nothing was rewritten" in done.stderr:
        return None
    said = done.stdout or done.stderr
    return " / ".join(said.decode(errors="backslashreplace").strip().splitlines()[:6])


if __name__ == "__main__":
    sys.exit(main())
