"""The child of `attolog bench` with methods that go wrong."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any
from unittest.mock import patch

from attolog._bench import child
from attolog._bench.method import Keeps, Method, OpenLogger, Output, written
from attolog._bench.methods import METHODS, plain_python_classes


def _calling(function: Any) -> Any:
    return lambda folder: OpenLogger(
        function, lambda: None, lambda: None, lambda calls: Output(None)
    )


def _lossy(folder: Path) -> OpenLogger:
    """A logger in plain Python, whose thread comes to nothing before the end, and so keeps ten."""
    path = folder / "run.log"
    with patch.object(threading.Thread, "start"):
        logger: Any = plain_python_classes.AsyncFileLogger(  # type: ignore[no-untyped-call]
            str(path), buffer_size=10
        )

    def log_all(pairs: list[tuple[int, float]]) -> None:
        for task_id, _ in pairs:
            logger.log(f"GEN,ResNet50,{task_id}")

    def close() -> None:
        logger.worker.start()
        logger.close()

    return OpenLogger(log_all, lambda: None, close, written(path))


def _fail(pairs: object) -> None:
    raise ValueError("no such luck")


def _crash(pairs: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang(pairs: object) -> None:
    threading.Event().wait()


FAKES = [
    Method("hangs", "hangs", "wait()", _calling(_hang), "fake"),
    Method("crashes", "crashes", "kill()", _calling(_crash), "fake"),
    Method("fails", "fails", "raise", _calling(_fail), "fake"),
    Method("loses", "loses", "log()", _lossy, "fake"),
    Method("keeps", "keeps", "log()", METHODS["print-file"].open, "fake"),
    Method(
        "nothing", "nothing", "print()", METHODS["print-null"].open, "fake", "os", Keeps.NOTHING
    ),
]

if __name__ == "__main__":
    with patch.dict(METHODS, {fake.name: fake for fake in FAKES}):
        child.main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
