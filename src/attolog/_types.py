"""Types for the checker: levels, durations, strategies, and the options of rings and files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias, TypedDict

Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
"""The level of a message."""

Seconds: TypeAlias = float | str
"""A duration: seconds as a number, or "500ms", "1s", "5m"."""


class Strategy(Protocol):
    """How calls of a site are chosen: `Every`, `First`, `Cap`, `Budget`."""

    @property
    def strategy(self) -> str:
        """The spelling in the grammar of strategies."""
        ...


Rules: TypeAlias = Mapping[str, str | Strategy]
"""Strategies by the names of sites, or by patterns such as "C*"."""


class RingOptions(TypedDict, total=False):
    """What rings are made with; `AsyncFileLogger` describes it."""

    buffer_size: int
    buffer_bytes: int | None
    on_full: Literal["block", "drop"]
    block_timeout: Seconds | None
    exit_timeout: Seconds
    max_record: int
    ring_dir: str | os.PathLike[str] | None


class PathOptions(RingOptions, total=False):
    """What a file is opened with; `AsyncFileLogger` describes it."""

    append: bool
    columns: int | None
    digits: Literal[6, 9]
    pattern: str | None
    weight: bool
    fsync_interval: Seconds | None


class LogOptions(PathOptions, total=False):
    """What a log file is opened with; `AsyncFileLogger` describes it."""

    echo: bool


class FileOptions(LogOptions, total=False):
    """The options of `AsyncFileLogger`, of `init_logger` and of the method `open`."""

    rules: Rules | None
