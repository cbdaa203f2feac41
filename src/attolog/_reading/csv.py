"""Reading attolog's CSV: rows of different lengths, one kind of row for each event, no header."""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import length_hint
from typing import TYPE_CHECKING, Any, BinaryIO

from attolog._reading.files import open_file

if TYPE_CHECKING:
    import pandas

_ROW = re.compile(rb"-?\d+(\.\d+)?,[^,\n]+(?:[,\n]|$)")
# The quote comes first, so that the search goes from quote to quote.
_QUOTED = re.compile(rb'"(?<![^,\n]")[^"]*(?:""[^"]*)*"(?=[,\n])')
_CHUNK = 1 << 20


def read_csv(
    path: str | os.PathLike[str],
    names: Sequence[str] | None = None,
    *,
    columns: int | None = None,
) -> pandas.DataFrame:
    """Read a CSV file of attolog's, ragged rows put right.

    The frame is as wide as the widest row; shorter rows are filled up with NaN. Rows that are no
    events (LOG, PRINT, DEBUG ... CRITICAL, DROPPED) are rows like any other. A last row that is
    still being written, or was torn when the machine went down, is left out with a warning.

    Args:
        path: The file. It may be still written to.
        names: The columns' names; those that are missing are called by their place, as without
            `names`: `timestamp, event, v1, v2, ...`.
        columns: What the file was written with (`AsyncFileLogger(path, columns=5)`): the cells
            packed into the last one are unpacked. The file itself does not tell: a packed
            `"home,8"` looks like a text with a comma in it.

    Returns:
        A pandas DataFrame. Types are inferred for each column, as by `pandas.read_csv`, but only
        an empty cell and `nan` mean NaN, since a user may be called "NA".

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not attolog's CSV, or not with so many `columns`; the message
            names the line.
        ImportError: pandas is not installed.

    Example:
        >>> import attolog, tempfile
        >>> path = tempfile.mkdtemp() + "/run.csv"
        >>> with attolog.AsyncFileLogger(path) as log:
        ...     log("login", user="ann", ms=7)
        ...     log("request", user="ann", ms=42, path="/index.html", size=8)
        >>> df = attolog.read_csv(path, names=["timestamp", "event", "user", "ms"])
        >>> list(df[df["event"] == "request"]["ms"])
        [42]
    """
    try:
        import pandas  # noqa: F401
    except ImportError as missing:
        raise ImportError("read_csv needs pandas: pip install attolog[pandas]") from missing
    if columns is not None and columns < 2:
        raise ValueError(f"columns={columns}: a packed file has at least 2")

    with open_file(path) as file:
        count, width = _survey(file, path)
        if columns is not None and width > columns:
            raise ValueError(f"{os.fspath(path)}: a row of {width} cells, but columns={columns}")
        file.seek(0)
        if columns is None or width < columns:
            every = _names(names, width)
            return _frame(file, count, every, every[1:2])
        return _unpacked(file, count, columns, names)


def rows(
    file: Iterable[bytes], path: str | os.PathLike[str], line: int = 1
) -> Iterator[tuple[int, bytes]]:
    """The rows of a CSV file, newlines inside quotes included, each with its number of cells.

    A torn last row comes without a newline at its end.

    Args:
        file: The file's lines.
        path: Its name, for messages.
        line: The number of the first line.

    Raises:
        ValueError: A row is none of attolog's; the message names the line.
    """
    for cells, row in _scanned(file):
        if row.endswith(b"\n") and not _ROW.match(row):
            raise ValueError(
                f"{os.fspath(path)}: line {line} is no row of attolog's CSV "
                f"(time stamp,event,values; no header): {_excerpt(row)}"
            )
        yield cells, row
        line += row.count(b"\n")


def _scanned(file: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """As `rows`, unchecked."""
    pending: list[bytes] = []
    commas, is_open = 0, False
    for line in file:
        if not is_open and b'"' not in line:  # the usual case
            yield line.count(b",") + 1, line
            continue
        more, is_open = _scan(line, is_open)
        commas += more
        pending.append(line)
        if not is_open:
            yield commas + 1, b"".join(pending)
            pending.clear()
            commas = 0
    if pending:
        yield commas + 1, b"".join(pending).removesuffix(b"\n")


def _scan(line: bytes, is_open: bool) -> tuple[int, bool]:
    """The commas between the cells of a line, and whether a quote is open at its end.

    Args:
        line: A line of the file, or a part of one.
        is_open: Whether it starts inside quotes.
    """
    commas = at = 0
    if not is_open and line.startswith(b'"'):
        is_open, at = True, 1
    while True:
        if is_open:
            at = line.find(b'"', at) + 1
            if at == 0:
                return commas, True
            if line.startswith(b'"', at):  # a doubled quote is one in the text
                at += 1
                continue
            is_open = False
        at = line.find(b",", at) + 1
        if at == 0:
            return commas, False
        commas += 1
        if line.startswith(b'"', at):  # only as the first of a cell does a quote mean anything
            is_open, at = True, at + 1


def _survey(file: BinaryIO, path: str | os.PathLike[str]) -> tuple[int, int]:
    """How many complete rows there are, and how many cells the widest has."""
    count = width = 0
    line = 1
    while lines := file.readlines(_CHUNK):
        # With its quoted cells out of the way, a chunk is counted all at once.
        plain = _QUOTED.sub(b"x", b"".join(lines))
        found = plain.split(b"\n")
        if b'"' not in plain and found.pop() == b"" and all(map(_ROW.match, found)):
            count += len(found)
            width = max(width, 1 + max(row.count(b",") for row in found))
            line += len(lines)
            continue
        # A row that is torn, damaged, or goes on in the next chunk: one at a time.
        left = iter(lines)
        for cells, row in rows(chain(left, file), path, line):
            if not row.endswith(b"\n"):
                warnings.warn(
                    f"{os.fspath(path)}: the last row is incomplete and left out: {_excerpt(row)}",
                    stacklevel=3,
                )
                return count, width
            count += 1
            width = max(width, cells)
            line += row.count(b"\n")
            if length_hint(left) == 0:
                break
    return count, width


def _excerpt(row: bytes) -> str:
    text = row[:60].decode(errors="replace").rstrip("\n")
    return repr(text + "..." if len(row) > 60 else text)


def _names(given: Sequence[str] | None, width: int) -> list[str]:
    own = ["timestamp", "event", *(f"v{i}" for i in range(1, width - 1))]
    return [*(given or ()), *own[len(given or ()) :]]


def _frame(
    file: BinaryIO, count: int, names: Sequence[str], texts: Sequence[str]
) -> pandas.DataFrame:
    """The first `count` rows of `file`; the columns `texts` are texts, whatever they look like."""
    import pandas

    if not count:
        return pandas.DataFrame(columns=list(names))
    # Before 3.1 pandas reads one float in four a unit off in its last place, unless told not to;
    # from then on the option is deprecated.
    old = tuple(map(int, pandas.__version__.split(".")[:2])) < (3, 1)
    precision: dict[str, Any] = {"float_precision": "round_trip"} if old else {}
    frame: pandas.DataFrame = pandas.read_csv(
        file,
        header=None,
        names=list(names),
        index_col=False,
        nrows=count,
        dtype=dict.fromkeys(texts, str),
        keep_default_na=False,
        na_values={name: [""] if name in texts else ["", "nan"] for name in names},
        skip_blank_lines=False,
        lineterminator="\n",
        low_memory=False,  # one type for a column, not one for each part of the file
        encoding_errors="replace",
        **precision,
    )
    return frame


def _unpacked(
    file: BinaryIO, count: int, columns: int, given: Sequence[str] | None
) -> pandas.DataFrame:
    """The frame of a file whose last column, the `columns`th, holds packed cells."""
    import pandas

    narrow = _names(given, columns)
    event, last = narrow[1], narrow[columns - 1]
    frame = _frame(file, count, narrow, [event, last])
    is_packed = frame[last].notna()

    # What is packed is a row of its own, in one cell.
    cells = [text.encode() + b"\n" for text in frame.loc[is_packed, last]]
    end = columns - 1 + max((n for n, _ in _scanned(cells)), default=1)
    wide = _names(given, end)
    inner = wide[columns - 1 : end]
    texts = [event] if event in inner else []
    unpacked = _frame(io.BytesIO(b"".join(cells)), len(cells), inner, texts)
    unpacked = unpacked.set_index(frame.index[is_packed]).reindex(frame.index)
    return pandas.concat([frame[wide[: columns - 1]], unpacked, frame[narrow[end:]]], axis=1)
