"""A share of the calls is kept, and stands for all of them.

A user's records are of use only if all of them are there. So users are sampled, and not calls: by a
hash of the user's number, which is the same in every run and in every process.

python sampled.py [FOLDER]
"""

import sys
import tempfile
from pathlib import Path

import attolog

USERS, REQUESTS = 20_000, 5
folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
path = folder / "few.atto"

with attolog.SampledLogger(path, rate=0.1, key="user") as log:
    for user in range(USERS):
        for request in range(REQUESTS):
            log("SERVED", user=user, ms=10.0 * request)

served = attolog.read(path)["SERVED"]
print(f"{log.counts.calls} calls, {len(served)} kept: {REQUESTS} of each user that was chosen")
calls, ms = served.estimate_count(), served.estimate_mean("ms")
print(f"estimated: {calls.low:.0f} to {calls.high:.0f} calls, {ms.value:.1f} ms in the mean")
