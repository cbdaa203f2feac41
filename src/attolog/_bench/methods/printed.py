"""`print`: an f-string to four places, and the record of the other methods to a file."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from pathlib import Path
from typing import TextIO

from attolog._bench.method import MODEL, OpenLogger, Output, Pairs, written


def _f_string(file: TextIO) -> OpenLogger:
    def log_all(pairs: Pairs) -> None:
        model_name = MODEL
        for task_id, arrival_time in pairs:
            print(f"[Generator-{model_name}] New task {task_id} at {arrival_time:.6f}", file=file)

    return OpenLogger(log_all, file.flush, file.close, lambda calls: Output(None))


def to_file(folder: Path) -> OpenLogger:
    """Buffered as Python does where it is no terminal."""
    path = folder / "run.log"
    opened = _f_string(path.open("w"))
    return OpenLogger(opened.log_all, opened.drain, opened.close, written(path))


def to_null(folder: Path) -> OpenLogger:
    """What nobody can count."""
    return _f_string(open(os.devnull, "w"))


def to_pipe(folder: Path) -> OpenLogger:
    """To a process that reads as fast as it can, and writes on to a file to be counted."""
    theirs, ours = os.pipe()
    return _read_on(theirs, open(ours, "w"), folder / "run.log")


def to_terminal(folder: Path) -> OpenLogger:
    """To a terminal that draws nothing: a process reads what it is sent, as fast as it can."""
    theirs, ours = pty.openpty()
    return _read_on(theirs, open(ours, "w"), folder / "run.log")


def _read_on(theirs: int, ours: TextIO, path: Path) -> OpenLogger:
    os.set_inheritable(ours.fileno(), False)
    with path.open("wb") as file:
        # cat says that a terminal whose other end was closed is broken.
        reader = subprocess.Popen(["cat"], stdin=theirs, stdout=file, stderr=subprocess.DEVNULL)
    os.close(theirs)
    opened = _f_string(ours)

    def close() -> None:
        opened.close()
        reader.wait()

    return OpenLogger(opened.log_all, opened.drain, close, written(path))


def record_to_file(folder: Path) -> OpenLogger:
    """The record that the other methods write, with its time."""
    path = folder / "run.log"
    file = path.open("w")

    def log_all(pairs: Pairs) -> None:
        model, clock = MODEL, time.time
        for task_id, arrival in pairs:
            print(f"{clock():.6f},GEN,{model},{task_id},{arrival}", file=file)

    return OpenLogger(log_all, file.flush, file.close, written(path))
