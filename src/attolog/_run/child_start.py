"""The start of a child process that multiprocessing starts afresh: it joins the run."""

from __future__ import annotations

import atexit
import os
import runpy
import sys
from types import CodeType, ModuleType
from typing import Any

from attolog import _core
from attolog._run.hook import compile_source
from attolog._run.options import Options
from attolog._run.session import Session


def join(*options: Any) -> None:
    """Take part in a run, as a child process of it.

    Args:
        options: Those of the run.
    """
    _core.expect_relatives()
    given = Options(*options)
    session = Session(given)
    atexit.register(session.finish, 0, given.output)
    if given.structure:
        _wrap_runpy(runpy)


def _wrap_runpy(module: ModuleType) -> None:
    """The parent's main script, which becomes `__mp_main__`, is compiled as it is there."""
    runpy: Any = module
    read = getattr(runpy, "_get_code_from_file", None)
    if read is None:
        return

    def read_compiled(*args: Any) -> Any:
        # Up to 3.12 the name that it runs by comes before the path, which is returned as well.
        # 3.15 has the name again, behind the path.
        returns_path = sys.version_info < (3, 13)
        given = args[-1 if returns_path else 0]
        path = os.fsdecode(given)
        code: CodeType | None = None
        try:
            with open(path, "rb") as file:
                made = compile_source(file.read(), path)
        except OSError:
            made = None
        if made is not None and not made.is_warned:
            code = made.code
        if code is None:
            return read(*args)
        return (code, given) if returns_path else code

    runpy._get_code_from_file = read_compiled
