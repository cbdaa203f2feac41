"""Opening files to read them: journals are told from other files, and nothing waits for a pipe."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO

JOURNAL_MAGIC = b"\x89ATTO\r\n\x1a"


def is_journal(path: str) -> bool:
    """Whether the file is to be read as a journal: by its first bytes or, damaged, by its name.

    Raises:
        OSError: It cannot be read; FileNotFoundError if there is none.
        ValueError: It is no file to be read twice.
    """
    with open_file(path) as file:
        start = file.read(len(JOURNAL_MAGIC))
    return start == JOURNAL_MAGIC or path.endswith(".atto")


_SPECIAL = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading. Nothing else is waited for: a pipe, or a device.

    Raises:
        OSError: It cannot be opened; FileNotFoundError if there is none.
        ValueError: It is no regular file.
    """
    mode = os.stat(path).st_mode
    for is_special, what in _SPECIAL:
        if is_special(mode):
            raise ValueError(f"{os.fsdecode(path)} is {what}; attolog reads regular files")
    return open(path, "rb", opener=_open_at_once)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # it may have become a pipe meanwhile
