"""Helpers of this folder: they log to a file, read files back, and run programs."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attolog

TIME = 1_700_000_000_123_456_789
"""The time stamp of `log_to`: 2023-11-14T22:13:20.123456789Z, 1700000000.123456 in a CSV."""

csv.field_size_limit(1 << 30)

Use = Callable[[attolog.AsyncFileLogger], object]


def log_to(path: Path, use: Use, **options: Any) -> Path:
    """Log to `path` with a fixed time and close; nothing may be lost."""
    with attolog.AsyncFileLogger(path, **options) as log:
        log.set_time(TIME)
        use(log)
    assert log.counts.dropped == log.counts.waiting == 0
    return path


def cells(path: Path) -> list[list[str]]:
    """The rows of a CSV file, without their time stamps."""
    with open(path, newline="") as file:
        return [row[1:] for row in csv.reader(file)]


def lines(path: Path) -> list[str]:
    """The lines of a file, which ends with a newline."""
    text = path.read_bytes().decode()
    assert text.endswith("\n")
    return text[:-1].split("\n")


def objects(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON Lines file, without their time stamps."""
    return [
        {key: value for key, value in json.loads(line).items() if key != "time"}
        for line in lines(path)
    ]


def run_python(
    program: str, *args: str | Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a program that must succeed; `ATTOLOG` is what `environment` says."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("ATTOLOG")}
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, args)],
        env=env | environment,
        capture_output=True,
        text=True,
        check=True,
    )


def numbers(path: Path, name: str = "i") -> list[Any]:
    """The field of the records of E, in the order of the file."""
    return [each[name] for each in objects(path) if each.get("event") == "E"]


def reasons(path: Path) -> list[str]:
    return [each["reason"] for each in objects(path) if each.get("event") == "TRIGGER"]


def saved(folder: Path) -> list[Path]:
    """What saved itself, in the order in which it was asked for."""
    return sorted(folder.glob("self-*"), key=lambda path: int(re.findall(r"\d+", path.name)[-1]))
