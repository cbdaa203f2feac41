"""The document's last step: its command, and what it says one should see then.

That the program "runs visibly faster" is no matter of a test:
docs/explanation/the-proof.md has it measured.
"""

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import multi_model_dev
import pytest

from .blocks import DOCUMENT

PROGRAM = Path(multi_model_dev.__file__)
COMMAND = "python multi_model_dev.py --scheduler early_exit --lambda-152 40 --run-seconds 10"


def run(folder: Path, *options: str) -> dict[str, Any]:
    """Runs the document's command in a folder; returns the program's report."""
    python, _, *given = COMMAND.split()
    command = [sys.executable, str(PROGRAM), *given, "--json", "run.json", *options]
    assert python == "python"
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    report: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return report


def test_it_is_the_documents_command() -> None:
    assert COMMAND in DOCUMENT


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("document")
    return folder, run(folder)


def test_the_log_file_is_there_and_complete(report: tuple[Path, dict[str, Any]]) -> None:
    folder, said = report
    (path,) = (folder / "logs").glob("debug_*")
    with open(path, newline="") as file:
        events = Counter(row[1] for row in csv.reader(file))
    assert events == {name: n for name, n in said["events"].items() if n}
    assert events["GEN"] == said["generated"] > 4000  # of 540 a second, in 10 s
    assert said["health"]["records_lost"] == said["health"]["records_waiting"] == 0


def test_every_request_is_accounted_for(report: tuple[Path, dict[str, Any]]) -> None:
    every = report[1]["all"]
    assert every["offered"] == every["done"] + every["dropped"] + every["unfinished"]
    assert every["done"] > 0


def test_throughput_is_that_without_logging(tmp_path: Path) -> None:
    # In virtual time, where the machine's other work makes no difference.
    logged, off = (
        run(tmp_path, "--clock", "virtual", "--log", mode)["all"] for mode in ("async", "off")
    )
    assert logged == off
    assert off["done"] + off["unfinished"] == off["offered"] and off["unfinished"] < 20


NO_PYTHON_THREAD = """
import os, sys, threading
import attolog

attolog.init_logger(sys.argv[1], quiet=True)
for n in range(100_000):
    attolog.log("GEN", n)
native = {int(tid) for tid in os.listdir("/proc/self/task")}
python = {thread.native_id for thread in threading.enumerate()}
assert len(sys._current_frames()) == len(python) == 1, "a thread that can take the GIL"
assert len(native) == 2, "main and the writer"
attolog.log.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc lists a process's native threads")
def test_the_writer_cannot_contend_for_the_gil(tmp_path: Path) -> None:
    """It has no Python thread state, without which nothing can take the GIL."""
    command = [sys.executable, "-c", NO_PYTHON_THREAD, str(tmp_path / "run.csv")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, "")
