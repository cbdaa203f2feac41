"""Strategy 4: the last records, in memory until they are wanted."""

import json
import os
import re
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog import AsyncFileLogger, CircularLogger

from .helpers import cells, lines, numbers, objects, reasons, run_python, saved

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


@pytest.fixture
def box(tmp_path: Path) -> Iterator[CircularLogger]:
    with CircularLogger(10, path=tmp_path / "self-{n}.jsonl") as box:
        yield box


# ---- what it holds ---------------------------------------------------------------------------


@pytest.mark.parametrize("calls", [0, 1, 9, 10, 11, 1000])
def test_the_last_records_in_order(box: CircularLogger, tmp_path: Path, calls: int) -> None:
    for i in range(calls):
        box("E", i=i)
    held = min(calls, 10)
    assert len(box) == held
    assert box.counts == (calls, 0, held, 0, 0, 0, calls - held)
    path = tmp_path / "saved.jsonl"
    assert box.save(path) == held
    assert (numbers(path) if held else path.read_bytes()) == (list(range(calls))[-10:] or b"")
    assert box.counts == (calls, held, 0, 0, 0, 0, calls - held)


def test_it_goes_on_holding_what_was_saved(box: CircularLogger, tmp_path: Path) -> None:
    path = tmp_path / "saved.jsonl"
    for i in range(10):
        box("E", i=i)
    assert box.save(path) == box.save(path) == len(box) == 10
    for i in range(10, 15):
        box("E", i=i)
    assert box.save(path) == 10
    assert numbers(path) == list(range(5, 15))
    # The first five went after they had been saved.
    assert box.counts == (15, 15, 0, 0, 0, 0, 0)


def test_a_save_takes_the_place_of_what_is_there(box: CircularLogger, tmp_path: Path) -> None:
    path = tmp_path / "saved.log"
    path.write_text("before\n" * 100)
    box.log("now")
    assert box.save(path) == 1
    assert path.read_text() == "now\n"
    assert [each.name for each in tmp_path.iterdir()] == ["saved.log"]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "log", "txt", "atto"])
def test_a_saved_file_is_as_a_log_file(tmp_path: Path, suffix: str) -> None:
    direct, path = tmp_path / f"direct.{suffix}", tmp_path / "deep" / f"saved.{suffix}"
    full, box = AsyncFileLogger(direct), CircularLogger()
    both = attolog.tee(full, box)
    bound = both.bind(request=17)
    both.set_time(START)
    for i in range(100):
        both("E", i=i, text="a\nb", none=None)
        both.warning("queue {q} is {full!r}", i, "full")
        both.log("text")
        both.print("a", i)
        bound("F", i / 7)
    assert box.save(path) == 500
    full.close()
    box.close()
    if suffix == "atto":
        there, here = attolog.read(direct), attolog.read(path)
        assert here.events == there.events
        assert [(r.time, r.event, r.level, r.message, r.fields) for r in here.records()] == [
            (r.time, r.event, r.level, r.message, r.fields) for r in there.records()
        ]
    else:
        assert path.read_bytes() == direct.read_bytes()


def test_messages_become_lines(box: CircularLogger, tmp_path: Path) -> None:
    for i in range(20):
        box.log(f"Event: {i} {{}}")
    assert box.save(tmp_path / "logs" / "events.log") == 10
    assert lines(tmp_path / "logs" / "events.log") == [f"Event: {i} {{}}" for i in range(10, 20)]


def test_a_circular_logger_has_a_second_name() -> None:
    assert attolog.CircularBufferLogger is CircularLogger


def test_fewer_are_held_where_memory_ends(tmp_path: Path) -> None:
    with CircularLogger(100_000, max_bytes=1 << 16) as box:
        for i in range(10_000):
            box("E", i=i, text="x" * 100)
        held = len(box)
        assert 100 < held < 1000
        assert box.counts == (10_000, 0, held, 0, 0, 0, 10_000 - held)
        assert box.save(tmp_path / "saved.jsonl") == held
    assert numbers(tmp_path / "saved.jsonl") == list(range(10_000 - held, 10_000))


def test_by_itself_a_record_has_128_bytes(tmp_path: Path) -> None:
    with CircularLogger(10_000) as box:
        for i in range(20_000):
            box("E", i=i, text="x" * 70)
        assert len(box) == 10_000


@pytest.mark.parametrize("when", [None, "i < 0", lambda record: record["i"] < 0])
@pytest.mark.parametrize("size", [100, 20_000, 100_000, 3_000_000])
def test_values_of_any_length(tmp_path: Path, size: int, when: Any) -> None:
    with CircularLogger(8, when=when) as box:
        for i in range(20):
            box("E", i=i, letters=chr(ord("a") + i) * (size if i % 2 else 1))
        held = len(box)
        assert held >= (8 if size < 1000 else 1)
        assert box.save(tmp_path / "saved.jsonl") == held
    assert numbers(tmp_path / "saved.jsonl") == list(range(20 - held, 20))
    for each in objects(tmp_path / "saved.jsonl"):
        i = each["i"]
        assert each["letters"] == chr(ord("a") + i) * (size if i % 2 else 1)


def test_threads_in_the_order_of_time(tmp_path: Path) -> None:
    n_threads, n = 8, 2000
    with CircularLogger(1000) as box:
        event = box.event("E", "worker", "i")

        def work(thread: int) -> None:
            for i in range(n):
                event(thread, i)

        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(n_threads)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert box.save(tmp_path / "saved.atto") == len(box) == 1000
        assert box.counts == (n_threads * n, 1000, 0, 0, 0, 0, n_threads * n - 1000)
    found = list(attolog.read(tmp_path / "saved.atto").records())
    assert [record.time for record in found] == sorted(record.time for record in found)
    of_worker: dict[int, list[int]] = {}
    for record in found:
        of_worker.setdefault(record.fields["worker"], []).append(record.fields["i"])
    # Of each thread its last ones, none missing.
    for sequence in of_worker.values():
        assert sequence == list(range(n - len(sequence), n))


def test_saves_while_others_log_are_whole(tmp_path: Path) -> None:
    n = 20_000
    with CircularLogger(100) as box:
        event = box.event("E", "worker", "i")
        threads = [
            threading.Thread(target=lambda k=k: [event(k, i) for i in range(n)]) for k in range(4)
        ]
        for each in threads:
            each.start()
        path = tmp_path / "saved.jsonl"
        while any(each.is_alive() for each in threads):
            held = box.save(path)
            assert held <= 100
            of_worker: dict[int, list[int]] = {}
            for row in objects(path) if held else []:
                of_worker.setdefault(row["worker"], []).append(row["i"])
            for sequence in of_worker.values():
                assert sequence == list(range(sequence[0], sequence[0] + len(sequence)))
            assert box.counts.calls == sum(box.counts[1:])
        for each in threads:
            each.join()
        box.flush()
        assert box.counts.calls == sum(box.counts[1:]) == 4 * n


def test_rules_leave_out_and_sample(tmp_path: Path) -> None:
    rules = {"NOISE": "off", "FEW": "every:10", "COUNTED": "stats:1s"}
    with CircularLogger(1000, rules=rules) as box:
        for i in range(100):
            box("NOISE", i=i)
            box("FEW", i=i)
            box("E", i=i)
        box("COUNTED", i=1)  # there is no file for statistics: it is kept too
        assert box.counts == (201, 0, 111, 0, 90, 0, 0)
        assert box.save(tmp_path / "saved.jsonl") == 111
    few = [each for each in objects(tmp_path / "saved.jsonl") if each["event"] == "FEW"]
    assert [each["weight"] for each in few] == [10] * 10
    assert numbers(tmp_path / "saved.jsonl") == list(range(100))


def test_levels_and_enabled(box: CircularLogger, tmp_path: Path) -> None:
    box.level = "ERROR"
    box.info("no")
    box.error("yes")
    box.enabled = False
    box("E", 1)
    assert box.save(tmp_path / "saved.jsonl") == 1


# ---- the end ---------------------------------------------------------------------------------


def test_what_was_not_saved_at_its_end_was_overwritten(tmp_path: Path) -> None:
    box = CircularLogger(10, path=tmp_path / "self-{n}.jsonl")
    for i in range(15):
        box("E", i=i)
    assert box.flush()
    assert box.close()
    assert box.counts == (15, 0, 0, 0, 0, 0, 15)
    box("E", i=15)
    assert box.counts == (16, 0, 0, 1, 0, 0, 15)
    assert len(box) == 0
    for use in (lambda: box.save(tmp_path / "saved.log"), lambda: box.trigger("late")):
        with pytest.raises(ValueError, match="the circular log is closed, and holds nothing"):
            use()
    assert box.close()
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_ends_well_leaves_nothing(tmp_path: Path) -> None:
    program = """
import attolog, os, sys
box = attolog.CircularLogger(10, path=sys.argv[1] + "/self-{n}.jsonl", ring_dir=sys.argv[1])
for i in range(100):
    box("E", i)
assert os.listdir(sys.argv[1])
"""
    out = run_python(program, tmp_path)
    assert (out.stdout, out.stderr) == ("", "")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# ---- saving that fails -----------------------------------------------------------------------


def test_where_a_save_fails_what_was_there_stays(tmp_path: Path) -> None:
    program = """
import attolog, os, resource, sys
box = attolog.CircularLogger()
for i in range(100_000):
    box("E", i)
box.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, -1))
try:
    box.save(sys.argv[1])
except OSError as error:
    print(error)
print(len(box))
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
print(box.save(sys.argv[1]))
"""
    path = tmp_path / "saved.csv"
    path.write_text("before")
    said = run_python(program.replace("print(len(box))", "print(open(sys.argv[1]).read())"), path)
    assert said.stdout.splitlines() == [
        f"[Errno 27] File too large: '{path}'",
        "before",
        "100000",
    ]
    assert len(cells(path)) == 100_000
    assert list(tmp_path.iterdir()) == [path]


def test_a_save_that_cannot_be_written(box: CircularLogger, tmp_path: Path) -> None:
    box("E", 1)
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    for path in ("file/saved.csv", "folder.csv"):
        with pytest.raises(OSError, match=re.escape(path)):
            box.save(tmp_path / path)
    assert len(box) == 1


@pytest.mark.parametrize(
    ("path", "options", "error", "said"),
    [
        ("saved.foo", {}, ValueError, "path must end in .csv"),
        ("saved", {}, ValueError, "path must end in .csv"),
        (3, {}, TypeError, "path"),
        ("saved.csv", {"appendix": 1}, TypeError, "'appendix'"),
        ("saved.csv", {"digits": "a"}, TypeError, "digits"),
        ("saved.csv", {"digits": 4}, ValueError, "digits"),
    ],
)
def test_bad_arguments_of_save(
    box: CircularLogger, path: Any, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        box.save(path, **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_shape_rows(box: CircularLogger, tmp_path: Path) -> None:
    box.set_time(START + 123_456_789)
    box("E", 1, 2, 3, 4)
    box.save(tmp_path / "saved.csv", digits=9, columns=4)
    assert lines(tmp_path / "saved.csv") == ['1700000000.123456789,E,1,"2,3,4"']
    box.save(tmp_path / "saved.log", pattern="{event}: {message}")
    assert lines(tmp_path / "saved.log")[0].startswith("E: ")
    with CircularLogger(rules={"E": "every:2"}) as few:
        for i in range(2):
            few("E", i)
        few.save(tmp_path / "few.csv", weight=True)
    assert [row[-1] for row in cells(tmp_path / "few.csv")] == ["2.0"]


# ---- it saves itself -------------------------------------------------------------------------


def test_a_trigger_saves_and_says_where(
    box: CircularLogger, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for i in range(15):
        box("E", i=i)
    path = box.trigger("it is slow")
    assert path is not None and saved(tmp_path) == [Path(path)]
    assert numbers(Path(path)) == list(range(5, 15))
    assert reasons(Path(path)) == ["it is slow"]
    assert capfd.readouterr().err == (f"attolog: {path}: saved the last 10 records (it is slow)\n")
    assert box.counts == (15, 10, 0, 0, 0, 0, 5)


def test_each_trigger_has_a_file_of_its_own(box: CircularLogger, tmp_path: Path) -> None:
    paths = [box.trigger(f"the {i}th") for i in range(3)]
    assert len(set(paths)) == 3
    assert [reasons(path) for path in saved(tmp_path)] == [["the 0th"], ["the 1th"], ["the 2th"]]


@pytest.mark.parametrize("reason", ["", "a\nb", "ä {x}", "\udc80"])
def test_a_reason_is_any_text(box: CircularLogger, reason: str) -> None:
    path = box.trigger(reason)
    assert path is not None
    assert len(reasons(Path(path))) == 1


@pytest.mark.parametrize("reason", [None, 3, b"bytes"])
def test_a_reason_that_is_none(box: CircularLogger, tmp_path: Path, reason: Any) -> None:
    with pytest.raises(TypeError, match="reason must be a str, not "):
        box.trigger(reason)
    assert saved(tmp_path) == []


def test_by_its_condition_it_saves_itself_a_hundred_times(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with CircularLogger(10, when="i >= 0", path=tmp_path / "self-{n}.jsonl") as box:
        for second in range(110):
            box.set_time(START + second * SECOND)
            box("E", i=second)
        box.flush()
        assert len(saved(tmp_path)) == 100
        assert "100 times by when=" in capfd.readouterr().err
        path = box.trigger("asked")  # whoever asks has it all the same
    assert path is not None
    assert reasons(Path(path)) == ["asked"]


def test_a_condition_that_is_always_true_saves_it_once_a_second(tmp_path: Path) -> None:
    with CircularLogger(1000, when="i >= 0", path=tmp_path / "self-{n}.jsonl") as box:
        for i in range(25):
            box.set_time(START + i * SECOND // 10)
            box("E", i=i)
    assert [len(reasons(path)) for path in saved(tmp_path)] == [1, 10, 10, 4]


def test_names_are_filled_in(tmp_path: Path) -> None:
    with CircularLogger(path=tmp_path / "{pid}" / "{time}-{n}.csv") as box:
        path = box.trigger("now")
    assert path is not None
    assert re.fullmatch(rf"{os.getpid()}/\d{{8}}T\d{{6}}-\d+\.csv", path[len(str(tmp_path)) + 1 :])


def test_what_when_asks_for_is_saved_before_later_records_take_its_place(tmp_path: Path) -> None:
    # All of it waits in the ring when it is drained for the first time.
    with CircularLogger(100, when="i == 4000", path=tmp_path / "self-{n}.jsonl") as box:
        for i in range(10_000):
            box("E", i=i)
    assert numbers(saved(tmp_path)[0]) == list(range(3901, 4001))


def test_when_is_true_of_a_record(tmp_path: Path) -> None:
    when = "total_ms > 50 and model == 'ResNet50'"
    with CircularLogger(100, when=when, path=tmp_path / "self-{n}.jsonl") as box:
        for i in range(20):
            box("E", i=i, model="ResNet50", total_ms=40)
            box("E", i=i, model="VGG", total_ms=60)
        box.flush()
        assert saved(tmp_path) == []
        box("E", i=99, model="ResNet50", total_ms=51)
    (path,) = saved(tmp_path)
    assert numbers(path)[-1] == 99
    assert len(numbers(path)) == 41
    assert reasons(path) == [when]


@pytest.mark.parametrize("kind", ["text", "callable"])
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, None, range(81)),
        ("10s", None, range(70, 81)),
        (None, "5s", range(86)),
        (10, 5.0, range(70, 86)),
        (0, 0, range(80, 81)),
        ("500ms", "1m", range(80, 100)),
    ],
)
def test_before_and_after(
    tmp_path: Path, kind: str, before: Any, after: Any, expected: range
) -> None:
    when: Any = "i == 80" if kind == "text" else lambda record: record["i"] == 80
    path = tmp_path / "self-{n}.jsonl"
    with CircularLogger(1000, when=when, before=before, after=after, path=path) as box:
        for i in range(100):
            box.set_time(START + i * SECOND)
            box("E", i=i)
            if i in (79, 80, 90):
                box.flush()
    (found,) = saved(tmp_path)
    seen = numbers(found)
    if after:
        assert seen == list(expected)
    else:  # and what was logged until it was saved
        assert seen == list(range(expected[0], seen[-1] + 1))
        assert seen[-1] >= expected[-1]
    assert len(reasons(found)) == 1


def test_triggers_that_come_before_it_is_saved_belong_to_it(tmp_path: Path) -> None:
    path = tmp_path / "self-{n}.jsonl"
    with CircularLogger(1000, when="tenth == 0", after="25s", path=path) as box:
        for i in range(1, 60):
            box.set_time(START + i * SECOND)
            box("E", i=i, tenth=i % 10)
            box.flush()
    first, second = saved(tmp_path)
    assert numbers(first) == list(range(1, 36))
    rows = [each.get("i", each["event"]) for each in objects(first)]
    assert [rows[rows.index(i) - 1] for i in (11, 21, 31)] == ["TRIGGER"] * 3
    assert len(reasons(second)) == 2


def test_what_a_callable_is_given(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []
    with CircularLogger(10, when=seen.append, path=tmp_path / "self-{n}.csv") as box:
        box("E", 1, x="x")
        box.event("F", "a", "b")(1.5, None)
        box.error("{n} failed", 3)
        box.log("text")
        value = object()
        box("G", value=value)
    assert seen[0] == {"v1": 1, "x": "x", "event": "E"}
    assert seen[1] == {"a": 1.5, "b": None, "event": "F"}
    assert seen[2] == {"n": 3, "level": "ERROR", "message": "{n} failed"}
    assert seen[4]["value"] is value
    assert len(seen) == 5
    assert saved(tmp_path) == []


def test_a_callable_that_raises_means_no_and_is_said_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def when(record: dict[str, Any]) -> bool:
        return bool(record["missing"])

    with CircularLogger(10, when=when, path=tmp_path / "self-{n}.csv") as box:
        for i in range(10):
            box("E", i=i)
        assert len(box) == 10
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "KeyError" in said
    assert saved(tmp_path) == []


def test_a_callable_that_logs(tmp_path: Path) -> None:
    with CircularLogger(100, when=lambda _: inner("F", 1)) as box, CircularLogger(100) as inner:
        for i in range(10):
            box("E", i=i)
        assert (len(box), len(inner)) == (10, 10)


def test_two_logs_save_themselves_apart(tmp_path: Path) -> None:
    path = tmp_path / "self-{n}.jsonl"
    with CircularLogger(10, path=path) as one, CircularLogger(10, path=path) as two:
        one("E", i=1)
        two("E", i=2)
        first, second = one.trigger("one"), two.trigger("two")
    assert first is not None and second is not None
    assert (numbers(Path(first)), numbers(Path(second))) == ([1], [2])


def test_saving_itself_that_fails_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with CircularLogger(10, path=tmp_path / "file" / "self-{n}.csv") as box:
        box("E", 1)
        box.trigger("why")
        assert len(box) == 1
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "is not saved (why)" in said


# ---- arguments -------------------------------------------------------------------------------

SECONDS = 'None or seconds, 0 or more (a finite number, or "500ms", "1s", "5m")'


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"max_size": 0}, ValueError, "max_size must be 1 to 1073741824, not 0"),
        ({"max_size": 1 << 31}, ValueError, "max_size must be 1 to 1073741824"),
        ({"max_size": "a"}, TypeError, "max_size must be an int, not str"),
        ({"max_size": True}, TypeError, "max_size must be an int, not bool"),
        ({"max_bytes": 0}, ValueError, "max_bytes must be 1 to "),
        ({"max_bytes": 1.5}, TypeError, "max_bytes must be an int, not float"),
        ({"when": "a >"}, ValueError, "'a >': at column 4: expected a name, a literal or '('"),
        ({"when": ""}, ValueError, "''"),
        ({"when": 3}, TypeError, "when must be an expression or a callable, not int"),
        ({"before": "x"}, ValueError, f"before must be {SECONDS}, not 'x'"),
        ({"before": -1}, ValueError, f"before must be {SECONDS}, not -1"),
        ({"after": -1}, ValueError, f"after must be {SECONDS}, not -1"),
        ({"after": []}, TypeError, f"after must be {SECONDS}, not list"),
        ({"path": "x.foo"}, ValueError, "path must end in .csv, .jsonl, .log, .txt or .atto"),
        ({"path": 3}, TypeError, "not int"),
        ({"path": "/dev/null"}, ValueError, "path must end in .csv"),
        ({"signals": "SIGFOO"}, ValueError, "signals must be names such as 'SIGUSR1', not"),
        ({"signals": ["SIGKILL"]}, ValueError, "signals: SIGKILL: Invalid argument"),
        ({"signals": [999]}, ValueError, "signal"),
        ({"rules": {"A": "x"}}, ValueError, "rules: A: 'x': is no strategy; allowed are off, all"),
        ({"rules": [1]}, TypeError, "rules must be a dict"),
        ({"append": True}, TypeError, "CircularLogger() takes no option 'append'"),
        ({"buffer_size": 0}, ValueError, "buffer_size must be 1 to "),
        ({"on_full": "wait"}, ValueError, "on_full"),
    ],
)
def test_bad_arguments(
    tmp_path: Path, arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        CircularLogger(**{"ring_dir": tmp_path, **arguments})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_box_is_on_until_it_is_closed(box: CircularLogger) -> None:
    assert box
    assert box.path is None
    assert len(box) == 0
    assert box.close()
    assert not box


def test_a_tee_of_boxes(tmp_path: Path) -> None:
    with CircularLogger(3) as few, CircularLogger(30) as many:
        both = attolog.tee(few, many)
        for i in range(100):
            both("E", i=i)
        assert (len(few), len(many)) == (3, 30)
        assert Counter(both.counts)[200] == 1
        assert both.counts.calls == sum(both.counts[1:]) == 200
        few.save(tmp_path / "few.jsonl")
    assert [json.loads(line)["i"] for line in lines(tmp_path / "few.jsonl")] == [97, 98, 99]
