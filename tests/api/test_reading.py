"""attolog.read, over journals that were really written."""

import json
import os
import subprocess
import sys
import threading
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest

import attolog
from attolog import AsyncFileLogger
from attolog._reading.journal import Record

from .helpers import TIME, log_to, run_python
from .journal_by_hand import Site, Tagged, block


def some(log: AsyncFileLogger) -> None:
    for task_id in range(5):
        log.set_time(TIME + task_id)
        log("GEN", model="ResNet50", task_id=task_id, arrival=task_id / 2)
    log("SCHED", model="ResNet50", batch_id=42)
    log.warning("queue {q} is full", q=3)
    log("a sentence")
    log.print("printed")


def test_events(tmp_path: Path) -> None:
    run = attolog.read(log_to(tmp_path / "run.atto", some))
    assert run.events == {"GEN": 5, "SCHED": 1}
    assert list(run) == ["GEN", "SCHED", "queue {q} is full", "LOG", "PRINT"]
    assert [len(run[name]) for name in run] == [5, 1, 1, 1, 1]
    assert run.problems == ()
    assert (run["GEN"].first, run["GEN"].last) == (TIME, TIME + 4)


def test_records(tmp_path: Path) -> None:
    run = attolog.read(log_to(tmp_path / "run.atto", some))
    records = list(run.records())
    assert [record.kind for record in records] == ["event"] * 6 + ["message", "text", "print"]
    assert [record.time for record in records] == [TIME + min(i, 4) for i in range(9)]
    assert records[1].fields == {"model": "ResNet50", "task_id": 1, "arrival": 0.5}
    assert (records[5].event, records[5].message, records[5].level) == ("SCHED", None, None)
    assert (records[6].event, records[6].message) == (None, "queue 3 is full")
    assert (records[6].level, records[6].fields) == ("WARNING", {"q": 3})
    assert (records[7].message, records[8].message) == ("a sentence", "printed\n")
    assert {record.pid for record in records} == {os.getpid()}
    assert {record.thread for record in records} == {"MainThread"}
    assert list(run.records()) == records  # as often as one likes


def test_polars(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    run = attolog.read(log_to(tmp_path / "run.atto", some))
    frame = polars.DataFrame(run["GEN"])
    assert frame.columns == ["time", "model", "task_id", "arrival"]
    assert frame["time"].dtype == polars.Datetime("ns", "UTC")
    assert frame["task_id"].to_list() == [0, 1, 2, 3, 4]
    assert frame["arrival"].sum() == 5.0
    assert frame["model"].unique().to_list() == ["ResNet50"]


def test_pyarrow(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    run = attolog.read(log_to(tmp_path / "run.atto", some))
    table = pyarrow.table(run["GEN"])
    assert table.schema == pyarrow.schema(
        {
            "time": pyarrow.timestamp("ns", "UTC"),
            "model": pyarrow.large_string(),
            "task_id": pyarrow.int64(),
            "arrival": pyarrow.float64(),
        }
    )
    table.validate(full=True)
    assert table["time"].cast(pyarrow.int64()).to_pylist() == [TIME + i for i in range(5)]
    reader = pyarrow.RecordBatchReader.from_stream(run["GEN"])
    assert reader.read_all() == table


def test_duckdb(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    gen = attolog.read(log_to(tmp_path / "run.atto", some))["GEN"]
    query = "SELECT count(*), sum(task_id), max(arrival), any_value(model) FROM gen"
    assert duckdb.connect().sql(query).fetchall() == [(5, 10, 2.0, "ResNet50")]
    assert len(gen) == 5


def test_pandas(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow")
    run = attolog.read(log_to(tmp_path / "run.atto", some))
    frame = pyarrow.table(run["GEN"]).to_pandas()
    assert list(frame.columns) == ["time", "model", "task_id", "arrival"]
    assert list(frame["task_id"]) == [0, 1, 2, 3, 4]
    assert frame["time"][0] == pandas.Timestamp(TIME, tz="UTC")
    if hasattr(pandas.DataFrame, "from_arrow"):  # pandas 3
        assert pandas.DataFrame.from_arrow(run["GEN"])["arrival"].sum() == 5.0


def test_the_view_of_all_records(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    run = attolog.read(log_to(tmp_path / "run.atto", some))
    every = run["*"]
    assert "*" in run
    assert len(every) == 9
    table = pyarrow.table(every)
    assert table.column_names == ["time", "event", "level", "text", "thread", "pid"]
    rows = table.to_pylist()
    assert [row["event"] for row in rows] == ["GEN"] * 5 + ["SCHED", None, "LOG", "PRINT"]
    assert rows[0]["text"] == "GEN model=ResNet50 task_id=0 arrival=0.0"
    assert [row["text"] for row in rows[6:]] == ["queue 3 is full", "a sentence", "printed\n"]
    assert [row["level"] for row in rows[5:]] == [None, "WARNING", None, None]
    assert {row["thread"] for row in rows} == {"MainThread"}


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("GENN", "'GEN'"),
        ("gen", "'GEN'"),
        ("SHED", "'SCHED'"),
        ("queue {x} is full", "'queue {q} is full'"),
    ],
)
def test_a_wrong_name_is_told_the_nearest(tmp_path: Path, name: str, nearest: str) -> None:
    run = attolog.read(log_to(tmp_path / "run.atto", some))
    assert name not in run
    with pytest.raises(KeyError, match="did you mean") as raised:
        run[name]
    assert nearest in raised.value.args[0]


def test_a_journal_of_several_runs_and_threads(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"

    def use(log: AsyncFileLogger) -> None:
        log.set_time(None)
        threads = [
            threading.Thread(target=lambda n=n: [log("E", n, i) for i in range(200)], name=f"t{n}")
            for n in range(4)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    log_to(path, use)
    log_to(path, use)
    records = list(attolog.read(path).records())
    assert len(records) == 1600
    assert {record.thread for record in records} == {f"t{n}" for n in range(4)}
    times = [record.time for record in records]
    assert times == sorted(times)
    assert times[0] > TIME


def test_while_it_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with AsyncFileLogger(path) as log:
        assert attolog.read(path).events == {}
        log("E", 1)
        log.flush()
        run = attolog.read(path)
        log("E", 2)
        log.flush()
        assert run.events == {"E": 1}
        assert attolog.read(path).events == {"E": 2}
    assert len(list(run.records())) == 1


def test_what_a_killed_process_left_is_shown(tmp_path: Path) -> None:
    program = """
import attolog, os, sys
log = attolog.AsyncFileLogger(sys.argv[1])
for i in range(1000):
    log("E", i=i)
os._exit(0)
"""
    path = tmp_path / "run.atto"
    run_python(program, path)
    size = path.stat().st_size
    for _ in range(2):
        run = attolog.read(path)
        assert [record.fields["i"] for record in run.records()] == list(range(1000))
    assert path.stat().st_size == size  # nothing is written
    with AsyncFileLogger(path):  # but now
        pass
    assert attolog.read(path).events == {"E": 1000}


def test_an_empty_journal(tmp_path: Path) -> None:
    run = attolog.read(log_to(tmp_path / "run.atto", lambda log: None))
    assert (run.events, list(run.records()), run.problems) == ({}, [], ())
    assert len(run["*"]) == 0


# ---- damaged -----------------------------------------------------------------------------------


def sound_and_size(path: Path) -> tuple[list[Record], int]:
    """Five records, each in a block of its own."""
    with AsyncFileLogger(path) as log:
        for i in range(5):
            log.set_time(TIME + i)
            log("E", x=i)
            log.flush()
    return list(attolog.read(path).records()), path.stat().st_size


def test_cut_at_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    records, size = sound_and_size(path)
    whole = path.read_bytes()
    cut = tmp_path / "cut.atto"
    seen = set()
    for end in range(size):
        cut.write_bytes(whole[:end])
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            run = attolog.read(cut)
        found = list(run.records())
        assert found == records[: len(found)]
        assert len(said) == min(1, len(run.problems))
        seen.add(len(found))
    assert seen == {0, 1, 2, 3, 4}


def test_every_bit_flipped(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    records, _ = sound_and_size(path)
    whole = bytearray(path.read_bytes())
    for at in range(8, len(whole)):  # behind the first magic
        flipped = bytearray(whole)
        flipped[at] ^= 1 << at % 8
        path.write_bytes(flipped)
        with pytest.warns(UserWarning, match=r"run\.atto"):
            run = attolog.read(path, check=True)
        assert run.problems
        found = list(run.records())
        assert all(record in records for record in found)
        assert len(found) >= len(records) - 1


def test_a_journal_whose_only_block_is_damaged(tmp_path: Path) -> None:
    path = log_to(tmp_path / "run.atto", lambda log: log("E"))
    whole = path.read_bytes()
    for at in range(8, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.warns(UserWarning, match=r"run\.atto: block at byte 0"):
            run = attolog.read(path, check=True)
        assert (run.events, len(run.problems)) == ({}, 1)


def test_rubbish_before_a_journal(tmp_path: Path) -> None:
    path = log_to(tmp_path / "run.atto", lambda log: log("E"))
    path.write_bytes(b"rubbish" + path.read_bytes())
    with pytest.warns(UserWarning, match="here is none, 7 bytes skipped"):
        assert attolog.read(path).events == {"E": 1}


def test_rubbish_between_and_behind(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    records, _ = sound_and_size(path)
    # A block that is there twice, as after a torn copy, counts once.
    path.write_bytes(path.read_bytes() + b"rubbish" + path.read_bytes() + bytes(100))
    with pytest.warns(UserWarning, match=r"run\.atto"):
        run = attolog.read(path)
    assert list(run.records()) == records


def test_no_journal(tmp_path: Path) -> None:
    log_to(tmp_path / "run.csv", lambda log: log("E"))
    with pytest.raises(ValueError, match=r"run\.csv is no journal: .*read_csv"):
        attolog.read(tmp_path / "run.csv")
    path = tmp_path / "rubbish.atto"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match=r"rubbish\.atto is no journal"):
        attolog.read(path)
    with pytest.raises(FileNotFoundError, match=r"none\.atto"):
        attolog.read(tmp_path / "none.atto")


def test_read_csv_of_what_was_written(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = log_to(tmp_path / "run.csv", some)
    frame = attolog.read_csv(path, names=["timestamp", "event", "model", "id", "value"])
    assert list(frame.columns) == ["timestamp", "event", "model", "id", "value"]
    assert list(frame["event"]) == ["GEN"] * 5 + ["SCHED", "WARNING", "LOG", "PRINT"]
    gen = frame[frame["event"] == "GEN"]
    assert gen["value"].sum() == 5.0
    assert pandas.isna(frame["value"].iloc[-1])
    assert datetime.fromtimestamp(gen["timestamp"].min(), UTC).year == 2023


def test_prints_to_both_streams_are_in_one_table(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    out, err = (Site("", ("text",), kind="print", level=level) for level in (None, 30))
    path.write_bytes(block([(out, ("a\n",)), (err, ("b\n",)), (out, ("c\n",))], pid=7))
    journal = attolog.read(path)
    records = [(each.kind, each.level, each.message) for each in journal.records()]
    assert records == [("print", None, "a\n"), ("print", "WARNING", "b\n"), ("print", None, "c\n")]
    assert len(journal["PRINT"]) == 3


DATE, TIME_OF_DAY = 16, 17


def test_dates_and_times_that_do_not_exist_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    site = Site("E", ("n", "at"))
    numbers = [
        *(Tagged(TIME_OF_DAY, us) for us in (86_400_000_000, -1, 2**61, -(2**61))),
        *(Tagged(DATE, days) for days in (2**61, -(2**61), 2_932_897, -719_163)),
    ]
    path.write_bytes(block([(site, (i, number)) for i, number in enumerate(numbers)], 1))
    run = attolog.read(path)
    assert [r.fields["at"] for r in run.records()] == [number.number for number in numbers]
    command = [sys.executable, "-m", "attolog", "cat", str(path)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert len(shown.stdout.splitlines()) == len(numbers)


def test_stats_of_dropped_records_that_make_no_sense(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    dropped = Site("", (), kind="dropped")
    path.write_bytes(block([(dropped, ("many", 1)), (dropped, ()), (dropped, (-5, 1))], 1))
    command = [sys.executable, "-m", "attolog", "stats", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].startswith("DROPPED\t3\t")


def test_names_that_are_no_utf8_are_found_by_what_is_shown(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    path = tmp_path / "run.atto"
    path.write_bytes(
        block([(Site("E\udcff", ("n\udcff",)), (1,)), (Site("E\udcfe", ("n",)), (2,))], 1)
    )
    run = attolog.read(path)
    assert run.keys() == ("E\\xff", "E\\xfe")
    assert [pyarrow.table(run[name]).num_rows for name in run] == [1, 1]
    assert [r.event for r in run.records()] == list(run)
    (name,) = (name for r in run.records() for name in r.fields if name != "n")
    assert run["E\\xff"].estimate_sum(name).value == 1


# The second warning says how many records are missing.
@pytest.mark.filterwarnings("ignore:.*it was changed while it was read")
def test_a_file_that_is_changed_after_it_was_read_is_told_of(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    path = log_to(tmp_path / "run.atto", some)
    run = attolog.read(path)
    data = path.read_bytes()
    path.write_bytes(data + data)  # more of it is no change
    assert (pyarrow.table(run["GEN"]).num_rows, run.problems) == (5, ())
    path.write_bytes(bytes(len(data)))
    for _ in range(3):
        with pytest.warns(UserWarning, match=r"run\.atto: it was changed after it was read"):
            assert pyarrow.table(run["GEN"]).num_rows == 0
        with pytest.warns(UserWarning, match="changed after it was read"):
            assert list(run.records()) == []
        with pytest.warns(UserWarning, match="changed after it was read"):
            assert run["GEN"].estimate_count().value == 0
    assert len(run.problems) == 2  # that it was changed, and what is missing


def test_a_table_of_ever_new_names_takes_little_memory(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    path = tmp_path / "run.atto"
    n = 5000
    with AsyncFileLogger(path) as log:
        for i in range(n):
            log("E", **{f"user_{i}": i})
        log("E", n=1, name="x")
    run = attolog.read(path)
    assert run.problems == ()
    with pytest.warns(UserWarning, match=r'columns of the table "E" .* column "more", as JSON'):
        table = pyarrow.table(run["E"])
    assert (table.num_rows, table.column_names) == (n + 1, ["time", "more"])
    assert table.nbytes < 1_000_000
    assert [json.loads(each) for each in table["more"].to_pylist()] == [
        *({f"user_{i}": i} for i in range(n)),
        {"n": 1, "name": "x"},
    ]
    assert len(run.problems) == 1
    assert run["E"].estimate_sum("user_7").value == 7


def test_any_number_of_templates_leaves_events_their_tables(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    with AsyncFileLogger(path) as log:
        for i in range(66_000):
            log.info(f"task {i} done", 12.5)
        for i in range(100):
            log("DONE", i)
            log.info("late {i}", i)
    with pytest.warns(UserWarning, match="more than 65536 templates"):
        run = attolog.read(path)
    assert (run.events, len(run["late {i}"])) == ({"DONE": 100}, 100)
    others = run["other messages"]
    assert len(others) == 66_000 - 65_535
    assert sum(map(len, map(run.__getitem__, run))) == 66_200
    (problem,) = run.problems
    assert problem.endswith('465 records of the rarest are together in the table "other messages"')
