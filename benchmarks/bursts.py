"""Bursts: 10,000 calls into a drained ring, timed together.

Every loop runs over the same values: text and exit are constants of the program, the number and the
float are another object each time. What the loop itself costs is measured by a loop without a call.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter_ns
from types import FunctionType
from typing import Any

import attolog
from attolog import log
from benchmarks.row import Measures, must_arrive
from benchmarks.unit import empty_functions

BURST = 10_000
_PAIRS = [(12_345 + 17 * i, 1707234567.123456 + 0.3137 * i) for i in range(100)]
_TIMES = range(BURST // len(_PAIRS))
_WARM_UP = 20  # bursts: the first ones touch the ring's memory

Subject = Callable[[], int]
"""Runs one burst and returns how long it took in ns."""


def _four_values(call: Any) -> int:
    model, exit_ = "ResNet50", "layer1"
    start = perf_counter_ns()
    for _ in _TIMES:
        for task_id, arrival in _PAIRS:
            call(model, task_id, arrival, exit_)
    return perf_counter_ns() - start


def _named(call: Any) -> int:
    model, exit_ = "ResNet50", "layer1"
    start = perf_counter_ns()
    for _ in _TIMES:
        for task_id, arrival in _PAIRS:
            call("SCHED", model, task_id, arrival, exit_)
    return perf_counter_ns() - start


def _one_value(call: Any) -> int:
    start = perf_counter_ns()
    for _ in _TIMES:
        for task_id, total_ms in _PAIRS:  # noqa: B007
            call(total_ms)
    return perf_counter_ns() - start


def _named_one(call: Any) -> int:
    start = perf_counter_ns()
    for _ in _TIMES:
        for task_id, total_ms in _PAIRS:  # noqa: B007
            call("DONE", total_ms)
    return perf_counter_ns() - start


def _template(call: Any) -> int:
    model, exit_ = "ResNet50", "layer1"
    start = perf_counter_ns()
    for _ in _TIMES:
        for task_id, arrival in _PAIRS:
            call("{} runs {}, here since {}, to {}", model, task_id, arrival, exit_)
    return perf_counter_ns() - start


def _debug(logger: Any) -> int:
    model, exit_ = "ResNet50", "layer1"
    start = perf_counter_ns()
    for _ in _TIMES:
        for task_id, arrival in _PAIRS:
            logger.debug("{} runs {}, here since {}, to {}", model, task_id, arrival, exit_)
    return perf_counter_ns() - start


def _nothing(call: Any) -> int:
    start = perf_counter_ns()
    for _ in _TIMES:
        for task_id, arrival in _PAIRS:  # noqa: B007
            pass
    return perf_counter_ns() - start


def _no_values(call: Any) -> int:
    start = perf_counter_ns()
    for _ in _TIMES:
        for task_id, arrival in _PAIRS:  # noqa: B007
            call()
    return perf_counter_ns() - start


def _subject(loop: Any, call: Any) -> Subject:
    # Code of its own: the interpreter specializes it for what is called.
    own = FunctionType(loop.__code__.replace(), loop.__globals__)
    return lambda: int(own(call))


def four_values(call: Any) -> Subject:
    """`call(model, task_id, arrival, exit)`."""
    return _subject(_four_values, call)


def named(call: Any) -> Subject:
    """`call("SCHED", model, task_id, arrival, exit)`."""
    return _subject(_named, call)


def one_value(call: Any) -> Subject:
    """`call(total_ms)`."""
    return _subject(_one_value, call)


def named_one(call: Any) -> Subject:
    """`call("DONE", total_ms)`."""
    return _subject(_named_one, call)


def template(call: Any) -> Subject:
    """`call("...{}...", model, task_id, arrival, exit)`."""
    return _subject(_template, call)


def debug(logger: Any) -> Subject:
    """`logger.debug("...{}...", model, task_id, arrival, exit)`, with the look-up of `debug`."""
    return _subject(_debug, logger)


def no_values(call: Any) -> Subject:
    """`call()`."""
    return _subject(_no_values, call)


def measure(
    subjects: dict[str, Subject], *, bursts: int, before: Callable[[], object] = log.flush
) -> Measures:
    """The median time of a call in ns for each subject, their bursts taking turns.

    `loop` is what the loop costs without a call; it is contained in all the others.
    """
    subjects = {**subjects, "loop": _subject(_nothing, None)}
    times: dict[str, list[int]] = {name: [] for name in subjects}
    gc.disable()
    for turn in range(-_WARM_UP, bursts):
        for name, subject in subjects.items():
            before()
            time = subject()
            if turn >= 0:
                times[name].append(time)
    gc.enable()
    return {name: statistics.median(of) / BURST for name, of in times.items()}


def bursts_of(quick: bool) -> int:
    """How many bursts of each subject a run takes."""
    return 60 if quick else 300


def calls_in(bursts: int) -> int:
    """How many calls of each subject `measure` makes."""
    return (_WARM_UP + bursts) * BURST


def units(shape: Callable[[Any], Subject], name: str = "unit") -> dict[str, Subject]:
    """A subject for each copy of the empty C function."""
    return {f"{name}{n}": shape(empty) for n, empty in enumerate(empty_functions())}


def in_units(times: Measures, what: str, name: str = "unit") -> Measures:
    """Times in ns, and the ratio to the fastest unit: of the calls alone, and with the loop."""
    loop = times["loop"]
    unit = min(time for key, time in times.items() if key.rstrip("01234567") == name)
    return {
        f"{what}, ns": times[what] - loop,
        f"{name}, ns": unit - loop,
        "loop, ns": loop,
        f"{what} / {name}": (times[what] - loop) / (unit - loop),
        f"{what} / {name}, loop included": times[what] / unit,
    }


@contextmanager
def logging_to(name: str, calls: int, **options: Any) -> Iterator[Path]:
    """The default logger is on, in a folder of its own; at the end all `calls` are there."""
    with TemporaryDirectory(prefix="attolog-bench-") as folder:
        path = Path(folder, name)
        attolog.init_logger(path, quiet=True, **options)
        yield path
        log.close(timeout=None)
        must_arrive(records_in(path), calls)


def records_in(path: Path) -> int:
    """How many records a log file holds: rows of a CSV file, records of a journal."""
    if path.suffix == ".atto":
        journal = attolog.read(path)
        tables = [journal[name] for name in journal]
        return sum(len(table) for table in tables if table.kind not in ("clock", "dropped"))
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def declared_event() -> Any:
    """The event of the benchmarks: four values, text, int, float and text."""
    return log.event("SCHED", "model", "task_id", "arrival", "exit")
