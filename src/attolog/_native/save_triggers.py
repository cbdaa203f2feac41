"""What makes circular logs save themselves: unhandled exceptions and signals."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import weakref
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

from attolog._core import CircularLogger

# Each with the signals that it asked for.
_loggers: weakref.WeakKeyDictionary[CircularLogger, frozenset[int]] = weakref.WeakKeyDictionary()
_handled: dict[int, Any] = {}  # signals, with what was there before


def install(logger: CircularLogger, signals: Any) -> None:
    """Let `logger` save itself on unhandled exceptions and on `signals`.

    Args:
        logger: A circular log.
        signals: A signal by its name or number, or several of them.

    Raises:
        ValueError: There is no such signal, it cannot be handled, or this is not the main thread.
    """
    numbers = _numbers(signals)
    _hook_exceptions()
    for number in numbers:
        _handle(number)
    _loggers[logger] = numbers


def _numbers(signals: Any) -> frozenset[int]:
    if not isinstance(signals, list | tuple | set | frozenset):
        signals = (signals,)
    try:
        return frozenset(
            int(signal.Signals[each] if isinstance(each, str) else each) for each in signals
        )
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"signals must be names such as 'SIGUSR1', not {signals!r}") from None


def _save_all(reason: str, number: int | None = None) -> None:
    for logger, signals in list(_loggers.items()):
        if number is None or number in signals:
            with suppress(ValueError):  # closed
                logger.trigger(reason)


def _describe(kind: type[BaseException], error: BaseException | None) -> str:
    try:
        return f"{kind.__name__}: {error}"
    except Exception:  # its own str() fails
        return kind.__name__


_are_hooked = False


def _hook_exceptions() -> None:
    global _are_hooked
    if _are_hooked:
        return
    _are_hooked = True
    before, of_threads = sys.excepthook, threading.excepthook

    def excepthook(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            _save_all(_describe(kind, error))
        before(kind, error, traceback)

    def thread_excepthook(args: threading.ExceptHookArgs) -> None:
        if not issubclass(args.exc_type, SystemExit):
            _save_all(_describe(args.exc_type, args.exc_value))
        of_threads(args)

    sys.excepthook, threading.excepthook = excepthook, thread_excepthook
    # Every event loop, whenever it is made, reports exceptions without a handler by this logger.
    logging.getLogger("asyncio").addFilter(_see_asyncio)


def _see_asyncio(record: logging.LogRecord) -> bool:
    if record.exc_info and record.exc_info[0] is not None and record.levelno >= logging.ERROR:
        _save_all(_describe(record.exc_info[0], record.exc_info[1]))
    return True


# Signals whose default action ends nothing a user would want ended by asking for a file.
_ONLY_SAVE = frozenset({signal.SIGUSR1, signal.SIGUSR2})


def _handle(number: int) -> None:
    if number in _handled:
        return
    before = signal.getsignal(number)

    def handler(number: int, frame: FrameType | None) -> None:
        _save_all(f"signal {signal.Signals(number).name}", number)
        if callable(before):
            before(number, frame)
        elif before == signal.SIG_DFL and number not in _ONLY_SAVE:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    try:
        signal.signal(number, handler)
    except OSError as error:
        raise ValueError(f"signals: {signal.Signals(number).name}: {error.strerror}") from None
    _handled[number] = before
