"""Houses that processes live in: the machine, containers, other users; and how they are ended.

All of it happens in a process of its own, the yard, whose /dev/shm no other process sees. It has
`faults.c` preloaded, so that a writer can die within any system call. A house is entered by a fork.
A container is a house with mounts, process ids and perhaps a /dev/shm of its own.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import attolog
from attolog import _core

from .harness import end_by, wait_until

NOBODY = 65534
_NEW_MOUNTS, _NEW_PIDS = 0x20000, 0x20000000  # CLONE_NEWNS, CLONE_NEWPID
_BIND, _ALL, _PRIVATE, _SHARED = 0x1000, 0x4000, 1 << 18, 1 << 20  # MS_...
_DIE_WITH_PARENT, _SET_DUMPABLE = 1, 4  # PR_SET_...

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def mount(what: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    _call("mount", what.encode(), target.encode(), kind.encode(), flags, options.encode())


def _own_mounts() -> None:
    _call("unshare", _NEW_MOUNTS)
    mount("none", "/", flags=_ALL | _PRIVATE)


class House(NamedTuple):
    """Where processes live; the machine itself by default."""

    contained: bool = False
    """Mounts and process ids of its own: a kill of the first process ends all."""
    shm: str = "machine"
    """Whose /dev/shm: the machine's, its `own` of 64 MB, a `full` one, `none` at all."""
    uid: int = 0
    volume: str = ""
    """The folder that is mounted over the log's."""

    def enter(self, folder: Path) -> None:
        if self != House(uid=self.uid):
            _own_mounts()
        if self.volume:
            mount(self.volume, str(folder), flags=_BIND)
        if self.contained:
            mount("proc", "/proc", "proc")
        if self.shm in ("own", "full"):
            mount(
                "shm", "/dev/shm", "tmpfs", options="size=64m" if self.shm == "own" else "size=1m"
            )
        if self.shm == "full":
            _fill(Path("/dev/shm/somebody"))
        if self.shm == "none":
            mount("dev", "/dev", "tmpfs", options="mode=755")
            for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
                os.mknod(f"/dev/{name}", 0o20666, os.makedev(1, minor))
        if self.uid:
            become(self.uid)
            _call("prctl", _SET_DUMPABLE, 1, 0, 0, 0)  # as after a login


def become(uid: int) -> None:
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def arm(fault: str) -> None:
    """Let the process die as `faults.c` says."""
    _libc.fault_arm(fault.encode())


class Page:
    """Numbers that all processes of the yard share: by worker, how many records it has logged.

    Number 0 tells all of them to stop.
    """

    SLOTS = 1024
    PACE = 1  # changes when somebody has logged
    LEAVE = SLOTS // 2  # behind a worker's number: how many records it may log

    def __init__(self) -> None:
        self._numbers = memoryview(mmap.mmap(-1, 8 * self.SLOTS)).cast("Q")

    def __getitem__(self, worker: int) -> int:
        return self._numbers[worker]

    def __setitem__(self, worker: int, n: int) -> None:
        self._numbers[worker] = n

    def lets_log(self, worker: int, seq: int) -> bool:
        return self[0] != 0 or self[self.LEAVE + worker] > seq

    def goes_on(self, pace: int) -> bool:
        return self[0] != 0 or self[self.PACE] != pace


class Life:
    """A process that was started in a house, or a container with several."""

    def __init__(self, pid: int, house: House, workers: range) -> None:
        self.pid, self.house, self.workers = pid, house, workers
        self._status: int | None = None

    def poll(self) -> int | None:
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def kill(self) -> bool:
        """Kill it; a container with all that is in it. Whether it was alive."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
        return self.wait() == -signal.SIGKILL

    def wait(self) -> int:
        wait_until(lambda: self.poll() is not None)
        assert self._status is not None
        return self._status


def _fork(house: House) -> int:
    """Fork; a container's process ids begin with the child."""
    if not house.contained:
        return os.fork()
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    _call("unshare", _NEW_PIDS)
    pid = os.fork()
    if pid != 0:
        _call("setns", own, _NEW_PIDS)
    os.close(own)
    return pid


def _first_process(actions: list[Callable[[], object]]) -> None:
    """A container's first process waits for the others; it ends badly if one of them does."""
    for action in actions:
        if os.fork() == 0:
            end_by(action)
    statuses = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in actions]
    assert set(statuses) <= {0, -signal.SIGKILL}, statuses


def start(
    house: House, folder: Path, *actions: Callable[[], object], workers: range = range(0)
) -> Life:
    """Start a container with a process for each action, or one process outside of them."""
    pid = _fork(house)
    if pid == 0:
        os.umask(0)

        def live() -> None:
            house.enter(folder)
            _call("prctl", _DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
            if house.contained:
                _first_process(list(actions))
            else:
                (action,) = actions
                action()

        end_by(live)
    return Life(pid, house, workers)


def machine() -> None:
    """Begin the yard: a machine's /dev/shm, which no other test sees."""
    _own_mounts()
    mount("shm", "/dev/shm", "tmpfs", options="size=1g")
    mount("none", "/dev/shm", flags=_SHARED)


# ---- what they do --------------------------------------------------------------------------------

NOTE = 'a "quote",\nand more'


def writer(
    path: Path, page: Page, worker: int, chance: random.Random, size: int, fault: str
) -> None:
    """Log as much as it may, until told to stop, or dead."""
    log = attolog.AsyncFileLogger(path, buffer_bytes=chance.choice([1 << 16, 1 << 18, 1 << 22]))
    plain = log.event("R", "pid", "worker", "seq", "pad")
    noted = log.event("N", "pid", "worker", "seq", "pad", "note")
    if fault:
        arm(fault)
    seq, pid = 0, os.getpid()
    while not page[0]:
        wait_until(partial(page.lets_log, worker, seq))
        for _ in range(min(chance.randrange(1, 100), page[page.LEAVE + worker] - seq)):
            pad = f"<{seq}:{size}:{'x' * size}>"
            if seq % 3 == 2:
                noted(pid, worker, seq, pad, NOTE)
            else:
                plain(pid, worker, seq, pad)
            seq += 1
            page[worker] = seq
        if chance.random() < 0.6:
            log.flush(10)
        page[page.PACE] = worker << 32 | seq
    assert log.close(30), log.counts
    counts = log.counts
    assert counts.calls == sum(counts[1:]) == counts.written == seq, counts


def stranger(path: Path, page: Page, worker: int, chance: random.Random) -> None:
    """Another program, which appends its lines without a lock; some are longer in coming."""
    seq, file = 0, -1
    while not page[0]:
        pace = page[page.PACE]
        wait_until(partial(page.goes_on, pace))
        if file < 0 or chance.random() < 0.1:
            if file >= 0:
                os.close(file)
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        end = "" if chance.random() < 0.1 else "\n"
        for _ in range(chance.randrange(1, 10)):
            line = f"[other {worker} {seq} {'o' * chance.randrange(40)}]{end}".encode()
            assert os.write(file, line) == len(line)
            seq += 1
            page[worker] = seq


def recover(path: Path) -> None:
    """As `attolog recover --all` does it."""
    for home in _core.places(str(path))["homes"]:
        found = _core.recover_place(home)
        for message in found["messages"]:
            print(f"attolog: {message}", file=sys.stderr)
        assert found["living"] == 0, found


def next_start(path: Path) -> None:
    """The next program there, which logs nothing."""
    assert attolog.AsyncFileLogger(path).close(30)


def left_over(folder: Path) -> list[str]:
    """What lies in the yard's /dev/shm, and beside the logs of a folder."""
    files = [os.path.join(where, n) for where, _, names in os.walk("/dev/shm") for n in names]
    folders = [str(each) for each in Path("/dev/shm").glob("attolog-*/*")]
    left = {*files, *folders, *map(str, folder.glob(".attolog*"))}
    return sorted(each for each in left if "/control" not in each)
