"""Runs methods by turns, each run in a process of its own."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory

from attolog._bench.child import Run
from attolog._bench.method import Method

CHILD = (sys.executable, "-P", "-m", "attolog._bench.child")
_SEED = 7


class RunFailedError(Exception):
    """A run came to no end, or to a bad one."""


@dataclass
class Result:
    """What became of a method: its runs, and why there are no more if one failed."""

    method: Method
    runs: list[Run] = field(default_factory=list)
    failure: str | None = None


def measure(
    methods: Iterable[Method],
    records: int,
    repeats: int,
    timeout: float,
    *,
    child: Sequence[str] = CHILD,
    advance: Callable[[str], object] = lambda name: None,
) -> list[Result]:
    """Run each method once, then each once more, so often, each time in another order.

    What else the machine does so falls on all of them. A method that fails is not run again.

    Args:
        methods: What to measure.
        records: How many records a run logs.
        repeats: How many runs of each.
        timeout: Seconds until a run is given up.
        child: The command that runs a method once, without its arguments.
        advance: Is told the method before each run, and "" after the last.
    """
    results = [Result(method) for method in methods]
    shuffled = random.Random(_SEED)
    for _ in range(repeats):
        for result in shuffled.sample(results, len(results)):
            advance(result.method.name)
            if result.failure is None:
                try:
                    result.runs.append(_run(child, result.method, records, timeout))
                except RunFailedError as error:
                    result.failure = str(error)
    advance("")
    return results


def _run(child: Sequence[str], method: Method, records: int, timeout: float) -> Run:
    # What the environment says must not change what is measured.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ATTOLOG")}
    with TemporaryDirectory(prefix="attolog-bench-") as folder:
        command = [*child, method.name, folder, str(records)]
        try:
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="backslashreplace",
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            raise RunFailedError(f"timed out after {timeout:g} s") from None
    if done.returncode < 0:
        raise RunFailedError(f"crashed: {signal.Signals(-done.returncode).name}")
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise RunFailedError(f"failed: {said[-1] if said else f'status {done.returncode}'}")
    return Run(**json.loads(done.stdout))
