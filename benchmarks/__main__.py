"""`python -m benchmarks`: measure the rows of the table, each run in a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import machine, rows, table
from benchmarks.row import Measures, Row

_ROOT = Path(__file__).parent.parent
_TIMEOUT = 1800.0  # seconds for one run


class RowFailedError(Exception):
    """A run ended with an error: records were lost, or worse."""


def main() -> int:
    """Run what the command line asks for; 1 if a row failed or misses what it must hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--row", action="append", choices=rows.NAMES, metavar="NAME",
        help="only this row (again for more): " + ", ".join(rows.NAMES),
    )  # fmt: skip
    parser.add_argument(
        "--python", action="append", metavar="PATH",
        help="an interpreter that has attolog (again for more); default: this one",
    )  # fmt: skip
    parser.add_argument("--runs", type=int, metavar="N", help="how many runs of each row")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs, for a look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measures to FILE")
    options = parser.parse_args()

    about = machine.describe()
    print(", ".join(f"{what} {value}" for what, value in about.items()))
    chosen = {name: rows.load(name) for name in options.row or rows.NAMES}
    pythons: dict[str, str] = {}
    for python in options.python or [sys.executable]:
        try:
            pythons[python] = machine.describe_python(python)
        except (OSError, subprocess.CalledProcessError):
            parser.error(f"{python} does not run, or has no attolog")
    runs, failures = _measure(chosen, pythons, options.runs, options.quick)

    lines = []
    for python, version in pythons.items():
        print(f"\n## {version}\n")
        of_python = []
        for name, row in chosen.items():
            of_python += table.lines_of(row, runs[python, name], failures.get((python, name)))
        lines += of_python
        print(table.format_table(of_python))
        for name, row in chosen.items():
            if rest := table.format_rest(row, runs[python, name]):
                print(f"\n{name}: {row.what if row.show else 'least .. median .. most'}\n{rest}")
    if options.json:
        results = [
            {
                "python": pythons[python],
                "row": name,
                "runs": of,
                "failure": failures.get((python, name)),
            }
            for (python, name), of in runs.items()
        ]
        document = {"machine": about, "quick": options.quick, "results": results}
        options.json.write_text(json.dumps(document, indent=2) + "\n")
    return int(any(line.met in ("MISSED", "FAILED") for line in lines))


def _measure(
    chosen: dict[str, Row], pythons: dict[str, str], runs: int | None, quick: bool
) -> tuple[dict[tuple[str, str], list[Measures]], dict[tuple[str, str], str]]:
    """Take turns: all rows by all interpreters, then all again, as often as each row asks for."""
    measures: dict[tuple[str, str], list[Measures]] = {
        (python, name): [] for python in pythons for name in chosen
    }
    failures: dict[tuple[str, str], str] = {}

    def turns(row: Row) -> int:
        return runs or (min(row.runs, 2) if quick else row.runs)

    for turn in range(max(map(turns, chosen.values()))):
        for (python, name), of in measures.items():
            if turn < turns(chosen[name]) and (python, name) not in failures:
                print(f"{name}, {pythons[python]}, run {turn + 1}", file=sys.stderr, flush=True)
                try:
                    of.append(_run(python, name, quick))
                except RowFailedError as error:
                    failures[python, name] = str(error)
    return measures, failures


def _run(python: str, name: str, quick: bool) -> Measures:
    command = [python, "-m", "benchmarks.child", name, *(["--quick"] if quick else [])]
    # What the environment says must not change what is measured.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ATTOLOG")}
    try:
        done = subprocess.run(
            command, cwd=_ROOT, env=environment, capture_output=True, text=True,
            timeout=_TIMEOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RowFailedError(f"no end after {_TIMEOUT:.0f} s") from None
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise RowFailedError(last[0])
    sys.stderr.write(done.stderr)
    measures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measures


if __name__ == "__main__":
    sys.exit(main())
