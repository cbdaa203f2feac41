"""The unit of the call benchmarks: an empty C function, compiled at first use."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SOURCE = Path(__file__).with_name("empty.c")
_BUILD = _SOURCE.parent.parent / "build" / "benchmarks"


def empty_functions() -> list[Callable[..., None]]:
    """All copies of the empty METH_FASTCALL function; the fastest of them is the unit.

    Raises:
        subprocess.CalledProcessError: The C compiler failed.
    """
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    binary = _BUILD / f"attolog_empty{suffix}"
    if not binary.exists() or binary.stat().st_mtime < _SOURCE.stat().st_mtime:
        _compile(binary)
    loader = importlib.machinery.ExtensionFileLoader("attolog_empty", str(binary))
    spec = importlib.util.spec_from_loader("attolog_empty", loader)
    assert spec is not None
    module: Any = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return [getattr(module, f"empty{n}") for n in range(8)]


def _compile(binary: Path) -> None:
    binary.parent.mkdir(parents=True, exist_ok=True)
    scratch = binary.with_name(f"{os.getpid()}-{binary.name}")
    command = [
        *shlex.split(os.environ.get("CC", "cc")),
        *("-O2", "-fPIC", "-shared", f"-I{sysconfig.get_path('include')}"),
        *(["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-fno-ipa-icf"]),
        *(str(_SOURCE), "-o", str(scratch)),
    ]
    subprocess.run(command, check=True)
    scratch.replace(binary)
