"""Peers from PyPI: pip install bqlog spdlog loguru picologging."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from benchmarks.baselines.peer import Peer, lines, text_peer, timed

Pairs = list[tuple[int, float]]


def bqlog_text(folder: Path) -> Peer:
    """Its text file."""
    return _bqlog(folder, "text_file", direct=False)


def bqlog_compressed(folder: Path) -> Peer:
    """Its binary file (`raw_file` until 2.0)."""
    return _bqlog(folder, "compressed_file", direct=False)


def bqlog_direct(folder: Path) -> Peer:
    """The same without its Python class, which is most of a call; not a public name of bqlog's."""
    return _bqlog(folder, "compressed_file", direct=True)


def _bqlog(folder: Path, kind: str, *, direct: bool) -> Peer:
    log: Any = importlib.import_module("bq.log").log
    invoker: Any = importlib.import_module("bq.impl.log_invoker")
    decoder: Any = importlib.import_module("bq.tools.log_decoder").log_decoder
    level: int = importlib.import_module("bq.defs.log_level").log_level.debug
    logger = log.create_log(
        "run",
        f"appenders_config.file.type={kind}\n"
        "appenders_config.file.levels=[all]\n"
        f"appenders_config.file.file_name={folder / 'run'}\n"
        "appenders_config.file.base_dir_type=1\n"
        "log.thread_mode=async\n"
        "log.buffer_size=4194304\n"
        "log.buffer_policy_when_full=block\n",
    )
    number = logger.get_id()

    def log_all(pairs: Pairs) -> None:
        model, exit_ = "ResNet50", "layer1"
        for task_id, arrival in pairs:
            logger.debug("SCHED,{},{},{},{}", model, task_id, arrival, exit_)

    def log_all_directly(pairs: Pairs) -> None:
        model, exit_, write = "ResNet50", "layer1", invoker.log_write
        for task_id, arrival in pairs:
            write(number, level, 0, "SCHED,{},{},{},{}", model, task_id, arrival, exit_)

    def files() -> list[Path]:
        return sorted(folder.glob("run_*"))

    def count() -> int:
        if kind == "text_file":
            return sum(map(lines, files()))
        total = 0
        for file in files():
            text = file.with_suffix(".txt")
            decoder.decode_file(str(file), str(text))
            total += lines(text)
            text.unlink()
        return total

    log_them = log_all_directly if direct else log_all
    return Peer(timed(log_them), logger.force_flush, logger.force_flush, files, count)


def spdlog_sync(folder: Path) -> Peer:
    """Its file logger, buffered by stdio."""
    return _spdlog(folder, is_async=False)


def spdlog_async(folder: Path) -> Peer:
    """The same with a thread that writes; a full queue makes the caller wait."""
    return _spdlog(folder, is_async=True)


def _spdlog(folder: Path, *, is_async: bool) -> Peer:
    spdlog: Any = importlib.import_module("spdlog")
    path = folder / "run.log"
    if is_async:
        spdlog.set_async_mode(queue_size=65536)
    logger = spdlog.FileLogger(name="run", filename=str(path), multithreaded=is_async)
    logger.set_pattern("%E.%f,%t,%v")
    logger.set_level(spdlog.LogLevel.DEBUG)

    def log_all(pairs: Pairs) -> None:
        model, exit_ = "ResNet50", "layer1"
        for task_id, arrival in pairs:
            logger.debug(f"SCHED,{model},{task_id},{arrival},{exit_}")

    def close() -> None:
        logger.flush()
        logger.close()

    return text_peer(path, log_all, logger.flush, close)


def loguru(folder: Path) -> Peer:
    """Its file sink, with the same columns as the others."""
    logger: Any = importlib.import_module("loguru").logger
    path = folder / "run.log"
    logger.remove()
    sink = logger.add(str(path), format="{time:X.SSSSSS},{thread.id},{message}", level="DEBUG")

    def log_all(pairs: Pairs) -> None:
        model, exit_ = "ResNet50", "layer1"
        for task_id, arrival in pairs:
            logger.debug("SCHED,{},{},{},{}", model, task_id, arrival, exit_)

    return text_peer(path, log_all, logger.complete, lambda: logger.remove(sink))


def picologging(folder: Path) -> Peer:
    """The standard library's way, rewritten in C++."""
    module: Any = importlib.import_module("picologging")
    path = folder / "run.log"
    handler = module.FileHandler(str(path))
    handler.setFormatter(module.Formatter("%(created)f,%(thread)d,%(message)s"))
    logger = module.getLogger("benchmarks")
    logger.setLevel(module.DEBUG)
    logger.addHandler(handler)

    def log_all(pairs: Pairs) -> None:
        model, exit_ = "ResNet50", "layer1"
        for task_id, arrival in pairs:
            logger.debug("SCHED,%s,%s,%s,%s", model, task_id, arrival, exit_)

    return text_peer(path, log_all, handler.flush, handler.close)
