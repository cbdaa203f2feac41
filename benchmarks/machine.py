"""What the numbers were measured on."""

from __future__ import annotations

import subprocess

from attolog._bench.machine import describe

__all__ = ["describe", "describe_python"]

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
