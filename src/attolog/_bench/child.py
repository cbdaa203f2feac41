"""One run of one method, in this process, which is made for it.

    python -m attolog._bench.child NAME FOLDER RECORDS

prints what was measured as JSON.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, perf_counter_ns

from attolog._bench import cold
from attolog._bench.method import Method, OpenLogger, Pairs, values
from attolog._bench.methods import METHODS

_WARM_UP = 1_000  # records
_COLD_CALLS = 10  # at most; each waits for other work of some 8 ms
_RECORDS_FOR_A_COLD_CALL = 5_000


@dataclass(frozen=True)
class Run:
    """What one run measured.

    `seconds` are those of the calls, `until_done` ends when the logger is closed. `cpu` seconds are
    user and system time of all threads of this process in the latter; processes that read a pipe or
    a terminal are another program's. `memory` is the most that was resident, in bytes, above what
    was before the logger was opened. `cold` are the times of cold calls in ns, `cold_loop` those of
    the loop and the clock alone. `calls` are `records`, the cold calls and those of the warm-up;
    `kept`, `left_out` and `bytes` are of the output, of all calls.
    """

    seconds: float
    until_done: float
    cpu: float
    memory: int
    records: int
    calls: int
    kept: int | None
    left_out: int | None
    bytes: int | None
    cold: list[int]
    cold_loop: list[int]

    @property
    def lost(self) -> int | None:
        """How many calls are neither in the output nor left out by request."""
        if self.kept is None or self.left_out is None:
            return None
        return self.calls - self.kept - self.left_out


def run(method: Method, folder: Path, records: int) -> Run:
    """Log so many records in a row, end the logger, and count what arrived."""
    importlib.import_module(method.module)
    pairs = values(records)
    first = values(min(records, _WARM_UP))
    work = cold.OtherWork()
    gc.collect()
    gc.freeze()  # what is made here is no part of what is measured
    memory = _resident()
    opened = method.open(folder)
    opened.log_all(first)
    opened.drain()
    single = _cold_calls(opened, first, max(1, records // _RECORDS_FOR_A_COLD_CALL), work)
    opened.drain()
    cpu = _cpu_seconds()
    start = perf_counter()
    opened.log_all(pairs)
    seconds = perf_counter() - start
    opened.close()
    until_done = perf_counter() - start
    cpu = _cpu_seconds() - cpu
    memory = _most_resident() - memory
    calls = len(first) + len(single["call"]) + records
    output = opened.output(calls)
    return Run(
        seconds,
        until_done,
        cpu,
        memory,
        records,
        calls,
        output.kept,
        output.left_out,
        output.bytes,
        single["call"],
        single["loop"],
    )


def _cold_calls(
    opened: OpenLogger, first: Pairs, turns: int, work: cold.OtherWork
) -> dict[str, list[int]]:
    """The times of single calls, and of the loop alone, by turns."""
    _log_nothing(first)  # for the interpreter to specialize it, as it has the logger's
    calls = {"call": _single(opened.log_all), "loop": _single(_log_nothing)}
    return cold.measure(calls, min(turns, _COLD_CALLS), work)


def _single(log_all: Callable[[Pairs], object]) -> cold.Single:
    def single(task_id: int, arrival: float) -> int:
        pairs = [(task_id, arrival)]
        before = perf_counter_ns()
        log_all(pairs)
        return perf_counter_ns() - before

    return single


def _log_nothing(pairs: Pairs) -> None:
    for task_id, arrival in pairs:  # noqa: B007
        pass


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _resident() -> int:
    """What is resident now; the most is forgotten, where it can be."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _most_resident()
    return _of_status("VmRSS:")


def _most_resident() -> int:
    if os.path.exists("/proc/self/status"):
        return _of_status("VmHWM:")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _of_status(name: str) -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))


def main(name: str, folder: Path, records: int) -> None:
    """Run the method and print what it measured; does not return."""
    # What loggers print themselves must not get between.
    output = os.dup(1)
    os.dup2(2, 1)
    measured = run(METHODS[name], folder, records)
    os.write(output, json.dumps(asdict(measured)).encode() + b"\n")
    os._exit(0)  # some loggers hang at exit


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
