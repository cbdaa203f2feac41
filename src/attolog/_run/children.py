"""Child processes that multiprocessing starts afresh take part: their program joins first.

Those that are forked take part as they are.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from attolog._run.hook import compile_source
from attolog._run.options import Options

if TYPE_CHECKING:
    from attolog._run.hook import Finder

_PROGRAMS = ("from multiprocessing.spawn import ", "from multiprocessing.forkserver import ")


def prepare(finder: Finder, options: Options) -> None:
    """Have the children of this process join, as soon as it can have any.

    Args:
        finder: Tells of what is imported.
        options: What is run; a child may have another folder.
    """
    fixed = options._replace(
        target="", args=(), is_module=False, output=os.path.abspath(options.output), code=None
    )
    joining = f"from attolog._run.children import join; join{tuple(fixed)!r}; "

    def wrap(module: Any) -> None:
        start = module.spawnv_passfds

        def spawnv_passfds(path: bytes, args: Sequence[Any], passfds: Sequence[int]) -> int:
            given = list(args)
            if "-c" in given:
                at = given.index("-c") + 1
                if any(each in str(given[at]) for each in _PROGRAMS):
                    given[at] = joining + given[at]
            pid: int = start(path, given, passfds)
            return pid

        module.spawnv_passfds = spawnv_passfds

    finder.after_import("multiprocessing.util", wrap)


def join(*options: Any) -> None:
    """Take part in a run, as a child process of it.

    Args:
        options: Those of the run.
    """
    import atexit
    import runpy

    from attolog import _core
    from attolog._run.session import Session

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
