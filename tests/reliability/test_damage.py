"""Damaged journals (rows F of the reliability tests).

What is intact is read exactly, what is not is told, and nothing that was never logged is shown.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import pytest

import attolog
from attolog._reading.files import JOURNAL_MAGIC

from .harness import PATIENCE

HEADER = struct.Struct("<8sHHIIIqqQIIII")  # docs/reference/journal-format.md


class Intact(NamedTuple):
    data: bytes
    blocks: list[tuple[int, int]]  # where each begins and ends
    records: list[list[attolog._reading.journal.Record]]  # of each block


def read(path: Path) -> attolog._reading.journal.Journal:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        run = attolog.read(path)
    assert len(said) == min(1, len(run.problems))  # one message, however much is damaged
    return run


def records_of(path: Path) -> tuple[list[attolog._reading.journal.Record], int]:
    run = read(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = list(run.records())
    for name in run:
        run[name].__arrow_c_stream__()
    return found, len(run.problems)


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Intact:
    """A small journal of some blocks."""
    path = tmp_path_factory.mktemp("intact") / "run.atto"
    with attolog.AsyncFileLogger(path) as log:
        for block in range(4):
            log("GEN", "ResNet50", block, 0.1 * block)
            log("GEN", "ResNet101", block, None)
            log.warning("{model} took {ms:.3f} ms", "é\udc80", 1.5 + block)
            log(f"sentence {block}")
            assert log.flush()
    data = path.read_bytes()
    blocks = []
    at = 0
    while at < len(data):
        fields = HEADER.unpack_from(data, at)
        assert fields[0] == JOURNAL_MAGIC
        blocks.append((at, at + HEADER.size + fields[3]))
        at = blocks[-1][1]
    assert len(blocks) == 4
    found, problems = records_of(path)
    assert (len(found), problems) == (16, 0)
    return Intact(data, blocks, [found[4 * i : 4 * i + 4] for i in range(4)])


def sequence(intact: Intact, *blocks: int) -> list[attolog._reading.journal.Record]:
    return [record for i in blocks for record in intact.records[i]]


# ---- F1 ------------------------------------------------------------------------------------------


def test_f1_cut_at_every_byte(intact: Intact, tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    path.write_bytes(intact.data)
    ends = [0] + [end for _, end in intact.blocks]
    for size in range(len(intact.data), -1, -1):
        os.truncate(path, size)
        whole = sum(end <= size for end in ends[1:])
        found, problems = records_of(path)
        assert found == sequence(intact, *range(whole)), size
        assert problems == (size not in ends), size


@pytest.mark.parametrize("verb", ["cat", "stats"])
@pytest.mark.parametrize("cut", [1, 40, 70])
def test_f1_the_command_line_says_it_once(
    intact: Intact, tmp_path: Path, verb: str, cut: int
) -> None:
    path = tmp_path / "run.atto"
    command = [sys.executable, "-m", "attolog", verb, str(path)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    for data, is_damaged in ((intact.data, False), (intact.data[:-cut], True)):
        path.write_bytes(data)
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE)
        assert (done.returncode != 0) == is_damaged, done
        assert len(done.stderr.splitlines()) == is_damaged, done.stderr
        assert "Traceback" not in done.stderr
        assert "GEN" in done.stdout


# ---- F2 ------------------------------------------------------------------------------------------


def test_f2_every_flipped_bit_is_found(intact: Intact, tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    path.write_bytes(intact.data)
    data = bytearray(intact.data)
    with path.open("r+b", buffering=0) as file:
        for at in range(len(data)):
            hit = next(i for i, (_, end) in enumerate(intact.blocks) if at < end)
            others = sequence(intact, *(i for i in range(4) if i != hit))
            for bit in range(8):
                file.seek(at)
                file.write(bytes([data[at] ^ 1 << bit]))
                found, problems = records_of(path)
                assert found == others, (at, bit)
                assert problems, (at, bit)
            file.seek(at)
            file.write(data[at : at + 1])
    assert records_of(path) == (sequence(intact, 0, 1, 2, 3), 0)


@pytest.mark.torture
def test_f2_random_damage_never_shows_what_was_not_logged(intact: Intact, tmp_path: Path) -> None:
    import random

    chance = random.Random(20261123)
    path = tmp_path / "run.atto"
    logged = sequence(intact, 0, 1, 2, 3)
    for _ in range(20_000):
        data = bytearray(intact.data)
        for _ in range(chance.randint(1, 6)):
            at, n = chance.randrange(len(data) + 1), chance.choice([1, 2, 8, 64])
            damage = chance.choice(
                [bytes(n), chance.randbytes(n), bytes(data[:n]), JOURNAL_MAGIC, b""]
            )
            data[at : at + chance.choice([0, n, len(damage)])] = damage
        path.write_bytes(data)
        found, problems = records_of(path)
        assert all(record in logged for record in found)
        assert len(found) == 16 or problems or not data


# ---- F3 ------------------------------------------------------------------------------------------


def damaged(path: Path, *pieces: bytes) -> tuple[list[attolog._reading.journal.Record], int]:
    path.write_bytes(b"".join(pieces))
    return records_of(path)


def test_f3_whole_parts_of_the_file(intact: Intact, tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    one, two, three, four = (intact.data[start:end] for start, end in intact.blocks)
    assert damaged(path, one, bytes(len(two)), three, four) == (sequence(intact, 0, 2, 3), 1)
    assert damaged(path, bytes(4096), *(one, two, three, four))[0] == sequence(intact, 0, 1, 2, 3)
    assert damaged(path, one, two, three, four, bytes(4096))[0] == sequence(intact, 0, 1, 2, 3)
    assert damaged(path, one, two, two, three, four, one)[0] == sequence(intact, 0, 1, 2, 3)
    assert damaged(path, four, two, three, one) == (sequence(intact, 0, 1, 2, 3), 0)
    assert damaged(path, two, four) == (sequence(intact, 1, 3), 0)
    assert damaged(path, b"text before\n", one, b"and between", two)[0] == sequence(intact, 0, 1)
    assert damaged(path, JOURNAL_MAGIC * 100, one)[0] == sequence(intact, 0)
    assert damaged(path, b"") == ([], 0)


@pytest.mark.parametrize("page", [64, 100, 512])
def test_f3_zeroed_doubled_and_swapped_pages(intact: Intact, tmp_path: Path, page: int) -> None:
    path = tmp_path / "run.atto"
    pages = [intact.data[at : at + page] for at in range(0, len(intact.data), page)]
    logged = sequence(intact, 0, 1, 2, 3)
    for i in range(len(pages)):
        zeroed = [*pages[:i], bytes(len(pages[i])), *pages[i + 1 :]]
        doubled = [*pages[: i + 1], *pages[i:]]
        swapped = [*pages[:i], *pages[i : i + 2][::-1], *pages[i + 2 :]]
        for pieces in (zeroed, doubled, swapped):
            found, problems = damaged(path, *pieces)
            assert all(record in logged for record in found)
            assert problems or b"".join(pieces) == intact.data
            hit = {
                j for j, (a, b) in enumerate(intact.blocks) if a < (i + 2) * page and b > i * page
            }
            untouched = sequence(intact, *(j for j in range(4) if j not in hit))
            assert [record for record in found if record in untouched] == untouched


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def with_header(intact: Intact, field: int, value: int) -> bytes:
    """The file with this field of the second block's header set, and its checksum right."""
    start, _ = intact.blocks[1]
    fields = list(HEADER.unpack_from(intact.data, start))
    fields[field] = value
    fields[-1] = crc32c(HEADER.pack(*fields)[:-4])
    return intact.data[:start] + HEADER.pack(*fields) + intact.data[start + HEADER.size :]


VERSION, FLAGS = 1, 2  # in the header


@pytest.mark.parametrize(
    ("field", "value"),
    [(VERSION, 2), (VERSION, 0xFFFF), *((FLAGS, 1 << bit) for bit in range(1, 16)), (FLAGS, 3)],
)
def test_f3_a_version_of_the_future_is_refused(
    intact: Intact, tmp_path: Path, field: int, value: int
) -> None:
    found = damaged(tmp_path / "run.atto", with_header(intact, field, value))
    assert found == (sequence(intact, 0, 2, 3), 1)


def test_f3_the_flag_of_nested_values_is_known(intact: Intact, tmp_path: Path) -> None:
    found = damaged(tmp_path / "run.atto", with_header(intact, FLAGS, 1))
    assert found == (sequence(intact, 0, 1, 2, 3), 0)


# ---- F4 ------------------------------------------------------------------------------------------

SHORTENED = """
import os, sys, warnings
import attolog
warnings.simplefilter("ignore")
path, size = sys.argv[1], int(sys.argv[2])
run = attolog.read(path)
everything = [list(attolog.read(path).records()), run.events]
records = run.records()
first = next(records)
os.truncate(path, size)
rest = [first, *records]
assert rest == everything[0][:len(rest)] or all(r in everything[0] for r in rest)
try:
    for name in run: run[name].__arrow_c_stream__()
except (OSError, ValueError) as error: print(error)
"""


def test_f4_a_file_is_shortened_while_read(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with attolog.AsyncFileLogger(path) as log:
        for i in range(50_000):
            log("GEN", i, str(i))
    data = path.read_bytes()
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    for size in (0, 1, len(data) // 2, len(data) - 1):
        path.write_bytes(data)
        command = [sys.executable, "-c", SHORTENED, str(path), str(size)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE)
        assert (done.returncode, done.stderr) == (0, ""), (size, done)
