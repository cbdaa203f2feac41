"""All methods, in the order of the table."""

from __future__ import annotations

import importlib.util

from attolog._bench.method import Keeps, Method
from attolog._bench.methods import ours, plain_python, printed, standard, third_party

_PRINT = 'print(f"[Generator-{model_name}] New task {task_id} at {arrival_time:.6f}")'
_RECORD = 'print(f"{time():.6f},GEN,{model},{task_id},{arrival}")'
_SAMPLE = 'if random.random() < SAMPLE_RATE: print(f"[Generator-{model_name}] New task {task_id}")'
_LINE = 'logger.log(f"{time.perf_counter():.6f},GEN,{model_name},{task_id},{arrival_time:.6f}")'
_EVENT = 'logger.log(f"Event: {info}")'
_STATS = "stats.log_event()"
_GEN = 'log("GEN", model, task_id, arrival)'
_DECLARED = "GEN(model, task_id, arrival)"
_PERCENT = 'logger.debug("GEN,%s,%s,%s", model, task_id, arrival)'
_DEBUG = 'debug("GEN,{},{},{}", model, task_id, arrival)'
_BRACES = f"logger.{_DEBUG}"
_F_STRING = 'logger.debug(f"GEN,{model},{task_id},{arrival}")'
_FIELDS = 'logger.debug("GEN", model=model, task_id=task_id, arrival=arrival)'
_FUNCTION = 'log_write(id, level, 0, "GEN,{},{},{}", model, task_id, arrival)'

REFERENCE = "print-file"
"""The method that the others are compared with."""


def _print() -> list[Method]:
    of = "python"
    return [
        Method("print-terminal", "print() to a terminal", _PRINT, printed.to_terminal, of),
        Method("print-pipe", "print() to a pipe", _PRINT, printed.to_pipe, of),
        Method("print-file", "print() to a file", _PRINT, printed.to_file, of),
        Method(
            "print-null", "print() to /dev/null", _PRINT, printed.to_null, of, keeps=Keeps.NOTHING
        ),
        Method(
            "print-record", "print() of a record with its time", _RECORD, printed.record_to_file, of
        ),
    ]


def _everything() -> list[Method]:
    title = "AsyncFileLogger (attolog)"
    event = "declared event (attolog)"
    return [
        Method(
            "python-async",
            "AsyncFileLogger (plain Python)",
            _LINE,
            plain_python.file_logger,
            "plain Python",
        ),
        Method("attolog-text", f"{title}, same line", _LINE, ours.text, "attolog"),
        Method("attolog-print", f"{title}, print", f"log.{_PRINT}", ours.printing, "attolog"),
        Method(
            "attolog-message", "message (attolog), text", f"log.{_DEBUG}", ours.message, "attolog"
        ),
        Method("attolog-csv", f"{title}, CSV", _GEN, ours.csv, "attolog"),
        Method("attolog-journal", f"{title}, journal", _GEN, ours.journal, "attolog"),
        Method("attolog-event-csv", f"{event}, CSV", _DECLARED, ours.declared_csv, "attolog"),
        Method(
            "attolog-event-journal",
            f"{event}, journal",
            _DECLARED,
            ours.declared_journal,
            "attolog",
        ),
    ]


def _strategies() -> list[Method]:
    theirs = "plain Python"
    sample, stats, last = "SampledLogger 1%", "StatsLogger", "CircularLogger"
    rows = [
        (Keeps.SHARE, sample, theirs, "", "python-sampled", _SAMPLE, plain_python.sample),
        (Keeps.SHARE, sample, "attolog", ", print", "attolog-sampled-print", f"log.{_PRINT}",
         ours.sample_printing),
        (Keeps.SHARE, sample, "attolog", "", "attolog-sampled", _GEN, ours.sample),
        (Keeps.SUMS, stats, theirs, "", "python-stats", _STATS, plain_python.stats),
        (Keeps.SUMS, stats, "attolog", ", same line", "attolog-stats-count", _STATS,
         ours.stats_counting),
        (Keeps.SUMS, stats, "attolog", "", "attolog-stats", _GEN, ours.stats),
        (Keeps.LAST, last, theirs, "", "python-circular", _EVENT, plain_python.circular),
        (Keeps.LAST, last, "attolog", ", same line", "attolog-circular-text", _EVENT,
         ours.circular_text),
        (Keeps.LAST, last, "attolog", "", "attolog-circular", _GEN, ours.circular),
    ]  # fmt: skip
    return [
        Method(name, f"{title} ({maker}){how}", call, opens, maker, keeps=keeps)
        for keeps, title, maker, how, name, call, opens in rows
    ]


def _logging() -> list[Method]:
    rows = [
        ("file-handler", "logging.FileHandler", _PERCENT, standard.file_handler),
        ("queue-handler", "logging.QueueHandler", _PERCENT, standard.queue_handler),
    ]
    return [Method(*row, maker="python", module="logging.handlers") for row in rows]


def _third_party() -> list[Method]:
    compressed = "bqlog, compressed"
    rows = [
        ("loguru", "loguru", _BRACES, third_party.loguru, "loguru", "loguru"),
        ("structlog", "structlog, JSON", _FIELDS, third_party.structlog, "structlog", "structlog"),
        ("picologging", "picologging", _PERCENT, third_party.picologging, "picologging",
         "picologging"),
        ("logxide", "logxide", _F_STRING, third_party.logxide, "logxide", "logxide"),
        ("logust", "logust", _F_STRING, third_party.logust_sync, "logust", "logust"),
        ("logust-async", "logust, enqueue", _F_STRING, third_party.logust_async, "logust",
         "logust"),
        ("nexuslog", "nexuslog", _PERCENT, third_party.nexuslog, "nexuslog-lib", "nexuslog"),
        ("bqlog-text", "bqlog, text", _BRACES, third_party.bqlog_text, "bqlog", "bq"),
        ("bqlog-compressed", compressed, _BRACES, third_party.bqlog_compressed, "bqlog", "bq"),
        ("bqlog-function", f"{compressed}, its C function", _FUNCTION, third_party.bqlog_direct,
         "bqlog", "bq"),
        ("spdlog", "spdlog", _F_STRING, third_party.spdlog_sync, "spdlog", "spdlog"),
        ("spdlog-async", "spdlog, async", _F_STRING, third_party.spdlog_async, "spdlog", "spdlog"),
    ]  # fmt: skip
    return [Method(*row) for row in rows]


METHODS = {
    method.name: method
    for group in (_print, _everything, _strategies, _logging, _third_party)
    for method in group()
}


def is_installed(method: Method) -> bool:
    """Whether the module that the method needs is there."""
    return importlib.util.find_spec(method.module) is not None
