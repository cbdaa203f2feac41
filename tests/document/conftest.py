"""Programs are run as a user would run them: by an interpreter of their own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a program in an empty folder, with variables of the environment; returns its output."""

    def run(source: str, *args: str, **variables: str) -> str:
        environment = {name: v for name, v in os.environ.items() if not name.startswith("ATTOLOG")}
        environment |= variables
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        (tmp_path / "program.py").write_text(source, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "program.py", *args],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run
