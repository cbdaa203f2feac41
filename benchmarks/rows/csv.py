"""10 M records, one thread, to CSV, close() included; all of them are counted in the file."""

from benchmarks.flood import flood, records_of
from benchmarks.row import Goal, Measures, Row


def run(quick: bool) -> Measures:
    """One run."""
    records = records_of(quick)
    seconds, used, size = flood(".csv", records)
    return {
        "M records/s": records / seconds / 1e6,
        "CPU, us a record": used / records * 1e6,
        "bytes a record": size / records,
    }


ROW = Row(
    "10 M records, one thread, to CSV",
    (Goal("M records/s", "", "M/s", 5.0, 2.5, more=True),),
    run,
    runs=3,
)
