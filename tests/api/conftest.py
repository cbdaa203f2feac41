"""A journal for the tests of the command line."""

from pathlib import Path

import pytest

import attolog

from .helpers import TIME


@pytest.fixture(scope="session")
def requests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 requests and 20 steps of a training, one in a second; then prints and an error."""
    path = tmp_path_factory.mktemp("requests") / "run.atto"
    with attolog.AsyncFileLogger(path, on_full="block") as log:
        for n in range(120):
            log.set_time(TIME + n * 1_000_000_000)
            if n % 6 == 5:
                log.info("epoch {epoch} step {step} loss={loss:.4f}", n // 60, n, 1 / (1 + n))
            else:
                log("request", user="ann" if n % 2 else "bob", ms=n / 2, path=f"/page {n % 3}")
        log.set_time(TIME + 120 * 1_000_000_000)
        log.print("a printed line")
        log("a sentence")
        log.error("request {n} failed", 7)
    return path
