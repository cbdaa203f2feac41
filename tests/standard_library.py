"""The standard library as a corpus: many files that nobody here wrote."""

import sysconfig
import zlib
from pathlib import Path

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
FILES = sorted(
    path.relative_to(LIBRARY)
    for path in LIBRARY.rglob("*.py")
    if path.is_file() and not {"site-packages", "dist-packages"} & set(path.parts)
)
PARTS = 12


def part(number: int) -> list[Path]:
    """Some of the files, the same ones on every machine."""
    return [path for path in FILES if zlib.crc32(path.as_posix().encode()) % PARTS == number]
