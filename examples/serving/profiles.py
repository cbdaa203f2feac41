"""How long a batch takes and how accurate its answers are, read from a JSON file.

Plural, because `profile` is a module of the standard library, which cProfile and torch import.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

EXITS = ("layer1", "layer2", "layer3", "final")  # from shallow to deep
SOURCES = ("anchor", "extrapolated")


class ProfileError(ValueError):
    """The file is no profile, or lacks what the run needs."""


@dataclass(frozen=True, slots=True)
class Cell:
    mean_ms: float
    source: str  # anchor: published; extrapolated: by the formula that stands in the file


@dataclass(frozen=True, slots=True)
class Profile:
    """The cells by (model, exit, batch size), and the accuracy in % by (model, exit)."""

    cells: Mapping[tuple[str, str, int], Cell]
    accuracies: Mapping[tuple[str, str], float]

    def ms(self, model: str, exit: str, batch_size: int) -> float:
        """The predicted time of a batch in ms."""
        return self.cells[model, exit, batch_size].mean_ms

    def accuracy(self, model: str, exit: str) -> float:
        """The share of right answers in %."""
        return self.accuracies[model, exit]

    def require(self, models: Iterable[str], exits: Iterable[str], max_batch: int) -> None:
        """Checks that a run will find every cell it may ask for.

        Raises:
            ProfileError: names the first that is missing.
        """
        exits = tuple(exits)
        for model in models:
            for exit in exits:
                if (model, exit) not in self.accuracies:
                    raise ProfileError(f"no accuracy of {model} at {exit}")
                for batch_size in range(1, max_batch + 1):
                    if (model, exit, batch_size) not in self.cells:
                        raise ProfileError(f"no time of {model} at {exit}, batch size {batch_size}")


def load(path: Path) -> Profile:
    """Reads a profile.

    Raises:
        OSError: the file cannot be read.
        ProfileError: it is no profile; says where.
    """
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
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
                if not batch_size.isdecimal():
                    raise ProfileError(f"{where}: a batch size is a whole number")
                source = cell.get("source")
                if not isinstance(source, str) or source not in SOURCES:
                    raise ProfileError(f"{where}.source: must be one of {', '.join(SOURCES)}")
                mean_ms = _positive(cell.get("mean_ms"), f"{where}.mean_ms")
                cells[model, exit, int(batch_size)] = Cell(mean_ms, source)
    return Profile(cells, accuracies)


def _table(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ProfileError(f"{where}: must be an object")
    return value


def _positive(value: object, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ProfileError(f"{where}: must be a number")
    if not (math.isfinite(value) and value > 0):
        raise ProfileError(f"{where}: must be above 0")
    return float(value)
