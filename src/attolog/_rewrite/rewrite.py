"""A source file with its prints turned into log calls, and the proof that nothing else changed."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from attolog._rewrite.classify import Kind, Reason, Rewrite, Skip, decide
from attolog._rewrite.find import Print, doctest_prints, prints
from attolog._rewrite.insert import Insertion, Start, insertions, name_for_log
from attolog._rewrite.scopes import Scopes
from attolog._rewrite.source import Edit, Source, SourceError, is_same, parse
from attolog._rewrite.splice import splice


@dataclass(frozen=True, slots=True)
class Replacement:
    """A print that was rewritten.

    Attributes:
        line: The number of its line.
        kind: What it became.
        before: Its text.
        after: The text in its place.
        call: The call, as a tree.
        reason: Why its values are not told apart; None where they are.
    """

    line: int
    kind: Kind
    before: str
    after: str
    call: ast.Call
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class SkippedPrint:
    """A print that was left, and why."""

    line: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Options:
    """What is rewritten.

    Attributes:
        all: Also prints that only show values.
        start: Whether the logger is turned on there, as in the file in which the program starts.
        shows: Whether what is logged is printed while the logger was never turned on.
        accept: Asked for each print that could be rewritten.
    """

    all: bool = False
    start: Start = Start.NONE
    shows: bool = False
    accept: Callable[[Replacement], bool] | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a file.

    Attributes:
        old: Its bytes before.
        new: Its bytes now; those of before if nothing was rewritten.
        done: The prints that were rewritten, in the order of the source.
        left: Those that were not.
    """

    old: bytes
    new: bytes
    done: tuple[Replacement, ...] = ()
    left: tuple[SkippedPrint, ...] = ()


def rewrite(raw: bytes, name: str = "<source>", options: Options | None = None) -> Result:
    r"""Turn the prints of a source file into log calls.

    Args:
        raw: The file's bytes.
        name: Its name, for errors.
        options: What is rewritten.

    Returns:
        The new bytes. They are parsed, and their tree is the old one with the rewritten calls and
        the import in it; otherwise the file is left as it is, all prints for Reason.INTERNAL.

    Raises:
        SourceError: The file cannot be decoded or parsed.

    Example:
        >>> rewrite(b'x = 1\nprint(f"x is {x}")\n').new.decode().splitlines()[-1]
        'log("x is {x}", x)'
    """
    options = options or Options()
    if b"print" not in raw and options.start is Start.NONE:
        return Result(raw, raw)
    try:
        return _File(Source(raw, name), options).rewritten()
    except RecursionError:
        raise SourceError("too deeply nested") from None


class _File:
    def __init__(self, source: Source, options: Options) -> None:
        self._source = source
        self._options = options
        self._tree = source.parse()
        try:
            self._found = prints(self._tree)
            self._scopes = Scopes(self._tree, source.text, source.name)
        except SyntaxError as error:
            raise SourceError(f"line {error.lineno}: {error.msg}") from None
        self._edits: list[Edit] = []
        self._done: list[Replacement] = []
        self._left: list[SkippedPrint] = []

    def rewritten(self) -> Result:
        raw = self._source.raw
        calls: list[tuple[ast.Call, ast.Call]] = []
        log, is_imported = name_for_log(self._tree, self._scopes, self._found)
        for each in self._found:
            what = self._decide(each, log)
            if isinstance(what, Skip):
                self._left.append(SkippedPrint(each.line, what.reason))
            elif isinstance(each.node, ast.Call):
                calls.append((each.node, what.call))
        for line in doctest_prints(self._source, self._tree):
            self._left.append(SkippedPrint(line, Reason.DOCTEST))
        self._left.sort(key=lambda kept: kept.line)
        new_name = log if calls and not is_imported else None
        options = self._options
        inserted = insertions(
            self._source, self._tree, self._scopes, new_name, options.start, shows=options.shows
        )
        if not calls and not inserted:
            return Result(raw, raw, (), tuple(self._left))
        new = self._spliced(calls, inserted)
        if new is None:
            lines = sorted([done.line for done in self._done] + [kept.line for kept in self._left])
            return Result(
                raw, raw, (), tuple(SkippedPrint(line, Reason.INTERNAL) for line in lines)
            )
        return Result(raw, new, tuple(self._done), tuple(self._left))

    def _decide(self, found: Print, log: str) -> Rewrite | Skip:
        try:
            return self._decided(found, log)
        except RecursionError:
            return Skip(Reason.DEEP)

    def _decided(self, found: Print, log: str) -> Rewrite | Skip:
        node = found.node
        what = decide(found, self._source, self._scopes, log)
        if isinstance(what, Skip) or not isinstance(node, ast.Call):
            return what
        if what.is_plain and not self._options.all:
            return Skip(Reason.PLAIN)
        edits = splice(self._source, node, what)
        if isinstance(edits, Skip):
            return edits
        done = self._describe(node, what, edits)
        if self._options.accept is not None and not self._options.accept(done):
            return Skip(Reason.DECLINED)
        self._done.append(done)
        self._edits += edits
        return what

    def _describe(self, node: ast.Call, what: Rewrite, edits: list[Edit]) -> Replacement:
        start, stop = self._source.span(node)
        after, at = "", start
        for edit in edits:
            after += self._source.data[at : edit.start].decode() + edit.text
            at = edit.stop
        after += self._source.data[at:stop].decode()
        reason = Reason.WHOLE if what.is_whole else None
        before = self._source.segment(node)
        return Replacement(node.lineno, what.kind, before, after, what.call, reason)

    def _spliced(
        self, calls: list[tuple[ast.Call, ast.Call]], inserted: list[Insertion]
    ) -> bytes | None:
        """The new file; None if it is not what it ought to be."""
        edits = [*self._edits, *(each.edit for each in inserted)]
        try:
            new = self._source.edited(edits)
            tree = parse(Source(new, self._source.name).text, self._source.name)
        except (AssertionError, SourceError, UnicodeError):
            return None
        for old, call in calls:  # in place, which ends the use of the tree
            old.func, old.args, old.keywords = call.func, call.args, call.keywords
        for each in inserted:
            each.body[each.at : each.at] = each.statements
        return new if is_same(tree, self._tree) else None
