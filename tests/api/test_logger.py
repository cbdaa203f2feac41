"""What a logger is and does, whatever is logged."""

import gc
import signal
import threading
import weakref
from fractions import Fraction
from pathlib import Path

import pytest

import attolog
from attolog import AsyncFileLogger

from .helpers import TIME, cells, lines, log_to, objects, run_python


def test_a_logger_has_a_file_and_is_on_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "folders" / "run.csv"
    log = AsyncFileLogger(path)
    assert path.exists()
    assert log
    assert log.path == str(path)
    assert repr(log) == f"<attolog.AsyncFileLogger '{path}'>"
    assert log.close() is True
    assert not log
    assert repr(log) == f"<attolog.AsyncFileLogger '{path}' (off)>"


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    log = AsyncFileLogger(tmp_path / "run.csv")
    log.log("text")
    assert [log.close(), log.close(), log.flush()] == [True, True, True]
    assert log.counts.calls == log.counts.written == 1


def test_a_call_after_close_is_dropped_and_said_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = AsyncFileLogger(tmp_path / "run.csv")
    event = log.event("E", "x")
    bound = log.bind(request=17)
    log.close()
    log("GEN", 1)
    log("text")
    log.log("text")
    log.info("text")
    log.print("text")
    log.exception("text")
    event(1)
    bound("GEN", 1)
    assert log.counts.dropped == log.counts.calls == 8
    assert capfd.readouterr().err == (
        "attolog: a call came after the logger was closed; it is counted as dropped, and so are "
        "later ones\n"
    )
    assert (tmp_path / "run.csv").read_text() == ""


def test_flush_puts_everything_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    with AsyncFileLogger(path) as log:
        for i in range(1000):
            log("E", i)
        assert log.flush() is True
        assert [row[1] for row in cells(path)] == [str(i) for i in range(1000)]
        assert log.flush(timeout=10) is True
        assert log.flush(None) is True


@pytest.mark.parametrize("method", ["flush", "close"])
def test_timeouts(tmp_path: Path, method: str) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as log:
        with pytest.raises(ValueError, match=r"timeout must be None or seconds, 0 or more, not -1"):
            getattr(log, method)(timeout=-1)
        for wrong in (float("nan"), float("-inf"), -(10**400), -(10**5000)):
            with pytest.raises(ValueError, match=r"^timeout must be None or seconds.* not .+$"):
                getattr(log, method)(wrong)
        with pytest.raises(TypeError, match=r"^timeout must be None or seconds, .* not str$"):
            getattr(log, method)("1s")
        with pytest.raises(TypeError):
            getattr(log, method)(1, 2)
        assert log


class Fails:
    """A number that is none."""

    def __float__(self) -> float:
        raise ZeroDivisionError


@pytest.mark.parametrize("method", ["flush", "close"])
@pytest.mark.parametrize("timeout", [float("inf"), 1e300, 10**400, Fraction(10**400), 1e9, True])
def test_a_timeout_beyond_all_measure_is_no_limit(
    tmp_path: Path, method: str, timeout: float
) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as log:
        with pytest.raises(ZeroDivisionError):
            getattr(log, method)(Fails())
        log("E", 1)
        assert getattr(log, method)(timeout) is True
        assert cells(tmp_path / "run.csv") == [["E", "1"]]


def test_as_a_context_manager_it_is_closed_and_no_exception_is_swallowed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), AsyncFileLogger(tmp_path / "run.csv") as log:
        log("before")
        _ = 1 / 0
    assert not log
    assert cells(tmp_path / "run.csv") == [["before"]]


def test_levels_filter_messages_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    with AsyncFileLogger(path) as log:
        assert log.level == "DEBUG"
        log.level = "WARNING"
        assert log.level == "WARNING"
        log.debug("no")
        log.info("{} {}", "no", 1)
        log("{} of level DEBUG", "no")
        log.warning("yes {}", 1)
        log.error("yes")
        log.critical("yes")
        log("EVENT", 1)
        log("a text")
        log.log("a text")
        log.print("a print")
        log.event("DECLARED", "x")(1)
        log.level = "CRITICAL"
        log.error("no")
        log.exception("no")
        log.critical("yes")
    kinds = [row[0] for row in cells(path)]
    levels = ["WARNING", "ERROR", "CRITICAL"]
    assert kinds == [*levels, "EVENT", "LOG", "LOG", "PRINT", "DECLARED", "CRITICAL"]
    assert log.counts.calls == log.counts.written == 9


@pytest.mark.parametrize("level", ["VERBOSE", "info", 10, None, ""])
def test_there_are_five_levels(tmp_path: Path, level: object) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as log:
        with pytest.raises(ValueError, match="DEBUG, INFO, WARNING, ERROR or CRITICAL, not "):
            log.level = level  # type: ignore[assignment]
        with pytest.raises(ValueError, match="DEBUG, INFO"):
            del log.level
        assert log.level == "DEBUG"


def test_enabled_mutes_everything(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    with AsyncFileLogger(path) as log:
        event, bound = log.event("E", "x"), log.bind(a=1)
        assert log.enabled is True
        log.enabled = False
        assert log.enabled is False
        assert not log
        log("EVENT", 1)
        log("text")
        log.critical("message")
        log.log("text")
        log.print("print")
        event(1)
        bound("EVENT", 1)
        log.enabled = True
        log("after")
    assert cells(path) == [["after"]]
    assert log.counts.calls == 1


@pytest.mark.parametrize("value", [1, None, "off"])
def test_enabled_is_a_bool(tmp_path: Path, value: object) -> None:
    with (
        AsyncFileLogger(tmp_path / "run.csv") as log,
        pytest.raises(TypeError, match="True or False"),
    ):
        log.enabled = value  # type: ignore[assignment]


def test_bound_fields(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        request = log.bind(request=17)
        request("GEN", model="m")
        user = request.bind(user="eve", request="again")
        user("GEN", model="n")
        user.info("{x} done", 1)
        user.log("text")
        log("GEN", model="o")

    assert objects(log_to(tmp_path / "run.jsonl", use)) == [
        {"event": "GEN", "model": "m", "request": 17},
        {"event": "GEN", "model": "n", "request": 17, "user": "eve", "request_2": "again"},
        {
            "level": "INFO",
            "message": "1 done",
            "x": 1,
            "request": 17,
            "user": "eve",
            "request_2": "again",
        },
        {"text": "text", "request": 17, "user": "eve", "request_2": "again"},
        {"event": "GEN", "model": "o"},
    ]


def test_a_bound_logger_is_one_and_shares_all_else(tmp_path: Path) -> None:
    log = AsyncFileLogger(tmp_path / "run.csv")
    bound = log.bind(a=1)
    assert isinstance(bound, attolog.Logger)
    bound.level = "ERROR"
    assert log.level == "ERROR"
    log.set_time(TIME)
    bound("E", x=1)
    bound.event("E", "x")(2)
    assert bound.counts == log.counts
    assert bound.close() is True
    assert not log
    assert lines(tmp_path / "run.csv") == ["1700000000.123456,E,1,1", "1700000000.123456,E,2,1"]


def test_threads_may_bind_at_once(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    together = threading.Barrier(4)

    def work(log: AsyncFileLogger, thread: int) -> None:
        together.wait()
        for i in range(200):
            log.bind(**{f"name_{i}": thread})("E")

    with AsyncFileLogger(path) as log:
        threads = [threading.Thread(target=work, args=(log, n)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    rows = [(k, v) for row in objects(path) for k, v in row.items() if k != "event"]
    assert sorted(rows) == sorted((f"name_{i}", n) for i in range(200) for n in range(4))


def test_what_is_bound_is_named_and_taken_as_of_now(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        values: list[object] = [1, [2]]
        table = {"a": values}
        bound = log.bind(values=values, time=2, table=table)
        values.append(3)
        table["b"] = []
        bound("E")
        with pytest.raises(TypeError, match=r"bind\(\) takes fields by name"):
            log.bind(17)  # type: ignore[call-arg]

    path = log_to(tmp_path / "run.jsonl", use)
    assert objects(path) == [
        {"event": "E", "values": [1, [2]], "time_": 2, "table": {"a": [1, [2]]}}
    ]


def test_simulated_time(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    with AsyncFileLogger(path, digits=9) as log:
        event = log.event("E", "x")
        log.set_time(1_500_000_000)
        event(1)
        log("E", x=2)
        log.set_time(0)
        log.bind(y=1).info("m")
        log.set_time(-1)
        log("text")
        log.set_time(None)
        log("E", x=3)
    rows = [line.split(",") for line in lines(path)]
    assert [row[0] for row in rows[:4]] == [
        "1.500000000",
        "1.500000000",
        "0.000000000",
        "-0.000000001",
    ]
    assert float(rows[4][0]) > 1.7e9


def test_set_time_takes_nanoseconds(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as log:
        for wrong in (1.5, "1", True):
            with pytest.raises(TypeError, match="nanoseconds since 1970 as an int, or None"):
                log.set_time(wrong)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="64 bits"):
            log.set_time(2**63)


def test_loggers_are_made_by_their_names_only() -> None:
    with pytest.raises(TypeError, match=r"attolog\.Logger is .*; make an attolog\.AsyncFileLogger"):
        attolog.Logger()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        type("Mine", (AsyncFileLogger,), {})


def test_every_logger_is_a_logger(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as log:
        own = attolog.SampledLogger(log), attolog.StatsLogger(log), attolog.CircularLogger()
        for logger in (log, log.bind(a=1), attolog.log, attolog.tee(log), *own):
            assert isinstance(logger, attolog.Logger)
        for logger in own:
            assert logger.close()
    assert not isinstance(print, attolog.Logger)


@pytest.mark.parametrize(
    "name", ["__call__", "debug", "info", "warning", "error", "critical", "exception", "log"]
)
def test_a_call_needs_something_to_log(tmp_path: Path, name: str) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as log, pytest.raises(TypeError):
        getattr(log, name)()
    assert log.counts.calls == 0


def test_leading_parameters_are_positional_only(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        log("E", self=1, template=2, name=3, args=4)
        log.info("{template} {self}", template=1, self=2)

    assert objects(log_to(tmp_path / "run.jsonl", use)) == [
        {"event": "E", "self": 1, "template": 2, "name": 3, "args": 4},
        {"level": "INFO", "message": "1 2", "template": 1, "self": 2},
    ]


def test_a_logger_that_is_forgotten_finishes_its_file(tmp_path: Path) -> None:
    log = AsyncFileLogger(tmp_path / "run.csv")
    log("E", 1)
    gone = weakref.ref(log)
    del log
    gc.collect()
    assert gone() is None
    with AsyncFileLogger(tmp_path / "run.csv") as again:  # behind what was to come
        again("E", 2)
    assert [row[1] for row in cells(tmp_path / "run.csv")] == ["1", "2"]


def test_an_event_keeps_its_logger_open(tmp_path: Path) -> None:
    program = "import attolog, sys; attolog.AsyncFileLogger(sys.argv[1]).event('E')()"
    assert run_python(program, tmp_path / "run.csv").stderr == ""
    assert cells(tmp_path / "run.csv") == [["E"]]


def test_two_loggers_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    with AsyncFileLogger(path) as one, AsyncFileLogger(path) as two:
        for i in range(1000):
            one("ONE", i)
            two("TWO", i)
    rows = cells(path)
    for name in ("ONE", "TWO"):
        assert [row[1] for row in rows if row[0] == name] == [str(i) for i in range(1000)]
    assert len(rows) == 2000


def test_records_of_threads_are_in_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    with AsyncFileLogger(path, digits=9) as log:

        def work(thread: int) -> None:
            for i in range(500):
                log("E", thread, i)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    rows = [line.split(",") for line in lines(path)]
    assert len(rows) == 2000
    for n in range(4):
        assert [row[3] for row in rows if row[2] == str(n)] == [str(i) for i in range(500)]
    times = [int(row[0].replace(".", "")) for row in rows]
    assert times == sorted(times)


def test_a_base_exception_passes_and_its_record_is_dropped(tmp_path: Path) -> None:
    class Interrupts:
        def __str__(self) -> str:
            signal.raise_signal(signal.SIGINT)
            return "interrupted"

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored
    with AsyncFileLogger(tmp_path / "run.csv") as log:
        for call in (log, log.info, log.bind(a=1)):
            with pytest.raises(KeyboardInterrupt):
                call("{}", Interrupts())
        with pytest.raises(KeyboardInterrupt):
            log("E", Interrupts())
        with pytest.raises(KeyboardInterrupt):
            log.log(Interrupts())
        with pytest.raises(KeyboardInterrupt):
            log.event("E", "x")(Interrupts())
        with pytest.raises(KeyboardInterrupt):
            log.bind(x=Interrupts())
    signal.signal(signal.SIGINT, before)
    assert log.counts.dropped == log.counts.calls == 6
    assert [row[:2] for row in cells(tmp_path / "run.csv")] == [["DROPPED", "6"]]


def test_a_call_without_memory_drops_its_record_and_does_not_raise(tmp_path: Path) -> None:
    pytest.importorskip("_testcapi", reason="CPython without its test modules cannot fail memory")
    program = """
import _testcapi, attolog, sys, traceback

traceback.format_exc = lambda: "a traceback"  # CPython 3.13.0 itself crashes in it without memory

class Odd:
    def __str__(self):
        return "odd"

odd, big, text = Odd(), 2**70, type("Text", (str,), {})("s" * 300)
log = attolog.AsyncFileLogger(sys.argv[1])
bound = log.bind(request="\u00e9" * 300)
event = log.event("DECLARED", "a", "b")
calls = [
    lambda: log.info("{x:{w}} {y!r:>8}", odd, 5, y="\u00e9"),
    lambda: bound.info("{x!r} {0!r} {x}", 5, x="\u00e9"),
    lambda: log.info("{} {}", odd, "\u00e9"),
    lambda: log.info("{x:>4} {y!r}", odd, "\u00e9"),
    lambda: log.info(odd),
    lambda: log(odd),
    lambda: log.log(odd),
    lambda: event(odd, big),
    lambda: log("NAME", odd, x=text),
    lambda: log.exception("failed {x!s}", x=odd),
]
for call in calls:
    call()  # what is learned at the first call is not tried here
for call in calls:
    for fails in range(1, 60):
        _testcapi.set_nomemory(fails, fails + 1)
        try:
            call()
        finally:
            _testcapi.remove_mem_hooks()
assert log.close()
assert log.counts.calls == 60 * len(calls), log.counts
print(log.counts.dropped)
"""
    path = tmp_path / "run.jsonl"
    dropped = int(run_python(program, path).stdout)
    rows = objects(path)
    assert dropped == sum(row["n"] for row in rows if row.get("event") == "DROPPED") > 0
    # One whole record, or none: an empty text where there was no memory would be a lie.
    assert all(row["request"] == "é" * 300 for row in rows if "request" in row)
    assert {row["x"] for row in rows if row.get("event") == "NAME"} <= {
        "s" * 300,
        "<str() of Text raised MemoryError>",
    }
