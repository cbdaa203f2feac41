"""The document's pandas lines: what they do on its own rows, and on attolog's files."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .blocks import ANALYSIS, DEFINITIONS, imported, program

pandas: Any = pytest.importorskip("pandas")

Run = Callable[..., str]

LOG_FILE = "logs/debug_1234567890.log"
NAMES = ["timestamp", "event", "model", "id", "value"]
GEN = "1707234567.123456,GEN,ResNet50,12345,1707234567.123456\n"
SCHED = "1707234567.234567,SCHED,ResNet50,42,layer1,8\n"

LOGGED = """
from attolog import AsyncFileLogger

log = AsyncFileLogger("logs/debug_1234567890.csv", columns={columns})
for task_id in range(100):
    log("GEN", "ResNet50", task_id, 1707234567.123456)
    if task_id % 4 == 0:
        log("SCHED", "ResNet50", 42, "layer1", 8)
log("{{n}} tasks", 100)
log.close()
"""


def test_it_reads_the_file_of_the_example() -> None:
    assert f"'{LOG_FILE}'" in ANALYSIS
    assert f"names={NAMES!r}" in ANALYSIS


def test_as_written_it_fails_where_gen_comes_first() -> None:
    with pytest.raises(pandas.errors.ParserError, match="Expected 5 fields in line 2, saw 6"):
        pandas.read_csv(io.StringIO(GEN + SCHED), names=NAMES)


def test_as_written_it_shifts_columns_where_sched_comes_first() -> None:
    frame = pandas.read_csv(io.StringIO(SCHED + GEN), names=NAMES)
    assert list(frame["timestamp"]) == ["SCHED", "GEN"]
    assert len(frame[frame["event"] == "GEN"]) == 0


def test_verbatim_on_a_file_of_five_columns(run: Run, tmp_path: Path) -> None:
    run(LOGGED.format(columns=5))
    (tmp_path / LOG_FILE).with_suffix(".csv").rename(tmp_path / LOG_FILE)
    generated, rate, processed = run(ANALYSIS).splitlines()
    assert generated == "Generated 100 requests"
    assert rate.startswith("Rate: ") and rate.endswith(" req/s")
    assert processed == "Processed 25 batches"


# The one line that changes for a file that is not packed.
READ_CSV = "import attolog\ndf = attolog.read_csv('{path}', names=" + repr(NAMES) + ")\n"


def with_read_csv(path: str) -> str:
    _, found, rest = ANALYSIS.partition("# 分析generator事件")
    assert found
    return READ_CSV.format(path=path) + found + rest


def test_read_csv_on_a_ragged_file(run: Run) -> None:
    run(LOGGED.format(columns=0))
    lines = run(with_read_csv("logs/debug_1234567890.csv")).splitlines()
    assert [lines[0], lines[2]] == ["Generated 100 requests", "Processed 25 batches"]


def test_read_csv_on_the_rows_that_the_document_formats_itself(run: Run, tmp_path: Path) -> None:
    run(program(imported(DEFINITIONS), rounds=50), "logs")
    (log_file,) = (tmp_path / "logs").glob("debug_*.log")
    lines = run(with_read_csv(f"logs/{log_file.name}")).splitlines()
    assert [lines[0], lines[2]] == ["Generated 50 requests", "Processed 50 batches"]


def test_read_csv_unpacks(run: Run) -> None:
    run(LOGGED.format(columns=5))
    unpack = (
        "import attolog\n"
        "df = attolog.read_csv('logs/debug_1234567890.csv', columns=5)\n"
        "sched = df[df['event'] == 'SCHED']\n"
        "print(sched['v3'].unique().tolist(), sched['v4'].unique().tolist())\n"
    )
    assert run(unpack) == "['layer1'] [8.0]\n"
