"""How records and texts are shown."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from attolog._reading.journal import Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# What could steer a terminal, or make one line look like two or read backwards.
_CONTROLS = {c: f"\\x{c:02x}" for c in (*range(0x20), *range(0x7F, 0xA0))}
_CONTROLS |= {c: f"\\u{c:04x}" for c in (0x200E, 0x200F, 0x2028, 0x2029)}
_CONTROLS |= {c: f"\\u{c:04x}" for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_CONTROLS |= {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\t"}
# In a record's line, as in the lines of a text file, escapes can be undone.
_LINE = {**_CONTROLS, ord("\t"): "\\t", ord("\\"): "\\\\"}

_LEVELS = {"event": "EVENT", "text": "LOG", "print": "PRINT", "dropped": "WARNING"}


def check_regular(path: str) -> None:
    """Refuse what is there but is no file to look into: reading it could wait without an end.

    Raises:
        ValueError: It is a folder, a pipe or a device.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError(f"{path} is not a regular file")


def escape(text: str) -> str:
    """Text for a terminal: control characters become visible, tabs stay."""
    return text.translate(_CONTROLS)


def time_text(ns: int, local: bool = False) -> str:
    """Nanoseconds since 1970 as `2026-11-23T06:24:35.123456Z`; local ones end with an offset."""
    seconds, rest = divmod(ns, 1_000_000_000)
    moment = _EPOCH + timedelta(seconds=seconds)
    if not local:
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"
    moment = moment.astimezone() + timedelta(microseconds=rest // 1000)
    return moment.isoformat(timespec="microseconds")


def line(record: Record) -> str:
    """A record as one line, laid out as in a text file: time, level, message."""
    return f"{time_text(record.time)} {level_and_message(record)}"


def level_and_message(record: Record, columns: Collection[str] = ()) -> str:
    """A record's line behind its time.

    Args:
        record: The record.
        columns: Only these of its values, in place of its message.
    """
    if record.event is not None or columns:
        wanted = record.fields.items()
        values = (f"{name}={value_text(value)}" for name, value in wanted if name in columns)
        if not columns:
            values = (f"{name}={value_text(value)}" for name, value in wanted)
        message = " ".join([*([record.event] if record.event is not None else []), *values])
    else:
        message = record.message or ""
        if record.kind == "print":
            message = message.removesuffix("\n")
    level = record.level or _LEVELS.get(record.kind, "WARNING")
    return f"{level:<8} {message.translate(_LINE)}"


def line_with_origin(record: Record) -> str:
    """A record as one line that ends with where it comes from, as far as that is known."""
    return line(record) + origin(record)


def origin(record: Record) -> str:
    """The end of a line that tells where its record comes from."""
    place = record.file or ""
    if record.line is not None:
        place += f":{record.line}"
    if record.function is not None:
        place += f" in {record.function}"
    source = [place] if place else []
    source += [record.thread, f"pid {record.pid}", f"run {record.run}"]
    return f"  [{', '.join(source).translate(_LINE)}]"


def value_text(value: Any) -> str:
    """A value as the lines of a text file have it: texts with blanks or signs stand in quotes."""
    try:
        text = str(value)
    except ValueError:  # more digits than Python writes out
        text = hex(value)
    if isinstance(value, str) and (not text or any(c <= " " or c in "\"'=\x7f" for c in text)):
        text = '"' + text.replace('"', '""') + '"'
    return text
