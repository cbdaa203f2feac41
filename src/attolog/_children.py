"""Children that multiprocessing starts afresh log to the file of their parent's default logger.

Children that are forked do so as they are. A child that is spawned, or comes from a fork server,
gets a bundle of data to prepare itself with, and with it the words that turn its logger on. So only
multiprocessing's own processes are concerned: the environment stays as it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from attolog import _core
from attolog._core import log
from attolog._finders import call_after, found_by_others

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

_SPAWN = "multiprocessing.spawn"

# Runs in the child, before it has its parent's sys.path. A child that has no attolog goes on.
_PROGRAM = """
try:
    import sys
    try:
        import attolog
    except ImportError:
        sys.path.append({folder!r})
    from attolog._default_logger import join_parent
    join_parent({given!r})
except ImportError:
    pass
"""

# Under -X lazy_imports=all these would be imported by their first use, which is within an import.
_NEEDED = (call_after, found_by_others)

_opened: tuple[str, dict[str, Any]] | None = None


def hand_on(path: str | os.PathLike[str], options: Mapping[str, Any]) -> None:
    """Have later children log as the default logger does now.

    Args:
        path: Its file.
        options: Those that it was opened with.
    """
    global _opened
    is_first = _opened is None
    given = {name: value for name, value in options.items() if name != "append"}
    if given.get("ring_dir") is not None:
        given["ring_dir"] = os.path.abspath(given["ring_dir"])
    if given.get("rules") is not None:
        given["rules"] = {
            name: rule if isinstance(rule, str) else rule.strategy
            for name, rule in given["rules"].items()
        }
    _opened = os.path.abspath(os.fspath(path)), given
    if is_first:
        _after_import(_wrap)


def join(given: bytes) -> None:
    """Turn the default logger on, as a child process.

    Args:
        given: What `_given` made in the parent.
    """
    import pickle

    path, options, level = pickle.loads(given)
    try:
        log.level = level
        _core.open(log, path, **options)
    except (OSError, TypeError, ValueError) as error:
        line = " ".join(str(error).splitlines())
        print(f"attolog: {line}; logging is off in process {os.getpid()}", file=sys.stderr)
        return
    hand_on(path, options)


def _given() -> bytes | None:
    """What a child has to know; None where it is to do nothing."""
    if not log or _opened is None:
        return None
    import pickle  # as multiprocessing has done by now

    try:
        return pickle.dumps((*_opened, log.level))
    except Exception:  # a value of the program's own kind
        return None


class _JoinRequest:
    """Turns the logger on as it is unpickled."""

    def __init__(self, given: bytes) -> None:
        self._given = given

    def __reduce__(self) -> tuple[Any, ...]:
        folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        return exec, (_PROGRAM.format(folder=folder, given=self._given), {})


def _wrap(module: Any) -> None:
    make = module.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        data: dict[str, Any] = make(name)
        given = _given()
        if given is not None:
            data["attolog"] = _JoinRequest(given)
        return data

    module.get_preparation_data = get_preparation_data


def _after_import(function: Callable[[Any], None]) -> None:
    """Call the function with multiprocessing's module, as soon as the program has it."""
    module = sys.modules.get(_SPAWN)
    if module is not None and hasattr(module, "get_preparation_data"):
        function(module)
    else:
        sys.meta_path.insert(0, _Finder(function))


class _Finder:
    """Waits for one import, and is gone then."""

    def __init__(self, function: Callable[[Any], None]) -> None:
        self._function = function

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Find multiprocessing's module, as the finders behind this one do."""
        if fullname != _SPAWN or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = found_by_others(self, fullname, path, target)
        if spec is not None:
            call_after(spec.loader, self._function)
        return spec
