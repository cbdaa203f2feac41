"""A part that is merged into its journal: killed at any system call, nothing is lost or doubled."""

import subprocess
import sys
from pathlib import Path

import pytest

import attolog

RECORDS = 300

# The main process logs, a second one writes a part, and dies within the merging.
CHILD = """import attolog, ctypes, os, sys
path, fault, library = sys.argv[1:]
log = attolog.AsyncFileLogger(path, ring_dir=os.path.dirname(path) + "/rings")
for n in range(300):
    log("CHILD", n=n, text=f"{n}" * 50)
log.flush()
faults = ctypes.CDLL(library)
if fault:
    faults.fault_arm(fault.encode())
log.close()
faults.fault_seen.restype = ctypes.c_long
seen = faults.fault_seen()
faults.fault_arm(None)
print(seen)
"""


def log_in_child(path: Path, faults: Path, fault: str) -> int | None:
    """Return how many calls were watched; None where the process was killed."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, path, fault, faults],
        env={"LD_PRELOAD": str(faults), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, -9), done.stderr
    return int(done.stdout) if done.returncode == 0 else None


def open_logger(path: Path) -> attolog.AsyncFileLogger:
    # Rings of its own: no other program of this machine recovers what is left.
    return attolog.AsyncFileLogger(path, ring_dir=str(path.parent / "rings"))


def check(path: Path, children: int) -> None:
    run = attolog.read(path, ring_dir=str(path.parent / "rings"))
    assert run.problems == ()
    values = sorted(record.fields["n"] for record in run.records() if record.event == "CHILD")
    assert values == sorted(list(range(RECORDS)) * children)


@pytest.mark.parametrize("action", ["kill", "kill_after", "half"])
def test_a_kill_while_merging_loses_and_doubles_nothing(
    tmp_path: Path, faults: Path, action: str
) -> None:
    path = tmp_path / "run.atto"
    call = "write" if action == "half" else "any"
    with open_logger(path) as log:
        log("MAIN", n=0)
        log.flush()
        watched = log_in_child(path, faults, f"run.|{call}|100000|{action}")
        assert watched, "nothing was watched: this shows nothing"
        for i in range(watched):
            log_in_child(path, faults, f"run.|{call}|{i}|{action}")
            check(path, i + 2)
            log("MAIN", n=i + 1)
    check(path, watched + 1)
    open_logger(path).close()
    check(path, watched + 1)
    assert list(tmp_path.glob("*.atto")) == [path]


def test_a_full_disk_while_merging_leaves_the_part(tmp_path: Path, faults: Path) -> None:
    path = tmp_path / "run.atto"
    with open_logger(path) as log:
        log("MAIN", n=0)
        log.flush()
        for i, action in enumerate(("errno:28", "short", "errno:13")):
            log_in_child(path, faults, f"run.atto|write|0|{action}|1000000")
            check(path, i + 1)
            log("MAIN", n=i + 1)
            log.flush()
    check(path, 3)
