"""must_pass.py and must_fail.py under mypy and pyright."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FILES = [HERE / "must_pass.py", HERE / "must_fail.py"]


def run(*command: str | Path) -> str:
    """The output of a checker (`python -m ...`); empty if it found nothing to complain of."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(ROOT / "src"), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        text=True,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def need(module: str) -> None:
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")


def run_mypy(cache: Path, *files: Path) -> str:
    need("mypy")
    config = ROOT / "pyproject.toml"
    silent = ("--follow-imports", "silent")  # of what is wrong elsewhere
    return run("mypy", "--config-file", config, *silent, "--cache-dir", cache, *files)


def run_pyright(folder: Path, *files: Path) -> str:
    need("pyright")
    config = {
        "include": [os.path.relpath(file, folder) for file in files],
        "extraPaths": [str(ROOT / "src")],
        "typeCheckingMode": "strict",
        "enableTypeIgnoreComments": False,  # those are mypy's
        "reportUnnecessaryTypeIgnoreComment": True,
        "reportMissingModuleSource": False,  # of the native module, which is not beside its stub
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    return run("pyright", "--project", folder, "--pythonpath", sys.executable)


Check = Callable[..., str]
CHECKERS = pytest.mark.parametrize("check", [run_mypy, run_pyright])


@CHECKERS
def test_calls_are_accepted_and_refused_as_said(check: Check, tmp_path: Path) -> None:
    assert check(tmp_path, *FILES) == ""


@CHECKERS
def test_a_call_that_is_wrongly_accepted_is_noticed(check: Check, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "import attolog\n"
        "attolog.log(1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]\n"
        "attolog.log()\n"
    )
    output = check(tmp_path, wrong)
    assert "wrong.py:2" in output and "wrong.py:3" in output


def test_the_stub_is_that_of_the_module(tmp_path: Path) -> None:
    need("mypy")
    from mypy import stubtest

    options = stubtest.parse_options(["attolog._core"])
    ignore = ["--ignore-disjoint-bases"] if hasattr(options, "ignore_disjoint_bases") else []
    assert run("mypy.stubtest", *ignore, "attolog._core") == ""
