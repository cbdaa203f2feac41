"""What is published holds what it should, and nothing else."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = (
    "import sys; from scikit_build_core.build import build_sdist; print(build_sdist(sys.argv[1]))"
)


def tracked(folder: str = ".") -> set[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("there is no repository to compare with")
    done = subprocess.run(
        ["git", "ls-files", "-z", folder], cwd=ROOT, capture_output=True, check=True
    )
    return {os.fsdecode(name) for name in done.stdout.split(b"\0") if name}


def test_the_source_distribution_has_all_files_of_the_repository(tmp_path: Path) -> None:
    pytest.importorskip("scikit_build_core", reason="not where wheels for other systems are tried")
    wanted = {name for name in tracked() if name[0] != "." or name == ".clang-format"}
    command = [sys.executable, "-c", BUILD, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    name = done.stdout.split()[-1]
    with tarfile.open(tmp_path / name) as sdist:
        found = {member.name.partition("/")[2] for member in sdist if member.isfile()}
    assert found == wanted | {"PKG-INFO"}


needs_wheel = pytest.mark.skipif("WHEEL" not in os.environ, reason="make wheels tests its wheels")


@needs_wheel
def test_a_wheel_has_the_package_its_license_and_its_bill_of_materials() -> None:
    with zipfile.ZipFile(os.environ["WHEEL"]) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
        (about,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
        bill = json.loads(wheel.read(f"{about}/sboms/attolog.cdx.json"))
        metadata = wheel.read(f"{about}/METADATA").decode()
    (native,) = {name for name in names if name.startswith("attolog/_core.c")}
    package = {name.removeprefix("src/") for name in tracked("src/attolog")}
    more = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    assert names == package | {native, f"{about}/sboms/attolog.cdx.json"} | {
        f"{about}/{each}" for each in more
    }
    assert bill["metadata"]["component"]["name"] == "attolog"
    assert [each["name"] for each in bill["components"]] == ["libc++", "libc++abi", "libunwind"]
    assert "License-Expression: MIT" in metadata


MACHINES = {62: "x86_64", 183: "aarch64"}
"""By the number that an ELF file has for them."""


@needs_wheel
def test_a_wheel_is_for_the_machine_and_the_python_that_its_name_says() -> None:
    path = Path(os.environ["WHEEL"])
    _, _, python, abi, tag = path.stem.split("-")
    system, machine = tag.split("_", 1)[0], tag.split("_", 3)[-1]
    version = python.removeprefix("cp")
    libc = "musl" if system == "musllinux" else "gnu"
    with zipfile.ZipFile(path) as wheel:
        (about,) = {name for name in wheel.namelist() if name.endswith(".dist-info/WHEEL")}
        described = wheel.read(about).decode()
        (name,) = {name for name in wheel.namelist() if name.endswith(".so")}
        native = wheel.read(name)
    assert f"Tag: {python}-{abi}-{tag}\n" in described
    assert "Root-Is-Purelib: false\n" in described
    assert abi == python
    assert name == f"attolog/_core.cpython-{version}-{machine}-linux-{libc}.so"
    assert name.endswith(f"_core{sysconfig.get_config_var('EXT_SUFFIX')}")
    assert native[:6] == b"\x7fELF\x02\x01"  # 64 bits, little-endian
    assert MACHINES[struct.unpack_from("<H", native, 18)[0]] == machine


# Its symbols have no versions: a wheel that has one of these does not load with an older musl.
NEWER_THAN_MUSL_1_2_0 = [
    *(b"_Fork", b"gettid", b"reallocarray"),  # 1.2.2
    b"qsort_r",  # 1.2.3
    *(b"preadv2", b"pwritev2", b"statx"),  # 1.2.5
]


@needs_wheel
def test_a_wheel_needs_no_library_but_the_systems_own() -> None:
    path = Path(os.environ["WHEEL"])
    with zipfile.ZipFile(path) as wheel:
        (name,) = {name for name in wheel.namelist() if name.endswith(".so")}
        native = wheel.read(name)
    # Names of libraries and versions of their symbols stand as texts in the file.
    libraries = {
        name.decode() for name in re.findall(rb"\0((?:lib|ld-)[\w+.-]+\.so[\d.]*)", native)
    }
    versions = {tuple(map(int, each)) for each in re.findall(rb"\0GLIBC_(\d+)\.(\d+)", native)}
    if "musllinux" in path.name:
        assert libraries == {"libc.so"}
        assert not versions
        assert not [name for name in NEWER_THAN_MUSL_1_2_0 if b"\0%b\0" % name in native]
    else:
        assert libraries <= {
            "libc.so.6",
            "libdl.so.2",
            "libm.so.6",
            "libpthread.so.0",
            "librt.so.1",
            "ld-linux-aarch64.so.1",
            "ld-linux-x86-64.so.2",
        }
        assert max(versions) <= (2, 28)
    assert not re.search(rb"\0(GLIBCXX|CXXABI|GCC)_\d", native)
