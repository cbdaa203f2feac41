"""A declared event against the best of the Python peers that are installed.

Each runs in a process of its own, with a time limit, since some deadlock. A record that did not
arrive was not logged: the time of a call is divided by the share that arrived. Calls of attolog are
those to a journal. The loop is part of a call, and so is making a line's text where the peer leaves
that to the caller.
"""

import json
import subprocess
import sys
from tempfile import TemporaryDirectory

from attolog._bench.methods import METHODS
from benchmarks.peers import OURS, installed
from benchmarks.row import Goal, Measures, Row, must_arrive

_JOURNAL = "attolog-event-journal"
_TIMEOUT = 120.0  # seconds


def _measure(name: str, bursts: int) -> dict[str, float] | None:
    """What the peer measured; none if it failed or did not come to its end."""
    with TemporaryDirectory(prefix="attolog-bench-") as folder:
        command = [sys.executable, "-m", "benchmarks.peers", name, folder, str(bursts)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            print(f"{name}: no end after {_TIMEOUT:.0f} s", file=sys.stderr)
            return None
    if done.returncode != 0 or not done.stdout:
        print(f"{name}: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return None
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def run(quick: bool) -> Measures:
    """One run."""
    measures: Measures = {}
    peers: Measures = {}
    ours = 0.0
    for name in installed():
        result = _measure(name, 5 if quick else 20)
        if result is None or not result["arrived"]:
            continue
        share = result["arrived"] / result["logged"]
        call = result["call_ns"] / share
        title = METHODS[name].title
        if name in OURS:
            must_arrive(int(result["arrived"]), int(result["logged"]))
        else:
            peers[title] = call
        if name == _JOURNAL:
            ours = call
        measures[f"{title}: call, ns"] = call
        measures[f"{title}: M records/s, close included"] = (
            result["arrived"] / result["seconds"] / 1e6
        )
        measures[f"{title}: lost, %"] = (1 - share) * 100
        measures[f"{title}: bytes a record"] = result["bytes"] / result["arrived"]
    best = min(peers, key=lambda title: peers[title])
    measures[f"against {best}, faster"] = peers[best] / ours
    measures["best, faster"] = peers[best] / ours
    return measures


ROW = Row(
    "declared event against the best Python peer installed",
    (Goal("best, faster", "", "x", 15.0, 10.0, more=True),),
    run,
    runs=3,
)
