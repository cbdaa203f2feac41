"""No record is kept, but statistics of each window of time.

The program sets the time by itself, a second for each thousand requests; without `set_time` the
time is the clock's.

python stats.py [FOLDER]
"""

import sys
import tempfile
from pathlib import Path

import attolog

START, SECONDS = 1_700_000_000, 3
folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
path = folder / "rates.atto"

with attolog.StatsLogger(path, window="1s", by="user") as log:
    for request in range(SECONDS * 1000):
        log.set_time(START * 10**9 + request * 10**6)
        log("SERVED", user="eve" if request % 4 == 0 else "bob", ms=10 + request % 50)

print(f"{log.counts.aggregated} calls")
for record in attolog.read(path).records():
    row = record.fields
    if row["field"] == "ms":
        print(
            f"{row['user']}: {row['count']} requests, {row['mean']:.1f} ms, "
            f"p50 {row['p50']:.1f} and p99 {row['p99']:.1f} within {row['error']:.1%}"
        )
