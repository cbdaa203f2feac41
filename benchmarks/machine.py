"""What the numbers were measured on."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

from attolog._bench.machine import describe

__all__ = ["describe", "describe_python", "without_python"]

_DESCRIBE = """
from attolog._bench.machine import describe_software
print(describe_software()["python"])
"""


def describe_python(python: str) -> str:
    """Implementation and version.

    Raises:
        subprocess.CalledProcessError: It does not run, or cannot import attolog.
    """
    done = subprocess.run([python, "-c", _DESCRIBE], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def without_python(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for Python as it is by itself: PYTHONUNBUFFERED slows plain prints down."""
    return {name: value for name, value in environment.items() if not name.startswith("PYTHON")}
