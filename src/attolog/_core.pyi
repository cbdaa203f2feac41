"""The native part of attolog."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import TextIOWrapper
from types import CodeType, TracebackType
from typing import (
    Any,
    Final,
    Literal,
    Never,
    NoReturn,
    ParamSpec,
    Self,
    TypeAlias,
    TypedDict,
    Unpack,
    final,
    overload,
    type_check_only,
)

from _typeshed import ReadableBuffer, SupportsWrite, structseq

from attolog._types import (
    FileOptions,
    Level,
    LogOptions,
    PathOptions,
    RingOptions,
    Rules,
    Seconds,
    Strategy,
)

_P = ParamSpec("_P")
_Path: TypeAlias = str | os.PathLike[str]
if sys.version_info >= (3, 14):
    from string.templatelib import Template

    _Words: TypeAlias = str | Template
else:
    _Words: TypeAlias = str

class Logger:
    """A logger of any kind: what a program calls to log, and what it writes in annotations.

    The classes of `attolog` make loggers; `attolog.log` is one that is there from the start, and
    off. A call never fails for what it is given: a value that cannot be shown says so in its place.
    While a logger is off (before it is opened, after `close`, with `enabled` False) calls cost next
    to nothing.

    Example:
        >>> import attolog
        >>> def serve(log: attolog.Logger) -> None:
        ...     log.info("ready")
        >>> serve(attolog.log)
        >>> isinstance(attolog.log, attolog.Logger)
        True
    """

    def __new__(cls, never: Never, /) -> NoReturn:
        """Refuse to make a logger of no kind; `AsyncFileLogger` makes one."""

    # First the text: a lone object is shown by its str().
    @overload
    def __call__(self, text: object, /) -> None:
        r"""Log an event, a message or a text.

        One word (`[A-Za-z_][\w.:-]{0,63}`) is an event's name, and the values are its columns,
        called as they are written here. Anything else is a template if there are values, in the
        language of `str.format`, and a message of level DEBUG; without values it is a text, which
        is logged as it stands.

        A template string (`t"{user} waited {ms:.1f} ms"`, from Python 3.14 on) is a template that
        has its values with it, here and wherever a template goes. The columns are called as they
        would be for the f-string, without a look at the source.

        Args:
            text: An event's name, a template, a template string, or a text without values.
            values: Its values. A value without a hole in the template is a field, too.
            fields: Values with their names.

        Raises:
            TypeError: Nothing was given at all.

        Example:
            >>> import attolog, pathlib, tempfile
            >>> path = pathlib.Path(tempfile.mkdtemp(), "run.csv")
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     log.set_time(1_700_000_000_000_000_000)
            ...     log("request", "ann", 7)
            ...     log("{user} waited {ms:.1f} ms", "ann", 12.5)
            ...     log("all done, well")
            >>> print(path.read_text(), end="")
            1700000000.000000,request,ann,7
            1700000000.000000,DEBUG,ann waited 12.5 ms
            1700000000.000000,LOG,"all done, well"
        """
    @overload
    def __call__(self, text: _Words, /, *values: object, **fields: object) -> None: ...
    @overload
    def debug(self, text: object, /) -> None:
        """Log a message of level DEBUG: a template and its values, or a text.

        Args:
            text: A text, whose braces mean nothing; with values or fields a template in the
                language of `str.format`. If it cannot be filled, the record has the template
                itself and the values.
            values: Values of its holes, in order of their first appearance.
            fields: Values for the holes of these names. A name without a hole is a field beside
                the text.

        Example:
            >>> import attolog
            >>> attolog.log.debug("{user} waited {ms:.1f} ms", "ann", ms=12.5)
        """
    @overload
    def debug(self, text: _Words, /, *values: object, **fields: object) -> None: ...
    @overload
    def info(self, text: object, /) -> None:
        """Log a message of level INFO; as `debug`.

        Example:
            >>> import attolog
            >>> attolog.log.info("listening on {port}", port=80)
        """
    @overload
    def info(self, text: _Words, /, *values: object, **fields: object) -> None: ...
    @overload
    def warning(self, text: object, /) -> None:
        """Log a message of level WARNING; as `debug`.

        Example:
            >>> import attolog
            >>> attolog.log.warning("queue {n} is full", 3)
        """
    @overload
    def warning(self, text: _Words, /, *values: object, **fields: object) -> None: ...
    @overload
    def error(self, text: object, /) -> None:
        """Log a message of level ERROR; as `debug`.

        Example:
            >>> import attolog
            >>> attolog.log.error("{file} is missing", file="users.csv")
        """
    @overload
    def error(self, text: _Words, /, *values: object, **fields: object) -> None: ...
    @overload
    def critical(self, text: object, /) -> None:
        """Log a message of level CRITICAL; as `debug`.

        Example:
            >>> import attolog
            >>> attolog.log.critical("out of memory")
        """
    @overload
    def critical(self, text: _Words, /, *values: object, **fields: object) -> None: ...
    @overload
    def exception(self, text: object, /) -> None:
        """Log a message of level ERROR and the exception being handled; as `debug`.

        Its traceback is one more field, `exception`.

        Example:
            >>> import attolog
            >>> try:
            ...     1 / 0
            ... except ZeroDivisionError:
            ...     attolog.log.exception("request {id} failed", id=7)
        """
    @overload
    def exception(self, text: _Words, /, *values: object, **fields: object) -> None: ...
    def log(self, text: object, /) -> None:
        """Log a text as it stands: in a text file that and a newline, nothing else.

        Example:
            >>> import attolog
            >>> attolog.log.log('{"a": 1}')
        """

    def print(
        self,
        *values: object,
        sep: str | None = " ",
        end: str | None = "\n",
        file: SupportsWrite[str] | None = None,
        flush: bool = False,
    ) -> None:
        """Log what `print` would write; its own signature.

        Args:
            values: What is printed.
            sep: What stands between values.
            end: What stands behind the last.
            file: If given, print there, and log nothing.
            flush: Means nothing, since the writer flushes by itself.

        Raises:
            TypeError: sep or end is no str, or there is another keyword.

        Example:
            >>> import attolog
            >>> attolog.log.print("queue", 3, sep=": ")
        """

    @overload
    def event(
        self, definition: Callable[_P, None], /, *, strategy: str | Strategy | None = None
    ) -> Callable[_P, None]:
        """Declare an event: the cheapest call there is, and one that checkers know.

        Args:
            definition: A function: its name is the event's, its parameters are the fields, and its
                body is not run. Or the event's name.
            fields: The names of its fields, behind the event's name.
            strategy: The strategy of the event, such as "sample:0.01" or `Every(100)`; it goes
                before the logger's own strategy and rules. Without a definition the result is a
                decorator.

        Returns:
            A function that logs the event. It takes the fields by position or by name.

        Raises:
            TypeError: The definition is neither a function nor a name, or it has `*` or `**`.
            ValueError: The name is not one word, or one of attolog's own rows is called so; or the
                logger cannot follow the strategy.

        Example:
            >>> import attolog
            >>> @attolog.log.event
            ... def request(user: str, path: str, ms: float) -> None: ...
            >>> request("ann", "/index.html", 12.5)
            >>> login = attolog.log.event("login", "user", "attempts")
            >>> login("ann", 2)
            >>> @attolog.log.event(strategy="sample:0.01")
            ... def cache(key: str, is_hit: bool) -> None: ...
        """
    @overload
    def event(
        self, definition: str, /, *fields: str, strategy: str | Strategy | None = None
    ) -> Callable[..., None]: ...
    @overload
    def event(
        self, definition: None = None, /, *, strategy: str | Strategy
    ) -> Callable[[Callable[_P, None]], Callable[_P, None]]: ...
    def bind(self, /, **fields: object) -> Logger:
        """Make a logger whose every record has these fields too, behind its own.

        Everything else it shares with this one: it is turned on, off and closed with it.

        Args:
            fields: Values as of now, with their names.

        Raises:
            TypeError: A field was given without a name.

        Example:
            >>> import attolog
            >>> log = attolog.log.bind(request=17)
            >>> log("login", "ann")
        """

    @property
    def level(self) -> Level:
        """The least level of messages that are logged; events, texts and prints have none.

        Raises:
            ValueError: It is set to something else than a level.

        Example:
            >>> import attolog
            >>> attolog.log.level = "INFO"
            >>> attolog.log.level
            'INFO'
            >>> attolog.log.level = "DEBUG"
        """
    @level.setter
    def level(self, level: Level, /) -> None: ...
    @property
    def enabled(self) -> bool:
        """Whether anything is logged at all; True at first.

        Raises:
            TypeError: It is set to something else than True or False.

        Example:
            >>> import attolog
            >>> attolog.log.enabled
            True
        """
    @enabled.setter
    def enabled(self, enabled: bool, /) -> None: ...
    @property
    def path(self) -> str | None:
        """The log file; None while there is none.

        Example:
            >>> import attolog
            >>> attolog.log.path is None
            True
        """

    @property
    def counts(self) -> Counts:
        """What became of the calls so far.

        Example:
            >>> import attolog
            >>> attolog.log.counts.calls
            0
        """

    def set_time(self, ns: int | None, /) -> None:
        """Stamp records with a time of the program's own, as in a simulation.

        Args:
            ns: Nanoseconds since 1970, within 64 bits; None for the clock's time again.

        Raises:
            TypeError: It is no int.
            ValueError: It does not fit into 64 bits.

        Example:
            >>> import attolog
            >>> attolog.log.set_time(1_700_000_000_000_000_000)
            >>> attolog.log.set_time(None)
        """

    def open(self, path: _Path, **options: Unpack[FileOptions]) -> Self:
        """Send the records to a file from now on: turn the logger on, or over to another file.

        This is for `attolog.log` and for loggers with a file of their own. Level, events and bound
        loggers stay as they are, and so does the strategy of a `SampledLogger` or `StatsLogger`. A
        file that was open before is finished in the background.

        Where `ATTOLOG` or `ATTOLOG_CONFIG` is set in the environment, that decides for
        `attolog.log`, and this call changes nothing. Processes that `multiprocessing` starts later
        log to the file of `attolog.log` too.

        Args:
            path: The log file. Its suffix gives the format: .csv, .jsonl, .log or .txt, .atto.
            options: Those of `AsyncFileLogger`; an option that is not given has its default. Only
                `rules` stay as they were, except those of `attolog.log`.

        Returns:
            The logger, for `with log.open(path):`, which closes it.

        Raises:
            OSError: The file cannot be opened; the logger stays as it was.
            TypeError: An option is unknown or of the wrong type. Or the logger has no file: it is a
                `CircularLogger`, or passes its records to other loggers.
            ValueError: An option is out of range, or the suffix is none of those above.

        Example:
            >>> import attolog, tempfile
            >>> folder = tempfile.mkdtemp()
            >>> with attolog.log.open(folder + "/run.atto"):
            ...     attolog.log("request", user="ann")
            >>> attolog.read(folder + "/run.atto").events
            {'request': 1}
            >>> few = attolog.SampledLogger(folder + "/monday.atto", 0.5)
            >>> few = few.open(folder + "/tuesday.atto")  # a share of one half, in another file
            >>> few.close()
            True
        """

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was logged is in the file, and with `echo` on the screen.

        Args:
            timeout: How long at most, in seconds; None for as long as it takes.

        Returns:
            Whether all of it is there; True while the logger is off.

        Raises:
            TypeError: The timeout is no number.
            ValueError: It is negative, or not a number (nan).

        Example:
            >>> import attolog
            >>> attolog.log.flush(timeout=1.5)
            True
        """

    def close(self, timeout: float | None = 5.0) -> bool:
        """Flush and stop logging. Calls that come later count as dropped.

        Args:
            timeout: How long to wait at most, in seconds; None for as long as it takes. What is
                not in the file by then is still written in the background.

        Returns:
            Whether all of it is in the file, and with `echo` on the screen; True if the logger was
            off, or closed before.

        Raises:
            TypeError: The timeout is no number.
            ValueError: It is negative, or not a number (nan).

        Example:
            >>> import attolog, tempfile
            >>> attolog.AsyncFileLogger(tempfile.mkdtemp() + "/run.csv").close()
            True
        """

    def __bool__(self) -> bool:
        """Whether the logger is on."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> Literal[False]:
        """Close the logger."""

@final
class AsyncFileLogger(Logger):
    """Writes every record to a file, in the background.

    The suffix of the path gives the format: `.csv`, `.jsonl` (JSON Lines), `.log` and `.txt` (text,
    a pattern's line for each record), `.atto` (journal).

    Args:
        path: The log file; missing folders are made, `{pid}` and `{time}` are filled in.
        buffer_size: What a thread's ring holds, in records of some 64 bytes: 1 to 16,777,216. It
            begins smaller, and grows with the first burst.
        buffer_bytes: The size of a thread's ring in bytes, 65,536 to 1,073,741,824, rounded up to a
            power of two; it goes before `buffer_size`. Without either a ring has 4 MiB.
        on_full: What a call does that finds its ring full: "block" waits, so that nothing is lost;
            "drop" never waits. What is dropped is counted, and said in the file.
        block_timeout: How long "block" waits at most, in seconds or as "500ms", "1s", "5m"; then
            the record is dropped. None to wait without a limit.
        exit_timeout: How long the end of the program waits for the file at most; what is left in
            the rings by then is kept for recovery. Seconds, or as "500ms", "1s", "5m".
        max_record: The longest text or bytes of a value, in bytes, 1,024 to 1,073,741,824; longer
            ones are cut, and end with their length: `... [cut; 5000 bytes]`.
        ring_dir: The folder for the rings; None for shared memory, which survives the process, but
            not the machine.
        append: Whether to go on behind what the file has already. If not, what dead processes still
            had for it is put into it first, then it is replaced.
        columns: CSV only: pack the cells from this number on (3 to 1,000) into one, so that all
            rows have as many. None for rows as they are.
        digits: Digits behind the second in time stamps, 6 or 9.
        pattern: Text files only: the line of a record, a format string over time, level, message,
            event, thread, file, line and function. None for "{time} {level:<8} {message}".
        weight: CSV only: show how many calls a sampled record stands for, in its row's last cell.
        fsync_interval: How often the file is put onto the disk itself, in seconds or as "500ms",
            "1s", "5m"; None to leave that to the system.
        echo: Also show what is logged, as the text that `print` would have written: messages of
            level WARNING and above on standard error, all else on standard output. The writer does
            it, some 10 ms behind; `flush`, `close` and the end of the program wait for it.
        rules: Strategies of sites by their names: the exact name, else the longest pattern that
            fits, as in {"request": "sample:0.01", "cache": "off"}. Messages go by their template
            or their level, texts by LOG, prints by PRINT.

    Raises:
        OSError: The file cannot be opened, or rings not be made; the message names the path.
        TypeError: An option is unknown or of the wrong type.
        ValueError: An option is out of range, or the path's suffix gives no format.

    Example:
        >>> import attolog, tempfile
        >>> path = tempfile.mkdtemp() + "/run.csv"
        >>> with attolog.AsyncFileLogger(path, buffer_size=10000, digits=9) as log:
        ...     log("request", user="ann", ms=7)
        >>> log.counts.written
        1
    """

    def __new__(
        cls,
        path: _Path,
        buffer_size: int = 65_536,
        *,
        buffer_bytes: int | None = None,
        on_full: Literal["block", "drop"] = "block",
        block_timeout: Seconds | None = None,
        exit_timeout: Seconds = 5.0,
        max_record: int = 268_435_456,
        ring_dir: _Path | None = None,
        append: bool = True,
        columns: int | None = None,
        digits: Literal[6, 9] = 6,
        pattern: str | None = None,
        weight: bool = False,
        fsync_interval: Seconds | None = None,
        echo: bool = False,
        rules: Rules | None = None,
    ) -> Self: ...

@final
class SampledLogger(Logger):
    """Keeps a share of the calls, each record with its weight.

    What is left out is decided before anything is encoded, and counted. The weight of a record (its
    field `weight`) is how many calls it stands for, so that sums over it tell of all of them: a
    journal's tables give estimates with intervals. Messages of level WARNING and above are kept
    whatever the rate, unless a rule names their level or their template.

    Args:
        target: A path, which the logger opens with `options`, or another logger, which it passes
            records on to and leaves open when it is closed itself.
        rate: The share that is kept, above 0 and at most 1; 0.01 if nothing is said.
        key: Keep all records with one value of this field, or none of them: by a hash that is equal
            in every process. Where a site has no such field, chance decides.
        strategy: In place of a rate: `Every(n)`, `First(n)`, `Cap(per_second)`, `Budget(share)`, or
            a strategy's spelling such as "every:100".
        seed: Of chance and of the hash. Without it chance has a new seed in each run, and the hash
            has one that never changes.
        rules: As for `AsyncFileLogger`; what they name goes before rate and strategy.
        options: Those of `AsyncFileLogger`, for a path.

    Raises:
        OSError: The file cannot be opened.
        TypeError: An argument is unknown or of the wrong type.
        ValueError: One is out of range.

    Example:
        >>> import attolog, tempfile
        >>> path = tempfile.mkdtemp() + "/few.atto"
        >>> with attolog.SampledLogger(path, strategy=attolog.Every(10), seed=1) as few:
        ...     for ms in range(1000):
        ...         few("request", ms=ms)
        >>> few.counts.written, few.counts.sampled_out
        (100, 900)
        >>> next(attolog.read(path).records()).fields["weight"]
        10.0
    """

    def __new__(
        cls,
        target: _Path | Logger,
        rate: float = 0.01,
        *,
        key: str | None = None,
        strategy: str | Strategy | None = None,
        seed: int | None = None,
        rules: Rules | None = None,
        **options: Unpack[LogOptions],
    ) -> Self: ...

@final
class StatsLogger(Logger):
    """Writes statistics of each window of time, in place of records.

    A call is as quick as any: the writer aggregates. Windows follow each other since 1970, by the
    times of the records; they end also where no call comes, and survive a kill. Each gives events
    named STATS: for each event and each value of `by` a row with `count` and `rate` (per second),
    then one for each numeric field with sum, min, max, mean, p50, p90, p99 and p999. Quantiles come
    from an exponential histogram as OpenTelemetry has it, and are right within `error`, a share of
    the value; a journal's rows have the histogram itself (`sketch`), so that they can be merged.

    Args:
        target: A path, which the logger opens with `options`, or another logger, in whose file the
            rows stand. None prints a line for each window to the standard output.
        window: Its length in seconds, or as "500ms", "1s", "5m"; from 1 us.
        by: Names of fields: a group for each combination of their values, 1,000 at most for an
            event and window; the others are counted together as `(others)`.
        rules: As for `AsyncFileLogger`; what they name goes before the statistics.
        options: Those of `AsyncFileLogger`, for a path.

    Raises:
        OSError: The file cannot be opened.
        TypeError: An argument is unknown or of the wrong type.
        ValueError: One is out of range.

    Example:
        >>> import attolog, tempfile
        >>> path = tempfile.mkdtemp() + "/rates.atto"
        >>> with attolog.StatsLogger(path, window="1s", by=("user",)) as stats:
        ...     for ms in range(100):
        ...         stats("request", user="ann", ms=ms)
        >>> row = [r.fields for r in attolog.read(path).records() if r.fields["field"]][0]
        >>> row["of"], row["user"], row["field"], row["count"], row["max"]
        ('request', 'ann', 'ms', 100, 99)
    """

    def __new__(
        cls,
        target: _Path | Logger | None = None,
        window: Seconds = 1.0,
        by: str | Sequence[str] = (),
        *,
        rules: Rules | None = None,
        **options: Unpack[LogOptions],
    ) -> Self: ...
    def log_event(self) -> None:
        """Count one event that has no name of its own; its rows are those of `EVENT`."""

    def snapshot(self) -> list[dict[str, Any]]:
        """Read the windows that are open.

        Returns:
            Their rows as they would be if they ended now, as dicts by column.

        Example:
            >>> import attolog, os
            >>> stats = attolog.StatsLogger(os.devnull, window="5m")
            >>> stats.log_event()
            >>> stats.snapshot()[0]["count"]
            1
            >>> stats.close()
            True
        """

    @property
    def window_sec(self) -> float:
        """The length of a window in seconds.

        Raises:
            TypeError: It is set to something else than seconds.
            ValueError: They are out of range.
        """
    @window_sec.setter
    def window_sec(self, seconds: Seconds, /) -> None: ...

@final
class CircularLogger(Logger):
    r"""Keeps the last records of the process in memory, until something asks for them.

    They are kept in order of time in shared memory that survives the process, and overwritten in
    place: `attolog recover PID -o FILE` saves what a killed process, or a living one, holds. The
    log saves itself on an unhandled exception (of the program, a thread or an event loop), on
    signals, on `trigger`, and when an expression is true of a record.

    Args:
        max_size: How many records at most, 1 to 1,073,741,824.
        max_bytes: The memory for them; None for `max_size` times 128 bytes. If they do not fit into
            it fewer are held, which `len` says. Each thread has a ring besides (2 MiB at most).
        when: An expression over the fields of a record, such as "ms > 50 and user == 'ann'",
            which the writer evaluates (it saves itself by that once a second at most, and 100
            times); or a callable that is given each record's fields as a dict, and is run at the
            call.
        before: How much of what came before is saved, in seconds or as "500ms", "1s", "5m"; None
            for all there is.
        after: How long the log waits for what comes after before it saves itself; None not at all.
        path: Where it saves itself; `{pid}`, `{time}` and `{n}`, a number, are filled in. The
            suffix gives the format.
        signals: Signals to save it on, by name or number; all but SIGUSR1 and SIGUSR2 then go on
            to do what they did before.
        rules: As for `AsyncFileLogger`: off, or samples.
        options: Of the rings: `buffer_size`, `buffer_bytes`, `on_full`, `block_timeout`,
            `max_record`, `ring_dir`.

    Raises:
        OSError: There is no memory for it.
        TypeError: An argument is unknown or of the wrong type.
        ValueError: One is out of range, or `when` is no expression.

    Example:
        >>> import attolog, pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "events.log")
        >>> box = attolog.CircularLogger(2)
        >>> for n in range(5):
        ...     box.log(f"Event: {n}")
        >>> len(box), box.counts.overwritten
        (2, 3)
        >>> box.save(path)
        2
        >>> path.read_text().split("\n")
        ['Event: 3', 'Event: 4', '']
        >>> box.close()
        True
    """

    def __new__(
        cls,
        max_size: int = 100_000,
        *,
        max_bytes: int | None = None,
        when: str | Callable[[dict[str, Any]], object] | None = None,
        before: Seconds | None = None,
        after: Seconds | None = None,
        path: _Path = "circular-{pid}-{n}.atto",
        signals: str | int | Iterable[str | int] = (),
        rules: Rules | None = None,
        **options: Unpack[RingOptions],
    ) -> Self: ...
    def __len__(self) -> int:
        """How many records it holds."""

    def save(self, path: _Path, **options: Unpack[PathOptions]) -> int:
        """Write what the log holds to a file, in place of what is there; it goes on holding it.

        Args:
            path: The file, whose suffix gives the format.
            options: What shapes rows, as for `AsyncFileLogger`: `digits`, `columns`, `pattern`,
                `weight`.

        Returns:
            How many records.

        Raises:
            OSError: The file cannot be written; what was there stays.
            TypeError: An option is unknown or of the wrong type.
            ValueError: The path's suffix gives no format, or the logger is closed.
        """

    def trigger(self, reason: str, /) -> str:
        """Have the log save itself, once what comes `after` has been logged.

        Args:
            reason: Stands in the file as an event named TRIGGER.

        Returns:
            Where.

        Raises:
            TypeError: The reason is no str.
            ValueError: The logger is closed.
        """

@final
class Counts(structseq[int], tuple[int, int, int, int, int, int, int]):
    """What became of a logger's calls; `calls` is the sum of the others, always.

    Example:
        >>> import attolog
        >>> calls, *others = attolog.log.counts
        >>> calls == sum(others)
        True
    """

    __match_args__: Final = (
        "calls",
        "written",
        "waiting",
        "dropped",
        "sampled_out",
        "aggregated",
        "overwritten",
    )
    @property
    def calls(self) -> int:
        """Accepted calls: the sum of the others."""

    @property
    def written(self) -> int:
        """Records in the file."""

    @property
    def waiting(self) -> int:
        """Records on their way to it."""

    @property
    def dropped(self) -> int:
        """Records not taken, because there was no room or the logger was closed."""

    @property
    def sampled_out(self) -> int:
        """Records left out on request."""

    @property
    def aggregated(self) -> int:
        """Records that went into statistics."""

    @property
    def overwritten(self) -> int:
        """Records of a circular log that later ones replaced."""

_Kind: TypeAlias = Literal["event", "message", "text", "print", "dropped", "clock"]
_Record: TypeAlias = tuple[
    int,
    _Kind,
    str,
    str | None,
    str,
    int,
    tuple[str, ...],
    tuple[Any, ...],
    str,
    str | None,
    int | None,
    str | None,
    str,
]

@type_check_only
class _ColumnFigures(TypedDict):
    name: str
    kind: Literal["number", "bool", "text", "other"]
    count: int
    min: float | None
    max: float | None
    sum: float | None
    mean: float | None
    p50: float | None
    p99: float | None
    not_finite: int
    top: list[tuple[str | bool, float]]
    distinct: int | None
    exact: bool

@type_check_only
class _Figures(TypedDict):
    rows: int
    weight: float
    first: int | None
    last: int | None
    bytes: int
    levels: dict[str, float]
    histogram: list[float]
    span: tuple[int, int] | None
    columns: list[_ColumnFigures]

@type_check_only
class _TableFigures(_Figures, total=False):
    groups: dict[Any, _Figures]

@final
class Reader:
    """Journals, and what their dead processes left in their rings; `attolog.read` uses it.

    Args:
        paths: The journals. Their parts need not be named.
        ring_dir: The folder of the rings, as given to `AsyncFileLogger`.
        check: Read and check all records at once, not when they are asked for.

    Raises:
        OSError: A file cannot be read.
        ValueError: No file is a journal: no block of one is in them.
    """

    def __new__(
        cls, paths: tuple[str, ...], ring_dir: str | None = None, check: bool = False
    ) -> Self: ...
    def tables(self) -> list[tuple[str, _Kind, int, int, int, str | None]]:
        """(name, kind, rows, time of the first in ns, of the last, policies) of each table.

        The policies are those of its samples, with ", " between; None if nothing was sampled.
        """

    def problems(self) -> list[str]:
        """Say what is wrong with the files, a sentence for each."""

    def runs(self) -> list[tuple[str, int, int, list[int]]]:
        """(id, time of the first record in ns, of the last, process ids) of each run."""

    def run(self, run: str, /) -> Reader:
        """Make a reader of one run's records."""

    def processes(self) -> list[tuple[int, str, int, int, int, list[str]]]:
        """(pid, run, time of the first record in ns, of the last, records, threads) of each.

        A pass over all records, without the GIL.
        """

    def stream(
        self,
        name: str,
        origin: bool = False,
        nested: bool = True,
        *,
        columns: tuple[str, ...] | None = None,
        since: int | None = None,
        until: int | None = None,
        last: int | None = None,
        where: str | None = None,
    ) -> object:
        """Make an Arrow stream of a table, as a PyCapsule; "*" is all records.

        Several threads decode the blocks that are needed, without the GIL.

        Args:
            name: The table.
            origin: It ends with file, line, function, thread, pid and run.
            nested: Lists and dicts have types of their own; else they are text.
            columns: Only these columns, in this order; None for all.
            since: The first time in nanoseconds since 1970.
            until: The last time.
            last: No more than so many records, the last ones.
            where: An expression, as in `when=`, that the records match.

        Raises:
            KeyError: There is no such table, or it has no such column.
            ValueError: `where` is no expression.
        """

    def records(
        self,
        *,
        table: str | None = None,
        since: int | None = None,
        until: int | None = None,
        last: int | None = None,
        where: str | None = None,
    ) -> Iterator[_Record]:
        """Iterate over the records of a table, or all; the other arguments are those of `stream`.

        It is (time, kind, name, level, thread, pid, names of fields, values, text, file, line,
        function, run).
        """

    def fields(
        self, name: str, origin: bool = False, nested: bool = True, /
    ) -> tuple[tuple[str, str, str, Any], ...]:
        """(name, Arrow's format, note, inner fields) of each column of a table.

        The arguments are those of `stream`. The note says why a column is text that was not written
        as text.

        Raises:
            KeyError: There is no such table.
        """

    def column(
        self,
        name: str,
        tables: tuple[tuple[str, str], ...],
        *,
        since: int | None = None,
        until: int | None = None,
        where: str | None = None,
    ) -> object:
        """Make an Arrow stream of a column of several tables, as a PyCapsule.

        Its columns are time, table (a label), the column, and those that all of these tables have.

        Args:
            name: The column.
            tables: The name and the label of each table.
            since: The first time in nanoseconds since 1970.
            until: The last time.
            where: An expression, as in `when=`, that the records match.

        Raises:
            KeyError: There is no such table, or one of them has no such column.
            ValueError: `where` is no expression.
        """

    def lines(
        self,
        *,
        table: str | None = None,
        where: str | None = None,
        since: int | None = None,
        until: int | None = None,
        last: int | None = None,
        origin: bool = False,
    ) -> Iterator[bytes]:
        """Iterate over the records as lines of text, some whole lines at a time.

        A line is what `attolog cat` shows. Several threads make them, without the GIL.

        Args:
            table: Only records of this table.
            where: An expression, as in `when=`, that the records match.
            since: The first time in nanoseconds since 1970.
            until: The last time.
            last: No more than so many records, the last ones.
            origin: Lines end with file, line, function, thread, process and run.

        Raises:
            KeyError: There is no such table.
            ValueError: `where` is no expression.

        Example:
            >>> import attolog, tempfile
            >>> from attolog import _core
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     log("request", user="ann")
            >>> b"".join(_core.Reader((path,)).lines()).split()[1:]
            [b'EVENT', b'request', b'user=ann']
        """

    def summarize(
        self,
        table: str,
        *,
        columns: tuple[str, ...] | None = None,
        where: str | None = None,
        since: int | None = None,
        until: int | None = None,
        bins: int = 0,
        by: str | None = None,
    ) -> _TableFigures:
        """Make the figures of a table, in one pass by several threads, without the GIL.

        A sampled record counts as the calls that it stands for, except in `rows` and `count`.

        Args:
            table: The table.
            columns: The columns whose figures are wanted; None for all. With () and no other
                argument, no block is decoded.
            where: An expression, as in `when=`, that the records match.
            since: The first time in nanoseconds since 1970.
            until: The last time.
            bins: The histogram counts the calls in so many stretches of time: 100,000 at most, and
                1,000 with `by`.
            by: A column; the records of each of its values have figures of their own.

        Returns:
            `rows` are the records, `weight` the calls that they stand for, `first` and `last`
            their times, `bytes` their room in the file. `levels` counts the calls by level; it
            is empty where no block is decoded. The `histogram` counts the calls from the
            first to the last time of `span`: that of the table, between `since` and `until`.

            A column has the `count` of its values that are not None. The figures of numbers are
            None where it has none. Floats that are NaN or infinite are in `not_finite` alone.
            `p50` and `p99` are off by one percent at most. `top` has the ten most frequent texts
            and bools, and `distinct` the number of different ones. They are `exact` up to 4,096
            texts of 256 bytes. Beyond, rare texts are forgotten, and counts are a little too low.

            There are `groups` only with `by`, 1,000 at most: of the first values that come. The
            records of later ones are in the group "(others)". A record without the column is in the
            group None.

        Raises:
            KeyError: There is no such table, or it has no such column.
            ValueError: `where` is no expression.

        Example:
            >>> import attolog, tempfile
            >>> from attolog import _core
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     log("request", user="ann", ms=70)
            ...     log("request", user="bob", ms=20)
            >>> figures = _core.Reader((path,)).summarize("request", by="user")
            >>> figures["rows"], figures["columns"][1]["max"]
            (2, 70)
            >>> {user: each["rows"] for user, each in figures["groups"].items()}
            {'ann': 1, 'bob': 1}
        """

    def summarize_all(
        self,
        *,
        where: str | None = None,
        since: int | None = None,
        until: int | None = None,
        bins: int = 0,
    ) -> list[_Figures]:
        """Make the figures of all tables in one pass, in the order of `tables()`.

        The arguments are those of `summarize`.
        """

    def samples(
        self, name: str, field: str | None, keys: tuple[str, ...], /
    ) -> Iterator[tuple[str | None, int, int, float, Any, tuple[Any, ...]]]:
        """(policy, site, pid, weight, value, keys) of a table's records.

        Args:
            name: The table.
            field: The field whose value is wanted.
            keys: Fields whose values are wanted as well; None where the table has none of the name.

        Returns:
            The policy is None, and the weight 1, of a record that was not sampled.

        Raises:
            KeyError: There is no such table, or it has no such field.
        """

@final
class Follower:
    """Follows a journal that is still written to; `attolog cat -f` uses it.

    Args:
        path: The journal.
        ring_dir: The folder of the rings, as given to `AsyncFileLogger`.

    Raises:
        OSError: A file cannot be read.

    Example:
        >>> import attolog, tempfile
        >>> from attolog import _core
        >>> path = tempfile.mkdtemp() + "/run.atto"
        >>> with attolog.AsyncFileLogger(path) as log:
        ...     log("request", user="ann")
        >>> follower = _core.Follower(path)
        >>> follower.poll().tables()[0][:3]
        ('request', 'event', 1)
        >>> follower.poll() is None
        True
    """

    def __new__(cls, path: str, ring_dir: str | None = None) -> Self: ...
    def poll(self) -> Reader | None:
        """Read what the journal and its parts, new ones included, got since the last call.

        A block that is not whole yet at the end of a file is waited for. A file that was renamed or
        removed is read to its end; of one that was shortened, what is new in it is read.

        Returns:
            None if no file has changed.

        Raises:
            OSError: A file cannot be read.
            ValueError: The file is no journal: no block of one is in it.
        """

    def rings(self) -> Reader:
        """Read what dead processes have left in their rings, and that is in no file yet.

        Raises:
            OSError: A ring cannot be read.
        """

@type_check_only
class _Recovery(TypedDict):
    records: int
    sessions: int
    living: int
    messages: list[str]

@type_check_only
class _PlaceRecovery(_Recovery):
    gone: int
    forgotten: int
    circular: list[tuple[int, int]]

@type_check_only
class _Places(TypedDict):
    shm: str
    homes: list[str]
    ends: list[str]
    folders: list[str]

log: Final[Logger]
is_tsc: Final[bool]
"""Whether times are read from the counter of the processor, and not by clock_gettime."""
"""The program's logger: one object for life, off until `init_logger` or `ATTOLOG` turns it on."""

def open(  # noqa: A001
    logger: Logger,
    path: _Path,
    /,
    *,
    strategy: str | Strategy | None = None,
    **options: Unpack[FileOptions],
) -> None:
    """Send a logger's records to a file from now on.

    Args:
        logger: The logger; its events and bound loggers follow.
        path: The log file.
        strategy: What becomes of sites that no rule names; None for "all".
        options: Those of `AsyncFileLogger`.

    Raises:
        OSError: The file cannot be opened; the logger stays as it was.
        TypeError: An option is unknown or of the wrong type.
        ValueError: An option is out of range, or the path's suffix gives no format.

    Example:
        >>> import tempfile
        >>> from attolog import _core
        >>> _core.open(_core.log, tempfile.mkdtemp() + "/run.csv", append=False)
        >>> _core.log.close()
        True
    """

def rescue(
    pid: int, path: _Path, /, *, check: bool = False, **options: Unpack[PathOptions]
) -> _Recovery:
    """Save what the circular logs of a process hold, of a killed one or of one that goes on.

    Args:
        pid: The process.
        path: The file, which is replaced; its suffix gives the format.
        check: Only count, change nothing.
        options: Those of `CircularLogger.save`, and `ring_dir`.

    Returns:
        How many records of how many logs; `living` is 1 if the process goes on; and what could not
        be done, a sentence for each. Logs of a killed process are done with then.

    Raises:
        OSError: The file cannot be written; what the process left stays.
        TypeError: An option is unknown or of the wrong type.
        ValueError: The path's suffix gives no format.

    Example:
        >>> import attolog, os, tempfile
        >>> from attolog import _core
        >>> box = attolog.CircularLogger(2)
        >>> for n in range(5):
        ...     box("E", n)
        >>> _core.rescue(os.getpid(), tempfile.mkdtemp() + "/box.csv")["records"]
        2
        >>> box.close()
        True
    """

def tee(*loggers: Logger, rules: Rules | None = None) -> Logger:
    """Make a logger whose calls go to each of `loggers`, by the strategies of each.

    It opens nothing: closing it flushes the others, and its counts are those of the records that
    they took.

    Args:
        loggers: One or more.
        rules: As for `AsyncFileLogger`.

    Raises:
        TypeError: One of them is no logger, or there is none.

    Example:
        >>> import attolog, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> full = attolog.AsyncFileLogger(folder + "/full.atto")
        >>> few = attolog.SampledLogger(folder + "/few.atto", strategy="every:10")
        >>> both = attolog.tee(full, few)
        >>> for n in range(100):
        ...     both("request", n)
        >>> both.close(), full.counts.written, few.counts.written
        (True, 100, 10)
        >>> full.close() and few.close()
        True
    """

@final
class PrintingLogger(Logger):
    """The default logger, which prints until it is turned on; see `attolog.prints`."""

def printing_logger(logger: Logger, /) -> PrintingLogger:
    """Give a logger that shares all with another one, and prints until that is turned on.

    Example:
        >>> from attolog import _core
        >>> log = _core.printing_logger(_core.AsyncFileLogger("/dev/null"))
        >>> log.close()
        True
    """

def set_environment(logger: Logger, rules: Rules, /) -> None:
    """Give a logger rules of the environment, which go before those of the program.

    Raises:
        TypeError: They are no dict from names to strategies.
        ValueError: One is no strategy.

    Example:
        >>> from attolog import _core
        >>> _core.set_environment(_core.log, {"request": "sample:0.01"})
        >>> _core.set_environment(_core.log, {})
    """

def check_strategy(text: str, /) -> str:
    """Read a strategy.

    Returns:
        The strategy as it is understood.

    Raises:
        TypeError: It is no text.
        ValueError: It is no strategy; the message says what is allowed.

    Example:
        >>> from attolog import _core
        >>> _core.check_strategy("stats:500ms@user")
        'stats:0.5s@user'
    """

def control_list() -> list[tuple[int, str, int]]:
    """List the processes of this user that can be asked, the oldest first.

    Returns:
        Of each its number, what it was started with, and when, in nanoseconds since 1970.

    Raises:
        OSError: Their folder cannot be used.

    Example:
        >>> import attolog, os, tempfile
        >>> from attolog import _core
        >>> with attolog.AsyncFileLogger(tempfile.mkdtemp() + "/run.csv"):
        ...     os.getpid() in [pid for pid, _, _ in _core.control_list()]
        True
    """

def control_ask(pid: int, request: str, timeout: float = 2.0) -> str | None:
    """Ask a process; `cpp/python/types/control.hpp` says what it understands.

    Args:
        pid: The number of the process.
        request: A line of text.
        timeout: How long to wait at most, in seconds.

    Returns:
        What it answers; None if there is no such process, or it did not take the request in time:
        then nothing is changed, and will not be.

    Raises:
        OSError: Its page cannot be used.
        TimeoutError: It has taken the request, and has not answered yet.
        ValueError: The request is too long.

    Example:
        >>> import attolog, os, tempfile
        >>> from attolog import _core
        >>> with attolog.AsyncFileLogger(tempfile.mkdtemp() + "/run.csv"):
        ...     _core.control_ask(os.getpid(), "set request=sample:0.1")
        ...     _core.control_ask(os.getpid(), "unset request")
        'ok request=sample:0.1'
        'ok request'
    """

def places(path: str, ring_dir: str | None = None) -> _Places:
    """Say where the rings of a log file go.

    Args:
        path: The log file.
        ring_dir: The folder of the rings, as given to `AsyncFileLogger`.

    Returns:
        What /dev/shm is like, in words; the user's folders in the places that are tried, in that
        order; how the name of the log file's folder ends in each, if there is such a file; and the
        folders that belong to it now.

    Raises:
        OSError: The file's folder does not exist.

    Example:
        >>> import attolog, tempfile
        >>> from attolog import _core
        >>> path = tempfile.mkdtemp() + "/run.csv"
        >>> with attolog.AsyncFileLogger(path):
        ...     len(_core.places(path)["folders"])
        1
        >>> _core.places(path)["folders"]
        []
    """

def recover_place(home: str, check: bool = False, forget: bool = False) -> _PlaceRecovery:
    """Put what dead processes left in a place into their log files, whichever these are.

    Args:
        home: The user's folder in the place, as `places` gives it.
        check: Only count, change nothing.
        forget: Remove what is left for files that are nowhere to be found.

    Returns:
        As `recover`; the number of sessions whose files are nowhere to be found (`gone`), and of
        the records that were removed with them (`forgotten`); and the killed processes that had
        circular logs, each with its number of records (`circular`).

    Raises:
        OSError: A file cannot be read or written.

    Example:
        >>> import tempfile
        >>> from attolog import _core
        >>> _core.recover_place(tempfile.mkdtemp(), check=True)["sessions"]
        0
    """

def recover(path: str, check: bool = False, ring_dir: str | None = None) -> _Recovery:
    """Put into a log file what dead processes left for it in their rings.

    Args:
        path: The log file.
        check: Only count, change nothing.
        ring_dir: The folder of the rings, as given to `AsyncFileLogger`.

    Returns:
        How many records of how many sessions; how many sessions are alive and left alone; and what
        could not be done, a sentence for each.

    Raises:
        FileNotFoundError: There is no such file, and nothing waits for it.
        OSError: A file cannot be read or written.

    Example:
        >>> import attolog, tempfile
        >>> from attolog import _core
        >>> path = tempfile.mkdtemp() + "/run.csv"
        >>> attolog.AsyncFileLogger(path).close()
        True
        >>> _core.recover(path, check=True)["records"]
        0
    """

def drain_echo(logger: Logger, timeout: float | None = None) -> bool:
    """Wait until all that was logged before is shown by a logger with `echo`.

    Args:
        logger: The logger; without `echo` there is nothing to wait for.
        timeout: Seconds to wait at most; None to wait without a limit.

    Returns:
        Whether all is shown. What a stream refused to take is not waited for.

    Raises:
        KeyboardInterrupt: Ctrl-C, as any exception of a signal's handler.
        TypeError: An argument is of the wrong type.
        ValueError: The timeout is negative.

    Example:
        >>> import attolog, tempfile
        >>> from attolog import _core
        >>> log = attolog.AsyncFileLogger(tempfile.mkdtemp() + "/run.csv", echo=False)
        >>> _core.drain_echo(log)
        True
    """

def echo_error(logger: Logger, stream: int, /) -> int:
    """Why a stream takes no more text of a logger with `echo`.

    Args:
        logger: The logger.
        stream: 1 for standard output, 2 for standard error.

    Returns:
        The errno of the first write that failed; 0 if none did.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: There is no such stream.

    Example:
        >>> from attolog import _core
        >>> _core.echo_error(_core.log, 1)
        0
    """

def has_raised_echo_error(stream: int, /) -> bool:
    """Whether a print under `attolog run` has raised the stream's error.

    Args:
        stream: 1 for standard output, 2 for standard error.

    Raises:
        TypeError: The argument is no int.
        ValueError: There is no such stream.

    Example:
        >>> from attolog import _core
        >>> _core.has_raised_echo_error(1)
        False
    """

def redirect_prints(logger: Logger, /) -> Callable[..., None]:
    """Let a logger have the prints of the process: what `attolog run` does.

    Args:
        logger: Where they go; of later calls it does not count.

    Returns:
        What is to stand in `builtins.print`. Prints to streams that `attach_stream` was not given
        run the `print` of before.
    """

@final
class Stream(TextIOWrapper):
    """What stands for `sys.stdout` or `sys.stderr`: an `io.TextIOWrapper` for all that ask it.

    What is written becomes records, as long as `attach_stream` has it. Where the program gives it
    a `write` or `flush` of its own, prints call that.
    """

def attach_stream(
    number: int, stream: Stream, is_shown: bool, is_echoed: bool, write_through: bool, /
) -> None:
    """Let a stream's texts, and the prints to it, go to the log.

    Args:
        number: 1 for standard output, 2 for standard error.
        stream: What `sys` has there from now on.
        is_shown: Whether the screen shows it.
        is_echoed: Whether it is the logger's echo that does.
        write_through: What the stream tells of itself.
    """

def close_stream(number: int, /) -> None:
    """Let prints to a stream (1 or 2) go wherever that leads: it is closed."""

def compile_print(
    text: str,
    names: tuple[str, ...],
    is_argument: tuple[bool, ...],
    conversions: tuple[tuple[str, int, str] | None, ...],
    arguments: tuple[tuple[object, ...], ...],
    options: Iterable[tuple[str, object]],
    is_event: bool,
    is_error: bool,
    file: str,
    line: int,
    function: str,
) -> Callable[..., None]:
    """Compile one print of a program.

    Args:
        text: The event's name, or the template; the text itself if there are no values.
        names: Of the values, as `attolog._native.argument_names.names` gives them.
        is_argument: Which of them print itself takes the `str()` of, having written what stands
            before; the others are formatted before it is called.
        conversions: The formats of values that `text` does not show alone, and None for the others.
            Each is the format; the place of the value, which is -1 alone behind `%`, -2 in a call
            of `str.format`, -3 behind `+`, else the number of texts before it in a tuple behind
            `%`; and "int", "float", "str", "text" or "": the values that `text` shows as the
            format does.
        arguments: Those of the print as the program has written them. Each is `(index,)` of a
            value, `(None, constant)`, or a format and the indices of the values it takes.
        options: Its keywords; `file` is None or the name that its stream has in `sys`.
        is_event: Whether `text` is a name.
        is_error: Whether it is printed to `sys.stderr`.
        file: Where it stands, as in a traceback: its file.
        line: Its line.
        function: The function that it stands in.

    Returns:
        A function to call with what `print` is there, and the values. It raises what the print
        would have raised. Where `print` is not what `redirect_prints` gave, or its stream is
        another, it calls that as the program has written it.
    """

@final
class CompiledPrint:
    """What a compiled print is bound to."""

    def print(self, function: Callable[..., Any], /, *values: Any) -> Any:
        """Print values as the print of the source does, by the function that `print` is there."""

    def print_flushed(self, function: Callable[..., Any], /, *values: Any) -> Any:
        """Print them so, with `flush=True`."""

    def show(self, index: int, value: Any, /) -> Any:
        """Show a value before the next one is evaluated, as its conversion does.

        Args:
            index: Which of the values it is.
            value: The value.

        Returns:
            The value itself, if it is an int, float, str, bool or None that the format takes: it
            cannot change. Else an object that has the text, and the number of a numpy scalar.
        """

    def are_texts(self, /, *values: Any) -> bool:
        """Whether all values are of `str` itself, and of no class derived from it."""

def write_to(stream: int, data: str | ReadableBuffer, /) -> int:
    """Write into standard output (1) or standard error (2), behind all that was printed.

    Args:
        stream: 1 or 2.
        data: What to write.

    Returns:
        The length of the data.

    Raises:
        OSError: The stream takes no text any more, as of a pipe without a reader.
    """

def count_prints() -> tuple[int, int, float]:
    """Count the prints of the process.

    Returns:
        How many went to the logger; how many of these raised instead; and the seconds that all took
        of the program's threads. Of those that only write into the ring about one in 128 is timed.
    """

def show_before_signals() -> None:
    """Let signals that end the process wait for screen and file, a second at most.

    They do while they have no handler. Those of a crash wait before the faulthandler's traceback.
    """

def hook_function(
    function: Callable[..., Any],
    rule: str,
    argument: int = 0,
    keyword: str = "",
    is_done_anyway: bool = False,
    /,
) -> bool:
    """Let each call of a function of C wait for the screen.

    Args:
        function: A function of a module, or a method of a type as it stands in the type's dict.
        rule: When it waits; see `attolog._run.descriptors`.
        argument: The place of the descriptor, or of the signal, among its arguments.
        keyword: Its name, where it can be given by that.
        is_done_anyway: It is called even if a signal's handler raises meanwhile.

    Returns:
        False where it is called in a way that is not known.

    Raises:
        TypeError: It is no function of C.
        ValueError: There is no such rule.
    """

def stop_threads() -> None:
    """End attolog's own threads before a fork; one that is busy for long stays."""

def restart_threads() -> None:
    """Have attolog's own threads again behind a fork, where there is something to do."""

def expect_relatives() -> None:
    """Take what is done to regular files for something that other processes wait for."""

def call_as_main(function: Callable[..., object] | CodeType, /, *args: Any) -> int:
    """Call a function, or run code with a dict, as Python runs its main program.

    What is called is the outermost frame. An exception is shown by `sys.excepthook`, SystemExit
    ends the process.

    Returns:
        0; after an exception 1, after KeyboardInterrupt 130.
    """

def _format(spec: str, value: object, /) -> str | None:
    """Format a value natively, as the writer does; None if that is left to Python."""
