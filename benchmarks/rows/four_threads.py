"""10 M records by four threads to a journal, against as many by one thread in the same run."""

from benchmarks.flood import flood, records_of
from benchmarks.row import Goal, Measures, Row


def run(quick: bool) -> Measures:
    """One run."""
    records = records_of(quick)
    one, _, _ = flood(".atto", records)
    four, _, _ = flood(".atto", records, threads=4)
    return {
        "four / one": one / four,
        "one thread, M records/s": records / one / 1e6,
        "four threads, M records/s": records / four / 1e6,
    }


ROW = Row(
    "4 threads, 10 M records, to a journal / one thread",
    (Goal("four / one", "", "x", 1.0, 0.8, more=True),),
    run,
    runs=3,
)
