"""How many lines of source `attolog rewrite` reads in a second: the standard library's own files.

Files without prints are done at once, so that only the others count, with all their lines; below
the table stand all files.
"""

from __future__ import annotations

import sysconfig
import time
from pathlib import Path

from attolog._rewrite import SourceError, rewrite
from benchmarks.row import Goal, Measures, Row


def run(quick: bool) -> Measures:
    """One run."""
    library = Path(sysconfig.get_path("stdlib"))
    paths = sorted(
        path
        for path in library.rglob("*.py")
        if not {"site-packages", "dist-packages"} & set(path.parts)
    )
    sources = [path.read_bytes() for path in paths[:: 10 if quick else 1]]
    rewrite(b'print("GEN", 1)\n')  # what is imported and compiled at first
    n_lines = n_printing = n_prints = 0
    seconds = seconds_printing = 0.0
    for raw in sources:
        start = time.perf_counter()
        try:
            result = rewrite(raw)
        except SourceError:
            continue  # a test's, of errors
        took = time.perf_counter() - start
        lines = raw.count(b"\n")
        n_lines += lines
        seconds += took
        n_prints += len(result.done)
        if result.done or result.left:
            n_printing += lines
            seconds_printing += took
    return {
        "lines/s": n_printing / seconds_printing,
        "of all files, lines/s": n_lines / seconds,
        "lines": n_printing,
        "of all files, lines": n_lines,
        "prints rewritten": n_prints,
    }


ROW = Row(
    "attolog rewrite, files with prints",
    (Goal("lines/s", "", "lines/s", 60_000.0, 30_000.0, more=True),),
    run,
    runs=3,
)
