"""What circular logs have saved."""

import re
from pathlib import Path
from typing import Any

from written import objects


def numbers(path: Path, name: str = "i") -> list[Any]:
    """The field of the records of E, in the order of the file."""
    return [each[name] for each in objects(path) if each.get("event") == "E"]


def reasons(path: Path) -> list[str]:
    return [each["reason"] for each in objects(path) if each.get("event") == "TRIGGER"]


def saved(folder: Path) -> list[Path]:
    """What saved itself, in the order in which it was asked for."""
    return sorted(folder.glob("self-*"), key=lambda path: int(re.findall(r"\d+", path.name)[-1]))
