"""Whether two runs of a program wrote the same, and the journal too."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from attolog import read
from attolog._reading.journal import Record
from attolog._rewrite.prove import as_printed
from programs.program import Program
from programs.sinks import HEAD, Ran

_CLOSING = re.compile(
    rb"(?P<prints>[\d,]+) prints?, [\d,]+ lost, [\d.]+ s of the program's time -> [^\r\n]*\r?\n"
)
_PIPE_HOLDS = 1 << 18  # more than a pipe and all buffers: who writes so much notices its end


def without_closing_line(ran: Ran) -> tuple[Ran, int | None]:
    """The run without the closing line of `attolog run`, and the prints that it counted.

    Python may have the last word, on a stdout that cannot be flushed.
    """
    name = "stderr" if ran.stderr else "stdout"  # on a terminal all text is stdout
    text = getattr(ran, name)
    *_, found = None, *_CLOSING.finditer(text)
    if found is None:
        return ran, None
    shown = replace(ran, **{name: text[: found.start()] + text[found.end() :]})
    return shown, int(found["prints"].replace(b",", b""))


def same(program: Program, sink: str, plain: Ran, run: Ran, size: int) -> str:
    """The difference in words; empty if there is none.

    Args:
        program: What was run.
        sink: Where to.
        plain: The run under plain Python.
        run: The run under `attolog run`, without its closing line.
        size: How many bytes plain Python writes to stdout where nobody stops it.
    """
    if sink == "head":
        return _same_head(program, plain, run, size)
    if plain.status != run.status:
        return f"exit status {plain.status}, and {run.status} under run" + _tail(run)
    for stream in ("stdout", "stderr"):
        before, after = (_comparable(program, getattr(ran, stream)) for ran in (plain, run))
        if difference := _first_difference(before, after):
            return f"{stream}: {difference}"
    return ""


def _same_head(program: Program, plain: Ran, run: Ran, size: int) -> str:
    """When a program learns that head has ended is a matter of time; what head shows is not."""
    if not program.any_order:
        before, after = (_comparable(program, ran.stdout) for ran in (plain, run))
        if difference := _first_difference(before, after):
            return difference
    if len(run.stdout.splitlines()) != len(plain.stdout.splitlines()):
        return f"not the first {HEAD} lines"
    if size <= _PIPE_HOLDS:
        return ""
    # A print raises (1), or all was printed by then, and the last flush fails (120).
    if (plain.status == 0) != (run.status == 0):
        return f"exit status {plain.status}, and {run.status} under run" + _tail(run)
    if (b"Broken pipe" in plain.stderr) != (b"Broken pipe" in run.stderr):
        return "a broken pipe is told of by one of them only"
    return ""


def journal_has(program: Program, path: Path, run: Ran) -> str:
    """How the text of the journal's records differs from what the run wrote; empty: it does not."""
    texts: dict[bool, list[str]] = {False: [], True: []}
    for record in read(path).records():
        texts[_is_error(record)].append(as_printed(record))
    for is_error, written in ((False, run.stdout), (True, run.stderr)):
        found = "".join(texts[is_error]).encode(errors="surrogateescape")
        before, after = _comparable(program, written), _comparable(program, found)
        if difference := _first_difference(before, after):
            return f"{'stderr' if is_error else 'stdout'}: {difference}"
    return ""


def _is_error(record: Record) -> bool:
    return record.level in ("WARNING", "ERROR", "CRITICAL")


def _comparable(program: Program, text: bytes) -> bytes:
    if program.varies:
        text = re.sub(program.varies.encode(), b"...", text)
    return b"".join(sorted(text.splitlines(keepends=True))) if program.any_order else text


def _first_difference(before: bytes, after: bytes) -> str:
    if before == after:
        return ""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    at = next(
        (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
        min(len(old), len(new)),
    )
    shown = [_shown(lines[at : at + 1]) for lines in (old, new)]
    return f"line {at + 1} of {len(old):,} and {len(new):,}: {shown[0]}, and {shown[1]} under run"


def _shown(line: Iterable[bytes]) -> str:
    return "".join(repr(each[:160])[1:] for each in line) or "nothing"


def _tail(ran: Ran) -> str:
    last = (ran.stderr or ran.stdout).splitlines()[-1:]
    return f" ({_shown(last)})"
