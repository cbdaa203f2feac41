"""Random kills of processes, containers and users beside other programs (A4, A16, A17, A18)."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from .harness import FORMATS, Program
from .rounds import STREETS

STREET = """
from pathlib import Path
from reliability.rounds import play
play(Path(path), sys.argv[3], sys.argv[4], int(sys.argv[5]), seed=int(sys.argv[6]))
"""
TORTURE = 10_000  # kills in all
SEED = int(os.environ.get("SEED", "0"))

# All that processes may say: what is told, of each sort.
TOLD = re.compile(
    r"attolog: ("
    r"another program wrote into \S+ in the middle of a record; both are kept, and the record "
    r"is there once more|"
    r"\S+: (another process|process \d+) holds its lock; "
    r"records of killed processes wait|"
    r"\S+/control/\S+: No space left on device; attolog ctl does not find this process)"
)


def _kill(folder: Path, faults: Path, street: str, suffix: str, kills: int) -> None:
    arguments = (suffix, street, kills, SEED)
    with Program(STREET, folder, *arguments, fault=(faults, "none|any|0|kill|1")) as program:
        said = program.await_word(patience=3600)
        assert program.wait() == 0, program.stderr
        untold = [line for line in program.stderr.splitlines() if not TOLD.fullmatch(line)]
        assert untold == []
    print(f"{street}, {suffix}: {said}")
    assert int(said.split()[0]) >= kills


TWINS = """
from pathlib import Path
from reliability.rounds import play_twins
play_twins(Path(path))
"""


def test_processes_of_one_number_in_two_containers_share_no_part(yard: Path) -> None:
    with Program(TWINS, yard) as program:
        said = program.await_word()
        assert program.wait() == 0, program.stderr
        assert said == "done"


_EACH = TORTURE // (len(STREETS) * len(FORMATS)) + 1


@pytest.mark.parametrize("kills", [8, pytest.param(_EACH, marks=pytest.mark.torture)])
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("street", STREETS)
def test_a4_a16_a17_a18_kills_lose_and_double_nothing(
    yard: Path, faults: Path, street: str, suffix: str, kills: int
) -> None:
    _kill(yard, faults, street, suffix, kills)
