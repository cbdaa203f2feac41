"""Calls that a checker must refuse, each with the code of its error. Never run.

A line that is not refused is an error too: of mypy by warn_unused_ignores, of pyright by the
configuration in test_typing.py.
"""

from pathlib import Path

import attolog
from attolog import log


@log.event
def SCHED(model: str, batch_id: int) -> None: ...


def events() -> None:
    log()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    log(3, 4)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    log(template="GEN")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


def declared() -> None:
    SCHED("ResNet50")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    SCHED(42, "ResNet50")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    SCHED("ResNet50", 42, 8)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    SCHED("ResNet50", batch=42)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    log.event("GEN", 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    log.event(name="GEN")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    log.event()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]

    @log.event  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue, reportUntypedFunctionDecorator]
    def RETURNS(model: str) -> int:
        return 1


def messages() -> None:
    log.debug()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    log.info(3, 4)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    log.warning(text="x")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    log.notice("x")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    log.log("{}", 1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    attolog.debug_log("a", "b")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    log.print(1, sep=2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    log.print(1, separator="")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    log.bind(17)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def state() -> None:
    log.level = "VERBOSE"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    log.level = 10  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    log.enabled = 1  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    log.counts = None  # type: ignore[misc, assignment]  # pyright: ignore[reportAttributeAccessIssue]
    log.counts.lost()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    log.set_time(1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    log.set_time()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    log.flush("1s")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    log.sink = None  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def opening(path: Path) -> None:
    attolog.AsyncFileLogger()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    attolog.AsyncFileLogger(path, 1, "drop")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    attolog.AsyncFileLogger(path, on_full="wait")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    attolog.AsyncFileLogger(path, digits=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    attolog.AsyncFileLogger(path, buffersize=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    log.open()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    log.open(path, digits=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    log.open(path, quiet=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    attolog.init_logger()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    attolog.init_logger(path, quit=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    attolog.init_logger(path, digits=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    attolog.init_logger(path, True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

    attolog.SampledLogger(path, strategy=10)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    attolog.SampledLogger(path, how="off")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

    class Mine(attolog.AsyncFileLogger): ...  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]

    Mine(path)


def any_logger(logger: attolog.Logger) -> None:
    logger(3, 4)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    logger.level = "VERBOSE"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    any_logger(print)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    attolog.Logger()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def reading(path: Path) -> None:
    run = attolog.read(path)
    run["GEN"].select(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    run["GEN"].select("n", since=1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    run.records("GEN")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    run.column()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    run["GEN"].columns = {}  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
