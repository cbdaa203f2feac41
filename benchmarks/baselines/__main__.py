"""One peer, in this process; prints what it measured as JSON."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path

from benchmarks.baselines import PEERS

_BURST = 10_000


def main(name: str, folder: Path, bursts: int) -> None:
    """Log bursts into a drained logger, close it, and count what arrived."""
    peer = PEERS[name][1](folder)
    start = time.perf_counter()
    times: list[int] = []
    for _ in range(bursts):
        peer.drain()
        times += peer.burst(_BURST)
    peer.close()
    seconds = time.perf_counter() - start
    logged = bursts * _BURST
    result = {
        "call_ns": statistics.median(times) / 100,
        "seconds": seconds,
        "logged": logged,
        "bytes": sum(file.stat().st_size for file in peer.files()),
        "arrived": peer.count(),
    }
    print(json.dumps(result), flush=True)
    os._exit(0)  # some peers hang at exit


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
