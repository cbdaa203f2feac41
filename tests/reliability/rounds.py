"""Rounds of kills in a yard: writers live in houses and are killed; nothing is missing then."""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import attolog

from .harness import wait_until
from .houses import (
    NOBODY,
    House,
    Life,
    Page,
    left_over,
    machine,
    next_start,
    recover,
    start,
    stranger,
    writer,
)
from .mixed import check_mixed, read_mixed

CONTAINER = House(contained=True, shm="own")
# Which houses share a log file, or a path.
STREETS: dict[str, list[House]] = {
    "processes": [House()],
    "containers": [CONTAINER, CONTAINER._replace(uid=NOBODY)],
    "container and machine": [House(), CONTAINER],
    "one memory, two volumes": [
        House(contained=True, volume="one"),
        House(contained=True, volume="two"),
    ],
    "users": [House(), House(uid=NOBODY)],
    "a user without the folder": [House(), House(uid=NOBODY)],
    "full memory": [House(shm="full"), House(contained=True, shm="full", uid=NOBODY)],
    "no memory": [House(shm="none", uid=NOBODY), House(contained=True, shm="none")],
    "everybody": [House(), CONTAINER, House(uid=NOBODY), House(contained=True)],
}
FIRST_STRANGER, FIRST_WRITER = 2, 10


class Round:
    """One log file, or one in each volume; at the end it is checked and gone."""

    def __init__(self, folder: Path, suffix: str, street: str, chance: random.Random) -> None:
        self.folder, self.chance, self.page = folder, chance, Page()
        self.path = folder / f"hus.{suffix}"
        self.is_open = street != "a user without the folder"
        self.kills, self.torn, self.turns = 0, 0, 0
        self.houses = []
        for house in STREETS[street]:
            volume = str(folder.with_name(house.volume)) if house.volume else ""
            self.houses.append(house._replace(volume=volume))
        self.homes = sorted({house.volume or str(folder) for house in self.houses})
        for home in {*self.homes, str(folder)}:
            os.makedirs(home)
            os.chmod(home, 0o777 if self.is_open else 0o755)
        if not self.is_open:
            self._create()
        self.most: dict[int, int] = {}  # records of a writer at once
        self.lives: list[Life] = []
        self.all: list[Life] = []
        self.strangers = [
            self._stranger(FIRST_STRANGER + i, home) for i, home in enumerate(self.homes)
        ]
        self.next_writer = FIRST_WRITER

    def _create(self) -> None:
        os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY))
        os.chmod(self.path, 0o666)

    def _stranger(self, worker: int, home: str) -> Life:
        house = House(volume=home if home != str(self.folder) else "")
        chance = random.Random(self.chance.random())
        action = partial(stranger, self.path, self.page, worker, chance)
        return start(house, self.folder, action, workers=range(worker, worker + 1))

    def _fault(self) -> str:
        if self.chance.random() < 0.6:
            return ""
        call, actions, most = self.chance.choice(
            [
                ("write", ["half", "half", "kill", "kill_after"], 12),
                ("any", ["kill", "kill_after"], 60),
            ]
        )
        return f"hus|{call}|{self.chance.randrange(most)}|{self.chance.choice(actions)}|1"

    def begin(self) -> None:
        house = self.chance.choice(self.houses)
        n = self.chance.choice([1, 1, 2]) if house.contained else 1
        workers = range(self.next_writer, self.next_writer + n)
        self.next_writer += n
        actions = []
        fault = self._fault() if n == 1 else ""
        size = self.chance.choice([0, 0, 50, 1_000, 20_000])
        for worker in workers:
            self.most[worker] = 1_000 if size < 100 else 100 if size == 1_000 else 10
            chance = random.Random(self.chance.random())
            actions.append(partial(writer, self.path, self.page, worker, chance, size, fault))
        life = start(house, self.folder, *actions, workers=workers)
        self.lives.append(life)
        self.all.append(life)

    def done(self, life: Life) -> int:
        return sum(self.page[worker] for worker in life.workers)

    def rename(self) -> None:
        """As logrotate does, with a new file or without."""
        # Whoever is about to open the file may not find it, and not be allowed to make one.
        wait_until(
            lambda: all(
                each.poll() is not None or all(self.page[worker] for worker in each.workers)
                for each in self.lives
            )
        )
        if not self.path.exists():
            return
        self.turns += 1
        self.path.rename(self.path.with_stem(f"hus-{self.turns}"))
        if not self.is_open or self.chance.random() < 0.5:
            self._create()

    def kill_one(self) -> None:
        life = self.chance.choice(self.lives)
        for each in self.lives:
            for worker in each.workers:
                more = self.chance.randint(1, self.most[worker])
                self.page[Page.LEAVE + worker] = self.page[worker] + more
        # Before it has logged all that it may.
        wanted = self.done(life) + self.chance.randint(0, min(self.most[w] for w in life.workers))
        wanted = min(wanted, sum(self.page[Page.LEAVE + worker] for worker in life.workers))
        wait_until(lambda: self.done(life) >= wanted or life.poll() is not None)
        if self.chance.random() < 0.2 and self.homes == [str(self.folder)]:
            self.rename()
        self.kills += life.kill()
        self.lives.remove(life)

    def end(self) -> None:
        self.page[0] = 1
        for life in [*self.lives, *self.strangers]:
            life.wait()
            self.kills += life.wait() < 0
        recoveries = [recover] if self.turns else [recover, next_start]
        for house in self.chance.sample(self.houses, len(self.houses)):
            action = partial(self.chance.choice(recoveries), self.path)
            assert start(house, self.folder, action).wait() == 0

    def check(self) -> None:
        statuses = Counter(life.wait() for life in [*self.all, *self.strangers])
        assert set(statuses) <= {0, -9}, statuses
        for home in self.homes:
            acknowledged = {
                worker: self.page[worker]
                for life in self.all
                if (life.house.volume or str(self.folder)) == home
                for worker in life.workers
            }
            number = FIRST_STRANGER + self.homes.index(home)
            written = {number: self.page[number]}
            mixed = read_mixed(sorted(Path(home).glob(f"hus*{self.path.suffix}")))
            check_mixed(mixed, acknowledged, written, self.kills)
            left = left_over(Path(home))
            assert not left, left
            self.torn += len(mixed.torn)

    def clear(self) -> None:
        for home in {*self.homes, str(self.folder)}:
            for each in Path(home).iterdir():
                each.unlink()
            os.rmdir(home)


def play(folder: Path, suffix: str, street: str, kills: int, seed: int) -> None:
    """Rounds in a street until there were enough kills; says how many, and how many tore."""
    machine()
    done = torn = number = 0
    while done < kills:
        name = f"{street} {suffix} {seed} {number}"
        this = Round(folder / str(number) / "logs", suffix, street, random.Random(name))
        try:
            for _ in range(this.chance.randrange(4, 12)):
                while len(this.lives) < 3:
                    this.begin()
                this.kill_one()
            this.end()
            this.check()
        except BaseException:
            print(f"round {name!r}, {folder / str(number)}", file=sys.stderr)
            raise
        this.clear()
        done, torn, number = done + this.kills, torn + this.torn, number + 1
    print(f"{done} kills, {torn} torn, {number} rounds", flush=True)


def _twin(path: Path, page: Page, worker: int, first: int, until: int) -> None:
    """Log ten records once `first` has, ten more once there is `until`; end with all the others."""
    wait_until(lambda: first == worker or page[first] > 0)
    log = attolog.AsyncFileLogger(path)
    record = log.event("R", "pid", "worker", "seq", "pad")

    def log_ten() -> None:
        n = page[worker]
        for seq in range(n, n + 10):
            record(os.getpid(), worker, seq, f"<{seq}:0:>")
        page[worker] = n + 10

    log_ten()
    assert log.flush(30)
    wait_until(lambda: bool(page[until]))
    log_ten()
    wait_until(lambda: bool(page[0]))
    assert log.close(30), log.counts


def play_twins(folder: Path) -> None:
    """Two containers with processes of one number, each with a part; one is killed, and one ends.

    Neither sees the sessions of the other.
    """
    machine()
    os.chmod(folder, 0o777)
    path, page = folder / "hus.atto", Page()
    killed, ended, more = range(2, 4), range(4, 6), 6

    def begin(house: House, workers: range, until: int) -> Life:
        actions = [partial(_twin, path, page, each, workers[0], until) for each in workers]
        life = start(house, folder, *actions, workers=workers)
        wait_until(lambda: all(page[each] for each in workers))
        return life

    first = begin(CONTAINER._replace(uid=NOBODY), killed, more)
    second = begin(House(contained=True), ended, 0)
    page[more] = 1
    wait_until(lambda: all(page[each] == 20 for each in killed))
    assert first.kill()
    page[0] = 1
    assert second.wait() == 0
    for house in (House(), House(uid=NOBODY)):
        assert start(house, folder, partial(recover, path)).wait() == 0
    mixed = read_mixed(sorted(folder.glob("hus*.atto")))
    check_mixed(mixed, dict.fromkeys((*killed, *ended), 20), {}, 1)
    pids = {row.pid for row in mixed.found.rows}
    assert len(pids) == 2, "they have no numbers in common: this shows nothing"
    assert left_over(folder) == []
    assert (left := list(folder.iterdir())) == [path], left
    print("done", flush=True)
