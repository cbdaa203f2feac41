"""Records as a trace that Perfetto and Chrome's `about:tracing` open: threads, spans, messages.

The form is the Trace Event Format (Google, "Trace Event Format", JSON Object Format): instants are
of phase `i`, spans complete events of phase `X`, names of tracks metadata of phase `M`.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable
from datetime import timedelta
from typing import IO, Any

_UNITS = {
    "ns": 1e-3,
    "us": 1.0,
    "ms": 1e3,
    "s": 1e6,
    "sec": 1e6,
    "secs": 1e6,
    "seconds": 1e6,
    "duration": 1e6,
    "elapsed": 1e6,
    "dt": 1e6,
}
# The unit as the whole name or its end: `ms`, `took_ms`, `elapsed`.
_DURATION = re.compile(rf"(?:.*_)?({'|'.join(_UNITS)})", re.IGNORECASE)


def microseconds(name: str, value: object) -> float | None:
    """How long something took, if a field tells it: `ms`, `took_ms`, `elapsed`, or a timedelta.

    Example:
        >>> microseconds("took_ms", 2), microseconds("elapsed", 0.5), microseconds("rooms", 2)
        (2000.0, 500000.0, None)
    """
    if isinstance(value, timedelta):
        return value / timedelta(microseconds=1)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    found = _DURATION.fullmatch(name)
    if found is None or not 0 <= value < float("inf"):
        return None
    return value * _UNITS[found[1].lower()]


class _Track:
    """The lines of a thread. Spans of a line lie within one another or apart."""

    def __init__(self) -> None:
        self._lanes: list[list[tuple[float, ...]]] = []

    def lane(self, start: float, end: float) -> int:
        """The line for a span; spans come in the order of their ends."""
        for number, spans in enumerate(self._lanes):
            inner = bisect_left(spans, (start,))  # the first span that lies within the new one
            if inner == 0 or spans[inner - 1][1] <= start:
                spans[inner:] = [(start, end)]
                return number
        self._lanes.append([(start, end)])
        return len(self._lanes) - 1


def write_trace(records: Iterable[tuple[Any, ...]], out: IO[str]) -> None:
    """Write records, as the native reader gives them in the order of time.

    A record whose field tells how long something took is a span that ends with the record.
    """
    numbers: dict[tuple[int, str, int], int] = {}  # of the tracks
    tracks: dict[tuple[int, str], _Track] = {}
    processes: set[int] = set()
    start: int | None = None
    out.write('{"displayTimeUnit": "ms", "traceEvents": [')
    separator = "\n"

    def put(event: dict[str, Any]) -> None:
        nonlocal separator
        out.write(separator + json.dumps(event, ensure_ascii=False, default=str))
        separator = ",\n"

    def number_of(pid: int, thread: str, lane: int) -> int:
        key = pid, thread, lane
        if key in numbers:
            return numbers[key]
        numbers[key] = len(numbers) + 1
        if pid not in processes:
            processes.add(pid)
            put({"ph": "M", "name": "process_name", "pid": pid, "args": {"name": f"pid {pid}"}})
        name = thread if lane == 0 else f"{thread} ({lane + 1})"
        about = {"ph": "M", "name": "thread_name", "pid": pid, "tid": numbers[key]}
        put({**about, "args": {"name": name}})
        return numbers[key]

    for time, kind, name, level, thread, pid, names, values, text, *_ in records:
        start = time if start is None else start
        at = (time - start) / 1000
        fields = dict(zip(names, values, strict=True))
        lengths = (microseconds(field, value) for field, value in fields.items())
        length = next((each for each in lengths if each is not None), None)
        event: dict[str, Any] = {"name": (text or name).split("\n", 1)[0], "cat": level or kind}
        if kind == "event":
            event["name"] = name
        lane = 0
        if length is None:
            event |= {"ph": "i", "s": "t", "ts": at}
        else:
            lane = tracks.setdefault((pid, thread), _Track()).lane(at - length, at)
            event |= {"ph": "X", "ts": at - length, "dur": length}
        put({**event, "pid": pid, "tid": number_of(pid, thread, lane), "args": finite(fields)})
    out.write(f'\n], "otherData": {{"start_ns": "{start or 0}"}}}}\n')


def finite(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields for JSON, which has no NaN and no infinities: they are texts."""
    return {
        name: str(value) if isinstance(value, float) and value - value != 0 else value
        for name, value in fields.items()
    }
