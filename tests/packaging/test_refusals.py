"""What attolog cannot be built with is told in one line."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CMAKE = shutil.which("cmake", path=str(Path(sys.executable).parent))

pytestmark = [
    pytest.mark.skipif(CMAKE is None, reason="the build tools are not in this environment"),
    pytest.mark.skipif(shutil.which("c++") is None, reason="there is no compiler"),
]


def refusal(folder: Path, *settings: str, **environment: str) -> str:
    """What CMake says last, as one line."""
    assert CMAKE is not None
    ninja = Path(CMAKE).with_name("ninja")
    command = [CMAKE, "-GNinja", f"-DCMAKE_MAKE_PROGRAM={ninja}", f"-S{ROOT}", f"-B{folder}"]
    env = os.environ | environment
    done = subprocess.run([*command, *settings], capture_output=True, text=True, env=env)
    assert done.returncode != 0
    (_, _, error) = done.stderr.rpartition("CMake Error at ")
    return " ".join(error.partition("Call Stack")[0].split())


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("CMAKE_SYSTEM_NAME=FreeBSD", "attolog needs Linux or macOS; this is FreeBSD"),
        ("CMAKE_CXX_FLAGS=-nostdinc++", "attolog needs a C++20 compiler with a library to match"),
    ],
)
def test_what_lacks_is_said(tmp_path: Path, setting: str, words: str) -> None:
    assert words in refusal(tmp_path, f"-D{setting}")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="its compiler has -m32")
def test_a_32_bit_machine_is_refused(tmp_path: Path) -> None:
    # There is no C library for it here: the compiler is tried on a file alone.
    settings = ["-DCMAKE_CXX_FLAGS=-m32", "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY"]
    assert "attolog needs a 64-bit little-endian machine" in refusal(tmp_path, *settings)


def test_a_python_without_headers_is_refused(tmp_path: Path) -> None:
    settings = [
        "SKBUILD=ON",
        f"Python_EXECUTABLE={sys.executable}",
        f"Python_INCLUDE_DIR={tmp_path}",
    ]
    said = refusal(tmp_path / "build", *(f"-D{each}" for each in settings))
    version = platform.python_version()
    assert f"attolog needs the C headers of Python {version}: python3-dev on Debian" in said


@pytest.mark.parametrize("version", ["3.10.13", "3.16.0"])
def test_a_python_that_is_not_known_is_refused(tmp_path: Path, version: str) -> None:
    number = tuple(map(int, version.split(".")))
    pretence = f"import sys; sys.version_info = {(*number, 'final', 0)}"
    (tmp_path / "sitecustomize.py").write_text(pretence)
    settings = ["-DSKBUILD=ON", f"-DPython_EXECUTABLE={sys.executable}"]
    said = refusal(tmp_path / "build", *settings, PYTHONPATH=str(tmp_path))
    assert f"attolog needs CPython 3.11 to 3.15; this is Python {version}" in said
