"""Strategy 2: a share of the calls is kept, and stands for all of them.

The candidates of a scheduler are too many to keep, but a task's records are of use only if all of
them are there: so the tasks are sampled, by a hash of their number.

python sample.py [FOLDER]
"""

import sys
import tempfile
from pathlib import Path

import attolog

TASKS, CANDIDATES = 20_000, 5
folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
path = folder / "few.atto"

with attolog.SampledLogger(path, rate=0.1, key="task_id") as log:
    for task_id in range(TASKS):
        for candidate in range(CANDIDATES):
            log("CAND", task_id=task_id, score=float(candidate))

candidates = attolog.read(path)["CAND"]
calls = candidates.estimate_count()
mean = candidates.estimate_mean("score")
print(f"{log.counts.calls} calls, about a tenth of the tasks kept, each with its {CANDIDATES}")
print(f"estimated: {calls.low:.0f} to {calls.high:.0f} calls, mean score {mean.value:.2f}")
