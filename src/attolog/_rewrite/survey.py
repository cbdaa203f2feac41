"""All files of a rewriting together: which are programs, which functions print for others."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from attolog._rewrite.insert import has_guard
from attolog._rewrite.source import Source, SourceError
from attolog._rewrite.wrappers import calls, wrappers


@dataclass(frozen=True, slots=True)
class WrapperUse:
    """A function that prints what it is given, and the calls that give it values.

    Attributes:
        path: Its file.
        line: The line of its print.
        name: What it is called.
        calls: The files and lines of the calls.
    """

    path: str
    line: int
    name: str
    calls: tuple[tuple[str, int], ...]


@dataclass(slots=True)
class Survey:
    """What was found in the files that were looked at.

    Attributes:
        programs: Those that can be started: with `if __name__ == "__main__":`.
        logs: Whether one of them names attolog.
    """

    programs: list[str] = field(default_factory=list)
    logs: bool = False
    _raws: dict[str, bytes] = field(default_factory=dict)
    _wrappers: list[tuple[str, int, str]] = field(default_factory=list)

    def look_at(self, path: str, raw: bytes) -> None:
        """Look at a file; what is wrong with it is said elsewhere."""
        self._raws[path] = raw
        self.logs = self.logs or b"attolog" in raw
        if b"print" not in raw and b"__main__" not in raw:
            return
        tree = _parsed(path, raw)
        if tree is None:
            return
        if has_guard(tree):
            self.programs.append(path)
        self._wrappers += [(path, each.line, each.name) for each in wrappers(tree)]

    def wrapped(self) -> list[WrapperUse]:
        """The functions that print for others, and are given values."""
        names = {name for _, _, name in self._wrappers}
        found: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
        for path, raw in self._raws.items():
            tree = _parsed(path, raw) if any(name.encode() in raw for name in names) else None
            for name, line in calls(tree, names) if tree is not None else ():
                found[name].append((path, line))
        return [
            WrapperUse(*each, tuple(found[each[2]])) for each in self._wrappers if found[each[2]]
        ]


def _parsed(path: str, raw: bytes) -> ast.Module | None:
    try:
        return Source(raw, path).parse()
    except SourceError:
        return None
