"""Row F5 from the outside: files of killed programs, damaged at random, recovered and read.

The C++ fuzzer (tests/cpp/fuzz_files.cpp) does more of it, and under sanitizers; here it is the
installed package, by the ways that a user has. Seeds make each run the same.
"""

from __future__ import annotations

import os
import random
import warnings
from pathlib import Path

import pytest

import attolog

from .harness import Program, Snapshot, forked, killed_by, recover, ring_folder, status_of

SOURCE = """
log = attolog.AsyncFileLogger(path, buffer_bytes=65536)
threads = [threading.Thread(target=work, args=(log, i, 60)) for i in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
log.flush()
log.event("BIG", "text")("x" * 20_000)
log.event("COUNT", "n", strategy="stats:1s")(1)
log.event("LAST", "n", strategy="last:5")(1)
work(log, 2, 60)
os.kill(os.getpid(), signal.SIGKILL)
"""


def damage(path: Path, chance: random.Random) -> None:
    """Change some bytes of a file, most of them in its header; now and then its length."""
    data = bytearray(path.read_bytes())
    for _ in range(chance.choice([1, 1, 1, 2, 5, 20])):
        if not data:
            return
        most = len(data) if chance.random() < 0.3 else min(len(data), chance.choice([512, 9216]))
        at = chance.randrange(most)
        if chance.random() < 0.4:
            at &= ~7
            number = chance.choice([1 << chance.randrange(64), chance.getrandbits(64), 2**64 - 8])
            data[at : at + 8] = number.to_bytes(8, "little")
        else:
            data[at] ^= 1 << chance.randrange(8)
    if chance.random() < 0.1:
        del data[chance.randrange(len(data)) :]
    path.write_bytes(data)


def look(path: Path) -> None:
    """All that a user may do with the file of a killed program; errors are errors of Python."""
    warnings.simplefilter("ignore")  # they tell of the damage
    for action in (
        lambda: list(attolog.read(path).records()),
        lambda: recover(path, check=True),
        lambda: recover(path),
        lambda: list(attolog.read(path).records()),
    ):
        try:
            action()
        except (OSError, ValueError):
            continue


def fuzz(path: Path, store: Path, seeds: range) -> None:
    with Program(SOURCE, path) as program:
        assert killed_by(program.wait())
    snapshot = Snapshot(path, store)
    failed = []
    for seed in seeds:
        snapshot.restore()
        chance = random.Random(seed)
        files = sorted([*ring_folder(path).iterdir(), path])
        files = [file for file in files if file.is_file()]
        for file in chance.sample(files, chance.choice([1, 1, 2])):
            damage(file, chance)
        if (status := status_of(forked(lambda: look(path)))) != 0:
            failed.append((seed, status))
        beside = {name for name in os.listdir(path.parent) if not name.startswith(path.stem)}
        assert beside == set(), f"seed {seed} has written beside the log file"
    assert failed == []


@pytest.mark.parametrize("suffix", [".csv", ".atto"])
def test_f5_damaged_files_of_a_killed_program_crash_nobody(
    log_path: Path, tmp_path: Path, suffix: str
) -> None:
    path = log_path.with_suffix(suffix)
    fuzz(path, tmp_path / "store", range(100))


@pytest.mark.torture
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".log", ".atto"])
def test_f5_damaged_files_of_a_killed_program_crash_nobody_by_many_seeds(
    log_path: Path, tmp_path: Path, suffix: str
) -> None:
    fuzz(log_path.with_suffix(suffix), tmp_path / "store", range(1000, 21_000))
