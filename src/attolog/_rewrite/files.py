"""Source files on disk: which there are, and how they are replaced and put back."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator

BACKUP = ".orig"

_SUFFIXES = (".py", ".pyw")
_SKIPPED = frozenset({"site-packages", "dist-packages", "node_modules", "__pycache__"})


def sources(paths: Iterable[str], suffix: str = "") -> Iterator[str]:
    """The Python files that paths name, each once: files as given, folders with all below.

    Hidden folders, site-packages and virtual environments below a folder are left out.

    Args:
        paths: Files and folders. What cannot be looked into is given as it is.
        suffix: What the names of the files have behind .py.
    """
    seen: set[str] = set()
    for path in paths:
        for each in _below(path, suffix) if os.path.isdir(path) else (path,):
            real = os.path.realpath(each)
            if real not in seen:
                seen.add(real)
                yield each


def _below(folder: str, suffix: str) -> Iterator[str]:
    unreadable: list[OSError] = []
    for at, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(each for each in folders if not is_skipped(os.path.join(at, each)))
        for name in sorted(files):
            if name.endswith(tuple(each + suffix for each in _SUFFIXES)):
                yield os.path.join(at, name)
    for error in unreadable:
        yield os.fsdecode(error.filename)


def is_skipped(folder: str) -> bool:
    name = os.path.basename(folder)
    return (
        name.startswith(".")
        or name in _SKIPPED
        or os.path.exists(os.path.join(folder, "pyvenv.cfg"))
    )


def read(path: str) -> bytes:
    """The bytes of a source file.

    Raises:
        OSError: It cannot be read, is no regular file, or is a notebook.
    """
    if os.path.isdir(path):
        os.scandir(path).close()  # says why it was not gone through
    if path.endswith(".ipynb"):
        said = "notebooks are not taken; jupyter nbconvert --to script makes a .py file of one"
        raise OSError(None, said, path)
    if not os.path.isfile(path) and os.path.exists(path):
        raise OSError(None, "not a regular file", path)
    with open(path, "rb") as file:
        return file.read()


def write(path: str, old: bytes, new: bytes) -> None:
    """Replace a file, at once or not at all; what it was before is beside it, in FILE.orig.

    Args:
        path: The file. A link is followed.
        old: Its bytes, as they were read.
        new: Its bytes to be.

    Raises:
        OSError: It cannot be written, it has changed since it was read, or FILE.orig is in the way.
    """
    path = os.path.realpath(path)
    backup = path + BACKUP
    if not os.access(path, os.W_OK):
        raise PermissionError(None, "not writable", path)
    if read(path) != old:
        raise OSError(None, "has changed meanwhile", path)
    # Of a file that was rewritten before, and is still as it was then, the first original stays.
    if os.path.lexists(backup):
        if not _is_unchanged(path, backup) and read(backup) != old:
            raise OSError(None, "is in the way: remove it, or use --undo", backup)
    else:
        _replace(backup, old, like=path)
    # Equal times are the sign that the file has not changed since.
    now = time.time_ns()
    os.utime(backup, ns=(now, now))
    _replace(path, new, like=path, times=(now, now))


def undo(path: str) -> None:
    """Put FILE.orig back in the place of FILE.

    Raises:
        OSError: There is none, or the file was changed after it had been rewritten.
    """
    path = os.path.realpath(path)
    backup = path + BACKUP
    if not os.path.isfile(backup):
        raise OSError(None, f"no {os.path.basename(backup)} to put back", path)
    if not _is_unchanged(path, backup) and read(path) != read(backup):
        said = f"was changed after it had been rewritten; the original is {backup}"
        raise OSError(None, said, path)
    os.replace(backup, path)
    os.utime(path)  # make and Python's caches go by time


def _is_unchanged(path: str, backup: str) -> bool:
    return os.stat(path).st_mtime_ns == os.stat(backup).st_mtime_ns


def _replace(path: str, data: bytes, like: str, times: tuple[int, int] | None = None) -> None:
    """Write a file beside, then give it the name: no reader sees half of it."""
    status = os.stat(like)
    handle, temporary = tempfile.mkstemp(prefix=".attolog-", dir=os.path.dirname(path))
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if (status.st_uid, status.st_gid) != (os.getuid(), os.getgid()):
            os.chown(temporary, status.st_uid, status.st_gid)
        os.chmod(temporary, stat.S_IMODE(status.st_mode))
        if times is not None:
            os.utime(temporary, ns=times)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
