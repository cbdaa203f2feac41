"""What came of a run: figures per model and in all, as a table, CSV and JSON."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from engine import Run
from policies import Config
from profiles import Profile

Figures = dict[str, float | int | str | None]  # None: there was nothing to take it from


@dataclass(frozen=True, slots=True)
class Answer:
    """One request and what became of it. None: it never got that far."""

    model: str
    task_id: int
    arrival: float  # seconds since the run's start
    outcome: str  # done, dropped, unfinished
    batch_id: int | None = None
    exit: str | None = None
    accuracy: float | None = None  # %
    wait_ms: float | None = None  # from the scheduled arrival
    infer_ms: float | None = None
    total_ms: float | None = None


@dataclass(frozen=True, slots=True)
class LogAccount:
    """What the logger says of the run, after it was closed: `attolog.Counts` and the time.

    The calls are the sum of the others. None: nobody can tell.
    """

    calls: int = 0
    written: int | None = 0
    waiting: int = 0  # still in the ring when the time for closing was up
    lost: int | None = 0
    sampled_out: int = 0
    aggregated: int = 0
    overwritten: int = 0
    drain_s: float = 0.0


def answers(run: Run, profile: Profile) -> list[Answer]:
    """Every request that was generated, in order of arrival."""
    rows: list[Answer] = []
    for batch_id, batch in enumerate(run.batches):
        accuracy = profile.accuracy(batch.queue.model, batch.exit)
        infer_ms = (batch.ended - batch.started) * 1e3
        for task in batch.tasks:
            wait_ms = (batch.started - task.arrival) * 1e3
            rows.append(
                Answer(
                    batch.queue.name,
                    task.task_id,
                    task.arrival,
                    "done",
                    batch_id,
                    batch.exit,
                    accuracy,
                    wait_ms,
                    infer_ms,
                    wait_ms + infer_ms,
                )
            )
    for drop in run.drops:
        task = drop.task
        rows.append(
            Answer(drop.queue.name, task.task_id, task.arrival, "dropped", wait_ms=drop.wait_ms)
        )
    for queue in run.queues:
        rows.extend(
            Answer(queue.name, task.task_id, task.arrival, "unfinished") for task in queue.tasks
        )
    rows.sort(key=lambda row: row.arrival)
    return rows


def summary(
    rows: Sequence[Answer], names: Sequence[str], seconds: float, config: Config
) -> dict[str, Figures]:
    """The figures of each model, by its name, and of all.

    Args:
        rows: the requests that count.
        names: the models, one column each.
        seconds: the time in which these requests came and were served.
        config: the SLO and the exits.
    """
    by_name: dict[str, list[Answer]] = {name: [] for name in names}
    for row in rows:
        by_name[row.model].append(row)
    by_name["all"] = list(rows)
    return {name: _figures(part, seconds, config) for name, part in by_name.items()}


def health(run: Run, account: LogAccount) -> Figures:
    """How well the harness itself ran."""
    decision_us = [ns / 1e3 for ns in run.decision_ns]
    return {
        "decision_us_p50": quantile(decision_us, 0.50),
        "decision_us_p95": quantile(decision_us, 0.95),
        "decision_us_max": max(decision_us, default=None),
        "generator_late_ms_p50": quantile(run.late_ms, 0.50),
        "generator_late_ms_p99": quantile(run.late_ms, 0.99),
        "log_calls": account.calls,
        "log_call_ns_p50": quantile(run.log_call_ns, 0.50),
        "log_call_ns_p99": quantile(run.log_call_ns, 0.99),
        "records_written": account.written,
        "records_lost": account.lost,
        "records_waiting": account.waiting,
        "records_sampled_out": account.sampled_out,
        "records_aggregated": account.aggregated,
        "records_overwritten": account.overwritten,
        "log_drain_s": account.drain_s,
    }


def quantile(values: Sequence[float], q: float) -> float | None:
    """The q-quantile, interpolated between the two values next to it; None of no values."""
    if not values:
        return None
    ordered = sorted(values)
    at = q * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (at - below) * (ordered[above] - ordered[below])


def summary_table(figures: Mapping[str, Figures], exits: Sequence[str]) -> str:
    """The summary as text: a column per model, a row per figure."""
    rows = [["", *figures]]

    def add(label: str, key: str, form: Callable[[float], str]) -> None:
        rows.append([label, *(_cell(column[key], form) for column in figures.values())])

    for key in ("offered", "done", "unfinished", "dropped"):
        add(key, key, "{:.0f}".format)
    add("requests/s", "requests_per_s", "{:.1f}".format)
    add("goodput, done in SLO/s", "goodput_per_s", "{:.1f}".format)
    add("SLO attainment, of all", "slo_attainment", "{:.2%}".format)
    for phase in ("wait", "infer", "total"):
        for statistic in ("mean", "p50", "p95", "p99"):
            add(f"{phase} ms {statistic}", f"{phase}_ms_{statistic}", "{:.2f}".format)
    for exit in exits:
        add(f"exit {exit}, of done", f"exit_{exit}", "{:.1%}".format)
    add("expected accuracy, of done", "accuracy", "{:.2f} %".format)
    return _aligned(rows)


def health_table(figures: Figures) -> str:
    """The harness's health as text."""
    labels: list[tuple[str, tuple[str, ...], Callable[[float], str]]] = [
        (
            "time per decision, logging it included, us p50 / p95 / max",
            ("decision_us_p50", "decision_us_p95", "decision_us_max"),
            "{:.1f}".format,
        ),
        (
            "generators behind schedule, ms p50 / p99",
            ("generator_late_ms_p50", "generator_late_ms_p99"),
            "{:.3f}".format,
        ),
        ("log calls", ("log_calls",), "{:.0f}".format),
        (
            "ns per log call p50 / p99 (*)",
            ("log_call_ns_p50", "log_call_ns_p99"),
            "{:.0f}".format,
        ),
        (
            "records written / lost / still waiting",
            ("records_written", "records_lost", "records_waiting"),
            "{:.0f}".format,
        ),
        (
            "records sampled out / aggregated / overwritten",
            ("records_sampled_out", "records_aggregated", "records_overwritten"),
            "{:.0f}".format,
        ),
        ("seconds to drain the log at exit", ("log_drain_s",), "{:.3f}".format),
    ]
    rows = [
        [label, " / ".join(_cell(figures[key], form) for key in keys)]
        for label, keys, form in labels
    ]
    note = (
        "(*) each SCHED call, timed where it stands in the run, reading the clock included;\n"
        "    with --log-level candidate the CAND calls, on average of each decision"
    )
    return f"{_aligned(rows)}\n{note}"


def csv_paths(folder: Path, tag: str) -> tuple[Path, Path]:
    """The files of `write_csv`: summary.csv and tasks.csv, or summary_TAG.csv and tasks_TAG.csv."""
    behind = f"_{tag}" if tag else ""
    return folder / f"summary{behind}.csv", folder / f"tasks{behind}.csv"


def write_csv(
    folder: Path, tag: str, figures: Mapping[str, Figures], rows: Sequence[Answer]
) -> None:
    """Writes the summary, a row per model and one of all, and the tasks, a row per request."""
    of_models, of_tasks = csv_paths(folder, tag)
    with open(of_models, "w", newline="") as file:
        keys = next(iter(figures.values())).keys()
        summaries = csv.DictWriter(file, ["model", *keys])
        summaries.writeheader()
        summaries.writerows({"model": name, **column} for name, column in figures.items())
    with open(of_tasks, "w", newline="") as file:
        tasks = csv.DictWriter(file, list(Answer.__dataclass_fields__))
        tasks.writeheader()
        tasks.writerows(asdict(row) for row in rows)


def _figures(rows: Sequence[Answer], seconds: float, config: Config) -> Figures:
    done = [row for row in rows if row.outcome == "done"]
    in_slo = sum(row.total_ms is not None and row.total_ms <= config.slo_ms for row in done)
    figures: Figures = {
        "offered": len(rows),
        "done": len(done),
        "unfinished": sum(row.outcome == "unfinished" for row in rows),
        "dropped": sum(row.outcome == "dropped" for row in rows),
        "requests_per_s": _share(len(done), seconds),
        "goodput_per_s": _share(in_slo, seconds),
        "slo_attainment": _share(in_slo, len(rows)),
    }
    phases = {
        "wait": [row.wait_ms for row in done if row.wait_ms is not None],
        "infer": [row.infer_ms for row in done if row.infer_ms is not None],
        "total": [row.total_ms for row in done if row.total_ms is not None],
    }
    for phase, values in phases.items():
        figures[f"{phase}_ms_mean"] = _share(sum(values), len(values))
        for percent in (50, 95, 99):
            figures[f"{phase}_ms_p{percent}"] = quantile(values, percent / 100)
    for exit in config.exits:
        figures[f"exit_{exit}"] = _share(sum(row.exit == exit for row in done), len(done))
    accuracies = [row.accuracy for row in done if row.accuracy is not None]
    figures["accuracy"] = _share(sum(accuracies), len(accuracies))
    return figures


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _cell(value: float | int | str | None, form: Callable[[float], str]) -> str:
    return form(value) if isinstance(value, int | float) else "-"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        row[0].ljust(widths[0])
        + "".join(f"  {cell.rjust(width)}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    )
