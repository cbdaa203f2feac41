"""Row A10: the power fails. What an fsync has seen is in the file, and the file can be read.

The disk is an ext4 file system in a file. While the program that logs there is stopped, that file
is copied: the copy is the disk as the power cut leaves it. It is then mounted and looked at.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import FORMATS, Program, clear_rings, read_rows, states, wait_until

INTERVAL = 1.0
# What a busy machine may take to come to its fsync. Nothing else writes for half an hour (commit=).
PATIENCE = 2.0

# A record each millisecond, with the time of its call.
SOURCE = f"""
import time
log = attolog.AsyncFileLogger(path, fsync_interval={INTERVAL})
record, pid, seq = log.event("R", "pid", "worker", "seq", "pad"), os.getpid(), 0
while True:
    record(pid, 0, seq, pad(seq, 0))
    seq += 1
    acknowledged[0], acknowledged[1] = seq, time.time_ns()
    time.sleep(0.001)
"""


def mount(image: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-o", "loop,commit=1800", image, folder], capture_output=True, text=True
    )
    if done.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An ext4 disk of 64 MB in the file disk.image, mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    mkfs = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if mkfs is None:
        pytest.skip("there is no mkfs.ext4 to make a disk with")
    image = tmp_path / "disk.image"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run([mkfs, "-q", image], check=True)
    folder = tmp_path / "disk"
    mount(image, folder)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    for suffix in FORMATS:
        clear_rings(folder / f"run.{suffix}")


def cut_power(program: Program, disk: Path, copy: Path) -> tuple[int, int]:
    """Copy the disk as it is at one moment; how much had been acknowledged, and when."""
    os.kill(program.pid, signal.SIGSTOP)
    wait_until(lambda: states(program.pid) == {"T"})
    acknowledged = program.acknowledged()
    shutil.copyfile(disk.with_name("disk.image"), copy)
    os.kill(program.pid, signal.SIGCONT)
    return acknowledged[0], acknowledged[1]


def check_cut(copy: Path, name: str, n: int, last_ns: int, rate: float) -> None:
    """What the power cut left is whole, without a gap, and no older than an fsync interval."""
    folder = copy.with_name("cut")
    mount(copy, folder)
    try:
        file = folder / name
        data = file.read_bytes()
        # A record that the cut went through; the next start of a logger ends its line.
        whole = data if name.endswith(".atto") else data[: data.rfind(b"\n") + 1]
        assert b"\0" not in whole or name.endswith(".atto")
        kept = copy.with_name(name)
        kept.write_bytes(whole)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
    sequence = [row.seq for row in read_rows(kept).rows]
    assert sequence == list(range(len(sequence)))
    missing = (n - len(sequence)) / rate
    assert missing <= INTERVAL + PATIENCE, f"the last {missing:.1f} s are lost"


def try_cuts(disk: Path, tmp_path: Path, suffix: str, cuts: int) -> None:
    path = disk / f"run.{suffix}"
    with Program(SOURCE, path) as program:
        program.await_acknowledged(1)
        start = time.time_ns()
        for i in range(cuts):
            wanted = 5000 + 700 * i
            wait_until(lambda wanted=wanted: program.acknowledged()[0] >= wanted)  # type: ignore[misc]
            n, last = cut_power(program, disk, tmp_path / "cut.image")
            check_cut(tmp_path / "cut.image", path.name, n, last, n / ((last - start) / 1e9))
        program.kill()
    clear_rings(path)


@pytest.mark.parametrize("suffix", ["csv", "atto"])
def test_a10_a_power_cut_costs_what_no_fsync_has_seen(
    disk: Path, tmp_path: Path, suffix: str
) -> None:
    try_cuts(disk, tmp_path, suffix, 1)


@pytest.mark.torture
@pytest.mark.parametrize("suffix", FORMATS)
def test_a10_power_is_cut_again_and_again(disk: Path, tmp_path: Path, suffix: str) -> None:
    try_cuts(disk, tmp_path, suffix, 20)
