"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click


@contextmanager
def in_place_of(out: str, is_folder: bool = False) -> Iterator[str]:
    """A path to write to, which takes the place of `out` once all is written.

    Raises:
        click.UsageError: `out` is a folder that has files.
    """
    out = out.rstrip(os.sep) or out
    folder, name = os.path.split(out)
    if is_folder and os.path.isdir(out) and os.listdir(out):
        raise click.UsageError(f"{out} is a folder with files in it: name a new one")
    scratch = tempfile.mkdtemp(dir=folder or os.curdir, prefix=f".{name[:100]}.")
    try:
        path = os.path.join(scratch, name)
        if is_folder:
            os.mkdir(path)
        yield path
        os.replace(path, out)
    finally:
        with suppress(OSError):
            shutil.rmtree(scratch)
