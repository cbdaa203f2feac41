"""Kills a program with kill -9 in the middle of its logging, and counts what is left of its log.

    python kill_demo.py [FOLDER]

The program logs numbered events and acknowledges each in a page of memory that it shares with us:
when a number is acknowledged, its call has returned. No such number may be missing, and none may be
there twice.
"""

import argparse
import itertools
import mmap
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import attolog

KILL_AT = (30_000, 300_000)  # acknowledged records
PATIENCE = 30.0  # seconds until a program that acknowledges nothing is given up


def main() -> int:
    parser = argparse.ArgumentParser(description="Kills a program that logs; counts what is left.")
    parser.add_argument("folder", nargs="?", type=Path, help="where the logs go")
    parser.add_argument("--log", nargs=2, metavar=("FILE", "PAGE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.log:
        log_numbers(*options.log)
    folder = options.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)

    columns = "{:14} {:>12} {:>12} {:>12} {:>8} {:>8}"
    print(
        columns.format("killed -9", "acknowledged", "in the file", "recovered", "missing", "twice")
    )
    is_sound = True
    for suffix, kill_at in itertools.product((".atto", ".csv"), KILL_AT):
        path = folder / f"killed-{kill_at}{suffix}"
        path.unlink(missing_ok=True)
        acknowledged = kill_while_logging(path, kill_at)
        before = len(path.read_bytes().splitlines()) if suffix == ".csv" else None
        recover = [sys.executable, "-m", "attolog", "recover", path]
        subprocess.run(recover, check=True, stdout=subprocess.DEVNULL)
        numbers = logged_numbers(path)
        missing = len(set(range(acknowledged)) - set(numbers))
        twice = len(numbers) - len(set(numbers))
        is_sound = is_sound and missing == twice == 0
        in_file = "-" if before is None else before
        print(columns.format(path.name[7:], acknowledged, in_file, len(numbers), missing, twice))
    print("Nothing is missing." if is_sound else "RECORDS ARE MISSING OR DOUBLED.")
    return 0 if is_sound else 1


def kill_while_logging(path: Path, kill_at: int) -> int:
    """Start a program that logs into `path`, kill it; how many records it had acknowledged."""
    with tempfile.NamedTemporaryFile() as page:
        os.truncate(page.name, mmap.PAGESIZE)
        with mmap.mmap(page.fileno(), mmap.PAGESIZE) as memory:
            program = subprocess.Popen([sys.executable, __file__, "--log", path, page.name])
            deadline = time.monotonic() + PATIENCE
            with memoryview(memory).cast("Q") as acknowledged:
                while acknowledged[0] < kill_at and time.monotonic() < deadline:
                    time.sleep(0.0001)
                program.send_signal(signal.SIGKILL)
                program.wait()
                return acknowledged[0]


def log_numbers(path: str, page: str) -> None:
    """Log numbers to `path` and acknowledge each in the file `page`, until killed."""
    attolog.init_logger(path, quiet=True)
    step = attolog.log.event("STEP", "number", "square")
    with open(page, "r+b") as file:
        acknowledged = memoryview(mmap.mmap(file.fileno(), mmap.PAGESIZE)).cast("Q")
    for number in itertools.count():
        step(number, number * number)
        acknowledged[0] = number + 1


def logged_numbers(path: Path) -> list[int]:
    """The numbers in a log, in its order."""
    if path.suffix == ".csv":
        lines = path.read_text(encoding="utf-8").splitlines()
        return [int(line.split(",")[2]) for line in lines if ",STEP," in line]
    return [
        record.fields["number"] for record in attolog.read(path).records() if record.event == "STEP"
    ]


if __name__ == "__main__":
    sys.exit(main())
