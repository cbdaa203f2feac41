"""10 M messages, one thread, to a text file, close() included; all of them are counted in it."""

from benchmarks.flood import rates, records_of
from benchmarks.row import Goal, Measures, Row


def run(quick: bool) -> Measures:
    """One run."""
    return rates(".log", records_of(quick), messages=True)


ROW = Row(
    "10 M messages, one thread, to a text file",
    (Goal("M records/s", "", "M/s", 6.0, 3.0, more=True),),
    run,
    runs=3,
)
