"""Makes a virtual environment, or adds to one, from what pyproject.toml asks for.

    python scripts/environment.py .venv                    the environment and the build tools
    python scripts/environment.py .venv --group test       and the packages of a dependency group

    python scripts/environment.py FOLDER --group quick --platform musllinux_1_2_x86_64 x.whl
        a group and a wheel for another platform, in an environment that its Python has made

pip reads dependency groups only since 25.1, and nothing newer than Python's own pip is needed here.
"""

import argparse
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))
BUILD_TOOLS = ["cmake>=3.20", "ninja"]


def packages(group: str) -> list[str]:
    """What a dependency group asks for, with the groups that it includes."""
    found: list[str] = []
    for each in PROJECT["dependency-groups"][group]:
        found += [each] if isinstance(each, str) else packages(each["include-group"])
    return found


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Makes a virtual environment, or adds to one.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("wheels", nargs="*", help="what else is to be installed")
    parser.add_argument("--group", action="append", default=[], help="a dependency group")
    parser.add_argument("--platform", action="append", default=[], help="a platform's tag")
    options = parser.parse_args()

    wanted = options.wheels
    for group in options.group:
        wanted += packages(group)
    if options.platform:
        python = Path(sys.executable)
        (library,) = options.folder.glob("lib/python*/site-packages")
        wanted += ["--only-binary=:all:", "--implementation=cp", f"--target={library}"]
        wanted += [f"--platform={platform}" for platform in options.platform]
    else:
        python = options.folder / "bin" / "python"
        if not python.exists():
            venv.create(options.folder, with_pip=True, clear=True, symlinks=True)
        wanted += [*BUILD_TOOLS, *PROJECT["build-system"]["requires"]]
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    sys.exit(subprocess.run(install).returncode)


if __name__ == "__main__":
    main()
