"""_core.pyi is what the native module has, and its examples run."""

import ast
import doctest
import inspect
from collections.abc import Iterator
from importlib.resources import files
from operator import attrgetter
from typing import get_type_hints

import pytest

import attolog
from attolog import _core
from attolog._types import FileOptions

STUB = ast.parse(files("attolog").joinpath("_core.pyi").read_text(encoding="utf-8"))

# What every class has, and what only structseq has.
COMMON = {*dir(object), "__module__", "__annotations__", "__call__"}
COMMON |= {"__vectorcalloffset__", "__weaklistoffset__"}
GIVEN = set(dir(tuple)) | {"n_fields", "n_sequence_fields", "n_unnamed_fields", "__replace__"}


def names(body: list[ast.stmt]) -> set[str]:
    """The names that the statements of a stub define; not those for the checker alone."""
    found = set()
    for each in body:
        if isinstance(each, ast.FunctionDef | ast.ClassDef):
            if not any(getattr(d, "id", "") == "type_check_only" for d in each.decorator_list):
                found.add(each.name)
        elif isinstance(each, ast.AnnAssign) and getattr(each.annotation, "id", "") != "TypeAlias":
            found.add(ast.unparse(each.target))
    return found


CLASSES = {each.name: each for each in STUB.body if isinstance(each, ast.ClassDef)}


def test_the_module_has_what_the_stub_says() -> None:
    at_run_time = {name for name in dir(_core) if not name.startswith("__")}
    assert at_run_time == names(STUB.body)


@pytest.mark.parametrize("name", ["Logger", "AsyncFileLogger", "Counts", "Reader", "Follower"])
def test_a_class_has_what_the_stub_says(name: str) -> None:
    in_stub = names(CLASSES[name].body)
    at_run_time = set(vars(getattr(_core, name)))
    given = GIVEN if name == "Counts" else set()
    if name != "Logger":  # the methods repeated in a subtype, where they cost less to call
        given = given | names(CLASSES["Logger"].body)
    assert {each for each in in_stub if not hasattr(getattr(_core, name), each)} == set()
    assert at_run_time - COMMON - given - in_stub == set()


def options_in_stub() -> list[str]:
    (new,) = (
        each
        for each in CLASSES["AsyncFileLogger"].body
        if isinstance(each, ast.FunctionDef) and each.name == "__new__"
    )
    return [arg.arg for arg in [*new.args.args[2:], *new.args.kwonlyargs]]


@pytest.mark.parametrize("option", options_in_stub())
def test_every_option_of_the_stub_is_one(option: str) -> None:
    with pytest.raises((TypeError, ValueError)) as raised:
        attolog.AsyncFileLogger("never-made.csv", **{option: object()})  # type: ignore[arg-type]
    assert "unexpected" not in str(raised.value)
    assert "no option" not in str(raised.value)


def test_the_options_are_listed_twice_alike() -> None:
    assert options_in_stub() == list(FileOptions.__annotations__)
    assert "Literal" in str(get_type_hints(FileOptions)["digits"])


def examples() -> Iterator[doctest.DocTest]:
    parser = doctest.DocTestParser()

    def visit(node: ast.AST, name: str) -> Iterator[doctest.DocTest]:
        for each in ast.iter_child_nodes(node):
            if isinstance(each, ast.FunctionDef | ast.ClassDef):
                path = f"{name}.{each.name}"
                text = ast.get_docstring(each)
                if text and ">>>" in text:
                    yield parser.get_doctest(text, {}, path, "_core.pyi", 0)
                yield from visit(each, path)

    return visit(STUB, "_core")


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name)
def test_examples(example: doctest.DocTest) -> None:
    said: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(said)
    assert not attolog.log
    assert attolog.log.enabled and attolog.log.level == "DEBUG"


def test_every_public_method_has_an_example() -> None:
    shown = {example.name for example in examples()}
    public = {
        f"_core.Logger.{name}" for name in names(CLASSES["Logger"].body) if not name.startswith("_")
    }
    assert public | {"_core.AsyncFileLogger", "_core.Counts", "_core.Logger.__call__"} <= shown


def documented() -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """All of the stub that has a docstring and is there at run time, by its dotted name."""
    for each in STUB.body:
        if isinstance(each, ast.FunctionDef) and ast.get_docstring(each):
            yield each.name, each
        if not isinstance(each, ast.ClassDef) or not hasattr(_core, each.name):
            continue
        if ast.get_docstring(each):
            yield each.name, each
        for method in each.body:
            is_slot = isinstance(method, ast.FunctionDef) and method.name.startswith("__")
            if isinstance(method, ast.FunctionDef) and not is_slot and ast.get_docstring(method):
                yield f"{each.name}.{method.name}", method


DOCUMENTED = dict(documented())
WITHOUT_DOCSTRING = {"Stream", "log"}  # a stream says what an io.TextIOWrapper says


@pytest.mark.parametrize("name", DOCUMENTED.keys() - WITHOUT_DOCSTRING)
def test_help_says_what_the_stub_says(name: str) -> None:
    at_run_time = attrgetter(name)(_core)
    assert inspect.getdoc(at_run_time) == ast.get_docstring(DOCUMENTED[name])


@pytest.mark.parametrize("name", attolog.__all__)
def test_every_public_name_has_a_docstring_and_a_signature(name: str) -> None:
    public = getattr(attolog, name)
    assert inspect.getdoc(public)
    if callable(public) and name not in {"Logger", "log"}:  # nobody makes the one, or the other
        assert inspect.signature(public)


@pytest.mark.parametrize("name", ["AsyncFileLogger", "Logger.print", "Logger.flush", "tee"])
def test_a_signature_has_the_arguments_and_defaults_of_the_stub(name: str) -> None:
    node: ast.stmt = DOCUMENTED[name]
    if isinstance(node, ast.ClassDef):
        node = next(each for each in node.body if getattr(each, "name", "") == "__new__")
    assert isinstance(node, ast.FunctionDef)
    wanted = [*node.args.args, *node.args.kwonlyargs]
    wanted += [each for each in (node.args.vararg, node.args.kwarg) if each]
    parameters = inspect.signature(attrgetter(name)(_core)).parameters
    assert {each.arg for each in wanted} - {"cls"} == parameters.keys()
    defaults = [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]
    found = [each.default for each in parameters.values() if each.default is not each.empty]
    assert sorted(map(repr, found)) == sorted(repr(ast.literal_eval(each)) for each in defaults)
