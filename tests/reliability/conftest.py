"""Log files and what faults need; ring folders are cleared away."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import clear_rings

# From 3.12 on os.fork() warns of threads, which many of these programs have. What the child finds
# of them is what these tests are about.
os.environ["PYTHONWARNINGS"] = "ignore:This process:DeprecationWarning"


@pytest.fixture
def log_path(tmp_path: Path) -> Iterator[Path]:
    """A path without its suffix: `log_path.with_suffix(".csv")`; in a folder of its own."""
    folder = tmp_path / "logs"
    folder.mkdir()
    yield folder / "run"
    for suffix in (".csv", ".jsonl", ".log", ".atto"):
        clear_rings((folder / "run").with_suffix(suffix))


def _build(source: str, compiler: str, folder: Path) -> Path:
    """A library for LD_PRELOAD, from a source beside this file."""
    found = shutil.which(compiler)
    if found is None:
        pytest.skip(f"no {compiler} to build {source} with")
    library = (folder / source).with_suffix(".so")
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    path = Path(__file__).with_name(source)
    subprocess.run([found, *options, "-o", library, path, "-ldl"], check=True)
    return library


@pytest.fixture(scope="session")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes system calls fail."""
    return _build("faults.c", os.environ.get("CC", "cc"), tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="session")
def allocations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes allocations fail."""
    compiler = os.environ.get("CXX", "c++")
    return _build("allocations.cpp", compiler, tmp_path_factory.mktemp("allocations"))


@pytest.fixture
def yard() -> Iterator[Path]:
    """A folder that other users reach, for programs that make containers and become such users."""
    if os.geteuid() != 0:
        pytest.skip("only root makes containers and becomes another user")
    if subprocess.run(["unshare", "-m", "-p", "-f", "true"], check=False).returncode != 0:
        pytest.skip("there are no namespaces to be had")
    with tempfile.TemporaryDirectory(prefix="yard-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)
