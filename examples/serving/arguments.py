"""What the commands' arguments have in common."""

import argparse
import math
import re
from collections.abc import Callable
from typing import NoReturn

from profiles import EXITS


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def number(low: float, high: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {low:g} to {high:g}")
        return value

    return convert


def whole(low: int, high: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}")
        return value

    return convert


def exits(text: str) -> tuple[str, ...]:
    """The exits named in `text`, from shallow to deep."""
    wanted = text.split(",")
    if not set(wanted) <= set(EXITS):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of {','.join(EXITS)}")
    return tuple(exit for exit in EXITS if exit in wanted)


def tag(text: str) -> str:
    """Text that may stand in a file's name."""
    if not re.fullmatch(r"[\w.-]{0,100}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not made of letters, digits and . _ -")
    return text
