"""Finding and opening files: journals are told from others, and nothing waits for a pipe."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable
from typing import BinaryIO

JOURNAL_MAGIC = b"\x89ATTO\r\n\x1a"


Path = str | os.PathLike[str]


def files_of(paths: Path | Iterable[Path]) -> tuple[str, ...]:
    """The files that paths stand for: a folder for its journals, a glob for what it fits.

    A path with `*`, `?` or `[` is a glob unless there is a file of that name.

    Raises:
        FileNotFoundError: A file is missing, a folder has no journal, a glob fits no file, or there
            is no path at all.
        ValueError: A path is a pipe, a socket or a device.
    """
    every = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not every:
        raise FileNotFoundError("there is no file to read: the list is empty")
    found: dict[str, None] = {}  # in order, each once
    for path in every:
        found.update(dict.fromkeys(_expanded(os.fsdecode(path))))
    return tuple(found)


def _expanded(path: str) -> list[str]:
    if os.path.isdir(path):
        files = _regular(glob.glob(os.path.join(glob.escape(path), "*.atto")))
        if not files:
            raise FileNotFoundError(f"{path} has no journal: no file in .atto")
        return files
    if not glob.has_magic(path) or os.path.lexists(path):
        _refuse_special(path)
        return [path]
    files = _regular(glob.glob(path, recursive=True))
    if not files:
        raise FileNotFoundError(f"{path} fits no file")
    return files


def _regular(paths: Iterable[str]) -> list[str]:
    return sorted(path for path in paths if os.path.isfile(path))


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


def open_file(path: Path) -> BinaryIO:
    """Open a regular file for reading. Nothing else is waited for: a pipe, or a device.

    Raises:
        OSError: It cannot be opened; FileNotFoundError if there is none.
        ValueError: It is no regular file.
    """
    _refuse_special(path)
    return open(path, "rb", opener=_open_at_once)


def _refuse_special(path: Path) -> None:
    mode = os.stat(path).st_mode
    for is_special, what in _SPECIAL:
        if is_special(mode):
            raise ValueError(f"{os.fsdecode(path)} is {what}; attolog reads regular files")


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # it may have become a pipe meanwhile
