"""`--logging`: what Python's logging hands to its handlers becomes records as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attolog import _core

EVENT = "LOGGING"


def hook(logger: _core.Logger) -> Callable[[Any], None]:
    """Make a function that has the module `logging` tell the logger of each of its records.

    The program's own handlers go on as they are.
    """
    record_it = logger.event(EVENT, "logger", "level", "message", "file", "line_no", "exception")

    def wrap(logging: Any) -> None:
        call_handlers = logging.Logger.callHandlers
        formatter = logging.Formatter()

        def callHandlers(self: Any, record: Any) -> None:  # noqa: N802
            try:
                text = record.getMessage()
                error = formatter.formatException(record.exc_info) if record.exc_info else None
            except Exception:
                text, error = str(record.msg), None  # logging itself says what is wrong with it
            where = (record.pathname, record.lineno)
            record_it(record.name, record.levelname, text, *where, error)
            call_handlers(self, record)

        # logging leaves its own frames out of what it says, and knows them by their file.
        callHandlers.__code__ = callHandlers.__code__.replace(co_filename=logging.__file__)
        logging.Logger.callHandlers = callHandlers

    return wrap
