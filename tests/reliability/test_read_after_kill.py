"""`attolog.read` shows what a killed process left as a recovery would put it into the file."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import attolog
from attolog import _core

PROGRAM = """
import os, signal, sys, attolog
rules = {"COUNTED": "stats:5m", "KEPT": "last:10", "WIDE": "last:20"}
log = attolog.AsyncFileLogger(sys.argv[1], rules=rules)
def run(start):
    for i in range(start, start + 100):
        log.set_time(1_700_000_000_000_000_000 + i)
        log("PLAIN", i=i)
        log("COUNTED", i=i)
        log("KEPT", i=i)
        log("WIDE", i=i)
run(0)
log.flush()  # a part of it is behind the rings already
run(100)
os.kill(os.getpid(), signal.SIGKILL)
"""


def shown(path: Path) -> Counter[Any]:
    rows = ((r.event, tuple(r.fields.items())) for r in attolog.read(path).records())
    return Counter(rows)


def test_statistics_and_kept_records_are_shown_as_they_are_recovered(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(path)])
    assert done.returncode == -signal.SIGKILL
    before = shown(path)
    kinds = Counter(event for event, _ in before.elements())
    assert kinds == {"PLAIN": 200, "STATS": 2, "KEPT": 10, "WIDE": 20}
    counted = next(dict(fields) for event, fields in before if event == "STATS")
    assert counted["count"] == 200
    _core.recover(str(path))
    assert shown(path) == before
