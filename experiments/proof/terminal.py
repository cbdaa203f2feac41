"""A pseudo-terminal that is read by a process of its own, fast or at a terminal's pace.

As a program: `python terminal.py [BYTES_PER_SECOND]` reads a terminal at its standard input.
"""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Self

# Two threads' prints may share a line (text, text, newline, newline): records are looked for
# everywhere, not only where lines begin.
RECORD = re.compile(rb"\[[A-Z][a-z]+-\w+\] ")
READ_SIZE = 4096  # what Linux gives of a terminal at once


class RecordCounter:
    """Counts the records that the serving program printed."""

    def __init__(self) -> None:
        self.records = 0
        self._line = b""  # begun

    def feed(self, data: bytes) -> None:
        """Takes in the next bytes of the output."""
        whole, newline, rest = data.rpartition(b"\n")
        if newline:
            self.records += len(RECORD.findall(self._line + whole))
            self._line = rest
        else:
            self._line += data

    def finish(self) -> int:
        """The number of records, that of a last line without an end too."""
        self.records += len(RECORD.findall(self._line))
        self._line = b""
        return self.records


class Throttle:
    """A token bucket, as large as one read.

    Args:
        rate: bytes per second.
        clock: seconds.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._tokens = float(READ_SIZE)
        self._filled_at = clock()

    def spend(self, n: int) -> None:
        """Waits until so many bytes are allowed."""
        now = self._clock()
        filled = self._tokens + (now - self._filled_at) * self._rate
        self._tokens = min(float(READ_SIZE), filled) - n
        self._filled_at = now
        if self._tokens < 0:
            self._sleep(-self._tokens / self._rate)


def drain(terminal: int, throttle: Throttle | None = None) -> int:
    """Reads the terminal until the last who writes has closed it; returns the number of records."""
    counter = RecordCounter()
    while True:
        try:
            data = os.read(terminal, READ_SIZE)
        except OSError:  # EIO: Linux's end of a terminal
            data = b""
        if not data:
            return counter.finish()
        counter.feed(data)
        if throttle is not None:
            throttle.spend(len(data))


class Terminal:
    """The terminal, while a `with` lasts: `fd` is for who writes, a process reads the other end.

    Args:
        rate: bytes per second at most; None: as fast as it can.
    """

    def __init__(self, rate: float | None = None) -> None:
        self.records = 0  # in all, known at the end
        master, self.fd = pty.openpty()
        command = [sys.executable, __file__, *([] if rate is None else [str(rate)])]
        self._reader = subprocess.Popen(command, stdin=master, stdout=subprocess.PIPE, text=True)
        os.close(master)

    def __enter__(self) -> Self:
        assert self._reader.stdout is not None
        self._reader.stdout.readline()  # it is ready: its start is not in what is measured
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)
        count = self._reader.communicate()[0]
        self.records = int(count)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with who writes
    print("ready", flush=True)
    print(drain(0, Throttle(float(sys.argv[1])) if len(sys.argv) > 1 else None))
