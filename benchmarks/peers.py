"""attolog's peers, measured in bursts. How each is set up stands in `attolog._bench.methods`.

`python -m benchmarks.peers NAME FOLDER BURSTS` runs one and prints what it measured as JSON.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path

from attolog._bench.method import OpenLogger, Pairs, values
from attolog._bench.methods import METHODS, is_installed

_BURST = 10_000
OURS = ("attolog-event-journal", "attolog-event-csv")
PEERS = (
    *("print-record", "python-async", "file-handler", "queue-handler"),
    *("bqlog-text", "bqlog-compressed", "bqlog-function", "spdlog", "spdlog-async"),
    *("loguru", "structlog", "picologging", "logxide", "logust", "logust-async", "nexuslog"),
)
"""Those that write every record with its time."""


def installed() -> list[str]:
    """attolog, and the peers whose modules are there."""
    return [name for name in (*OURS, *PEERS) if is_installed(METHODS[name])]


def _burst(opened: OpenLogger, hundreds: list[Pairs]) -> list[int]:
    """Log a burst; how long each hundred took, in ns.

    A whole burst of the slower peers takes longer than a process is left alone on a machine that
    has other work to do.
    """
    times = []
    for hundred in hundreds:
        start = time.perf_counter_ns()
        opened.log_all(hundred)
        times.append(time.perf_counter_ns() - start)
    return times


def main(name: str, folder: Path, bursts: int) -> None:
    """Log bursts into a drained logger, close it, and count what arrived."""
    pairs = values(_BURST)
    hundreds = [pairs[i : i + 100] for i in range(0, _BURST, 100)]
    opened = METHODS[name].open(folder)
    start = time.perf_counter()
    times: list[int] = []
    for _ in range(bursts):
        opened.drain()
        times += _burst(opened, hundreds)
    opened.close()
    seconds = time.perf_counter() - start
    output = opened.output(bursts * _BURST)
    result = {
        "call_ns": statistics.median(times) / 100,
        "seconds": seconds,
        "logged": bursts * _BURST,
        "bytes": output.bytes,
        "arrived": output.kept,
    }
    print(json.dumps(result), flush=True)
    os._exit(0)  # some peers hang at exit


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
