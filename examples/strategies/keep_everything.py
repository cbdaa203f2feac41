"""Strategy 1: every call is a record in a file, written in the background.

python keep_everything.py [FOLDER]
"""

import sys
import tempfile
from pathlib import Path

import attolog

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())

with attolog.AsyncFileLogger(folder / "run.csv") as log:
    for task_id in range(10_000):
        log("GEN", model="ResNet50", task_id=task_id)

lines = log.path and Path(log.path).read_text().splitlines()
assert lines
print(f"{len(lines)} calls, {log.counts.written} rows; the last:")
print(lines[-1].partition(",")[2])
