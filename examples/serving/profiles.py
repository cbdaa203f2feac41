"""How long a batch takes and how accurate its answers are, read from a JSON file.

Plural, because `profile` is a module of the standard library, which cProfile and torch import.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

EXITS = ("layer1", "layer2", "layer3", "final")  # from shallow to deep
SOURCES = ("anchor", "extrapolated", "measured")
STATISTICS = ("mean_ms", "p50_ms", "p95_ms", "p99_ms")


class ProfileError(ValueError):
    """The file is no profile, or lacks what the run needs."""


@dataclass(frozen=True, slots=True)
class Cell:
    times: Mapping[str, float]  # ms, by the names in STATISTICS
    source: str  # of the mean. anchor: published; extrapolated: by the formula in the file


class Profile:
    """What is known of the models.

    Args:
        cells: by model, exit and batch size.
        accuracies: in %, by model and exit.
        statistic: which of a cell's times is the prediction; where a cell lacks it, there is none.
    """

    def __init__(
        self,
        cells: Mapping[tuple[str, str, int], Cell],
        accuracies: Mapping[tuple[str, str], float],
        statistic: str = "mean_ms",
    ) -> None:
        self.cells = cells
        self.statistic = statistic
        self._accuracies = accuracies
        self._predicted = {
            key: cell.times[statistic] for key, cell in cells.items() if statistic in cell.times
        }

    def ms(self, model: str, exit: str, batch_size: int) -> float:
        """The predicted time of a batch in ms."""
        return self._predicted[model, exit, batch_size]

    def mean_ms(self, model: str, exit: str, batch_size: int) -> float:
        """The time that a batch takes on average, in ms."""
        return self.cells[model, exit, batch_size].times["mean_ms"]

    def accuracy(self, model: str, exit: str) -> float:
        """The share of right answers in %."""
        return self._accuracies[model, exit]

    def require(self, models: Iterable[str], exits: Iterable[str], max_batch: int) -> None:
        """Checks that a run will find every cell it may ask for.

        Raises:
            ProfileError: names the first that is missing.
        """
        exits = tuple(exits)
        for model in models:
            for exit in exits:
                if (model, exit) not in self._accuracies:
                    raise ProfileError(f"no accuracy of {model} at {exit}")
                for batch_size in range(1, max_batch + 1):
                    if (model, exit, batch_size) not in self._predicted:
                        where = f"{model} at {exit}, batch size {batch_size}"
                        raise ProfileError(f"no {self.statistic} of {where}")


def load(path: Path, statistic: str = "mean_ms") -> Profile:
    """Reads a profile.

    Args:
        path: the file.
        statistic: one of STATISTICS, the time that is predicted of a batch.

    Raises:
        OSError: the file cannot be read.
        ProfileError: it is no profile; says where.
    """
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"not JSON: {error}") from None
    cells: dict[tuple[str, str, int], Cell] = {}
    accuracies: dict[tuple[str, str], float] = {}
    for model, entry in _table(_table(document, "the file").get("models"), "models").items():
        entry = _table(entry, model)
        for exit, accuracy in _table(entry.get("accuracy"), f"{model}.accuracy").items():
            accuracies[model, exit] = _positive(accuracy, f"{model}.accuracy.{exit}")
        for exit, row in _table(entry.get("exits"), f"{model}.exits").items():
            for batch_size, cell in _table(row, f"{model}.exits.{exit}").items():
                where = f"{model}.exits.{exit}.{batch_size}"
                cell = _table(cell, where)
                if not batch_size.isdecimal() or len(batch_size) > 4:
                    raise ProfileError(f"{where}: a batch size is a whole number up to 9999")
                source = cell.get("source")
                if not isinstance(source, str) or source not in SOURCES:
                    raise ProfileError(f"{where}.source: must be one of {', '.join(SOURCES)}")
                times = {
                    name: _positive(cell.get(name), f"{where}.{name}")
                    for name in STATISTICS
                    if name in cell or name == "mean_ms"
                }
                cells[model, exit, int(batch_size)] = Cell(times, source)
    return Profile(cells, accuracies, statistic)


def _table(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ProfileError(f"{where}: must be an object")
    return value


def _positive(value: object, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ProfileError(f"{where}: must be a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not 0 < number < math.inf:
        raise ProfileError(f"{where}: must be above 0, and finite")
    return number
