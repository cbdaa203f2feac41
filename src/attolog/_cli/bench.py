"""`attolog bench`: measure the ways to log from Python, on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from attolog._bench import driver, machine, plot, report
from attolog._bench.method import Method
from attolog._bench.methods import METHODS, REFERENCE, is_installed


@dataclass(frozen=True)
class _Effort:
    records: int
    repeats: int
    timeout: float


_WHOLE = _Effort(records=100_000, repeats=5, timeout=60)
_QUICK = _Effort(records=20_000, repeats=3, timeout=5)


@click.command("bench")
@click.option("--quick", is_flag=True, help="Fewer and shorter runs: half a minute, for a look.")
@click.option(
    "--method", "names", multiple=True, metavar="NAME", help="Only this one; again for more."
)
@click.option("--list", "is_list", is_flag=True, help="List the methods and their calls.")
@click.option(
    "--records",
    type=click.IntRange(1, 10_000_000),
    metavar="N",
    help=f"How many a run logs ({_WHOLE.records:,}; quick {_QUICK.records:,}).",
)
@click.option(
    "--repeats",
    type=click.IntRange(1, 1000),
    metavar="N",
    help=f"How many runs of each ({_WHOLE.repeats}; quick {_QUICK.repeats}).",
)
@click.option(
    "--json", "json_path", type=click.Path(), metavar="FILE", help="Write all runs to FILE."
)
@click.option(
    "--plot",
    "plot_path",
    type=click.Path(),
    metavar="PATH",
    help="Draw it: a .html or .png file, or a folder for both.",
)
def command(
    quick: bool,
    names: tuple[str, ...],
    is_list: bool,
    records: int | None,
    repeats: int | None,
    json_path: str | None,
    plot_path: str | None,
) -> int:
    """Measure attolog, print, loggers in plain Python and others beside each other.

    Every run of a method is a process of its own; the methods take turns. What is in their outputs
    is counted afterwards, and what was lost is shown. Files go to the folder for temporary files
    (TMPDIR). The speedup is against print() to a file, which is always measured.
    """
    if is_list:
        _list()
        return 0
    chosen, missing = _choose(names)
    target = _json_target(json_path)
    page, picture = _plot_targets(plot_path)
    effort = _QUICK if quick else _WHOLE
    records, repeats = records or effort.records, repeats or effort.repeats
    timeout = effort.timeout * max(1, records / effort.records)
    on = machine.describe()
    about = report.about(on)
    click.echo(f"{about}\n")
    sys.stdout.flush()
    with _progress(len(chosen) * repeats) as advance:
        results = driver.measure(chosen, records, repeats, timeout, advance=advance)
    measured = report.Report(on, records, repeats, results, missing)
    click.echo(measured.text(_micro()))
    if target is not None:
        measured.write_json(target)
    if not measured.figures:
        return 1
    if page or picture:
        plot.write(measured, about, page, picture)
    return 0


def _list() -> None:
    width = max(map(len, METHODS))
    titles = max(len(method.title) for method in METHODS.values())
    for name, method in METHODS.items():
        is_missing = "" if is_installed(method) else f" (not installed: {report.ADD_PEERS})"
        click.echo(f"{name:<{width}}  {method.title:<{titles}}  {method.call}{is_missing}")


def _choose(names: Sequence[str]) -> tuple[list[Method], list[Method]]:
    """What is to be measured, in the order of the table, and what would be if it were installed.

    Raises:
        click.UsageError: A name is none, or what it needs is not installed.
    """
    for name in names:
        if name not in METHODS:
            raise click.UsageError(f"{name!r} is no method; --list shows them")
        if not is_installed(METHODS[name]):
            raise click.UsageError(f"{name} is not installed: {report.ADD_PEERS}")
    wanted = [
        method
        for name, method in METHODS.items()
        if not names or name in names or name == REFERENCE
    ]
    return (
        [method for method in wanted if is_installed(method)],
        [method for method in wanted if not is_installed(method)],
    )


def _json_target(given: str | None) -> Path | None:
    if given is None:
        return None
    path = Path(given)
    if path.is_dir():
        raise click.UsageError(f"--json {given}: is a folder")
    _in_a_folder(path, "--json")
    try:
        path.open("a").close()
    except OSError as error:
        raise click.UsageError(f"--json {given}: {error.strerror}") from None
    return path


def _plot_targets(given: str | None) -> tuple[Path | None, Path | None]:
    """Where the page and the picture go.

    Raises:
        click.UsageError: They cannot go there, or there is no matplotlib.
    """
    if given is None:
        return None, None
    if not plot.is_possible():
        raise click.UsageError(f"--plot needs matplotlib: {plot.ADD_PLOT}")
    path = Path(given)
    if path.suffix in (".html", ".png") and not path.is_dir():
        _in_a_folder(path, "--plot")
        return (path, None) if path.suffix == ".html" else (None, path)
    if path.exists() and not path.is_dir():
        raise click.UsageError(f"--plot {given}: neither a folder nor .html or .png")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"--plot {given}: {error.strerror}") from None
    return path / "bench.html", path / "bench.png"


def _in_a_folder(path: Path, option: str) -> Path:
    if not path.parent.is_dir():
        raise click.UsageError(f"{option} {path}: there is no folder {path.parent}")
    return path


def _micro() -> str:
    """The unit, as far as standard output can say it."""
    try:
        "µ".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "us"
    return "µs"


@contextmanager
def _progress(runs: int) -> Iterator[Callable[[str], object]]:
    """A bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=runs)
        begun = False

        def advance(name: str) -> None:
            nonlocal begun
            bar.update(task, advance=int(begun), description=name)
            begun = True

        yield advance
