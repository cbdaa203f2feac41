"""What is published holds what it should, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
    wanted = {name for name in tracked() if name[0] != "." or name == ".clang-format"}
    command = [sys.executable, "-c", BUILD, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    name = done.stdout.split()[-1]
    with tarfile.open(tmp_path / name) as sdist:
        found = {member.name.partition("/")[2] for member in sdist if member.isfile()}
    assert found == wanted | {"PKG-INFO"}


@pytest.mark.skipif("WHEEL" not in os.environ, reason="make wheels tests its wheels")
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
