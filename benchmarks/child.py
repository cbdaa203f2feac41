"""One run of one row, in this process: `python -m benchmarks.child NAME [--quick]` prints JSON."""

from __future__ import annotations

import json
import sys

from benchmarks import rows

if __name__ == "__main__":
    print(json.dumps(rows.load(sys.argv[1]).run("--quick" in sys.argv)))
