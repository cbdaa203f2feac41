"""The simulated GPU: a batch takes the time that the profile says, with some jitter."""

import json
import os
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Literal, get_args

from profiles import Profile

Work = Literal["sleep", "spin", "launch"]
WORKS: tuple[Work, ...] = get_args(Work)


class SimulatedGpu:
    """Runs batches.

    Args:
        profile: mean times.
        work: `sleep` leaves the GIL to others, `spin` holds it. `launch` does a count of small
            Python operations first, as an eager framework launches kernels, and sleeps the rest.
        jitter: standard deviation of a batch's time, as a share of its mean.
        seed: of the jitter; its n-th batch varies alike in every run.
        launch_fraction: share of the mean time that `launch` spends in Python.
        launch_ops_per_ms: how many operations that is (see `calibrated_ops_per_ms`).
    """

    def __init__(
        self,
        profile: Profile,
        work: Work,
        jitter: float,
        seed: int,
        launch_fraction: float = 0.0,
        launch_ops_per_ms: float = 0.0,
    ) -> None:
        self._profile = profile
        self._work = work
        self._jitter = jitter
        self._stream = random.Random(f"jitter/{seed}")
        self._launch_fraction = launch_fraction
        self._launch_ops_per_ms = launch_ops_per_ms

    def draw_seconds(self, model: str, exit: str, batch_size: int) -> float:
        """How long the next batch takes."""
        mean_s = self._profile.mean_ms(model, exit, batch_size) / 1e3
        return mean_s * max(0.0, self._stream.gauss(1.0, self._jitter))

    def run(self, model: str, exit: str, batch_size: int) -> None:
        """Runs one batch up to this exit; returns when it is done."""
        seconds = self.draw_seconds(model, exit, batch_size)
        if self._work == "spin":
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                pass
        elif self._work == "launch":
            # The count is fixed and the sleep is not shortened by it: what slows the launching
            # thread down, such as waiting for the GIL, slows the batch down, as it does in reality.
            launch_ms = self._profile.mean_ms(model, exit, batch_size) * self._launch_fraction
            _launch(round(launch_ms * self._launch_ops_per_ms))
            time.sleep(seconds * (1.0 - self._launch_fraction))
        else:
            time.sleep(seconds)


def calibrated_ops_per_ms() -> float:
    """How many launch operations take 1 ms on this machine: measured once, then read from a file.

    Runs that are compared must do the same work; a fresh measurement at each start would differ by
    some percent. Delete the file (it is in the user's cache folder) to measure again.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: it holds something else.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    python = f"{sys.implementation.name}-{sys.version_info.major}.{sys.version_info.minor}"
    path = cache / "attolog-serving" / f"launch-{python}.json"
    if path.exists():
        try:
            return float(json.loads(path.read_bytes())["ops_per_ms"])
        except (ValueError, TypeError, KeyError):
            raise ValueError(f"{path}: no calibration; delete it to measure again") from None
    ops_per_ms = _measure_ops_per_ms()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"ops_per_ms": ops_per_ms}) + "\n")
    return ops_per_ms


def _measure_ops_per_ms(ops: int = 200_000, rounds: int = 9) -> float:
    rates = []
    for _ in range(rounds):
        start = time.perf_counter()
        _launch(ops)
        rates.append(ops / (time.perf_counter() - start) / 1e3)
    return statistics.median(rates)


def _launch(ops: int) -> None:
    kernel = {"grid": 0}
    for op in range(ops):
        kernel["grid"] = op & 1023
