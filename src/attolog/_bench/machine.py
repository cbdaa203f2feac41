"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
import sysconfig
from importlib.metadata import version
from pathlib import Path


def describe() -> dict[str, str]:
    """Processor, cores, kernel, and how busy the machine is already."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "kernel": f"{platform.system()} {platform.release()}",
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def is_busy(description: dict[str, str]) -> bool:
    """Whether other programs had all cores at work in the last minute."""
    return float(description["load"].split()[0]) >= int(description["cores"])


def describe_software() -> dict[str, str]:
    """Versions of Python and attolog."""
    gil = " free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}{gil}",
        "attolog": version("attolog"),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
