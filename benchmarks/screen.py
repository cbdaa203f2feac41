"""What stands at the other end of a program's output: counts the lines that come.

As a program: `python screen.py FILE [BYTES_PER_SECOND]` reads its standard input, a terminal's or
a pipe's other end, to its end, and writes the number of lines to FILE.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))

from proof.terminal import READ_SIZE, Throttle


def count_lines(fd: int, throttle: Throttle | None) -> int:
    """Read to the end; returns how many lines there were."""
    lines = 0
    while True:
        try:
            data = os.read(fd, READ_SIZE if os.isatty(fd) else 1 << 16)
        except OSError:  # EIO: Linux's end of a terminal
            data = b""
        if not data:
            return lines
        lines += data.count(b"\n")
        if throttle is not None:
            throttle.spend(len(data))


if __name__ == "__main__":
    print("ready", flush=True)
    pace = Throttle(float(sys.argv[2])) if len(sys.argv) > 2 else None
    Path(sys.argv[1]).write_text(str(count_lines(0, pace)), encoding="ascii")
