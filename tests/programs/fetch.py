"""Brings the programs here: source distributions, and an environment with what they need."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

_PIP = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check"]


def unpacked(requirement: str, folder: Path) -> Path:
    """The source distribution of `name==version`, downloaded and unpacked if it is not there.

    Raises:
        subprocess.CalledProcessError: pip could not download it.
    """
    target = folder / requirement
    if not target.exists():
        name = requirement.partition("==")[0]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            # `:all:` would ask for the tools that build it as sources, too.
            only = ["--no-binary", name, "--no-deps", "--dest", scratch]
            subprocess.run([*_PIP, "download", *only, requirement], check=True)
            (archive,) = Path(scratch).iterdir()
            inside = Path(scratch, "unpacked")
            with tarfile.open(archive) as opened:
                opened.extractall(inside, filter="data")
            (top,) = inside.iterdir()
            top.rename(target)
    return target


def install(requirements: Iterable[str], stamp: Path) -> None:
    """Install them beside the Python that runs this, if the stamp does not say that they are.

    Raises:
        subprocess.CalledProcessError: pip could not.
    """
    wanted = sorted(set(requirements))
    said = "\n".join(wanted)
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != said:
        subprocess.run([*_PIP, "install", *wanted], check=True)
        stamp.write_text(said, encoding="utf-8")
