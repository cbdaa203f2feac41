"""What must hold of windows, of the circular log and of trees of loggers, whatever is logged."""

import itertools
import json
import math
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import attolog
from attolog import AsyncFileLogger, CircularLogger, SampledLogger, StatsLogger, tee

SECOND = 1_000_000_000
FARTHEST = (1 << 63) - 1 - 2 * 10**9 * SECOND  # windows beyond have no start or end in 64 bits


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def objects(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# ---- windows -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """One event at a time that the program says."""

    time_ns: int
    event: str
    model: str | int | None
    x: int


def times() -> st.SearchStrategy[int]:
    """Around one moment, with steps forth and back, and at the ends of time."""
    near = st.integers(-5_000, 5_000).map(lambda ms: 1_700_000_000 * SECOND + ms * 1_000_000)
    edges = st.integers(-3, 3).map(lambda ns: 1_700_000_000 * SECOND + ns)
    anything = st.integers(-(1 << 63), (1 << 63) - 1)
    return st.one_of(near, near, near, edges, st.integers(-3 * SECOND, 3 * SECOND), anything)


def calls() -> st.SearchStrategy[list[Call]]:
    models = st.sampled_from(["A", "B", "", 1, -1, None])
    call = st.builds(Call, times(), st.sampled_from("EFG"), models, st.integers(-1000, 1000))
    return st.lists(call, max_size=60)


def window_end(time_ns: int, length: int) -> int:
    time_ns = max(-FARTHEST, min(time_ns, FARTHEST))
    whole = time_ns - time_ns % length
    return whole + length


@settings(max_examples=60, deadline=None)
@given(calls(), st.sampled_from([1_000, 1_000_000, 250_000_000, SECOND, 300 * SECOND]), st.data())
def test_windows_sum_up_to_what_was_logged(logged: list[Call], length: int, data: Any) -> None:
    expected: Counter[Any] = Counter()
    sums: Counter[Any] = Counter()
    with folder() as at:
        path = at / "rates.atto"
        with StatsLogger(path, window=length / SECOND, by="model") as stats:
            assert round(stats.window_sec * SECOND) == length
            for call in logged:
                stats.set_time(call.time_ns)
                stats(call.event, model=call.model, x=call.x)
                key = (window_end(call.time_ns, length), call.event, call.model)
                expected[key] += 1
                sums[key] += call.x
                if data.draw(st.booleans()):
                    stats.flush()
        assert stats.counts == (len(logged), 0, 0, 0, 0, len(logged), 0)
        found: Counter[Any] = Counter()
        total: Counter[Any] = Counter()
        of_x: Counter[Any] = Counter()
        for record in attolog.read(path).records() if logged else []:
            row = record.fields
            key = (record.time, row["of"], row["model"])
            if row["field"] is None:
                found[key] += row["count"]
                assert row["rate"] == pytest.approx(row["count"] / (length / SECOND))
            else:
                assert row["field"] == "x"
                assert row["min"] <= row["mean"] <= row["max"]
                of_x[key] += row["count"]
                total[key] += row["sum"]
    assert found == of_x == expected
    assert {key: total[key] for key in sums} == dict(sums)


@settings(max_examples=30, deadline=None)
@given(calls(), st.integers(1, 4))
def test_windows_of_several_lengths_and_files_agree(logged: list[Call], n: int) -> None:
    with folder() as at, AsyncFileLogger(at / "all.jsonl") as full:
        lengths = [0.001 * 30**i for i in range(n)]
        every = [StatsLogger(full, window=length) for length in lengths]
        both = tee(*every)
        for call in logged:
            both.set_time(call.time_ns)
            both(call.event, x=call.x)
        both.set_time(None)
        assert both.counts.calls == sum(both.counts[1:]) == n * len(logged)
        assert full.close()
        of_length: dict[float, Counter[str]] = {length: Counter() for length in lengths}
        for row in objects(at / "all.jsonl"):
            if row["field"] is None:
                of_length[row["window"]][row["of"]] += row["count"]
        for counted in of_length.values():
            assert counted == Counter(call.event for call in logged)


# ---- the circular log --------------------------------------------------------------------------


def entry(record: Any) -> tuple[int, int]:
    return record.fields["worker"], record.fields["i"]


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 300), st.sampled_from([1 << 16, None]), st.integers(0, 40))
def test_a_box_is_the_end_of_the_full_log(size: int, max_bytes: int | None, pad: int) -> None:
    """Eight threads, of which one logs a thousand times as often as another."""
    each = [4000, 2000, 1000, 400, 100, 40, 12, 4]
    with folder() as at:
        before, after = AsyncFileLogger(at / "before.atto"), AsyncFileLogger(at / "after.atto")
        box = CircularLogger(size, max_bytes=max_bytes)
        event = tee(before, box, after).event("E", "worker", "i", "pad")
        start = threading.Barrier(len(each))

        def work(worker: int) -> None:
            start.wait()
            for i in range(each[worker]):
                event(worker, i, "x" * (pad * (i % 7)))

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(len(each))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        held = len(box)
        assert held == size or max_bytes is not None
        assert box.save(at / "box.atto") == held
        assert box.counts == (sum(each), held, 0, 0, 0, 0, sum(each) - held)
        for logger in (before, box, after):
            logger.close()
        times = [
            {entry(record): record.time for record in attolog.read(at / f"{name}.atto").records()}
            for name in ("before", "after")
        ]
        last = list(attolog.read(at / "box.atto").records())
    assert [len(found) for found in times] == [sum(each)] * 2
    assert [record.time for record in last] == sorted(record.time for record in last)

    # Of each worker the last ones, none missing.
    held_by: dict[int, list[int]] = {}
    for worker, i in map(entry, last):
        held_by.setdefault(worker, []).append(i)
    for worker, sequence in held_by.items():
        assert sequence == list(range(each[worker] - len(sequence), each[worker]))
    # A call's time in the box is between those in the full logs: what was before the oldest is
    # gone, what came after it is there. Each logger has a clock of its own, read at its start.
    oldest, slack = last[0].time, 50_000
    in_box = {entry(record) for record in last}
    for call in times[0]:
        if call in in_box:
            assert times[1][call] >= oldest - slack
        else:
            assert times[0][call] <= oldest + slack


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(times(), st.integers(0, 200)), max_size=80), st.integers(1, 20))
def test_a_box_with_the_program_s_time_is_the_end_of_the_full_log(
    logged: list[tuple[int, int]], size: int
) -> None:
    with folder() as at:
        full, box = AsyncFileLogger(at / "full.jsonl"), CircularLogger(size)
        both = tee(full, box)
        for n, (time_ns, pad) in enumerate(logged):
            both.set_time(time_ns)
            both("E", n, "x" * pad)
        full.close()
        held = box.save(at / "box.jsonl")
        box.close()
        assert held == min(size, len(logged))
        assert objects(at / "box.jsonl") == objects(at / "full.jsonl")[len(logged) - held :]


# ---- trees of loggers --------------------------------------------------------------------------


@dataclass
class Tree:
    """A logger, how it was made, and what a naive model expects of it."""

    logger: Any
    every: int = 1  # a call in so many is passed on
    targets: list["Tree"] = field(default_factory=list)
    path: Path | None = None
    is_random: bool = False

    def all(self) -> list["Tree"]:
        return [self, *itertools.chain.from_iterable(each.all() for each in self.targets)]

    def is_exact(self) -> bool:
        return not any(each.is_random for each in self.all())

    def leaves(self, weight: int = 1) -> list[tuple[Path, int]]:
        """The files that records of this logger come to, each with their weight there."""
        weight *= self.every
        if self.path is not None:
            return [(self.path, weight)]
        return [leaf for each in self.targets for leaf in each.leaves(weight)]


def shapes() -> st.SearchStrategy[Any]:
    """Trees as tuples of a kind, what it is to do, and what is below it."""
    leaf = st.one_of(st.just(("file",)), st.tuples(st.just("every file"), st.integers(1, 5)))
    return st.recursive(
        leaf,
        lambda below: st.one_of(
            st.tuples(st.just("every"), st.integers(1, 6), below),
            st.tuples(st.just("sample"), st.sampled_from([1.0, 0.5]), below),
            st.tuples(st.just("key"), below),
            st.tuples(st.just("tee"), below, below),
        ),
        max_leaves=5,
    )


def plant(shape: Any, at: Path, number: Iterator[int]) -> Tree:
    kind = shape[0]
    if kind == "file":
        path = at / f"{next(number)}.jsonl"
        return Tree(AsyncFileLogger(path), path=path)
    if kind == "every file":
        path = at / f"{next(number)}.jsonl"
        return Tree(SampledLogger(path, strategy=f"every:{shape[1]}"), shape[1], path=path)
    if kind == "tee":
        below = [plant(each, at, number) for each in shape[1:]]
        return Tree(tee(*(each.logger for each in below)), targets=below)
    below = [plant(shape[-1], at, number)]
    target = below[0].logger
    if kind == "every":
        return Tree(SampledLogger(target, strategy=f"every:{shape[1]}"), shape[1], below)
    if kind == "sample":
        return Tree(SampledLogger(target, shape[1]), 1, below, None, shape[1] != 1)
    return Tree(SampledLogger(target, 0.5, key="i"), 1, below, None, True)


@settings(max_examples=60, deadline=None)
@given(shapes(), st.integers(0, 60))
def test_trees_of_loggers_add_up(shape: Any, n: int) -> None:
    with folder() as at:
        tree = plant(shape, at, itertools.count())
        event = tree.logger.event("E", "i")
        for i in range(n):
            event(i)
            assert tree.logger.counts.calls == sum(tree.logger.counts[1:])
        for each in tree.all():
            assert each.logger.flush()
        leaves = len(tree.leaves())
        for each in tree.all():
            assert each.logger.counts.calls == sum(each.logger.counts[1:])
            assert each.logger.counts.dropped == each.logger.counts.waiting == 0
        for each in tree.all():
            assert each.logger.close()
        assert tree.logger.counts.calls <= n * leaves
        for path, weight in tree.leaves():
            found = objects(path)
            numbers = [row["i"] for row in found]
            assert numbers == sorted(set(numbers)), "doubled, or out of order"
            assert set(numbers) <= set(range(n)), "never logged"
            if tree.is_exact():
                assert {row.get("weight", 1) for row in found} <= {weight}
                # Each every:N of the way is at a phase of its own, and takes one of N in a row.
                assert n // weight <= len(found) <= -(-n // weight)
            else:
                twos = {row.get("weight", 1) / weight for row in found}
                assert len(twos) <= 1
                assert all(math.log2(each).is_integer() for each in twos)
        if tree.is_exact():
            written = sum(len(objects(path)) for path, _ in tree.leaves())
            assert tree.logger.counts.written == written


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=4), st.integers(0, 300))
def test_nested_samplers_pass_on_what_they_say(nested: list[int], n: int) -> None:
    with folder() as at:
        full = AsyncFileLogger(at / "full.jsonl")
        loggers: list[Any] = [full]
        for every in nested:
            loggers.append(SampledLogger(loggers[-1], strategy=f"every:{every}"))
        event = loggers[-1].event("E", "i")
        for i in range(n):
            event(i)
        for each in reversed(loggers):
            assert each.close()
        rows = objects(at / "full.jsonl")
        came = [logger.counts.calls for logger in reversed(loggers)]
        assert came[0] == n
        for calls, passed, every in zip(came, came[1:], reversed(nested), strict=False):
            assert calls // every <= passed <= -(-calls // every)
        for logger, calls in zip(reversed(loggers[1:]), came, strict=False):
            assert logger.counts == (calls, len(rows), 0, 0, calls - len(rows), 0, 0)
        assert full.counts == (len(rows), len(rows), 0, 0, 0, 0, 0)
        assert {row.get("weight", 1) for row in rows} <= {math.prod(nested)}
