"""Calls that a checker must accept, and the types that it must see. Never run."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, assert_type

import attolog
from attolog import log

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


def events(model: str, task: Any, arrival: float) -> None:
    log("GEN", model, task.task_id, arrival)
    log("GEN", model=model, task_id=7)
    log("GEN", model, task_id=7, self=1, text="x", template="y", name=3)
    log("TICK")


@log.event
def SCHED(model: str, batch_id: int, exit_id: str = "final", size: int = 1) -> None:
    """A batch was put together."""


def declared(declare: Callable[..., None]) -> None:
    assert_type(SCHED("ResNet50", 42, "layer1", size=8), None)
    SCHED("ResNet50", batch_id=42)
    gen = log.event("GEN", "model", "task_id")
    assert_type(gen, Callable[..., None])
    gen("ResNet50", 7)
    gen(model="ResNet50", task_id=7)
    assert_type(log.event(declare), Callable[..., None])


def messages(model: str, seconds: float, error: Exception) -> None:
    log("{model} took {dt:.3f}s", model, seconds)
    log(f"warm-up done after {seconds}")
    log.debug('{"a": 1}')
    log.info("{} of {n}", 1, n=2)
    log.warning("queue {q} is full", q=3, self=4)
    log.error(error)
    log.critical("{text}", text="x")
    log.exception("failed")
    log.log("text")
    log(error)


def printing() -> None:
    log.print()
    log.print(1, "a", None, sep="", end=None)
    log.print("x", file=sys.stderr, flush=True)


def state() -> None:
    assert_type(log.level, Level)
    log.level = "INFO"
    assert_type(log.enabled, bool)
    log.enabled = False
    log.set_time(1)
    log.set_time(None)
    assert_type(log.counts.written, int)
    assert_type(log.counts, attolog.Counts)
    calls, *others = log.counts
    assert_type(calls, int)
    assert_type(others, list[int])
    assert_type(log.flush(), bool)
    assert_type(log.flush(timeout=0.1), bool)
    assert_type(log.close(timeout=None), bool)
    assert_type(bool(log), bool)


def opening(path: Path) -> None:
    attolog.init_logger("logs/run.csv")
    attolog.init_logger(path, quiet=True, columns=5)
    assert_type(attolog.init_logger(path).close(), bool)
    attolog.debug_log("text")
    assert_type(log.open(path, columns=5, rules={"GEN": "every:10"}).close(), bool)
    with attolog.SampledLogger(path).open(path) as few:
        assert_type(few, attolog.SampledLogger)
    attolog.AsyncFileLogger("run.csv", 10000)
    attolog.AsyncFileLogger("run.csv", buffer_size=10000)
    attolog.AsyncFileLogger(
        path,
        buffer_bytes=1 << 20,
        on_full="drop",
        block_timeout="500ms",
        exit_timeout=5,
        max_record=1024,
        ring_dir=path,
        append=False,
        columns=None,
        digits=9,
        pattern="{message}",
        weight=False,
        fsync_interval=1.5,
        echo=True,
    )
    attolog.SampledLogger(path, strategy=attolog.Every(10), seed=1)
    attolog.SampledLogger(log, strategy="every:10")
    with attolog.AsyncFileLogger(path) as opened:
        assert_type(opened, attolog.AsyncFileLogger)
    opened("GEN", 1)  # reachable: leaving does not swallow exceptions


def any_logger(logger: attolog.Logger) -> attolog.Logger:
    @logger.event
    def DONE(ms: float) -> None: ...

    DONE(ms=1.5)
    logger("GEN", 1)
    logger.info("{x}", x=1)
    logger.level = "ERROR"
    return logger.bind(request=17)


def every_logger_is_one(path: Path) -> None:
    any_logger(log)
    any_logger(attolog.AsyncFileLogger(path))
    any_logger(log.bind(request=17, text="x"))


def reading(path: Path) -> None:
    run = attolog.read(path)
    assert_type(run.events, dict[str, int])
    table = run["GEN"]
    assert_type(len(table), int)
    table.__arrow_c_stream__()
    for record in run.records():
        assert_type(record.time, int)
        assert_type(record.event, str | None)
        assert_type(record.fields, dict[str, Any])
    assert_type(run, attolog.Journal)
    assert_type(run.runs[0], attolog.Run)
    assert_type(table, attolog.Table)
    assert_type(next(run.records()), attolog.Record)
    assert_type(table.estimate_count(), attolog.Estimate)
    for record in run.records(table="GEN", where="n > 3", since="-5m", last=3):
        assert_type(record.pid, int)
    some = table.select("n", where="n > 3", since="-5m", until=datetime.now(UTC), last=100)
    assert_type(some.to_dicts(), list[dict[str, Any]])
    assert_type(some.columns, dict[str, str])
    assert_type(table.describe()["n"].mean, float | None)
    assert_type(len(run.find("n")["GEN"]), int)
    assert_type(run.column("n", since=0).columns, dict[str, str])
    assert_type(run.processes[0].threads, tuple[str, ...])
    run.sql("select 1", params=[1])
    attolog.scan(path, table="GEN").collect()
    attolog.read_csv("logs/run.csv", names=["timestamp", "event"], columns=5)
