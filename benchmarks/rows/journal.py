"""10 M records, one thread, to a journal, close() included; all of them are counted in the file."""

from benchmarks.flood import flood, records_of
from benchmarks.row import Goal, Measures, Row


def run(quick: bool) -> Measures:
    """One run."""
    records = records_of(quick)
    seconds, used, size = flood(".atto", records)
    return {
        "M records/s": records / seconds / 1e6,
        "CPU, us a record": used / records * 1e6,
        "bytes a record": size / records,
    }


ROW = Row(
    "10 M records, one thread, to a journal",
    (Goal("M records/s", "", "M/s", 12.0, 6.0, more=True),),
    run,
    runs=3,
)
