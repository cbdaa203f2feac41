"""10 M records, one thread, to a journal, close() included; all of them are counted in the file."""

from benchmarks.flood import rates, records_of
from benchmarks.row import Goal, Measures, Row


def run(quick: bool) -> Measures:
    """One run."""
    return rates(".atto", records_of(quick))


ROW = Row(
    "10 M records, one thread, to a journal",
    (Goal("M records/s", "", "M/s", 15.0, 9.0, more=True),),
    run,
    runs=3,
)
