"""What the commands' arguments have in common."""

import argparse
from collections.abc import Callable
from typing import NoReturn

from profiles import EXITS


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


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
