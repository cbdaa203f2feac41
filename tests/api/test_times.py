"""Times as a user writes them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from attolog._reading.times import nanoseconds, span

END = 1_700_000_000_123_456_789  # 2023-11-14T22:13:20.123456789Z
SECOND = 1_000_000_000


@pytest.fixture
def two_hours_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "EAST-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("-5m", 300 * SECOND),
        ("-1h30m", 5400 * SECOND),
        ("-250ms", SECOND // 4),
        ("-0.5s", SECOND // 2),
    ],
)
def test_a_span_counts_back_from_the_last_record(text: str, before: int) -> None:
    assert nanoseconds(text, end=END) == END - before


def test_a_time_of_day_is_on_the_day_of_the_last_record() -> None:
    assert nanoseconds("22:13:20.123456789", end=END) == END
    assert nanoseconds("22:13", end=END) == END - 20 * SECOND - END % SECOND
    assert nanoseconds("9:05", end=END) == nanoseconds("2023-11-14T09:05Z", end=END)


def test_a_date_may_have_a_time_and_a_zone() -> None:
    whole = END - END % SECOND
    assert nanoseconds("2023-11-14T22:13:20", end=0) == whole
    assert nanoseconds("2023-11-14 22:13:20Z", end=0) == whole
    assert nanoseconds("2023-11-15T00:13:20.5+02:00", end=0) == whole + SECOND // 2
    assert nanoseconds("2023-11-14", end=0) == whole - (22 * 3600 + 13 * 60 + 20) * SECOND


@pytest.mark.usefixtures("two_hours_east")
def test_local_times_are_those_of_the_clock_on_the_wall() -> None:
    whole = END - END % SECOND
    assert nanoseconds("2023-11-15T00:13:20", end=0, local=True) == whole
    assert nanoseconds("0:13:20", end=END, local=True) == whole
    assert nanoseconds("2023-11-14T22:13:20Z", end=0, local=True) == whole


def test_numbers_and_datetimes_are_taken_as_they_are() -> None:
    assert nanoseconds(END, end=0) == END
    moment = datetime(2023, 11, 14, 22, 13, 20, 123456, UTC)
    assert nanoseconds(moment, end=0) == END - 789
    assert nanoseconds(moment.replace(tzinfo=None), end=0) == END - 789


@pytest.mark.parametrize("text", ["", "5 minutes", "25:00", "2023-13-01", "now", "14:02pm", "1.5"])
def test_what_is_no_time_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time: write -5m, 14:02 or 2026-11-30T14:02"):
        nanoseconds(text, end=END)


@pytest.mark.parametrize("text", ["-", "-5", "-5x", "--5m", "-5m 3"])
def test_what_is_no_span_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(ValueError, match="is no length of time: write 5m, 1h30m or 250ms"):
        nanoseconds(text, end=END)


def test_a_span_sums_its_parts() -> None:
    assert span("1d2h") == 26 * 3600 * SECOND
