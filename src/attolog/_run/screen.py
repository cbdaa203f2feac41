"""How long the program waits for its screen: without a limit, but not after Ctrl-C."""

from __future__ import annotations

import sys
from typing import Any

from attolog import _core

LAST_SECONDS = 1.0
"""How long a process that is ended at once is held up."""


class Screen:
    """What is shown of a logger's records. Works until the interpreter's very end.

    Args:
        logger: The logger.
    """

    def __init__(self, logger: _core.Logger) -> None:
        self._logger = logger
        self._drain = _core.drain_echo
        self._error = _core.echo_error
        self._has_raised = _core.has_raised_echo_error
        self._sys: Any = sys
        self._last_seconds = LAST_SECONDS
        # From 3.14 on Python keeps text that could not be written, and fails again at its end.
        self._is_told_once = sys.version_info < (3, 14) or _is_unbuffered()
        self.is_given_up = False
        """The program was ended by Ctrl-C, and a second was not enough."""

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until all is shown that was printed.

        Args:
            timeout: Seconds; None: without end, unless the program is ended by Ctrl-C.

        Returns:
            Whether it is.
        """
        if self.is_given_up:
            return False
        is_hurried = self._has_ended_by(KeyboardInterrupt)
        is_done = self._drain(self._logger, self._last_seconds if is_hurried else timeout)
        self.is_given_up = is_hurried and not is_done
        return is_done

    def error(self, number: int) -> int:
        """The error number of a stream's first failed write; 0 if the program need not be told."""
        is_told = self._has_raised(number) or self._has_ended_by(OSError)
        is_known = self._is_told_once and is_told
        return 0 if self.is_given_up or is_known else self._error(self._logger, number)

    def _has_ended_by(self, kind: type[BaseException]) -> bool:
        """Whether the program has raised such an exception without catching it."""
        last = getattr(self._sys, "last_type", None)
        return isinstance(last, type) and issubclass(last, kind)


def _is_unbuffered() -> bool:
    return bool(getattr(sys.stdout, "write_through", False))
