"""Events: one word and its values, declared or not, and the names of their columns."""

import gc
import inspect
import pickle
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from types import BuiltinFunctionType
from typing import Any

import pytest

import attolog
from attolog import AsyncFileLogger

from .helpers import cells, log_to, objects, run_python


class Task:
    def __init__(self, task_id: int) -> None:
        self.task_id = task_id


def one(tmp_path: Path, use: Callable[[AsyncFileLogger], object]) -> dict[str, Any]:
    """The only object that `use` logs."""
    (found,) = objects(log_to(tmp_path / "run.jsonl", use))
    return found


@pytest.mark.parametrize(
    "name", ["E", "_", "gen", "a.b:c-d", "Z9", "_private", "a" * 64, "NaN", "TRACE", "Log", "debug"]
)
def test_one_word_is_an_event(tmp_path: Path, name: str) -> None:
    assert one(tmp_path, lambda log: log(name)) == {"event": name}
    assert one(tmp_path / "2", lambda log: log(name, a=1)) == {"event": name, "a": 1}
    assert one(tmp_path / "3", lambda log: log.event(name, "a")(1)) == {"event": name, "a": 1}


NO_NAMES = ["", "9a", "a b", "a,b", "{}", "é", "aé", "a" * 65, "a\n", "-a", "a/b"]
ROWS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "LOG", "PRINT", "STATS", "DROPPED"]


@pytest.mark.parametrize("text", NO_NAMES + ROWS)
def test_anything_else_is_none(tmp_path: Path, text: str) -> None:
    assert one(tmp_path, lambda log: log(text)) == {"text": text}
    with_value = one(tmp_path / "2", lambda log: log(text, a=1))
    assert with_value["level"] == "DEBUG"
    assert with_value["a"] == 1
    with (
        AsyncFileLogger(tmp_path / "3.jsonl") as log,
        pytest.raises(ValueError, match="is no event name"),
    ):
        log.event(text, "a")


def test_a_str_of_another_class_is_shown_by_its_str(tmp_path: Path) -> None:
    class Name(str):
        def __str__(self) -> str:
            return "GEN"

    assert one(tmp_path, lambda log: log(Name("x"), a=1)) == {"event": "GEN", "a": 1}


def test_columns_are_called_as_at_the_call(tmp_path: Path) -> None:
    model, task, q, arrival = "ResNet50", Task(7), [1, 2], 0.5

    def use(log: AsyncFileLogger) -> None:
        log("GEN", model, task.task_id, len(q), arrival)

    assert one(tmp_path, use) == {
        "event": "GEN",
        "model": "ResNet50",
        "task_id": 7,
        "len_q": 2,
        "arrival": 0.5,
    }


def test_names_given_make_the_same_table(tmp_path: Path) -> None:
    model, task_id = "ResNet50", 7

    def use(log: AsyncFileLogger) -> None:
        log("GEN", model, task_id)
        log("GEN", task_id=8, model="VGG")
        log.event("GEN", "model", "task_id")("BERT", 9)
        log("GEN", *["Swin", 10], 11)

    path = log_to(tmp_path / "run.csv", use)
    assert cells(path) == [
        ["GEN", "ResNet50", "7"],
        ["GEN", "VGG", "8"],
        ["GEN", "BERT", "9"],
        ["GEN", "", "", "Swin", "10", "11"],
    ]
    run = attolog.read(log_to(tmp_path / "run.atto", use))
    assert run.events == {"GEN": 4}
    assert [record.fields for record in run.records()] == [
        {"model": "ResNet50", "task_id": 7},
        {"task_id": 8, "model": "VGG"},
        {"model": "BERT", "task_id": 9},
        {"v1": "Swin", "v2": 10, "v3": 11},
    ]


def test_names_that_are_taken_or_our_own(tmp_path: Path) -> None:
    time = event = level = message = weight = thread = text = x = 1

    def use(log: AsyncFileLogger) -> None:
        log("A", time, event, level, message, weight, thread, text)
        log("B", time=1, text=2)
        log.event("C", "time", "thread")(1, 2)
        log("D", x, x, x, 5)
        log("E", x, x=2)

    assert [list(each)[1:] for each in objects(log_to(tmp_path / "run.jsonl", use))] == [
        ["time_", "event_", "level_", "message_", "weight_", "thread_", "text_"],
        ["time_", "text_"],
        ["time_", "thread_"],
        ["x", "x_2", "x_3", "v4"],
        ["x_2", "x"],
    ]


def test_names_are_read_once_for_each_site(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        for model in ("a", "b", "c"):
            log("GEN", model)
        for name in ("ONE", "TWO"):
            log(name, model)

    assert [list(each) for each in objects(log_to(tmp_path / "run.jsonl", use))] == (
        [["event", "model"]] * 5
    )


def test_without_source_there_are_positions(tmp_path: Path) -> None:
    program = """
import attolog, sys
with attolog.AsyncFileLogger(sys.argv[1]) as log:
    a = b = 1
    exec("log('GEN', a, b, c=2)")
"""
    run_python(program, tmp_path / "run.jsonl")
    assert objects(tmp_path / "run.jsonl") == [{"event": "GEN", "v1": 1, "v2": 1, "c": 2}]


def test_a_call_at_one_place_may_change_its_shape(tmp_path: Path) -> None:
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        (("A", 1), {}),
        (("A", 1, 2), {}),
        (("A", 1), {"k": 2}),
        (("A",), {"k": 2}),
        (("A",), {"k": 2, "m": 3}),
        (("A",), {}),
        (("A", 1), {}),
    ]

    def use(log: AsyncFileLogger) -> None:
        for args, kwargs in calls:
            log(*args, **kwargs)

    assert objects(log_to(tmp_path / "run.jsonl", use)) == [
        {"event": "A", "v1": 1},
        {"event": "A", "v1": 1, "v2": 2},
        {"event": "A", "v1": 1, "k": 2},
        {"event": "A", "k": 2},
        {"event": "A", "k": 2, "m": 3},
        {"event": "A"},
        {"event": "A", "v1": 1},
    ]


def test_more_names_at_one_place_than_it_has_sites(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        for i in range(100):
            log(f"E{i}", i, k=i)

    assert objects(log_to(tmp_path / "run.jsonl", use)) == [
        {"event": f"E{i}", **({"i": i} if i < 8 else {"v1": i}), "k": i} for i in range(100)
    ]


def test_keywords_whose_addresses_are_used_again(tmp_path: Path) -> None:
    n = 2000

    def use(log: AsyncFileLogger) -> None:
        for i in range(n):
            log("E", **{f"name{i}": i})

    assert objects(log_to(tmp_path / "run.jsonl", use)) == [
        {"event": "E", f"name{i}": i} for i in range(n)
    ]


def test_beyond_65536_sites_names_travel_in_the_record(tmp_path: Path) -> None:
    program = """
import attolog, sys
with attolog.AsyncFileLogger(sys.argv[1]) as log:
    for i in range(65_600):
        log.event(f"E{i}", "x")
    late = log.event("LATE", "a", "time")
    late(1, 2)
    late(1, time=3)
    value = 5
    log("LATER", value, k=6)
    log("{} of {n}", value, n=7)
    log.info("{a}", a=8)
    log.bind(request=17)("LATER", k=9)
"""
    run_python(program, tmp_path / "run.jsonl")
    assert objects(tmp_path / "run.jsonl") == [
        {"event": "LATE", "a": 1, "time_": 2},
        {"event": "LATE", "a": 1, "time_": 3},
        {"event": "LATER", "v1": 5, "k": 6},
        {"level": "DEBUG", "message": "5 of 7", "v1": 5, "v2": 7},
        {"level": "INFO", "message": "8", "v1": 8},
        {"event": "LATER", "k": 9, "request": 17},
    ]


# ---- declared ---------------------------------------------------------------------------------


def test_a_decorated_function(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        @log.event
        def SCHED(model: str, batch_id: int, exit_id: str = "final", size: int = 8) -> None:
            """A batch was put together."""
            raise AssertionError("the body is not run")

        SCHED("ResNet50", 42, "layer1", 4)
        SCHED("ResNet50", 42)
        SCHED("ResNet50", batch_id=42, size=5)
        SCHED(size=1, exit_id="layer2", batch_id=2, model="VGG")

        assert SCHED.__name__ == "SCHED"
        assert SCHED.__doc__ == "A batch was put together."
        assert str(inspect.signature(SCHED)) == "(model, batch_id, exit_id='final', size=8)"
        assert isinstance(SCHED, BuiltinFunctionType)

    assert cells(log_to(tmp_path / "run.csv", use)) == [
        ["SCHED", "ResNet50", "42", "layer1", "4"],
        ["SCHED", "ResNet50", "42", "final", "8"],
        ["SCHED", "ResNet50", "42", "final", "5"],
        ["SCHED", "VGG", "2", "layer2", "1"],
    ]


def test_declared_by_names(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        gen = log.event("GEN", "model", "task_id")
        gen("ResNet50", 7)
        gen("ResNet50", task_id=8)
        gen(task_id=9, model="VGG")
        log.event("TICK")()
        assert str(inspect.signature(gen)) == "(model, task_id)"

    assert cells(log_to(tmp_path / "run.csv", use)) == [
        ["GEN", "ResNet50", "7"],
        ["GEN", "ResNet50", "8"],
        ["GEN", "VGG", "9"],
        ["TICK"],
    ]


def test_a_declared_event_called_wrongly_keeps_what_it_got(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        gen: Callable[..., None] = log.event("GEN", "model", "task_id")
        gen("few")
        gen("many", 1, 2)
        gen("other", other=3)

        bound: Callable[..., None] = log.bind(request=17).event("GEN", "model")
        bound("many", 1)
        bound("other", other=3)

    assert objects(log_to(tmp_path / "run.jsonl", use)) == [
        {"event": "GEN", "model": "few", "task_id": None},
        {"event": "GEN", "model": "many", "task_id": 1, "v3": 2},
        {"event": "GEN", "model": "other", "task_id": None, "other": 3},
        {"event": "GEN", "model": "many", "v2": 1, "request": 17},
        {"event": "GEN", "model": "other", "other": 3, "request": 17},
    ]


def test_a_declared_event_has_what_its_logger_binds(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        gen = log.bind(request=17, model="mine").event("GEN", "model")
        gen("r50")
        gen(model="vgg")

    assert objects(log_to(tmp_path / "run.jsonl", use)) == [
        {"event": "GEN", "model": "r50", "request": 17, "model_2": "mine"},
        {"event": "GEN", "model": "vgg", "request": 17, "model_2": "mine"},
    ]


def test_a_declared_event_follows_its_logger_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    log = AsyncFileLogger(path)
    event = log.event("E", "x")
    event(1)
    log.enabled = False
    event(2)
    log.enabled = True
    log.level = "CRITICAL"  # of messages
    event(3)
    kept = weakref.ref(log)
    del log
    gc.collect()
    event(4)
    again = kept()
    assert again is not None
    again.close()
    assert cells(path) == [["E", "1"], ["E", "3"], ["E", "4"]]


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ((), TypeError, "takes a function, or names"),
        ((3,), TypeError, "takes a function, or names"),
        (("GEN", 3), TypeError, "takes a function, or names"),
        ((len,), TypeError, "takes a function, or names"),
        (("GEN", "a b"), ValueError, "'a b' is no field name"),
        (("GEN", ""), ValueError, "'' is no field name"),
        (("GEN", "a", "a"), ValueError, "a field is named twice"),
        (("two words",), ValueError, "'two words' is no event name"),
        ((lambda *a: None,), TypeError, "without"),
        ((lambda **a: None,), TypeError, "without"),
        ((lambda x: None,), ValueError, "'<lambda>' is no event name"),
    ],
)
def test_wrong_declarations(
    tmp_path: Path, wrong: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with (
        AsyncFileLogger(tmp_path / "run.csv") as log,
        pytest.raises(error, match=message),
    ):
        log.event(*wrong)


def test_an_unknown_option_of_a_declaration(tmp_path: Path) -> None:
    with (
        AsyncFileLogger(tmp_path / "run.csv") as log,
        pytest.raises(TypeError, match="no option 'colour'"),
    ):
        log.event("GEN", colour=1)  # type: ignore[call-overload]


def test_an_event_is_not_pickled(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as log:
        for each in (log, log.event("E", "x"), log.bind(a=1)):
            with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
                pickle.dumps(each)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="Python 3.14 has lazy annotations")
def test_a_declaration_asks_for_no_annotation(tmp_path: Path) -> None:
    program = """
import sys
import attolog
log = attolog.AsyncFileLogger(sys.argv[1])
@log.event
def GEN(model: NotThereYet, size: 1 / 0 = 3) -> NotThereEither: ...
GEN("a")
assert log.close()
"""
    path = tmp_path / "run.jsonl"
    run_python(program, str(path))
    assert [(row["event"], row["model"], row["size"]) for row in objects(path)] == [("GEN", "a", 3)]
