"""What stands between a program and its screen while it runs: set up once in each process."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress

from attolog import _core
from attolog._native import exit_hooks
from attolog._run import children, descriptors, plain
from attolog._run.hook import Finder, texts_by_path
from attolog._run.options import Options
from attolog._run.screen import LAST_SECONDS, Screen
from attolog._run.streams import install_streams

_MAGIC = b"\x89ATTO\r\n\x1a"  # of a journal's first block


class Session:
    """Takes over the prints of this process.

    Args:
        options: What is run, with its output.

    Raises:
        OSError: The output cannot be opened.
        ValueError: Its suffix is none of a log file's, or it is no journal.
    """

    def __init__(self, options: Options) -> None:
        self._is_new = _is_new(options.output)
        self._explains = options.explain
        self.logger = _core.AsyncFileLogger(options.output, echo=not options.quiet)
        exit_hooks.leave_exit_to_others()  # finish()
        self.screen = Screen(self.logger)
        install_streams(self.logger, self.screen, is_quiet=options.quiet)
        self.finder = Finder(options.include, is_on=options.structure)
        sys.meta_path.insert(0, self.finder)
        descriptors.wrap(self.finder)
        descriptors.wait_at_signals()
        children.prepare(self.finder, options)
        plain.wrap(self.finder)
        if options.logging:
            from attolog._run import logs

            self.finder.after_import("logging", logs.hook(self.logger))

    def finish(self, process: int, output: str) -> None:
        """Show what is left, and say what it was; for atexit, behind all others.

        Args:
            process: The process that was started; its children say nothing.
            output: What the file is called.
        """
        is_done = False
        with suppress(KeyboardInterrupt):
            try:
                is_done = self.screen.drain()
            except KeyboardInterrupt:
                is_done = self.screen.drain(LAST_SECONDS)
        if not is_done:
            self.screen.is_given_up = True
        if os.getpid() != process:
            return
        if not is_done:
            _say(f"attolog: the rest is not shown; it is all in {output}")
        n, raised, seconds = _core.count_prints()
        lost = self.logger.counts.dropped - raised
        to = f" -> {output}"
        if self._is_new and self.logger.counts.calls == 0 and _is_empty(output):
            os.unlink(output)
            to = ""
        prints = "1 print" if n == 1 else f"{n:,} prints"
        _say(f"{prints}, {lost:,} lost, {seconds:.2f} s of the program's time{to}")
        if self._explains:
            _say(_explanation())


def _is_new(output: str) -> bool:
    """Whether the file is still to be made.

    Raises:
        ValueError: It is there, and no journal as its name says.
    """
    try:
        if not stat.S_ISREG(os.stat(output).st_mode):
            return False  # a FIFO would wait for who writes it; the logger says what it takes
        with open(output, "rb") as file:
            start = file.read(len(_MAGIC))
    except OSError:  # which the logger will tell of
        return not os.path.exists(output)
    if start and start != _MAGIC and output.endswith(".atto"):
        raise ValueError(f"{output} is no journal")
    return False


def _is_empty(output: str) -> bool:
    """Whether nothing was logged: a journal that has a part has a block, too."""
    try:
        return os.path.getsize(output) == 0
    except OSError:
        return False


def _explanation() -> str:
    """The prints of the program's modules that show values and stay text, a line for each."""
    lines = [
        f"{path}:{line}: stays text: {reason}"
        for path, texts in sorted(texts_by_path.items())
        for line, reason in texts
    ]
    return "\n".join(lines) or "all prints that show values are typed rows"


def _say(line: str) -> None:
    try:
        os.write(2, f"{line}\n".encode(errors="backslashreplace"))
    except OSError:
        return  # the stream has no reader
