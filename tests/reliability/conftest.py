"""Log files and what faults need; ring folders are cleared away."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import clear_rings

# From 3.12 on os.fork() warns of every native thread, the writer's too. What the child finds of it
# is what these tests are about.
os.environ["PYTHONWARNINGS"] = "ignore:This process:DeprecationWarning"


@pytest.fixture
def log_path(tmp_path: Path) -> Iterator[Path]:
    """A path without its suffix: `log_path.with_suffix(".csv")`; in a folder of its own."""
    folder = tmp_path / "logs"
    folder.mkdir()
    yield folder / "run"
    for suffix in (".csv", ".jsonl", ".log", ".atto"):
        clear_rings((folder / "run").with_suffix(suffix))


@pytest.fixture(scope="session")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes system calls fail, for LD_PRELOAD."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("no C compiler to build the faulty system calls with")
    library = tmp_path_factory.mktemp("faults") / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run(
        [
            compiler,
            "-shared",
            "-fPIC",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-o",
            library,
            source,
            "-ldl",
        ],
        check=True,
    )
    return library
