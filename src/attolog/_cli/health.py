"""The machine that a program logs on: its clock, room for rings, versions, and missing extras."""

from __future__ import annotations

import importlib.util
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import attolog
from attolog import _core

_CLOCK_SOURCE = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
_FEW_BYTES = 64 << 20  # rings of 4 MiB for 16 threads
_EXTRAS = {
    "sql": ("duckdb",),
    "plot": ("matplotlib",),
    "polars": ("polars",),
    "pandas": ("pandas", "pyarrow"),
    "arrow": ("pyarrow",),
}


def room(home: str) -> str:
    """A sentence about the free room of a ring folder, or of the nearest folder above it."""
    folder = Path(home)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    facts = os.statvfs(folder)
    free, size = facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize
    sentence = f"{_mib(free)} of {_mib(size)} are free there."
    if free < _FEW_BYTES:
        sentence += " A ring takes 16 KiB to 4 MiB for each thread that logs."
    return sentence


def of_machine() -> Iterator[str]:
    """Sentences about the clock, the versions, and the extras of attolog that are missing."""
    if _core.is_tsc:
        yield "Times come from the counter of the processor (TSC)."
    else:
        yield f"Times come from clock_gettime, since there is no steady TSC{_clock_source()}."
    python = f"{platform.python_implementation()} {platform.python_version()}"
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield f"attolog {attolog.__version__}, {python}, {system}, CPUs: {cpus}."
    for extra, modules in _EXTRAS.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        if missing:
            names = " and ".join(missing)
            yield f"Without {names}: pip install 'attolog[{extra}]' adds it."


def _clock_source() -> str:
    try:
        return f" (the kernel's clock is {_CLOCK_SOURCE.read_text().strip()})"
    except OSError:
        return ""


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"
