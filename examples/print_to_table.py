"""From prints to a table: each f-string becomes a record, and the program's log can be asked.

python print_to_table.py [FOLDER]          (needs polars)
"""

import sys
import tempfile
from itertools import islice
from pathlib import Path

import polars

import attolog
from attolog import log

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())

with log.open(folder / "run.atto"):
    for request in range(9_000):
        user = ("ann", "bob", "eve")[request % 3]
        ms = 5.0 + request % 10 + (40 if user == "eve" else 0)
        # It was: print(f"request {request} of {user} took {ms:.1f} ms")
        log("request {request} of {user} took {ms:.1f} ms", request, user, ms)

run = attolog.read(folder / "run.atto")
for record in islice(run.records(), 2):  # still a line to read ...
    print(record.message)

table = polars.DataFrame(run["request {request} of {user} took {ms:.1f} ms"])  # ... and a table
mean_ms = polars.col("ms").mean()
print(table.group_by("user").agg(polars.len().alias("requests"), mean_ms).sort("user"))
