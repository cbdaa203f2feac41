"""Strategy 1 of the user's document, its definitions replaced by an import of attolog's."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .blocks import DEFINITIONS, IMPORT, SETTING, imported, program

Run = Callable[..., str]

GEN = re.compile(r"\d+\.\d{6},GEN,ResNet50,12345,1707234567\.123456")
SCHED = re.compile(r"\d+\.\d{6},SCHED,ResNet50,42,layer1,8")


def check_rows(path: Path, rounds: int) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) == 2 * rounds
    assert all(GEN.fullmatch(line) for line in lines[::2])
    assert all(SCHED.fullmatch(line) for line in lines[1::2])


def test_the_definitions_are_all_that_is_replaced() -> None:
    source = imported(DEFINITIONS)
    assert "class " not in source and "def " not in source
    assert [line for line in source.splitlines() if line and not line.startswith("#")] == [
        "import queue",
        "import threading",
        "import time",
        "import os",
        IMPORT,
    ]


@pytest.mark.parametrize("folder", ["logs", "logs/made/on/the/way"])
def test_the_program(run: Run, tmp_path: Path, folder: str) -> None:
    printed = run(program(imported(DEFINITIONS)), folder)
    (log_file,) = (tmp_path / folder).glob("debug_*.log")
    assert printed == f"[INFO] Debug logging to: {folder}/{log_file.name}\n"
    check_rows(log_file, 3)


def test_more_than_the_buffer_holds(run: Run, tmp_path: Path) -> None:
    # The document's queue of 10,000 drops what does not fit; nothing is lost here.
    run(program(imported(DEFINITIONS), rounds=20_000), "logs")
    (log_file,) = (tmp_path / "logs").glob("debug_*.log")
    check_rows(log_file, 20_000)


def test_a_program_that_keeps_its_own_global(run: Run, tmp_path: Path) -> None:
    # `_debug_logger = None` left in place: close() is never called, the exit writes everything.
    definitions = imported(DEFINITIONS) + "_debug_logger = None\n"
    run(program(definitions), "logs")
    (log_file,) = (tmp_path / "logs").glob("debug_*.log")
    check_rows(log_file, 3)


def test_logging_turned_off(run: Run, tmp_path: Path) -> None:
    source = program(imported(DEFINITIONS))
    off = source.replace("enable_debug_log = True", "enable_debug_log = False")
    assert off != source
    assert run(off, "logs") == ""
    assert not (tmp_path / "logs").exists()


def test_debug_log_before_init_logger_does_nothing(run: Run, tmp_path: Path) -> None:
    source = (
        imported(DEFINITIONS)
        + SETTING
        + "debug_log('too early')\n"
        + "assert not _debug_logger\n"
        + "init_logger(logs_dir + '/run.log')\n"
        + "debug_log('in time')\n"
        + "assert _debug_logger\n"
        + "_debug_logger.close()\n"
        + "assert not _debug_logger\n"
    )
    run(source, "logs")
    assert (tmp_path / "logs/run.log").read_text() == "in time\n"


def test_init_logger_can_be_quiet(run: Run, tmp_path: Path) -> None:
    source = imported(DEFINITIONS) + "init_logger('run.log', quiet=True)\ndebug_log('a')\n"
    assert run(source) == ""
    assert (tmp_path / "run.log").read_text() == "a\n"


def test_the_class_by_itself(run: Run, tmp_path: Path) -> None:
    source = (
        imported(DEFINITIONS)
        + "logger = AsyncFileLogger('made/run.log', buffer_size=10000)\n"
        + "for i in range(30_000): logger.log(f'{i},{{verbatim}}')\n"
        + "logger.close()\n"
        + "logger.close()\n"
    )
    assert run(source) == ""
    lines = (tmp_path / "made/run.log").read_text().splitlines()
    assert lines == [f"{i},{{verbatim}}" for i in range(30_000)]
