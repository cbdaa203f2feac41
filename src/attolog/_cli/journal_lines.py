"""The records of a journal as lines, and those that come while it is followed."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator

from attolog import _core
from attolog._cli import colours
from attolog._cli.lines import ALL, PLAIN, Choice, Layout
from attolog._cli.query import check_columns, check_where, records_of, tables_of
from attolog._cli.show import level_and_message, line, origin, time_text
from attolog._cli.window import Window, window
from attolog._reading.journal import Journal, Record, open_journal

SEPARATOR = b"--\n"

Found = tuple[Record, str]  # with its line behind the time


class JournalLines:
    """The records of a journal as lines, and later those that came since.

    Args:
        path: The journal.
        follow: A block that is not whole yet at the end is waited for, and is no problem.
        choice: The records that are shown.
        layout: The form of their lines.
    """

    def __init__(
        self, path: str, follow: bool, choice: Choice = ALL, layout: Layout = PLAIN
    ) -> None:
        self._path = path
        self._choice = choice
        self._layout = layout
        self._follower = _core.Follower(path) if follow else None
        self._problems: tuple[str, ...] = ()
        # What was shown from the rings of dead processes, and will be in the file when recovered.
        self._early: Counter[tuple[object, ...]] | None = None
        self._names: tuple[str, ...] = ()  # of the tables, whole ones
        self._times: Window | None = None
        self._last = choice.last
        self._before: int | None = None  # the time of the line before

    def new(self) -> Iterator[bytes]:
        """The records that were not yet given, in order of time.

        Raises:
            click.UsageError: The choice names a table, column or time that there is not.
        """
        self._problems = ()
        if self._times is None:
            journal = open_journal(self._path)
            self._times = self._prepared(journal)
            if self._follower is None:
                yield from self._once(journal)
                self._problems = journal.problems
                return
        if self._follower is not None:
            yield from self._lines(self._last_of(self._matching(self._since(self._follower))))

    def problems(self) -> tuple[str, ...]:
        """What the last call of `new` found wrong with the journal."""
        return self._problems

    def close(self) -> None:
        """Let go of the files."""
        self._follower = None

    def _prepared(self, journal: Journal) -> Window:
        choice = self._choice
        if not journal.keys() and self._follower is not None:  # its tables are to come
            self._names = choice.tables
        else:
            tables = tables_of(journal, choice.tables)
            check_where(choice.where, tables)
            check_columns(choice.columns, tables, "--columns")
            self._names = tuple(table.name for table in tables)
        return window(journal, choice.since, choice.until, self._layout.local)

    def _once(self, journal: Journal) -> Iterator[bytes]:
        choice = self._choice
        if self._is_native():
            return self._native_lines(journal)
        # The native reader finds the last records, unless more conditions come behind it.
        last = choice.last if choice.grep is None and not choice.columns else None
        matching = self._matching(self._records(journal, choice.matching(), last))
        found = self._last_of(matching)
        if not choice.context:
            return self._lines(found)
        return self._with_context(self._records(journal, choice.around()), found)

    def _is_native(self) -> bool:
        """Whether the native reader makes the lines: they are plain, and of all tables or one."""
        choice, layout = self._choice, self._layout
        return (
            len(choice.tables) <= 1
            and choice.grep is None
            and not (choice.columns or choice.context)
            and not (layout.local or layout.delta or layout.is_coloured)
        )

    def _native_lines(self, journal: Journal) -> Iterator[bytes]:
        """Some whole lines at a time."""
        choice, times = self._choice, self._times or Window()
        return journal._reader.lines(
            table=self._names[0] if choice.tables else None,
            where=choice.matching(),
            last=choice.last,
            origin=self._layout.origin,
            **times._asdict(),
        )

    def _records(
        self, journal: Journal, where: str | None, last: int | None = None
    ) -> Iterator[Record]:
        times = self._times or Window()
        is_all = not self._choice.tables
        tables = [] if is_all else [journal[name] for name in self._names if name in journal]
        query = {"where": where, "last": last, **times._asdict()}
        return records_of(journal.records, tables, is_all, **query)

    def _matching(self, records: Iterable[Record]) -> Iterator[Found]:
        """The records that match what the native reader does not know of."""
        grep, columns = self._choice.grep, self._choice.columns
        for record in records:
            if columns and not any(name in record.fields for name in columns):
                continue
            text = level_and_message(record, columns)
            if grep is None or grep.search(f"{time_text(record.time, self._layout.local)} {text}"):
                yield record, text

    def _last_of(self, found: Iterator[Found]) -> Iterator[Found]:
        last, self._last = self._last, None
        return found if last is None else iter(deque(found, maxlen=last))

    def _lines(self, found: Iterable[Found]) -> Iterator[bytes]:
        return (self._line(record, text) for record, text in found)

    def _with_context(self, records: Iterable[Record], found: Iterator[Found]) -> Iterator[bytes]:
        """The matching records among those before and behind them, as `grep -C` shows them."""
        most = self._choice.context
        before: deque[Record] = deque(maxlen=most)
        sought = next(found, None)
        left = 0  # records behind the last match that are still to be shown
        is_first, is_apart = True, False
        for record in records:
            if sought is None and not left:
                return
            if sought is not None and _identity(record) == _identity(sought[0]):
                if is_apart and not is_first:
                    yield SEPARATOR
                for each in before:
                    yield self._line(each, level_and_message(each, self._choice.columns))
                yield self._line(*sought)
                before.clear()
                sought = next(found, None)
                left, is_first, is_apart = most, False, False
            elif left:
                left -= 1
                yield self._line(record, level_and_message(record, self._choice.columns))
            else:
                is_apart |= len(before) == most
                before.append(record)

    def _line(self, record: Record, text: str) -> bytes:
        layout, grep = self._layout, self._choice.grep
        stamp = time_text(record.time, layout.local)
        if layout.delta:
            since = 0 if self._before is None else record.time - self._before
            self._before = record.time
            stamp += f" {f'+{since / 1e9:.6f}s':>14}"
        shown = f"{stamp} {text}"
        if layout.origin:
            shown += origin(record)
        if layout.is_coloured:
            source = (record.file, record.line) if layout.is_linked else None
            shown = colours.paint(shown, grep.search(shown) if grep else None, source)
        return shown.encode(errors="backslashreplace") + b"\n"

    def _since(self, follower: _core.Follower) -> Iterator[Record]:
        # The files before the rings: what is recovered in between comes with the next poll.
        came = self._of(follower.poll())
        if self._early is None:
            left = list(self._of(follower.rings()))
            self._early = Counter(map(_identity, left))
            yield from heapq.merge(came, left, key=lambda record: record.time)
            return
        for record in came:
            if self._early and self._early[_identity(record)]:
                self._early[_identity(record)] -= 1
            else:
                yield record

    def _of(self, reader: _core.Reader | None) -> Iterator[Record]:
        if reader is not None:
            journal = Journal(self._path, lambda: reader)
            yield from self._records(journal, self._choice.matching())
            self._problems += journal.problems


def _identity(record: Record) -> tuple[object, ...]:
    return record.time, record.pid, record.thread, line(record)
