"""When requests arrive: known before the run, so that nothing that happens in it can move them."""

import csv
import math
import random
from collections.abc import Iterable
from pathlib import Path


class ArrivalsError(ValueError):
    """The file holds no arrivals that could be replayed."""


def poisson(rate: float, seconds: float, seed: int, name: str) -> list[float]:
    """The arrivals of a Poisson process, as seconds since the run's start, in order.

    Each name has a stream of its own: to add a model leaves the others' arrivals as they were.

    Args:
        rate: arrivals per second on average; 0 gives none.
        seconds: length of the run; every arrival lies before it.
        seed: the run's seed.
        name: whose arrivals they are.
    """
    arrivals: list[float] = []
    if rate == 0:
        return arrivals
    stream = random.Random(f"arrivals/{seed}/{name}")
    now = stream.expovariate(rate)
    while now < seconds:
        arrivals.append(now)
        now += stream.expovariate(rate)
    return arrivals


def replay(path: Path, names: Iterable[str]) -> dict[str, list[float]]:
    """The arrivals of a file, by name: CSV with the columns `model` and `arrival`, sorted by time.

    The `tasks.csv` that a run writes is such a file; other columns are not looked at.

    Args:
        path: the file.
        names: whose arrivals there may be.

    Raises:
        OSError: the file cannot be read.
        ArrivalsError: it is not such a file; says where.
    """
    arrivals: dict[str, list[float]] = {name: [] for name in names}
    last = 0.0
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        rows = csv.DictReader(file)
        if not {"model", "arrival"} <= set(rows.fieldnames or ()):
            raise ArrivalsError("line 1: the columns model and arrival are needed")
        for row in rows:
            where = f"line {rows.line_num}"
            name, text = row["model"], row["arrival"]
            if name not in arrivals:
                raise ArrivalsError(f"{where}: {name!r} is none of {', '.join(arrivals)}")
            try:
                arrival = float(text)
            except (TypeError, ValueError):
                arrival = math.nan
            if not 0.0 <= arrival < math.inf:
                raise ArrivalsError(f"{where}: {text!r} is no number of seconds from 0 on")
            if arrival < last:
                raise ArrivalsError(f"{where}: not sorted, {arrival:g} s comes after {last:g} s")
            last = arrival
            arrivals[name].append(arrival)
    return arrivals
