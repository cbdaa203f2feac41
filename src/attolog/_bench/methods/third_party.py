"""What is on PyPI; `pip install 'attolog[peers]'` adds it."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attolog._bench.method import (
    MODEL,
    OpenLogger,
    Output,
    Pairs,
    count,
    ends_with,
    size,
    wait_until,
    written,
)


def bqlog_text(folder: Path) -> OpenLogger:
    """Its text file."""
    return _bqlog(folder, "text_file", direct=False)


def bqlog_compressed(folder: Path) -> OpenLogger:
    """Its binary file (`raw_file` until 2.0)."""
    return _bqlog(folder, "compressed_file", direct=False)


def bqlog_direct(folder: Path) -> OpenLogger:
    """The compressed file by the C function below its Python class; no public name of bqlog's."""
    return _bqlog(folder, "compressed_file", direct=True)


def _bqlog(folder: Path, kind: str, *, direct: bool) -> OpenLogger:
    log: Any = importlib.import_module("bq.log").log
    native: Any = importlib.import_module("bq._bqlog")
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
        model = MODEL
        for task_id, arrival in pairs:
            logger.debug("GEN,{},{},{}", model, task_id, arrival)

    def log_all_directly(pairs: Pairs) -> None:
        model, write = MODEL, native.log_write
        for task_id, arrival in pairs:
            write(number, level, 0, "GEN,{},{},{}", model, task_id, arrival)

    def output(calls: int) -> Output:
        kept = written = 0
        for file in sorted(folder.glob("run_*")):
            written += size(file)
            text = file
            if kind != "text_file":
                text = file.with_suffix(".txt")
                decoder.decode_file(str(file), str(text))
            kept += count(text)
        return Output(kept, 0, written)

    log_them = log_all_directly if direct else log_all
    return OpenLogger(log_them, logger.force_flush, logger.force_flush, output)


def spdlog_sync(folder: Path) -> OpenLogger:
    """Its file logger, buffered by stdio."""
    return _spdlog(folder, is_async=False)


def spdlog_async(folder: Path) -> OpenLogger:
    """Its file logger with a thread that writes; a full queue makes the caller wait."""
    return _spdlog(folder, is_async=True)


def _spdlog(folder: Path, *, is_async: bool) -> OpenLogger:
    spdlog: Any = importlib.import_module("spdlog")
    path = folder / "run.log"
    if is_async:
        spdlog.set_async_mode(queue_size=65536)
    logger = spdlog.FileLogger(name="run", filename=str(path), multithreaded=is_async)
    logger.set_pattern("%E.%f,%t,%v")
    logger.set_level(spdlog.LogLevel.DEBUG)

    last = b""

    def log_all(pairs: Pairs) -> None:
        nonlocal last
        model = MODEL
        for task_id, arrival in pairs:
            logger.debug(f"GEN,{model},{task_id},{arrival}")
        last = "{},{}\n".format(*pairs[-1]).encode()

    def is_written() -> bool:
        logger.flush()
        return not is_async or ends_with(path, last)

    def close() -> None:
        # With a thread, neither waits, and only an exit that we do not have would.
        wait_until(is_written)
        logger.close()

    return OpenLogger(log_all, lambda: wait_until(is_written), close, written(path))


def loguru(folder: Path) -> OpenLogger:
    """Its file sink, with the columns that the others have."""
    logger: Any = importlib.import_module("loguru").logger
    path = folder / "run.log"
    logger.remove()
    sink = logger.add(str(path), format="{time:X.SSSSSS},{thread.id},{message}", level="DEBUG")

    def log_all(pairs: Pairs) -> None:
        model = MODEL
        for task_id, arrival in pairs:
            logger.debug("GEN,{},{},{}", model, task_id, arrival)

    return OpenLogger(log_all, logger.complete, lambda: logger.remove(sink), written(path))


def logust_sync(folder: Path) -> OpenLogger:
    """Its file sink; its time has milliseconds."""
    return _logust(folder, enqueue=False)


def logust_async(folder: Path) -> OpenLogger:
    """Its file sink with a thread that writes."""
    return _logust(folder, enqueue=True)


def _logust(folder: Path, *, enqueue: bool) -> OpenLogger:
    logger: Any = importlib.import_module("logust").logger
    path = folder / "run.log"
    logger.remove()
    # The thread would be looked up in Python, and costs a fifth of a call. It is left out.
    sink = logger.add(str(path), format="{time},{message}", level="DEBUG", enqueue=enqueue)

    def log_all(pairs: Pairs) -> None:
        model = MODEL
        for task_id, arrival in pairs:
            logger.debug(f"GEN,{model},{task_id},{arrival}")

    def close() -> None:
        logger.complete()
        logger.remove(sink)

    return OpenLogger(log_all, logger.complete, close, written(path))


def nexuslog(folder: Path) -> OpenLogger:
    """Its text file, with Unix times; it puts the day into the name of the file."""
    module: Any = importlib.import_module("nexuslog")
    module.basicConfig(filename=str(folder / "run.log"), level=module.DEBUG, unix_ts=True)
    logger = module.getLogger()

    def log_all(pairs: Pairs) -> None:
        model = MODEL
        for task_id, arrival in pairs:
            logger.debug("GEN,%s,%s,%s", model, task_id, arrival)

    def drain() -> None:
        # It has no flush. Up to 31 records stay with their thread until the shutdown.
        nonlocal logger
        logger.shutdown()
        logger = module.getLogger()

    def output(calls: int) -> Output:
        files = list(folder.glob("run_*.log"))
        return Output(sum(map(count, files)), 0, sum(map(size, files)))

    return OpenLogger(log_all, drain, lambda: logger.shutdown(), output)


def structlog(folder: Path) -> OpenLogger:
    """JSON lines, as its page on performance advises; orjson makes them if it is there."""
    module: Any = importlib.import_module("structlog")
    path = folder / "run.jsonl"
    file = path.open("wb")
    module.configure(
        cache_logger_on_first_use=True,
        wrapper_class=module.make_filtering_bound_logger(10),
        processors=[
            module.processors.TimeStamper(fmt=None),
            module.processors.JSONRenderer(serializer=_json_serializer()),
        ],
        logger_factory=module.BytesLoggerFactory(file=file),
    )
    logger = module.get_logger()

    def log_all(pairs: Pairs) -> None:
        model = MODEL
        for task_id, arrival in pairs:
            logger.debug("GEN", model=model, task_id=task_id, arrival=arrival)

    return OpenLogger(log_all, file.flush, file.close, written(path))


def _json_serializer() -> Callable[..., bytes]:
    if importlib.util.find_spec("orjson"):
        dumps: Callable[..., bytes] = importlib.import_module("orjson").dumps
        return dumps
    return lambda value, **options: json.dumps(value, **options).encode()


def picologging(folder: Path) -> OpenLogger:
    """The standard library's way, rewritten in C++."""
    module: Any = importlib.import_module("picologging")
    path = folder / "run.log"
    handler = module.FileHandler(str(path))
    handler.setFormatter(module.Formatter("%(created)f,%(thread)d,%(message)s"))
    logger = _logger_of(module, handler)

    def log_all(pairs: Pairs) -> None:
        model = MODEL
        for task_id, arrival in pairs:
            logger.debug("GEN,%s,%s,%s", model, task_id, arrival)

    return OpenLogger(log_all, handler.flush, handler.close, written(path))


def logxide(folder: Path) -> OpenLogger:
    """The standard library's way, rewritten in Rust; its native handler and format.

    An f-string is faster than a template and its values.

    Raises:
        ImportError: It is a version that writes templates without their values (0.1).
    """
    module: Any = importlib.import_module("logxide")
    if not hasattr(module, "RustFileHandler"):
        raise ImportError("logxide 0.3 or later is wanted")
    path = folder / "run.log"
    handler = module.RustFileHandler(str(path))
    handler.setFormatterSpec("%(created)s,%(thread)d,%(message)s", None)
    logger = _logger_of(module, handler)

    def log_all(pairs: Pairs) -> None:
        model = MODEL
        for task_id, arrival in pairs:
            logger.debug(f"GEN,{model},{task_id},{arrival}")

    return OpenLogger(log_all, handler.flush, handler.flush, written(path))


def _logger_of(module: Any, handler: Any) -> Any:
    logger = module.getLogger("attolog.bench")
    logger.setLevel(10)
    logger.addHandler(handler)
    return logger
