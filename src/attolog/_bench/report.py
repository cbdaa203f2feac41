"""A whole benchmark: what was asked for, on what, and what came of it, as text or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from attolog._bench import machine
from attolog._bench.driver import Result
from attolog._bench.method import Keeps, Method
from attolog._bench.methods import REFERENCE
from attolog._bench.table import (
    REST,
    SPEED,
    Figures,
    figures,
    not_best,
    rest_cells,
    speed_cells,
    table,
)

ADD_PEERS = "pip install 'attolog[peers]'"


@dataclass(frozen=True)
class Report:
    """What was asked for, and what was measured.

    `machine` is as it was before; `missing` are the methods that were to be measured too, if they
    were installed.
    """

    machine: dict[str, str]
    records: int
    repeats: int
    results: Sequence[Result]
    missing: Sequence[Method]

    @property
    def figures(self) -> list[Figures]:
        """The medians of the methods that did not fail."""
        return figures(self.results, REFERENCE)

    @property
    def failed(self) -> list[Result]:
        """The methods that failed."""
        return [result for result in self.results if result.failure is not None]

    def text(self, mu: str = "µs") -> str:
        """Both tables, and what is to be known about them."""
        of = self.figures
        speed = table(SPEED, [speed_cells(each, mu) for each in of], self.failed)
        rest = table(REST, [rest_cells(each) for each in of], ())
        return "\n\n".join([speed, rest, "\n".join(self.notes())])

    def notes(self) -> list[str]:
        """What is to be known about the tables, a line each."""
        names = {result.method.name for result in self.results}
        notes = [
            f"Medians of {self.repeats} runs of {self.records:,} records in a row, each in a "
            "process of its own; speedup is against print() to a file, once of the calls alone, "
            "once until all is in the file.",
            "A cold call is a single one, after 64 MB of other data and 5,000 Python objects were "
            "read; the clock and the loop are taken off.",
        ]
        if any(result.method.maker == "attolog" for result in self.results):
            notes.append(
                "A ring of attolog's holds 65,536 records: so many calls wait for nothing. In a "
                "longer flood they wait for the writer, and take as long as until done (--records)."
            )
        if "print-terminal" in names:
            notes.append("The terminal draws nothing, and takes what it is sent as fast as it can.")
        if any(
            each.result.method.keeps is Keeps.SUMS and each.result.method.maker == "plain Python"
            for each in self.figures
            if each.lost
        ):
            notes.append(
                "The StatsLogger in plain Python never prints its last window; runs end within a "
                "second."
            )
        if any(each.lost is None for each in self.figures):
            notes.append(
                "-: cannot be told. /dev/null keeps nothing; the sampler in plain Python does not "
                "count."
            )
        if machine.is_busy(self.machine):
            notes.append("Other programs kept the cores busy: they are in these times too.")
        if behind := not_best(self.figures):
            notes += ["Where attolog's best is not the best of those that lost nothing:"]
            notes += [f"  {line}" for line in behind]
        if self.missing:
            packages = ", ".join(dict.fromkeys(method.maker for method in self.missing))
            notes.append(f"Not installed: {packages} ({ADD_PEERS})")
        return notes

    def write_json(self, path: Path) -> None:
        """Write all that was measured, run by run."""
        methods = [
            {
                "name": result.method.name,
                "title": result.method.title,
                "call": result.method.call,
                "keeps": result.method.keeps,
                "maker": result.method.maker,
                "failure": result.failure,
                "runs": [{**vars(run), "lost": run.lost} for run in result.runs],
            }
            for result in self.results
        ]
        document = {
            "machine": self.machine,
            **machine.describe_software(),
            "records": self.records,
            "repeats": self.repeats,
            "reference": REFERENCE,
            "missing": [method.name for method in self.missing],
            "methods": methods,
        }
        path.write_text(json.dumps(document, indent=2) + "\n")


def about(on: dict[str, str]) -> str:
    """The machine and the software, in a line."""
    software = machine.describe_software()
    return (
        f"{on['processor']}, {on['cores']} cores, load {on['load']}, {on['kernel']}, "
        f"{software['python']}, attolog {software['attolog']}"
    )
