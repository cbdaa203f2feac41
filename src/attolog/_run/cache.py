"""What was made of the program's sources, kept for its next run: one file for each source.

A file is believed only in a folder that no other user can write to. If anything is wrong with one,
the source is compiled again.
"""

from __future__ import annotations

import marshal
import os
import sys
from _imp import source_hash
from importlib.util import MAGIC_NUMBER
from types import CodeType
from typing import Any, TypeAlias

import attolog

_LAYOUT = 7  # of what is kept: the digest of all that follows, and that
_CHECK = 8  # bytes of a digest
_SITE = (bytes, str, tuple, tuple, tuple, tuple, tuple, bool, bool, int, str)
SHOW = b" show"
"""What follows a print's marker in that of the function which shows one of its values early."""
TEXTS = b" texts"
"""What follows it in that of the function which asks whether values are texts."""
_HASH_KEY = 0x6174746F6C6F67  # any number that never changes

Entry: TypeAlias = tuple[CodeType | None, tuple[tuple[Any, ...], ...], tuple[tuple[int, str], ...]]
"""A module's code, None where Python compiles it, its compiled prints, and those that are text."""


def digest(raw: bytes) -> bytes:
    """A source's hash, as Python's own bytecode has it."""
    return source_hash(_HASH_KEY, raw)


def load(raw: bytes, path: str) -> Entry | None:
    """What was made of a source before; None if that is not known."""
    folder = _folder()
    if folder is None:
        return None
    try:
        with open(os.path.join(folder, _name(path)), "rb") as file:
            check, data = file.read(_CHECK), file.read()
        if check != digest(data):  # marshal itself believes whatever it reads
            return None
        key, code, sites, texts = marshal.loads(data)
    except (OSError, ValueError, EOFError, TypeError, MemoryError):
        return None
    is_entry = isinstance(code, CodeType | None) and isinstance(sites, tuple)
    if not is_entry or key != _key(raw, path) or not all(map(_is_site, sites)):
        return None
    if not isinstance(texts, tuple) or not all(map(_is_text, texts)):
        return None
    return code, sites, texts


def store(raw: bytes, path: str, entry: Entry) -> None:
    """Keep what was made of a source, unless bytecode is not to be written."""
    folder = None if sys.dont_write_bytecode else _folder(make=True)
    if folder is None:
        return
    file = os.path.join(folder, _name(path))
    new = f"{file}.{os.getpid()}"
    try:
        data = marshal.dumps((_key(raw, path), *entry))
        data = digest(data) + data
        number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(number, "wb") as out:
                out.write(data)
            os.replace(new, file)
        except OSError:
            os.unlink(new)
    except (OSError, ValueError):
        return


def _is_site(site: Any) -> bool:
    """Whether it is a compiled print, as `transform.Site` has it."""
    if not isinstance(site, tuple) or len(site) != len(_SITE):
        return False
    if not all(isinstance(value, kind) for value, kind in zip(site, _SITE, strict=True)):
        return False
    _, _, names, is_argument, conversions, _, options, _, _, line, _ = site
    return (
        all(isinstance(name, str) for name in names)
        and all(isinstance(each, bool) for each in is_argument)
        and len(names) == len(is_argument) == len(conversions)
        and all(each is None or _is_conversion(each) for each in conversions)
        and all(isinstance(each, tuple) and len(each) == 2 for each in options)
        and all(isinstance(option, str) for option, _ in options)
        and 0 <= line < 1 << 31
    )


def _is_text(each: Any) -> bool:
    return (
        isinstance(each, tuple)
        and len(each) == 2
        and isinstance(each[0], int)
        and isinstance(each[1], str)
    )


def _is_conversion(each: Any) -> bool:
    return (
        isinstance(each, tuple)
        and len(each) == 3
        and isinstance(each[0], str)
        and isinstance(each[1], int)
        and each[1] >= -3
        and isinstance(each[2], str)
    )


def _key(raw: bytes, path: str) -> tuple[Any, ...]:
    python = (MAGIC_NUMBER, sys.flags.optimize)
    return (_LAYOUT, digest(raw), len(raw), attolog.__version__, *python, path)


def _name(path: str) -> str:
    return digest(os.fsencode(path)).hex() + ".run"


def _folder(*, make: bool = False) -> str | None:
    """The folder, if it is the user's and no other user can write to it."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if not os.path.isabs(base):
        return None
    folder = os.path.join(base, "attolog")
    try:
        if make:
            os.makedirs(base, 0o700, exist_ok=True)
            if not os.path.isdir(folder):
                os.mkdir(folder, 0o700)
        status = os.lstat(folder)
    except OSError:
        return None
    is_private = status.st_uid == os.geteuid() and status.st_mode & 0o170077 == 0o040000
    return folder if is_private else None
