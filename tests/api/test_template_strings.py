"""Template strings of Python 3.14: `log(t"...")`.

They stand in texts here: an earlier Python could not read this file.
"""

import ast
import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import attolog
from attolog import AsyncFileLogger
from attolog._rewrite import rewrite

from .helpers import log_to, objects

pytestmark = pytest.mark.skipif(sys.version_info < (3, 14), reason="Python 3.14 has them")

NAMES = {
    "model": "ResNet50",
    "dt": 0.0125,
    "width": 10,
    "task": SimpleNamespace(id=7, name="ä"),
    "row": {"rate": 0.5},
    "queue": [1, 2, 3],
    "n": 3,
}


def logs(source: str, file: str = "<text>", **names: Any) -> Callable[[Any], object]:
    """What runs statements that log."""
    code = compile(source, file, "exec")
    return lambda log: exec(code, {**NAMES, **names, "log": log})


def logged(tmp_path: Path, source: str, **names: Any) -> dict[str, Any]:
    app, path = tmp_path / "app.py", tmp_path / "run.jsonl"
    app.write_text(source, "utf-8")
    linecache.checkcache()
    path.unlink(missing_ok=True)
    (found,) = objects(log_to(path, logs(source, str(app), **names)))
    return found


# Each within a text of its own, so that the print of it is a message.
FORMS = [
    "{model} took {dt:.3f}s",
    "{model!r:>20}|{dt!s}|{model!a}",
    "{task.id} of {task.name} at {row['rate']}",
    "{len(queue)} wait, {n + 1} run, {max(queue, default=0)} is last",
    "{n} and {n}, {n:>3} and {n:>3}",
    "{n} {len(queue)} {n}",
    "{queue[0]} {queue[0]} {queue}",
    "{model=} {dt = :.1f} {n=!s}",
    "{{braces}} {n} }}{{",
    "{self.size} {time} {level} {message}",
    "{n:05d}{n:x}{n:+}",
    "{model}{dt}{n}",
    "{'a text'} {3} {None}",
    "{(lambda: n)()} {n if n else dt}",
    "{time_.strftime('%H')} at {task . id}",
]
MORE = {
    "self": SimpleNamespace(size=1),
    "time": 1,
    "level": 2,
    "message": 3,
    "time_": SimpleNamespace(strftime=lambda spec: spec),
}


@pytest.mark.parametrize("form", FORMS)
def test_it_is_the_f_string_of_its_words(tmp_path: Path, form: str) -> None:
    found = logged(tmp_path, f"log(t{form!r})", **MORE)
    assert found["level"] == "DEBUG"
    assert found["message"] == eval(f"f{form!r}", {**NAMES, **MORE})


@pytest.mark.parametrize("form", FORMS)
def test_its_columns_are_those_of_the_f_string(tmp_path: Path, form: str) -> None:
    # The print of the f-string becomes a call with a template and values.
    new = rewrite(f"import time\nprint(f'a word: ' f{form!r})\n".encode()).new.decode()
    call = ast.parse(new.splitlines()[-1], mode="eval").body
    assert isinstance(call, ast.Call)
    template = ast.literal_eval(call.args[0])
    statement = f"log({template!r}, {', '.join(map(ast.unparse, call.args[1:]))})"
    wanted = logged(tmp_path, statement, **MORE)
    assert logged(tmp_path, f"log(t'a word: ' t{form!r})", **MORE) == wanted


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_all_levels_take_it(tmp_path: Path, level: str) -> None:
    source = f"log.{level}(t'{{model}} took {{dt:.1f}}s')"
    assert logged(tmp_path, source) == {
        "level": level.upper(),
        "message": "ResNet50 took 0.0s",
        "model": "ResNet50",
        "dt": 0.0125,
    }


def test_an_exception_takes_it(tmp_path: Path) -> None:
    source = "try: 1 / 0\nexcept ZeroDivisionError: log.exception(t'{model} failed')"
    found = logged(tmp_path, source)
    assert (found["level"], found["model"]) == ("ERROR", "ResNet50")
    assert found["exception"].endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize("method", ["log.print", "log.log", "log"])
def test_it_is_a_message_wherever_it_stands_alone(tmp_path: Path, method: str) -> None:
    assert logged(tmp_path, f"{method}(t'{{model}} is here')") == {
        "level": "DEBUG",
        "message": "ResNet50 is here",
        "model": "ResNet50",
    }


def test_beside_others_a_print_shows_its_text(tmp_path: Path) -> None:
    for source, text in [
        ("log.print(t'{model!r}', 1)", "'ResNet50' 1\n"),
        ("log.print(1, t'{dt:.1f}', sep='-', end='')", "1-0.0"),
        ("log.print(t'{{{n}}}', end='!')", "{3}!"),
    ]:
        assert logged(tmp_path, source) == {"text": text}


def test_other_values_come_behind_its_own(tmp_path: Path) -> None:
    found = logged(tmp_path, "log(t'{model} is here', n, dt, size=width)")
    assert found == {
        "level": "DEBUG",
        "message": "ResNet50 is here",
        "model": "ResNet50",
        "n": 3,
        "dt": 0.0125,
        "size": 10,
    }


def test_without_values_it_is_text_and_never_an_event(tmp_path: Path) -> None:
    for source, found in [
        ("log(t'GEN')", {"text": "GEN"}),
        ("log(t'{{x}}')", {"text": "{x}"}),
        ("log.info(t'{{x}} GEN')", {"level": "INFO", "message": "{x} GEN"}),
        ("log(t'{{x}} of', n)", {"level": "DEBUG", "message": "{x} of", "n": 3}),
    ]:
        assert logged(tmp_path, source) == found


def test_a_format_that_is_computed_is_taken_as_it_came_out(tmp_path: Path) -> None:
    source = "for width in range(1, 30): log(t'{model:>{width}}|')"
    found = objects(log_to(tmp_path / "run.jsonl", logs(source)))
    assert [each["message"] for each in found] == [f"{'ResNet50':>{i}}|" for i in range(1, 30)]
    assert {each["model"] for each in found[:8]} == {"ResNet50"}


def test_a_format_with_braces_is_text(tmp_path: Path) -> None:
    # The fill character is a brace.
    fill = "}"
    found = logged(tmp_path, "log(t'{n:{fill}>4}')", fill=fill)
    assert found == {"text": "}}}3"}
    found = logged(tmp_path, "log(t'{n:{fill}>4}', dt)", fill=fill)
    assert found == {"level": "DEBUG", "message": "}}}3", "dt": 0.0125}


def test_templates_that_one_place_makes_are_each_their_own(tmp_path: Path) -> None:
    source = """
for _ in range(3):
    for each in (t'{n} x', t'{dt} x', t'{n:>4} x', t'{n!r} x', t'{n} y'): log(each)
"""
    found = objects(log_to(tmp_path / "run.jsonl", logs(source)))
    assert [each["message"] for each in found] == ["3 x", "0.0125 x", "   3 x", "3 x", "3 y"] * 3
    assert ["n" in each for each in found] == [True, False, True, True, True] * 3


def test_a_program_can_make_them_without_an_end(tmp_path: Path) -> None:
    source = """
from string.templatelib import Interpolation, Template
for i in range(3000):
    log(Template(f'{i}: ', Interpolation(i, f'n{i}'), Interpolation(i, '1 +'), Interpolation(i)))
"""
    found = objects(log_to(tmp_path / "run.jsonl", logs(source)))
    assert [each["message"] for each in found] == [f"{i}: {i}{i}{i}" for i in range(3000)]
    assert found[0] == {"level": "DEBUG", "message": "0: 000", "n0": 0, "v2": 0, "v3": 0}


def test_a_value_that_raises_is_named_in_its_place(tmp_path: Path) -> None:
    class Bad:
        def __format__(self, spec: str) -> str:
            raise ValueError(spec)

        def __str__(self) -> str:
            raise ValueError

    found = logged(tmp_path, "log(t'{bad:>3} and {n}')", bad=Bad())
    assert found["bad"] == "<str() of Bad raised ValueError>"
    assert found["n"] == 3
    found = logged(tmp_path, "log.print(t'{bad:>3} and {n}', 1)", bad=Bad())
    assert found == {"text": "<bad raised ValueError> and 3 1\n"}


def test_what_must_pass_passes_and_is_counted(tmp_path: Path) -> None:
    class Interrupting:
        def __format__(self, spec: str) -> str:
            raise KeyboardInterrupt

    with AsyncFileLogger(tmp_path / "run.atto") as log:
        with pytest.raises(KeyboardInterrupt):
            logs("log(t'{bad:>3} and {n}')", bad=Interrupting())(log)
        assert (log.counts.calls, log.counts.dropped) == (1, 1)


def test_a_level_that_is_off_and_a_sampled_call_take_it(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "run.atto") as log:
        log.level = "WARNING"
        logs("log(t'{n} is left out'); log.info(t'{n} is left out'); log.error(t'{n}')")(log)
    sampled = attolog.SampledLogger(tmp_path / "sampled.atto", strategy=attolog.Every(10))
    logs("for i in range(100): log(t'{i} of {n}')")(sampled)
    sampled.close()
    assert [r.message for r in attolog.read(tmp_path / "run.atto").records()] == ["3"]
    assert len(list(attolog.read(tmp_path / "sampled.atto").records())) == 10


def test_a_bound_logger_takes_it(tmp_path: Path) -> None:
    found = logged(tmp_path, "log.bind(host='a').info(t'{model} is here')")
    assert found == {
        "level": "INFO",
        "message": "ResNet50 is here",
        "model": "ResNet50",
        "host": "a",
    }


def test_many_threads_take_one_place_at_once(tmp_path: Path) -> None:
    source = """
import threading
def work(k):
    for i in range(2000): log(t'{k} has {i}')
threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    run = attolog.read(log_to(tmp_path / "run.atto", logs(source)))
    found = sorted(tuple(record.fields.values()) for record in run.records())
    assert found == [(k, i) for k in range(4) for i in range(2000)]
