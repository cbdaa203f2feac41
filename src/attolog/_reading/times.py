"""Times as a user writes them: `-5m`, `14:02`, `2026-11-30T14:02`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

Moment = int | str | datetime
"""A time as a user writes it: nanoseconds since 1970, a text such as `-5m`, or a datetime."""

_SECOND = 1_000_000_000
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
    "d": 86_400 * _SECOND,
}
_PART = r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h|d)"
_PARTS = re.compile(_PART)
_SPAN = re.compile(f"(?:{_PART})+")
_FRACTION = re.compile(r"\.(\d+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def nanoseconds(moment: Moment, *, end: int, local: bool = False) -> int:
    """A moment in nanoseconds since 1970, UTC.

    Args:
        moment: Nanoseconds since 1970, a `datetime`, or a text: a span before the end (`-5m`,
            `-1h30m`, `-250ms`), a time on the day of the end (`14:02`, `14:02:03.5`), or a date
            with or without a time as in ISO 8601 (`2026-11-30`, `2026-11-30T14:02:03Z`).
        end: The time of the last record in nanoseconds since 1970.
        local: Texts and datetimes without a time zone are in local time, else in UTC.

    Raises:
        ValueError: The text is no such time.

    Example:
        >>> end = 1_700_000_000_000_000_000  # 2023-11-14T22:13:20Z
        >>> nanoseconds("-1m30s", end=end) - end
        -90000000000
        >>> nanoseconds("22:13:20", end=end) == nanoseconds("2023-11-14T22:13:20Z", end=end) == end
        True
    """
    if isinstance(moment, datetime):
        return _of_datetime(moment, local)
    if not isinstance(moment, str):
        return moment
    text = moment.strip()
    if text.startswith("-"):
        return end - span(text[1:])
    # Nine digits of a second, of which a datetime keeps six.
    fraction = _FRACTION.search(text)
    digits = fraction[1] if fraction else ""
    whole = _FRACTION.sub("", text, count=1)
    try:
        found = _moment(whole, end, local)
    except ValueError:
        raise ValueError(f"{moment!r} is no time: write -5m, 14:02 or 2026-11-30T14:02") from None
    return _of_datetime(found, local) + int(digits[:9].ljust(9, "0"))


def span(text: str) -> int:
    """A length of time in nanoseconds: `5m`, `1h30m`, `250ms`.

    Raises:
        ValueError: The text is no length of time.

    Example:
        >>> span("1m30s")
        90000000000
    """
    if not _SPAN.fullmatch(text):
        raise ValueError(f"{text!r} is no length of time: write 5m, 1h30m or 250ms")
    return sum(round(float(n) * _UNITS[unit]) for n, unit in _PARTS.findall(text))


def text_of(ns: int) -> str:
    """Nanoseconds since 1970 as a time in UTC.

    Example:
        >>> text_of(1_700_000_000_123_456_789)
        '2023-11-14T22:13:20.123456789Z'
    """
    seconds, fraction = divmod(ns, _SECOND)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def _moment(text: str, end: int, local: bool) -> datetime:
    if ":" in text[:3]:
        clock = time.fromisoformat(text.rjust(len(text) + (text[1] == ":"), "0"))
        last = _EPOCH + timedelta(microseconds=end // 1000)
        day: date = (last.astimezone() if local else last).date()
        return datetime.combine(day, clock)
    return datetime.fromisoformat(text)


def _of_datetime(moment: datetime, local: bool) -> int:
    if moment.tzinfo is None:
        moment = moment.astimezone() if local else moment.replace(tzinfo=UTC)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * _SECOND + since.microseconds * 1000
