"""Row E10: attolog loads no pickle and runs no text, but where its work is to run a program."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import attolog

# Modules that make objects or code of bytes, and functions that run text.
MODULES = {"_pickle", "code", "codeop", "copyreg", "marshal", "pickle", "pickletools", "shelve"}
FUNCTIONS = {"__import__", "compile", "eval", "exec"}

# Where one is used, and why that is no way in for what has been logged.
ALLOWED = {
    # The code of a program that `attolog run` has compiled, in its user's own cache.
    ("_run/cache.py", "marshal"),
    # Its functions, which the program itself may call.
    ("_run/plain.py", "marshal"),
    # What a process hands to the children of its own multiprocessing, which pickles it as well.
    ("_children.py", "exec"),
    ("_children.py", "pickle"),
    # The source of the program that `attolog run` runs.
    ("_run/main.py", "compile"),
    ("_run/plain.py", "compile"),
    ("_run/transform.py", "compile"),
    # Modules that calls need, by names that stand there.
    ("_imports.py", "__import__"),
    # To a tree that is looked at and never run: the names of a call's values in its source.
    ("_native/argument_names.py", "compile"),
}
# Functions of the C API that run text or code.
# `attolog run` starts the program's code without a Python frame above it.
C_API = r"PyRun_\w+|Py_CompileString\w*|PyEval_EvalCode\w*|PyMarshal_\w+|PyObject_CallPickle"
ALLOWED_C = {("as_main.cpp", "PyEval_EvalCode")}


def uses(source: str) -> set[str]:
    """What a module uses of these."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.module or "").partition(".")[0]} & MODULES
            found |= {alias.name for alias in node.names if node.level == 0} & FUNCTIONS
        elif isinstance(node, ast.Name):
            found |= {node.id} & FUNCTIONS
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in ("builtins", "__builtins__"):
                found |= {node.attr} & FUNCTIONS
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if name in ("import_module", "getattr"):
                found |= {str(node.args[0].value)} & (MODULES | FUNCTIONS)
    return found


def test_e10_no_module_loads_pickles_or_runs_text() -> None:
    package = Path(attolog.__file__).parent
    found = {
        (str(path.relative_to(package)), use)
        for path in package.rglob("*.py")
        for use in uses(path.read_text("utf-8"))
    }
    assert found == ALLOWED


def test_e10_the_native_module_runs_no_text() -> None:
    folder = Path(__file__).parents[2] / "cpp"
    found = {
        (path.name, use)
        for path in folder.rglob("*.?pp")
        for use in re.findall(C_API, path.read_text("utf-8"))
    }
    assert found == ALLOWED_C


def test_e10_a_use_is_found_in_any_form() -> None:
    assert uses("import pickle") == {"pickle"}
    assert uses("from marshal import loads") == {"marshal"}
    assert uses("import importlib\nimportlib.import_module('shelve')") == {"shelve"}
    assert uses("run = eval\nrun('1')") == {"eval"}
    assert uses("import builtins\nbuiltins.exec('')") == {"exec"}
    assert uses("import re\nre.compile('a')\nimport ast\nast.literal_eval('1')") == set()
