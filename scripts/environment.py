"""Makes a virtual environment, or adds to one, from what pyproject.toml asks for.

    python scripts/environment.py .venv                    the environment and the build tools
    python scripts/environment.py .venv --group test       and the packages of a dependency group

pip reads dependency groups only since 25.1, and nothing newer than Python's own pip is needed here.
"""

import argparse
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

PROJECT = Path(__file__).parent.parent / "pyproject.toml"
BUILD_TOOLS = ["cmake>=3.20", "ninja"]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Makes a virtual environment, or adds to one.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--group", action="append", default=[], help="a dependency group")
    options = parser.parse_args()

    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    wanted = [*BUILD_TOOLS, *project["build-system"]["requires"]]
    for group in options.group:
        wanted += project["dependency-groups"][group]
    python = options.folder / "bin" / "python"
    if not python.exists():
        venv.create(options.folder, with_pip=True, clear=True, symlinks=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    sys.exit(subprocess.run(install).returncode)


if __name__ == "__main__":
    main()
