"""The rows of the table, a module each, with `ROW` in it."""

from __future__ import annotations

import importlib

from benchmarks.row import Row

NAMES = (
    "declared_event",
    "named_event",
    "message",
    "disabled",
    "strategies",
    "perf_counter",
    "best_peer",
    "single_calls",
    "cold_call",
    "ring_places",
    "csv",
    "text",
    "journal",
    "four_threads",
    "bytes_per_record",
    "computing_thread",
    "memory",
    "memory_of_strategies",
    "against_print",
    "run_print",
    "run_bank_renege",
    "run_startup",
    "run_fork",
    "rewrite_lines",
    "read_journal",
    "read_peers",
)


def load(name: str) -> Row:
    """The row of that name."""
    row: Row = importlib.import_module(f"benchmarks.rows.{name}").ROW
    return row
