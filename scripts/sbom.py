"""Puts a list of what a wheel is made of into it (a software bill of materials, PEP 770).

    python scripts/sbom.py attolog-*.whl

The list is CycloneDX 1.6 at `.dist-info/sboms/attolog.cdx.json`: attolog and its license, and what
the compiler has put into the native module.
"""

import importlib.metadata
import json
import subprocess
import sys
import tempfile
from email.parser import Parser
from pathlib import Path
from typing import Any


def bill(metadata: str) -> dict[str, Any]:
    """The list, from the METADATA of the wheel."""
    about = Parser().parsestr(metadata)
    name, version = about["Name"], about["Version"]
    zig = importlib.metadata.version("ziglang")
    llvm = {"type": "library", "version": f"as in zig {zig}", "licenses": [_license(_LLVM)]}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": name,
                "name": name,
                "version": version,
                "purl": f"pkg:pypi/{name}@{version}",
                "licenses": [_license(about["License-Expression"])],
            },
            "tools": {"components": [{"type": "application", "name": "zig", "version": zig}]},
        },
        "components": [
            {"bom-ref": each, "name": each, "description": what, **llvm}
            for each, what in _COMPILED_IN.items()
        ],
        "dependencies": [{"ref": name, "dependsOn": list(_COMPILED_IN)}],
    }


_LLVM = "Apache-2.0 WITH LLVM-exception"
_COMPILED_IN = {
    "libc++": "LLVM's C++ standard library",
    "libc++abi": "LLVM's runtime of C++",
    "libunwind": "LLVM's unwinder of stacks",
}


def _license(expression: str) -> dict[str, Any]:
    return {"expression": expression}


def main() -> None:
    """Run the command line."""
    for wheel in map(Path, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as at:
            _wheel("unpack", "--dest", at, str(wheel))
            (folder,) = Path(at).iterdir()
            (about,) = folder.glob("*.dist-info")
            list_at = about / "sboms" / "attolog.cdx.json"
            list_at.parent.mkdir()
            text = json.dumps(bill((about / "METADATA").read_text("utf-8")), indent=1)
            list_at.write_text(text + "\n", "utf-8")
            _wheel("pack", "--dest-dir", str(wheel.parent), str(folder))


def _wheel(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "wheel", *arguments], check=True, stdout=subprocess.PIPE)


if __name__ == "__main__":
    main()
