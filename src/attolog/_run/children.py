"""Child processes that multiprocessing starts afresh take part: their program joins first.

Those that are forked take part as they are.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
    joining = f"from attolog._run.child_start import join; join{tuple(fixed)!r}; "

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
