"""Strategy 3: no record is kept, but statistics of each window of time.

The time is the program's own here, a simulated second for each thousand requests; without
`set_time` it is the clock's.

python stats.py [FOLDER]
"""

import sys
import tempfile
from pathlib import Path

import attolog

START, SECONDS = 1_700_000_000, 3
folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
path = folder / "rates.atto"

with attolog.StatsLogger(path, window="1s", by="model") as log:
    for request in range(SECONDS * 1000):
        log.set_time(START * 10**9 + request * 10**6)
        model = "ResNet152" if request % 4 == 0 else "ResNet50"
        log("DONE", model=model, total_ms=10 + request % 50)

print(f"{log.counts.aggregated} calls")
for record in attolog.read(path).records():
    row = record.fields
    if row["field"] == "total_ms":
        print(
            f"{row['model']:<9} {row['count']:>4} requests, {row['mean']:.1f} ms, "
            f"p50 {row['p50']:.1f} and p99 {row['p99']:.1f} within {row['error']:.1%}"
        )
