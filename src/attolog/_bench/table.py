"""From what was measured to the table: medians, their spread, and where attolog is not the best."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from attolog._bench.child import Run
from attolog._bench.cold import quantile
from attolog._bench.driver import Result
from attolog._bench.method import Keeps

UNKNOWN = "-"


@dataclass(frozen=True)
class Figures:
    """The medians of a method's runs; None is what nobody can tell.

    `overhead` is in microseconds a call, with the least and the most of the runs beside it;
    `speedup` is against the reference, `speedup_done` that of `until_done`. `cpu` is in seconds a
    million calls, `bytes` those a record in the output, `memory` in bytes. `cold` is the median of
    all runs' cold calls in microseconds, less that of the loop alone, and `cold_p90` what one in
    ten of them exceeds. `kept` and `lost` are shares of the calls, and `most_lost` the worst of the
    runs.
    """

    result: Result
    seconds: float
    speedup: float | None
    overhead: float
    least: float
    most: float
    until_done: float
    speedup_done: float | None
    cpu: float
    memory: float
    kept: float | None
    lost: float | None
    most_lost: float | None
    bytes: float | None
    cold: float
    cold_p90: float


def figures(results: Iterable[Result], reference: str) -> list[Figures]:
    """The figures of all methods that did not fail, against the one of that name."""
    whole = [result for result in results if result.failure is None and result.runs]
    compared = next((result for result in whole if result.method.name == reference), None)
    return [_of(result, compared) for result in whole]


def _seconds(result: Result) -> float:
    return statistics.median(run.seconds for run in result.runs)


def _until_done(result: Result) -> float:
    return statistics.median(run.until_done for run in result.runs)


def _of(result: Result, compared: Result | None) -> Figures:
    runs = result.runs
    seconds, until_done = _seconds(result), _until_done(result)
    overheads = [run.seconds / run.records * 1e6 for run in runs]
    cold = [time for run in runs for time in run.cold]
    loop = statistics.median(time for run in runs for time in run.cold_loop)
    lost = _known(run.lost / run.calls if run.lost is not None else None for run in runs)
    return Figures(
        result,
        seconds,
        None if compared is None else _seconds(compared) / seconds,
        statistics.median(overheads),
        min(overheads),
        max(overheads),
        until_done,
        None if compared is None else _until_done(compared) / until_done,
        statistics.median(run.cpu / run.records * 1e6 for run in runs),
        statistics.median(run.memory for run in runs),
        _median(run.kept / run.calls if run.kept is not None else None for run in runs),
        statistics.median(lost) if lost else None,
        max(lost, default=None),
        _median(map(_bytes_a_record, runs)),
        (statistics.median(cold) - loop) / 1e3,
        (quantile(cold, 0.9) - loop) / 1e3,
    )


def _bytes_a_record(run: Run) -> float | None:
    return run.bytes / run.kept if run.bytes is not None and run.kept else None


def _known(given: Iterable[float | None]) -> list[float]:
    return [value for value in given if value is not None]


def _median(given: Iterable[float | None]) -> float | None:
    values = _known(given)
    return statistics.median(values) if values else None


SPEED = (
    "Method",
    "Time (s)",
    "Speedup",
    "Overhead per log",
    "least .. most",
    "Cold call .. p90",
    "Lost",
)
REST = (
    "Method",
    "Until done (s)",
    "Speedup",
    "CPU (s/M calls)",
    "Memory (MiB)",
    "Bytes a record",
    "Kept",
)


def speed_cells(each: Figures, mu: str = "µs") -> tuple[str, ...]:
    """A row of the first table: the cost of the calls, and the share that was lost."""
    return (
        each.result.method.title,
        f"{each.seconds:.4f}",
        _times(each.speedup),
        f"{each.overhead:.3f} {mu}",
        f"{each.least:.3f} .. {each.most:.3f}",
        f"{each.cold:.1f} .. {each.cold_p90:.1f} {mu}",
        _lost(each),
    )


def rest_cells(each: Figures) -> tuple[str, ...]:
    """A row of the second table: the cost until all is in the file."""
    return (
        each.result.method.title,
        f"{each.until_done:.4f}",
        _times(each.speedup_done),
        f"{each.cpu:.3f}",
        f"{each.memory / (1 << 20):.1f}",
        UNKNOWN if each.bytes is None else f"{each.bytes:.0f}",
        _kept(each),
    )


def _times(speedup: float | None) -> str:
    if speedup is None:
        return UNKNOWN
    return f"{speedup:.{1 if speedup >= 1 else 3}f}x"


def _lost(each: Figures) -> str:
    if each.lost is None or each.most_lost is None:
        return UNKNOWN
    if each.lost == each.most_lost:
        return _share(each.lost)
    return f"{_share(each.lost)}, up to {_share(each.most_lost)}"


def _kept(each: Figures) -> str:
    if each.result.method.keeps is Keeps.SUMS:
        return "sums"
    return UNKNOWN if each.kept is None else _share(each.kept)


def _share(share: float) -> str:
    """A share in percent; one that is not quite none or all does not look so."""
    if share in (0, 1):
        return f"{share * 100:.0f} %"
    return f"{share * 100:.2g} %" if share < 0.1 else f"{min(share * 100, 99.9):.1f} %"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], failed: Iterable[Result]) -> str:
    """A table as text: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    failures = [(result.method.title, f"({result.failure})") for result in failed]
    widths[0] = max([widths[0], *(len(title) for title, _ in failures)])

    def line(row: Sequence[str]) -> str:
        cells = zip(row[1:], widths[1:], strict=True)
        return "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in cells)])

    lines = [line(head), "-" * (sum(widths) + 2 * (len(widths) - 1)), *map(line, rows)]
    lines += [f"{title.ljust(widths[0])}  {why}" for title, why in failures]
    return "\n".join(lines)


def not_best(measured: Iterable[Figures]) -> list[str]:
    """Where another method is better than all of attolog's that keep as much: a line each."""
    lines = []
    for keeps, what in _GROUPS.items():
        group = [
            each for each in measured if each.result.method.keeps is keeps and not each.most_lost
        ]
        for name, show, value in _COLUMNS:
            known = [(number, each) for each in group if (number := value(each)) is not None]
            ours = [pair for pair in known if pair[1].result.method.maker == "attolog"]
            if not ours or len(ours) == len(known):
                continue
            best, mine = min(known, key=_number), min(ours, key=_number)
            if best[0] < mine[0]:
                lines.append(
                    f"{what}, {name}: {best[1].result.method.title} {show.format(best[0])}, "
                    f"{mine[1].result.method.title} {show.format(mine[0])}"
                )
    return lines


def _number(pair: tuple[float, Figures]) -> float:
    return pair[0]


_GROUPS = {
    Keeps.ALL: "all kept",
    Keeps.SHARE: "a share",
    Keeps.SUMS: "sums",
    Keeps.LAST: "the last",
}
_Value = Callable[[Figures], float | None]
_COLUMNS: tuple[tuple[str, str, _Value], ...] = (
    ("overhead", "{:.3f} us", lambda each: each.overhead),
    ("cold call", "{:.1f} us", lambda each: each.cold),
    ("until done", "{:.4f} s", lambda each: each.until_done),
    ("CPU", "{:.3f} s", lambda each: each.cpu),
    ("memory", "{:.1f} MiB", lambda each: each.memory / (1 << 20)),
    ("bytes a record", "{:.0f}", lambda each: each.bytes),
)
