"""Names of values, read at the call by a stand-in for the native logger."""

import dis
import functools
import itertools
import linecache
import os
import subprocess
import sys
import textwrap
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any, TypeVar

import pytest

from attolog._native import argument_names
from attolog._native.argument_names import names
from attolog._record_names import clean

STAND_IN = """
import sys
from attolog._native.argument_names import names

def log(*args, **kwargs):
    frame = sys._getframe(1)
    print(*names(frame.f_code, frame.f_lasti, len(args) - 1, tuple(kwargs), frame.f_globals))
"""


Function = TypeVar("Function", bound=Callable[..., object])


def log(*args: Any, **kwargs: Any) -> tuple[str, ...]:
    frame = sys._getframe(1)
    return names(frame.f_code, frame.f_lasti, len(args) - 1, tuple(kwargs), frame.f_globals)


class Logger:
    """A logger whose methods can be chained; `seen()` is what was named last."""

    def __init__(self) -> None:
        self._seen: tuple[str, ...] = ()

    def seen(self) -> tuple[str, ...]:
        return self._seen

    def event(self, *args: Any, **kwargs: Any) -> "Logger":
        frame = sys._getframe(1)
        self._seen = names(
            frame.f_code, frame.f_lasti, len(args) - 1, tuple(kwargs), frame.f_globals
        )
        return self


class Task:
    def __init__(self) -> None:
        self.task_id = 7
        self.__secret = 8
        self.inner = self

    def logged(self) -> tuple[str, ...]:
        return log("GEN", self.task_id, self.__secret, self.inner.task_id)


model, q, task = "ResNet50", [1, 2], Task()


def f(x: Any, *more: Any) -> Any:
    return x


def test_names_attributes_and_calls() -> None:
    assert log("GEN", model, task.task_id, len(q)) == ("model", "task_id", "len_q")
    assert log("GEN", task.inner.task_id, f(task.task_id)) == ("task_id", "f_task_id")
    assert task.logged() == ("task_id", "__secret", "task_id_2")


class Scalar:
    def item(self) -> float:
        return 0.5

    def mean(self) -> "Scalar":
        return self

    def size(self) -> int:
        return 1


def test_keys_and_methods_that_give_the_value_in_another_form() -> None:
    loss, row = Scalar(), {"auc": 0.9, "a b": 1}
    assert log("GEN", row["auc"], loss.item()) == ("auc", "loss")
    assert log("GEN", loss.mean().item(), task.inner.task_id) == ("loss", "task_id")
    assert log("GEN", row["a b"], loss.size(), row["auc"]) == ("v1", "v2", "auc")


def test_other_expressions_are_named_by_position_among_the_values() -> None:
    named = log("GEN", 3, model, q[0], f(model, 1), -task.task_id)
    assert named == ("v1", "model", "v3", "v4", "v5")
    assert log("GEN", len(q[:1]), f(f(model))) == ("v1", "v2")


def test_no_values() -> None:
    assert log("GEN") == ()
    assert log("GEN", model=model) == ()


def test_reserved_and_taken_names() -> None:
    time = level = x = 1
    assert log("GEN", time, level) == ("time_", "level_")
    assert log("GEN", x, x, x) == ("x", "x_2", "x_3")
    assert log("GEN", x, x=2) == ("x_2",)
    assert log("GEN", time, time=2) == ("time__2",)


def test_stars() -> None:
    assert log("GEN", *q) == ("v1", "v2")
    assert log("GEN", model, *q) == ("v1", "v2", "v3")
    assert log("GEN", model, a=1) == ("model",)


def test_two_calls_on_a_line_and_one_in_another() -> None:
    assert [*log("A", model), *log("A", q)] == ["model", "q"]
    assert log("A", log("B", q)) == ("v1",)
    assert f(log("A", model), log("A", q)) == ("model",)


# fmt: off
def test_calls_over_several_lines() -> None:
    assert log(
        "GEN",  # a comment, with a parenthesis: )
        model,

        task.task_id,
    ) == ("model", "task_id")
    chained = Logger()
    (chained
        .event("A", q)
        .event("B", model,
               q))
    assert chained.seen() == ("model", "q")
    chained.event(
        "A",
    ).event("é", model)
    assert chained.seen() == ("model",)
# fmt: on


def test_columns_are_bytes() -> None:
    assert ["éé", log("é", model), "ü", log("日本", q)] == ["éé", ("model",), "ü", ("q",)]


def test_escapes_are_not_warned_of_twice(recwarn: pytest.WarningsRecorder) -> None:
    namespace = compile_and_run(r"""got = log('\d "', x, "\'", x)""", {"x": 1})
    del recwarn.list[:]
    assert namespace["call"]() == ("x", "v2", "x_2")
    assert not recwarn.list


def compile_and_run(source: str, values: dict[str, Any]) -> dict[str, Any]:
    """A function `call` that runs `source`, which linecache knows, and returns `got`."""
    text = f"def call():\n    {source}\n    return got\n"
    linecache.cache["<names test>"] = (len(text), None, text.splitlines(True), "<names test>")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = compile(text, "<names test>", "exec")
    namespace = {"log": log, **values}
    exec(code, namespace)
    return namespace


def test_scopes() -> None:
    assert [log("A", i) for i in q] == [("i",), ("i",)]
    assert {log("A", k, v) for k, v in [(1, 2)]} == {("k", "v")}
    assert (lambda x: log("A", x, model))(1) == ("x", "model")

    def outer(a: int) -> tuple[str, ...]:
        def inner() -> tuple[str, ...]:
            return log("A", a)

        return inner()

    assert outer(1) == ("a",)

    seen = []

    def decorate(named: tuple[str, ...]) -> Callable[[Function], Function]:
        seen.append(named)
        return lambda function: function

    @decorate(log("A", model, task.task_id))
    def decorated() -> None: ...

    assert seen == [("model", "task_id")]

    async def coroutine(x: int) -> tuple[str, ...]:
        return log("A", x)

    with pytest.raises(StopIteration) as ended:
        coroutine(1).send(None)
    assert ended.value.value == ("x",)


# fmt: off
def test_in_an_f_string_right_or_unknown() -> None:
    assert f"{log('A', model)} {log('A', q)}" == "('model',) ('q',)"
    text = f"""
        {log('A', model)} and {log('A',
                                   q)}
    """
    assert text.split() in (["('model',)", "and", "('q',)"], ["('v1',)", "and", "('v1',)"])
# fmt: on


def test_called_from_c() -> None:
    direct = functools.partial(log)
    assert direct("A", model) == ("model",)
    rows = [("A", 1)]
    assert next(itertools.starmap(log, rows)) == ("v1",)
    for named in itertools.starmap(log, rows):
        assert named == ("v1",)
    assert list(map(log, ["A"], [1])) == [("v1",)]


@pytest.mark.parametrize(
    "changed",
    [
        "    got = log('GEN', other, b)",  # names that the code has not
        "    got = log('GEN', a)",  # another number of values
        "    got = log('OLD', a, b)",  # another event
        "    got = log('GEN', a, b=b)",
        "    got = log('GEN', a, b, c=b)",  # another keyword
        "    got = log('GEN', a, (b",  # no Python at all
        "",
    ],
)
def test_a_source_changed_since_gives_no_names(changed: str) -> None:
    namespace = compile_and_run("got = log('GEN', a, b)", {"a": 1, "b": 2})
    assert namespace["call"]() == ("a", "b")
    text = f"def call():\n{changed}\n"
    linecache.cache["<names test>"] = (len(text), None, text.splitlines(True), "<names test>")
    assert namespace["call"]() == ("v1", "v2")


def test_never_raises() -> None:
    code = test_never_raises.__code__
    assert names(code, 10**9, 2, (), None) == ("v1", "v2")
    assert names(code, 0, 1, (), {"__loader__": 3}) == ("v1",)
    linecache.cache["<broken>"] = (1, None, 17, "<broken>")  # type: ignore[assignment]
    broken = code.replace(co_filename="<broken>")
    assert names(broken, len(code.co_code) - 2, 1, (), None) == ("v1",)


def test_clean() -> None:
    taken: set[str] = set()
    written = ["model", "event", "event", "model", "model_2"]
    assert [clean(name, taken) for name in written] == [
        "model",
        "event_",
        "event__2",
        "model_2",
        "model_2_2",
    ]


def run(*args: str | Path, cwd: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, *map(str, args)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


CALLS = textwrap.dedent("""
    a, b = 1, 2
    log("GEN", a, b)
    log("GEN", a,
        b)
    log("X", a), log("X", b)
    log("X", a), log("X", b, b)
""")


@pytest.mark.parametrize("option", ["-O", "-OO", "-Bs"])
def test_options_that_keep_columns(tmp_path: Path, option: str) -> None:
    (tmp_path / "program.py").write_text(STAND_IN + CALLS)
    assert run(option, "program.py", cwd=tmp_path) == ["a b", "a b", "a", "b", "a", "b b_2"]


def test_without_columns_only_what_the_line_leaves_no_doubt_of(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(STAND_IN + CALLS)
    got = run("-X", "no_debug_ranges", "program.py", cwd=tmp_path)
    assert got == ["a b", "a b", "v1", "v1", "a", "b b_2"]


def test_in_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as app:
        app.writestr("__main__.py", STAND_IN + CALLS + "import module")
        app.writestr("module.py", "from __main__ import log\n\nc = 3\nlog('X', c)\n")
    assert run("app.zip", cwd=tmp_path) == ["a b", "a b", "a", "b", "a", "b b_2", "c"]


def test_in_a_command(tmp_path: Path) -> None:
    got = run("-c", STAND_IN + CALLS, cwd=tmp_path)
    named = ["a b", "a b", "a", "b", "a", "b b_2"]
    unnamed = ["v1 v2", "v1 v2", "v1", "v1", "v1", "v1 v2"]
    assert got == (named if sys.version_info >= (3, 13) else unnamed)


def test_in_a_string(tmp_path: Path) -> None:
    program = STAND_IN + "\na = b = 1\nexec('log(\"X\", a, b)')\nexec('\\n\\nlog(\"X\", a, 1)')\n"
    (tmp_path / "program.py").write_text(program)
    assert run("program.py", cwd=tmp_path) == ["v1 v2", "v1 v2"]


def test_a_hundred_thousand_names_are_told_apart_as_a_few_are() -> None:
    given = ["x", "x_2", "time", "x", "y"] * 20_000
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    many = [clean(name, taken, numbers) for name in given]
    few: set[str] = set()
    assert many[:500] == [clean(name, few) for name in given[:500]]
    assert len(set(many)) == len(given)
    assert many[-5:] == ["x_40000", "x_2_20000", "time__20000", "x_40001", "y_20000"]


def test_code_is_read_once_for_all_its_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []

    class Facts(argument_names._Facts):
        def __init__(self, code: CodeType) -> None:
            read.append(code)
            super().__init__(code)

    monkeypatch.setattr(argument_names, "_Facts", Facts)
    monkeypatch.setattr(argument_names, "_last", None)
    source = "".join(f"log('EV', x, y{i})\n" for i in range(100))
    code = compile(source, "<many>", "exec")
    linecache.cache["<many>"] = (len(source), None, source.splitlines(keepends=True), "<many>")
    offsets = [at.offset for at in dis.get_instructions(code) if at.opname == "CALL"]
    found = [argument_names.names(code, lasti, 2, (), None) for lasti in offsets]
    assert found == [("x", f"y{i}") for i in range(100)]
    assert read == [code]
