"""What `import attolog` brings in."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import attolog

from .helpers import run_python

# importlib.util is what finds an editable installation.
LIST_MODULES = """
import importlib.util
import sys
before = set(sys.modules)
{imports}
print(*sorted(set(sys.modules) - before))
"""


def imported(imports: str) -> set[str]:
    return set(run_python(LIST_MODULES.format(imports=imports)).stdout.split())


def test_no_third_party_package() -> None:
    tops = {name.partition(".")[0] for name in imported("import attolog")}
    assert tops - set(sys.stdlib_module_names) == {"attolog"}


def test_few_modules() -> None:
    found = imported("import attolog")
    assert {name for name in found if name.startswith("attolog")} == {
        "attolog",
        "attolog._core",
        "attolog._default_logger",
        "attolog._imports",
    }
    assert len(found) <= 10, found


def test_logging_loads_nothing_heavy() -> None:
    program = """
import attolog
with attolog.AsyncFileLogger("/dev/null") as log:
    x = 1; log("GEN", x); log.info("{x}", x); log("text"); log.print(x)
"""
    heavy = {"asyncio", "logging", "numpy"}
    if sys.version_info < (3, 14):  # traceback needs them from there on
        heavy |= {"dataclasses", "inspect"}
    assert not imported(program) & heavy


def test_public_names() -> None:
    assert set(attolog.__all__) == {
        "AsyncFileLogger",
        "Budget",
        "Cap",
        "CircularBufferLogger",
        "CircularLogger",
        "Counts",
        "Every",
        "First",
        "Logger",
        "SampledLogger",
        "StatsLogger",
        "configure",
        "debug_log",
        "init_logger",
        "log",
        "read",
        "read_csv",
        "scan",
        "tee",
    }
    assert set(attolog.__all__) <= set(dir(attolog))
    for name in attolog.__all__:
        assert getattr(attolog, name) is not None
    with pytest.raises(AttributeError, match="module 'attolog' has no attribute 'nothing'"):
        attolog.nothing  # noqa: B018
    assert attolog.log is attolog._core.log
    assert attolog.__version__.count(".") == 2


def test_star_import() -> None:
    namespace: dict[str, object] = {}
    exec("from attolog import *", namespace)
    assert set(attolog.__all__) == set(namespace) - {"__builtins__"}


def test_the_package_is_typed() -> None:
    from importlib.resources import files

    for name in ("py.typed", "_core.pyi"):
        assert files("attolog").joinpath(name).is_file()


def test_in_a_subinterpreter_it_works_or_says_that_it_does_not() -> None:
    if sys.version_info >= (3, 13):
        program = """
import _interpreters
id = _interpreters.create()
print(_interpreters.run_string(id, "import attolog"))
"""
    else:
        program = """
import _xxsubinterpreters as interpreters
id = interpreters.create()
try:
    interpreters.run_string(id, "import attolog")
except interpreters.RunFailedError as error:
    print(error)
"""
    done = run_python(program)
    assert "ImportError" in done.stdout or sys.version_info < (3, 12)


def importing(folder: Path) -> list[str]:
    """What a program says that finds its attolog in the folder."""
    done = subprocess.run(
        [sys.executable, "-c", "import attolog"], cwd=folder, capture_output=True, text=True
    )
    return done.stderr.splitlines()


def test_a_package_without_a_module_for_this_python_says_so(tmp_path: Path) -> None:
    package = Path(attolog.__file__).parent
    shutil.copytree(package, tmp_path / "attolog", ignore=shutil.ignore_patterns("*.so", "__py*"))
    said = importing(tmp_path)
    assert said[-1].startswith("ImportError: attolog needs CPython 3.11 to 3.15, and to be")
    assert "During handling" not in "".join(said)

    # That of another Python, as after an update or in a copied environment.
    (tmp_path / "attolog" / "_core.cpython-310-x86_64-linux-gnu.so").write_bytes(b"")
    assert importing(tmp_path) == said


def test_a_module_that_cannot_be_loaded_says_what_is_needed(tmp_path: Path) -> None:
    package = Path(attolog.__file__).parent
    shutil.copytree(package, tmp_path / "attolog", ignore=shutil.ignore_patterns("*.so", "__py*"))
    module = tmp_path / "attolog" / Path(attolog._core.__file__).name
    module.write_bytes(b"for another machine")
    said = importing(tmp_path)
    assert said[-1].startswith("ImportError: attolog needs CPython 3.11 to 3.15, and to be")
    assert str(module) in said[-1]
    assert "During handling" not in "".join(said)


def imports_of(source: str, modules: set[str]) -> set[str]:
    """The modules that a source imports at any time: at its import, in a function, by a text.

    Imports that are only for type checkers do not count, since no program runs them. Neither do
    the packages that a module stands in: Python imports them before it.
    """
    found: set[str] = set()
    for node in run_nodes(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner if inner <= modules else {node.module} | inner
        elif isinstance(node, ast.Constant) and node.value != "attolog":
            found |= {node.value} if isinstance(node.value, str) else set()
    return found & modules


def run_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those below `if TYPE_CHECKING:`."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from run_nodes(child)


def package_imports(package: Path) -> dict[str, set[str]]:
    sources: dict[str, str] = {}
    for path in package.rglob("*.py"):
        parts = path.relative_to(package.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        sources[name] = path.read_text("utf-8")
    modules = {*sources, "attolog._core"}
    return {name: imports_of(source, modules) for name, source in sources.items()}


def circle(imports: Mapping[str, set[str]]) -> list[str]:
    """Modules each of which imports the one before it; none if there is no such circle."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        modules: list[str] = error.args[1]
        return modules
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    imports = package_imports(Path(attolog.__file__).parent)
    assert "attolog._children" in imports["attolog._default_logger"]  # by a text
    assert circle(imports) == []


@pytest.mark.parametrize(
    "source",
    ["import b", "from b import c", "def f():\n    import b", "load('b')", "if x:\n    import b"],
)
def test_a_circle_is_found_in_any_form(source: str) -> None:
    modules = {"a", "b"}
    imports = {"a": imports_of(source, modules), "b": imports_of("import a", modules)}
    assert set(circle(imports)) == modules
    assert imports_of("if TYPE_CHECKING:\n    import b", modules) == set()
