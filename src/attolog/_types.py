"""Types that exist for the checker: what every logger can do, and what a file is opened with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Literal,
    ParamSpec,
    Protocol,
    Self,
    TypeAlias,
    TypedDict,
    overload,
    runtime_checkable,
)

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

    from attolog._core import Counts

P = ParamSpec("P")

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
    """The options of `AsyncFileLogger` and of `init_logger`."""

    rules: Rules | None


@runtime_checkable
class Logger(Protocol):
    """What every logger can do, for annotations; `AsyncFileLogger` describes it.

    Example:
        >>> import attolog
        >>> def serve(log: attolog.Logger) -> None:
        ...     log.info("ready")
        >>> serve(attolog.log)
        >>> isinstance(attolog.log, attolog.Logger)
        True
    """

    @overload
    def __call__(self, text: object, /) -> None: ...
    @overload
    def __call__(self, template: str, /, *values: object, **fields: object) -> None: ...

    @overload
    def debug(self, text: object, /) -> None: ...
    @overload
    def debug(self, template: str, /, *values: object, **fields: object) -> None: ...

    @overload
    def info(self, text: object, /) -> None: ...
    @overload
    def info(self, template: str, /, *values: object, **fields: object) -> None: ...

    @overload
    def warning(self, text: object, /) -> None: ...
    @overload
    def warning(self, template: str, /, *values: object, **fields: object) -> None: ...

    @overload
    def error(self, text: object, /) -> None: ...
    @overload
    def error(self, template: str, /, *values: object, **fields: object) -> None: ...

    @overload
    def critical(self, text: object, /) -> None: ...
    @overload
    def critical(self, template: str, /, *values: object, **fields: object) -> None: ...

    @overload
    def exception(self, text: object, /) -> None: ...
    @overload
    def exception(self, template: str, /, *values: object, **fields: object) -> None: ...

    def log(self, text: object, /) -> None: ...
    def print(
        self,
        *values: object,
        sep: str | None = " ",
        end: str | None = "\n",
        file: SupportsWrite[str] | None = None,
        flush: bool = False,
    ) -> None: ...

    @overload
    def event(
        self, function: Callable[P, None], /, *, strategy: str | Strategy | None = None
    ) -> Callable[P, None]: ...
    @overload
    def event(
        self, name: str, /, *fields: str, strategy: str | Strategy | None = None
    ) -> Callable[..., None]: ...
    @overload
    def event(
        self, /, *, strategy: str | Strategy
    ) -> Callable[[Callable[P, None]], Callable[P, None]]: ...

    def bind(self, /, **fields: object) -> Logger: ...

    @property
    def level(self) -> Level: ...
    @level.setter
    def level(self, level: Level, /) -> None: ...
    @property
    def enabled(self) -> bool: ...
    @enabled.setter
    def enabled(self, enabled: bool, /) -> None: ...
    @property
    def counts(self) -> Counts: ...

    def set_time(self, ns: int | None, /) -> None: ...
    def flush(self, timeout: float | None = None) -> bool: ...
    def close(self, timeout: float | None = 5.0) -> bool: ...

    def __bool__(self) -> bool: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> Literal[False]: ...
