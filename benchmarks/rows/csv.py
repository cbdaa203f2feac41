"""10 M records, one thread, to CSV, close() included; all of them are counted in the file."""

from benchmarks.flood import rates, records_of
from benchmarks.row import Goal, Measures, Row


def run(quick: bool) -> Measures:
    """One run."""
    return rates(".csv", records_of(quick))


ROW = Row(
    "10 M records, one thread, to CSV",
    (Goal("M records/s", "", "M/s", 8.0, 4.5, more=True),),
    run,
    runs=3,
)
