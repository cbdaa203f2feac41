"""The last calls are in memory, and go to a file when something happens.

Here a request takes too long. The log saves the 5 ms before it and the 2 ms after it. An unhandled
exception, a signal or `log.trigger("reason")` saves the log as well. After a `kill -9`,
`attolog recover PID -o FILE` still has all of it. The program sets the time by itself, a request
each millisecond; without `set_time` the time is the clock's.

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
    when="ms > 50 and user == 'eve'",
    before="5ms",
    after="2ms",
    path=folder / "slow-{n}.csv",
) as log:
    for request in range(200_000):
        log.set_time(START_NS + request * 10**6)
        ms = 173.5 if request == 123_456 else 12.5
        log("SERVED", user="eve", request=request, ms=ms)
    log.flush()
    print(f"{log.counts.calls} calls, the last {len(log)} held")

for saved in sorted(folder.glob("slow-*.csv")):
    print(f"{saved.name}:")
    print(saved.read_text(), end="")
