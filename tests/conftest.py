"""What all tests rely on."""

from __future__ import annotations

import signal

collect_ignore = ["programs"]  # `make programs` runs these, which downloads them


def pytest_configure() -> None:
    # The background of a shell ignores the first two, and nohup the third. So would each program
    # that a test starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
