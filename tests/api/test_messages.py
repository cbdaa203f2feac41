"""Messages and texts: templates, levels, and what is never a template."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog import AsyncFileLogger

from .helpers import cells, lines, log_to, objects, run_python


def messages(tmp_path: Path, *uses: Callable[[AsyncFileLogger], object]) -> list[dict[str, Any]]:
    def use(log: AsyncFileLogger) -> None:
        for each in uses:
            each(log)

    return objects(log_to(tmp_path / "run.jsonl", use))


def message(tmp_path: Path, use: Callable[[AsyncFileLogger], object]) -> dict[str, Any]:
    (found,) = messages(tmp_path, use)
    return found


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
def test_levels(tmp_path: Path, level: str) -> None:
    def use(log: AsyncFileLogger) -> None:
        method = getattr(log, level.lower())
        method("{a} and {b}", 1, b=2)
        method("a text")
        method("word")
        method(3)

    assert objects(log_to(tmp_path / "run.jsonl", use)) == [
        {"level": level, "message": "1 and 2", "a": 1, "b": 2},
        {"level": level, "message": "a text"},
        {"level": level, "message": "word"},
        {"level": level, "message": "3"},
    ]
    run = attolog.read(log_to(tmp_path / "run.atto", use))
    assert [(r.kind, r.level, r.message) for r in run.records()] == [
        ("message", level, "1 and 2"),
        ("message", level, "a text"),
        ("message", level, "word"),
        ("message", level, "3"),
    ]


def test_a_template_with_values_is_a_message_of_level_debug(tmp_path: Path) -> None:
    model, seconds = "ResNet50", 0.0125
    found = message(tmp_path, lambda log: log("{model} took {dt:.3f}s", model, seconds))
    assert found == {
        "level": "DEBUG",
        "message": "ResNet50 took 0.013s",
        "model": "ResNet50",
        "dt": 0.0125,
    }


def test_holes_with_names_take_keywords_and_the_others_values_in_order(tmp_path: Path) -> None:
    found = messages(
        tmp_path,
        lambda log: log("{a} {b} {c}", 1, 2, b=3),
        lambda log: log("{b} {} {a}", 1, 2, b=3),
        lambda log: log("{a} {a} {b}", 1, 2),
        lambda log: log("{x} {y} {x}", y=1, x=2),
        lambda log: log("{} {}", 1, 2),
    )
    assert [each["message"] for each in found] == ["1 3 2", "3 1 2", "1 1 2", "2 1 2", "1 2"]
    assert found[0] == {"level": "DEBUG", "message": "1 3 2", "a": 1, "c": 2, "b": 3}
    assert found[1]["a"] == 2
    assert found[2] == {"level": "DEBUG", "message": "1 1 2", "a": 1, "b": 2}


def test_unnamed_holes_are_named_as_at_the_call(tmp_path: Path) -> None:
    q, n = [1, 2, 3], 5

    def use(log: AsyncFileLogger) -> None:
        log("{} of {:d}, {what}", len(q), n, "a")

    assert message(tmp_path, use) == {
        "level": "DEBUG",
        "message": "3 of 5, a",
        "len_q": 3,
        "n": 5,
        "what": "a",
    }


def test_an_array_of_one_number_is_that_number(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    one, many = numpy.array(0.12345), numpy.array([1, 2])

    def use(log: AsyncFileLogger) -> None:
        log("{one:.3f} {two!s} of {many}", one, one, many)

    fields = message(tmp_path, use)
    assert fields["message"] == "0.123 0.12345 of [1 2]"
    assert (fields["many"], fields["two"]) == ("[1 2]", 0.12345)


def test_numbers_attributes_and_items_are_formatted_at_the_call(tmp_path: Path) -> None:
    class Task:
        task_id = 7
        names = ("a", "b")

        def __str__(self) -> str:
            return "a task"

    task, at = Task(), {"k": [1]}

    def use(log: AsyncFileLogger) -> None:
        log("{1}{0}{1}", 1, "x")
        log("{task.task_id:03d} {at[k]}", task, at=at)
        log("{t.names[1]} {t.task_id}", t=task)
        log("{:{width}.{digits}f}", 3.14159, width=8, digits=2)
        at["k"].append(2)

    found = objects(log_to(tmp_path / "run.jsonl", use))
    assert [each["message"] for each in found] == ["x1x", "007 [1]", "b 7", "    3.14"]
    assert found[1] == {
        "level": "DEBUG",
        "message": "007 [1]",
        "task": "a task",
        "at": {"k": [1]},
    }
    assert found[3]["width"] == 8


def test_values_without_a_hole_stand_behind_the_text(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        extra = 5
        log.info("started", port=80)
        log.info("{x} done", 1, extra, user="eve")

    assert objects(log_to(tmp_path / "run.jsonl", use)) == [
        {"level": "INFO", "message": "started", "port": 80},
        {"level": "INFO", "message": "1 done", "x": 1, "extra": 5, "user": "eve"},
    ]
    assert cells(log_to(tmp_path / "run.csv", use)) == [
        ["INFO", "started", "80"],
        ["INFO", "1 done", "5", "eve"],
    ]
    assert [line.split(" ", 1)[1] for line in lines(log_to(tmp_path / "run.log", use))] == [
        "INFO     started port=80",
        "INFO     1 done extra=5 user=eve",
    ]


TEXTS = [
    '{"a": 1}',
    "{}",
    "{x}",
    "100 %",
    "a {b",
    "}",
    "{{}}",
    "two words",
    "",
    "a\x00b",
    "\ud800",
]


@pytest.mark.parametrize("text", TEXTS)
def test_without_values_nothing_is_a_template(tmp_path: Path, text: str) -> None:
    def use(log: AsyncFileLogger) -> None:
        log.debug(text)
        log(text)
        log.log(text)
        log.bind(x=1).info(text)
        log.bind(x=1).log(text)

    assert objects(log_to(tmp_path / "run.jsonl", use)) == [
        {"level": "DEBUG", "message": text},
        {"text": text},
        {"text": text},
        {"level": "INFO", "message": text, "x": 1},
        {"text": text, "x": 1},
    ]


@pytest.mark.parametrize("value", ["{0.__class__}", "{}", "{model}", "{"])
def test_text_of_users_is_never_a_template(tmp_path: Path, value: str) -> None:
    found = message(tmp_path, lambda log: log("user {name} said {what}", value, what=value))
    assert found["message"] == f"user {value} said {value}"


def test_what_is_no_str_is_shown_by_its_str(tmp_path: Path) -> None:
    class Odd:
        def __str__(self) -> str:
            return "odd {x}"

    found = messages(
        tmp_path,
        lambda log: log(17),
        lambda log: log(Odd()),
        lambda log: log.error(ValueError("wrong")),
        lambda log: log(Odd(), x=1),  # type: ignore[call-overload]
    )
    assert found == [
        {"text": "17"},
        {"text": "odd {x}"},
        {"level": "ERROR", "message": "wrong"},
        {"level": "DEBUG", "message": "odd 1", "x": 1},
    ]


def test_what_has_no_str_keeps_its_level_and_its_values(tmp_path: Path) -> None:
    class Raises:
        asked = 0

        def __str__(self) -> str:
            Raises.asked += 1
            raise ValueError("no {text}")

    said = "<str() of Raises raised ValueError: no {text}>"
    found = messages(
        tmp_path,
        lambda log: log(Raises()),
        lambda log: log.error(Raises()),
        lambda log: log.error(Raises(), 5),  # type: ignore[call-overload]
        lambda log: log(Raises(), x=1),  # type: ignore[call-overload]
    )
    assert found == [
        {"text": said},
        {"level": "ERROR", "message": said},
        {"level": "ERROR", "message": said, "v1": 5},
        {"level": "DEBUG", "message": said, "x": 1},
    ]
    assert Raises.asked == 4


@pytest.mark.parametrize(
    ("template", "args", "kwargs", "shown"),
    [
        ("{} {}", (1,), {}, "{} {} v1=1"),
        ("{a} {b}", (), {"a": 1}, "{a} {b} a=1"),
        ("{:d}", ("x",), {}, "{:d} v1=x"),
        ("{0} {}", (1, 2), {}, "{0} {} v1=1 v2=2"),
        ("{", (1,), {}, "{ v1=1"),
        ("} {a}", (), {"a": "b c"}, '} {a} a="b c"'),
        ("{a!x}", (), {"a": 1}, "{a!x} a=1"),
        ("{a:q}", (), {"a": 1}, "{a:q} a=1"),
        ("{a.b}", (), {"a": 1}, "{a.b} a=1"),
        ("{a[0]}", (), {"a": 1}, "{a[0]} a=1"),
        ("{5}", (1,), {}, "{5} v1=1"),
    ],
)
def test_a_template_that_cannot_be_filled_keeps_the_record(
    tmp_path: Path, template: str, args: tuple[Any, ...], kwargs: dict[str, Any], shown: str
) -> None:
    found = message(tmp_path, lambda log: log.info(template, *args, **kwargs))
    fields = {f"v{i}": value for i, value in enumerate(args, 1)} | kwargs
    assert found == {"level": "INFO", "message": shown, **fields}


SPECS = [
    "", "d", "5", "<8", "^9", "*>7", "+", "-", " ", "05", ",", "_", "x", "#x", "b", "o", "X",
    "e", ".3f", "+.2e", ",.2f", "g", ".3g", "%", ".1%", "z.1f", "#.3g", "s", ".2", "0>6", "é^7",
    "n", "c", "r", "=+6", "010,.1f",
]  # fmt: skip
VALUES = [0, 7, -12345, 2**63 - 1, 2**70, 0.0, -0.0, 1.5, 1e16, 1e-7, float("nan"), float("-inf"),
          "text", "", "é漢", True, False, None, (1, 2), b"x"]  # fmt: skip


@pytest.mark.parametrize("spec", SPECS)
def test_a_message_is_what_format_makes_of_it(tmp_path: Path, spec: str) -> None:
    template = f"<{{x:{spec}}}|{{x!r:>9}}>"
    simple = f"<{{x:{spec}}}>"

    def use(log: AsyncFileLogger) -> None:
        for value in VALUES:
            log.info(simple, x=value)
            log.info(template, x=value)

    found = objects(log_to(tmp_path / "run.jsonl", use))
    for value, short, long in zip(VALUES, found[::2], found[1::2], strict=True):
        try:
            expected = simple.format(x=value)
        except (ValueError, TypeError, OverflowError):
            assert short["message"].startswith(simple)
        else:
            assert short["message"] == expected
            assert long["message"] == template.format(x=value)


def test_a_column_stays_typed_where_its_value_is_formatted_at_the_call(tmp_path: Path) -> None:
    class Int(int):
        pass

    big = 2**80

    def use(log: AsyncFileLogger) -> None:
        log.info("{x:n} {y!r}", x=5, y="é")
        log.info("{x:c} {y}", x=65, y=Int(3))
        log.info("{x:,}", x=big)

    run = attolog.read(log_to(tmp_path / "run.atto", use))
    records = list(run.records())
    assert [r.message for r in records] == ["5 'é'", "A 3", f"{big:,}"]
    assert [r.fields for r in records] == [{"x": 5, "y": "é"}, {"x": 65, "y": "3"}, {"x": big}]


def test_values_are_those_of_the_call(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        values = [1]
        log.info("{} and {x!r}", values, x=values)
        log("E", values)
        values.append(2)

    found = objects(log_to(tmp_path / "run.jsonl", use))
    assert found[0]["message"] == "[1] and [1]"
    assert found[0]["x"] == found[1]["values"] == [1]


class Counted:
    """Counts what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __str__(self) -> str:
        self.asked.append("str")
        return f"é{len(self.asked)}"


class CountedText(Counted, str):
    """Its `__format__` is that of str, which gives the str() of a subclass."""

    __str__ = Counted.__str__


class Formatted(Counted):
    def __format__(self, spec: str) -> str:
        self.asked.append(f"format {spec!r}")
        return f"formatted {len(self.asked)}"


@pytest.mark.parametrize("kind", [Counted, CountedText])
@pytest.mark.parametrize("template", ["{}", "{x}", "{0}", "{x} {x}", "{x!s}", "{x!s:>6}|", "{x:}"])
def test_an_object_that_a_plain_hole_shows_gives_its_str_once(
    tmp_path: Path, kind: type[Counted], template: str
) -> None:
    value, same = kind(), kind()
    found = message(tmp_path, lambda log: log.info(template, value))
    assert value.asked == ["str"]
    assert found["message"] == template.replace("{x", "{0").format(same).replace("é2", "é1")
    assert list(found.values())[2:] == ["é1"]


def test_bound_fields_fill_holes_as_keywords_do(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        bound = log.bind(request=17, name="é", when=datetime(2026, 1, 2, tzinfo=UTC))
        bound.info("{request} {x}", 1)
        bound.info("{request:04d} {name!r} {x}", 1)
        bound.info("{when:%Y} {x:{w}}", x=1, w=3)
        bound.info("{request} {x} {x!r}", x="a", request="the call's")
        for i in range(40):  # more than one place keeps templates for
            bound.info(f"{i} {{request:04d}} {{x}}", i)
            bound.info(f"{i} {{request}} {{x}} {{y}}", i, y="a")

    found = [each["message"] for each in objects(log_to(tmp_path / "run.jsonl", use))]
    assert found[:4] == ["17 1", "0017 'é' 1", "2026   1", "the call's a 'a'"]
    assert found[4::2] == [f"{i} 0017 {i}" for i in range(40)]
    assert found[5::2] == [f"{i} 17 {i} a" for i in range(40)]


def test_a_format_of_its_own_is_asked(tmp_path: Path) -> None:
    plain, converted, counted = Formatted(), Formatted(), Counted()
    found = messages(
        tmp_path,
        lambda log: log.info("{x}", plain),
        lambda log: log.info("{x!s}", converted),
        lambda log: log.info("{x!r:.8}", counted),
    )
    assert plain.asked == ["format ''", "str"]
    assert found[0] == {"level": "INFO", "message": "formatted 1", "x": "é2"}
    assert converted.asked == ["str"]
    assert found[1] == {"level": "INFO", "message": "é1", "x": "é1"}
    assert found[2] == {"level": "INFO", "message": repr(counted)[:8], "x": "é1"}


def test_what_a_metaclass_raises_passes_where_it_must(tmp_path: Path) -> None:
    class Meta(type):
        error: BaseException

        def __getattribute__(cls, name: str) -> Any:
            if name == "__format__":
                raise Meta.error
            return super().__getattribute__(name)

    class Odd(metaclass=Meta):
        def __str__(self) -> str:
            return "odd"

    with AsyncFileLogger(tmp_path / "run.csv") as log:
        Meta.error = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            log.info("{x}", Odd())
        Meta.error = ValueError()
        log.info("{x}", Odd())
    assert log.counts.dropped == 1
    assert ["INFO", "odd"] in cells(tmp_path / "run.csv")


def test_after_eight_templates_at_one_place_the_template_is_a_value(tmp_path: Path) -> None:
    templates = [f"number {i}: {{x}} and {{}}" for i in range(40)]

    def use(log: AsyncFileLogger) -> None:
        for _ in range(2):
            for template in templates:
                log.warning(template, 1, x=2)

    found = [each["message"] for each in objects(log_to(tmp_path / "run.jsonl", use))]
    assert found == [template.format(1, x=2) for template in templates] * 2
    run = attolog.read(log_to(tmp_path / "run.atto", use))
    assert [r.message for r in run.records()] == found
    assert {r.level for r in run.records()} == {"WARNING"}


def test_a_text_is_no_site(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        for i in range(100):
            log(f"{{{i}}} sentence")
            log.info(f"{{{i}}} message")

    run = attolog.read(log_to(tmp_path / "run.atto", use))
    assert {name: len(run[name]) for name in run} == {"LOG": 100, "INFO": 100}


def test_f_strings_are_exact_and_memory_is_flat(tmp_path: Path) -> None:
    program = """
import attolog, resource, sys
n, warm = 200_000, 20_000
with attolog.AsyncFileLogger(sys.argv[1]) as log:
    for i in range(n):
        log(f"sentence {i}, {i * 7919 % 1000}")
        log.debug(f"{{{i}}}")
        if i == warm:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) // (1024 if sys.platform == "linux" else 1 << 20))
"""
    path = tmp_path / "run.csv"
    grown = int(run_python(program, path).stdout)
    assert grown < 16  # MiB; a byte more a call would be 0.3, an object kept 30
    rows = cells(path)
    assert rows[::2] == [["LOG", f"sentence {i}, {i * 7919 % 1000}"] for i in range(200_000)]
    assert rows[1::2] == [["DEBUG", f"{{{i}}}"] for i in range(200_000)]


def test_templates_made_at_run_time_are_told_apart(tmp_path: Path) -> None:
    chance = random.Random(1)
    values = [(chance.randrange(30), chance.random()) for _ in range(3000)]

    def use(log: AsyncFileLogger) -> None:
        for i, x in values:
            log.info(f"no. {i}: " + "{:.3f}", x)

    found = [each["message"] for each in objects(log_to(tmp_path / "run.jsonl", use))]
    assert found == [f"no. {i}: {x:.3f}" for i, x in values]


def test_exception(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        try:
            raise ValueError("wrong")
        except ValueError:
            log.exception("task {id} failed", 7)
            log.exception("failed", user="eve")

    first, second = objects(log_to(tmp_path / "run.jsonl", use))
    traceback = first.pop("exception")
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert traceback.endswith("ValueError: wrong\n")
    assert first == {"level": "ERROR", "message": "task 7 failed", "id": 7}
    assert second == {
        "level": "ERROR",
        "message": "failed",
        "user": "eve",
        "exception": second["exception"],
    }
    assert second["exception"].endswith("ValueError: wrong\n")


def test_exception_without_one(tmp_path: Path) -> None:
    found = message(tmp_path, lambda log: log.exception("nothing"))
    assert found == {"level": "ERROR", "message": "nothing", "exception": "NoneType: None\n"}


def test_what_is_no_str_at_one_place_again_and_again(tmp_path: Path) -> None:
    values: list[object] = [3, 3, "text", None, 1.5, True, [1]]

    def use(log: AsyncFileLogger) -> None:
        for value in values:
            log.info(value)
            log.log(value)

    assert objects(log_to(tmp_path / "run.jsonl", use)) == [
        each
        for value in values
        for each in ({"level": "INFO", "message": str(value)}, {"text": str(value)})
    ]


def test_fields_called_as_our_own_columns(tmp_path: Path) -> None:
    found = messages(
        tmp_path,
        lambda log: log.info("{message} {level}", message=1, level=2),
        lambda log: log.info("{x}", x=1, message="not shown", time=3),
        lambda log: log.bind(message="bound").info("text"),
    )
    assert found == [
        {"level": "INFO", "message": "1 2", "message_": 1, "level_": 2},
        {"level": "INFO", "message": "1", "x": 1, "message_": "not shown", "time_": 3},
        {"level": "INFO", "message": "text", "message_": "bound"},
    ]


def test_braces_that_are_doubled(tmp_path: Path) -> None:
    assert message(tmp_path, lambda log: log("{{{x}}}", x=1))["message"] == "{1}"


def test_debug_log_is_text(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        log.log("1.5,GEN,m")
        log.log(3)
        log.log(None)
        log.log(b"x")

    assert cells(log_to(tmp_path / "run.csv", use)) == [
        ["LOG", "1.5,GEN,m"],
        ["LOG", "3"],
        ["LOG", "None"],
        ["LOG", "b'x'"],
    ]


@pytest.mark.parametrize("method", ["debug", "info", "warning", "error", "critical", "exception"])
@pytest.mark.parametrize("state", ["off", "on", "closed", "above"])
def test_a_level_without_a_text_is_a_mistake_in_any_state(
    method: str, state: str, tmp_path: Path
) -> None:
    with attolog.AsyncFileLogger(tmp_path / "run.csv") as log:
        if state == "off":
            log.enabled = False
        if state == "closed":
            log.close()
        if state == "above":
            log.level = "CRITICAL"
        with pytest.raises(TypeError, match=rf"^{method}\(\) needs a template or a text$"):
            getattr(log, method)()
