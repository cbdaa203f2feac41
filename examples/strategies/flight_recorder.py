"""Strategy 4: the last calls, in memory until something happens that asks for them.

Here that is a request that took too long: what came in the 5 ms before it is saved, and what came
in the 2 ms after it. An unhandled exception, a signal or `log.trigger("reason")` would do the same,
and after a `kill -9` `attolog recover PID -o FILE` has it still. The time is the program's own
here, a request each millisecond; without `set_time` it is the clock's.

python flight_recorder.py [FOLDER]
"""

import sys
import tempfile
from pathlib import Path

import attolog

START_NS = 1_700_000_000 * 10**9
folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())

with attolog.CircularLogger(
    max_size=50_000,
    when="total_ms > 50 and model == 'ResNet50'",
    before="5ms",
    after="2ms",
    path=folder / "slow-{n}.csv",
) as log:
    for task_id in range(200_000):
        log.set_time(START_NS + task_id * 10**6)
        total_ms = 173.5 if task_id == 123_456 else 12.5
        log("DONE", model="ResNet50", task_id=task_id, total_ms=total_ms)
    log.flush()
    print(f"{log.counts.calls} calls, the last {len(log)} held")

for saved in sorted(folder.glob("slow-*.csv")):
    print(f"{saved.name}:")
    print(saved.read_text(), end="")
