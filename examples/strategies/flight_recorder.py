"""Strategy 4: the last calls, in memory until something happens that asks for them.

Here that is a request that took too long: what came before it is saved, and what came for a moment
after it. An unhandled exception, a signal or `log.trigger("reason")` would do the same, and after a
`kill -9` `attolog recover PID -o FILE` has it still.

python flight_recorder.py [FOLDER]
"""

import sys
import tempfile
from pathlib import Path

import attolog

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())

with attolog.CircularLogger(
    max_size=1000, when="total_ms > 50 and model == 'ResNet50'", path=folder / "slow-{n}.csv"
) as log:
    for task_id in range(50_000):
        total_ms = 173.5 if task_id == 40_000 else 12.5
        log("DONE", model="ResNet50", task_id=task_id, total_ms=total_ms)
    log.flush()
    print(f"{log.counts.calls} calls, {len(log)} held")

for saved in sorted(folder.glob("slow-*.csv")):
    lines = saved.read_text().splitlines()
    print(f"{saved.name}: {len(lines)} rows, up to")
    for line in lines[-3:]:
        print(line.partition(",")[2])
