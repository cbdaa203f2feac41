"""A journal to be read: the GEN/SCHED mix of two events, and commands that read it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable
from itertools import cycle, islice
from pathlib import Path
from random import Random

import attolog

RECORDS = 10_000_000
QUICK_RECORDS = 500_000

_MODELS = ("ResNet50", "ResNet101", "ResNet152")
_EXITS = ("layer1", "layer2", "layer3", "final")
_PAIRS = 1 << 15  # of a GEN and a SCHED, before their values repeat

Pair = tuple[str, int, float, str, int]


def _pairs() -> list[Pair]:
    random, arrival, pairs = Random(7), 0.0, []
    for number in range(_PAIRS):
        arrival += random.expovariate(400)
        model, exit_ = random.choice(_MODELS), random.choice(_EXITS)
        pairs.append((model, number, arrival, exit_, 1 + number % 10))
    return pairs


def write_mix(path: Path, records: int) -> None:
    """Log half as many GEN(model, task_id, arrival) and SCHED(model, batch_id, exit, size)."""
    log = attolog.AsyncFileLogger(path, on_full="block")
    gen = log.event("GEN", "model", "task_id", "arrival")
    sched = log.event("SCHED", "model", "batch_id", "exit", "batch_size")
    for model, number, arrival, exit_, size in islice(cycle(_pairs()), records // 2):
        gen(model, number, arrival)
        sched(model, number, exit_, size)
    log.close(timeout=None)


def write_gen(path: Path, records: int) -> None:
    """Log that many GEN(model, task_id, arrival)."""
    log = attolog.AsyncFileLogger(path, on_full="block")
    gen = log.event("GEN", "model", "task_id", "arrival")
    for model, number, arrival, _, _ in islice(cycle(_pairs()), records):
        gen(model, number, arrival)
    log.close(timeout=None)


class Command:
    """A command of attolog's that has run to its end, with its output counted by `wc`."""

    def __init__(self, *args: object) -> None:
        start = time.perf_counter()
        with subprocess.Popen(_command(args), stdout=subprocess.PIPE) as process:
            counted = subprocess.run(
                ["wc", "-l"], stdin=process.stdout, capture_output=True, check=True
            )
        self.seconds = time.perf_counter() - start
        self.lines = int(counted.stdout)
        if process.returncode != 0:
            raise RuntimeError(f"attolog {args[0]} ended with {process.returncode}")


def peak_mib(*args: object) -> float:
    """The most memory (RSS) that a command of attolog's had."""
    # A child's maximum begins with the memory of its parent: a small process starts it.
    program = (
        "import resource, subprocess, sys;"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = [sys.executable, "-S", "-c", program, *_command(args)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def _command(args: Iterable[object]) -> list[str]:
    return [sys.executable, "-m", "attolog", *map(str, args)]
