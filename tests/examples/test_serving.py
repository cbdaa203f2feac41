"""The serving program: its parts on made-up input, and short runs of the whole."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import arrivals
import multi_model_dev
import options
import profiles
import pytest
import report
import sim
from arrivals import ArrivalsError, poisson
from engine import Batch, Drop, Engine, Run
from events import Events
from logs import MODES, OVERWRITING
from policies import POLICIES, Config, Queue, Task
from profiles import EXITS, ProfileError
from realtime import Realtime

SERVING = Path(multi_model_dev.__file__).parent
PROFILE = profiles.load(SERVING / "profile.json")
CONFIG = Config(slo_ms=50.0, max_batch=10, exits=EXITS)


def queue(name: str, *arrivals: float) -> Queue:
    return Queue(name, name, deque(Task(i, arrival) for i, arrival in enumerate(arrivals)))


# Arrivals


def test_arrivals_are_seeded_ordered_and_within_the_run() -> None:
    arrivals = poisson(300.0, 10.0, 7, "ResNet50")
    assert arrivals == poisson(300.0, 10.0, 7, "ResNet50")
    assert arrivals == sorted(arrivals)
    assert arrivals[0] > 0 and arrivals[-1] < 10.0
    assert arrivals != poisson(300.0, 10.0, 8, "ResNet50")
    assert arrivals != poisson(300.0, 10.0, 7, "ResNet101")
    # A longer run begins as the shorter one does.
    assert poisson(300.0, 20.0, 7, "ResNet50")[: len(arrivals)] == arrivals


def test_arrivals_come_at_their_rate() -> None:
    # 30,000 expected, standard deviation 173: the seed is fixed, so this holds always or never.
    assert abs(len(poisson(300.0, 100.0, 0, "ResNet50")) - 30_000) < 4 * 173
    assert poisson(0.0, 100.0, 0, "ResNet50") == []


def test_replay_reads_the_columns_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "arrivals.csv"
    path.write_text("id,model,arrival\n1,B,0\n2,A,0.5\n3,B,0.5\n4,B,1e1\n")
    assert arrivals.replay(path, ["A", "B", "C"]) == {"A": [0.5], "B": [0.0, 0.5, 10.0], "C": []}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: the columns model and arrival are needed"),
        ("model,time\nA,1\n", "line 1: the columns model and arrival are needed"),
        ("model,arrival\nA,1\nA,2\nA,1.5\n", "line 4: not sorted, 1.5 s comes after 2 s"),
        ("model,arrival\nA,1\nB,0.5\n", "line 3: not sorted, 0.5 s comes after 1 s"),
        ("model,arrival\nX,1\n", "line 2: 'X' is none of A, B"),
        ("model,arrival\nA,soon\n", "line 2: 'soon' is no number of seconds"),
        ("model,arrival\nA,-1\n", "line 2: '-1' is no number of seconds"),
        ("model,arrival\nA,nan\n", "line 2: 'nan' is no number of seconds"),
        ("model,arrival\nA\n", "line 2: None is no number of seconds"),
    ],
)
def test_replay_says_which_line_is_wrong(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "arrivals.csv"
    path.write_text(text)
    with pytest.raises(ArrivalsError, match=re.escape(says)):
        arrivals.replay(path, ["A", "B"])


# Profile


def test_profile_holds_the_published_times_and_accuracies() -> None:
    times = {
        "ResNet50": (1.65, 2.79, 4.20, 5.06),
        "ResNet101": (1.66, 2.79, 8.32, 9.24),
        "ResNet152": (1.67, 3.69, 12.61, 13.53),
    }
    accuracies = {
        "ResNet50": (58.97, 75.49, 80.71, 80.65),
        "ResNet101": (59.90, 74.97, 81.35, 81.34),
        "ResNet152": (58.36, 77.34, 80.91, 80.73),
    }
    for model in times:
        assert tuple(PROFILE.ms(model, exit, 5) for exit in EXITS) == times[model]
        assert tuple(PROFILE.accuracy(model, exit) for exit in EXITS) == accuracies[model]


def test_profile_extrapolates_from_batch_5_and_says_so() -> None:
    assert len(PROFILE.cells) == 3 * 4 * 10
    for (model, exit, batch_size), cell in PROFILE.cells.items():
        assert cell.source == ("anchor" if batch_size == 5 else "extrapolated")
        mean_ms = PROFILE.ms(model, exit, 5) * (0.45 + 0.11 * batch_size)
        times = (mean_ms, mean_ms, mean_ms * (1 + 1.645 * 0.02), mean_ms * (1 + 2.326 * 0.02))
        expected = dict(zip(profiles.STATISTICS, times, strict=True))
        assert cell.times == pytest.approx(expected, abs=1.1e-4)


def test_profile_names_the_missing_cell() -> None:
    with pytest.raises(ProfileError, match="no mean_ms of ResNet50 at layer1, batch size 11"):
        PROFILE.require(["ResNet50"], EXITS, 11)
    with pytest.raises(ProfileError, match="no accuracy of ResNet18 at layer1"):
        PROFILE.require(["ResNet18"], EXITS, 1)


# Engine, with a GPU that takes no time


class InstantGpu:
    def run(self, model: str, exit: str, batch_size: int) -> None:
        pass


class BrokenGpu:
    def run(self, model: str, exit: str, batch_size: int) -> None:
        raise RuntimeError("the GPU fell off the bus")


class Recorder:
    """Keeps the events in memory."""

    def __init__(self) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.events = Events(
            *map(self._call, ("GEN", "STATE", "CAND", "SCHED", "EXEC", "DONE", "DROP"))
        )

    def _call(self, name: str) -> Callable[..., None]:
        return lambda *values: self.rows.append((name, *values))

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [row[1:] for row in self.rows if row[0] == name]


def test_every_arrival_is_served_or_still_queued() -> None:
    recorder = Recorder()
    queues = [queue("ResNet50"), queue("ResNet101")]
    arrivals = {"ResNet50": [0.0] * 300, "ResNet101": [0.0] * 200}
    engine = Engine(queues, POLICIES["early_exit"], PROFILE, CONFIG, recorder.events)
    run = Realtime(engine, arrivals, InstantGpu()).run(0.0)
    assert run.generated == len(recorder.of("GEN")) == 500
    rows = report.answers(run, PROFILE)
    tasks = Counter((row.model, row.task_id) for row in rows)
    assert tasks == Counter(
        (name, i) for name, times in arrivals.items() for i in range(len(times))
    )
    done = [row for row in rows if row.outcome == "done"]
    assert [row[:2] for row in sorted(recorder.of("DONE"))] == sorted(
        (row.model, row.task_id) for row in done
    )
    batch_ids = list(range(len(run.batches)))
    assert [row[1] for row in recorder.of("SCHED")] == batch_ids
    assert [row[1] for row in recorder.of("EXEC")] == batch_ids


def test_late_tasks_are_dropped_and_a_failing_gpu_ends_the_run() -> None:
    recorder = Recorder()
    config = Config(slo_ms=1e6, max_batch=10, exits=EXITS)
    # Three arrived 2,000 s ago, past the SLO of 1,000 s; the fourth ends the run.
    policy = POLICIES["all_final"]
    engine = Engine([queue("ResNet50")], policy, PROFILE, config, recorder.events, drop_late=True)
    arrivals = {"ResNet50": [-2000.0, -2000.0, -2000.0, 0.0]}
    with pytest.raises(RuntimeError, match="fell off the bus"):
        Realtime(engine, arrivals, BrokenGpu()).run(3600.0)
    assert [row[:2] for row in recorder.of("DROP")] == [("ResNet50", i) for i in range(3)]
    assert all(wait_ms > 1e6 for *_, wait_ms in recorder.of("DROP"))
    assert [row[3] for row in recorder.of("SCHED")] == [1]
    assert recorder.of("EXEC") == recorder.of("DONE") == []


# Report


def test_figures_of_a_run_made_by_hand() -> None:
    fast, slow = queue("ResNet50"), queue("ResNet152", 9.0)
    run = Run(
        [fast, slow],
        batches=[
            Batch(fast, "final", [Task(0, 1.0), Task(1, 1.010)], 1.020, 1.030),
            Batch(fast, "layer1", [Task(2, 2.0)], 2.050, 2.060),
        ],
        drops=[Drop(slow, Task(1, 3.0), 60.0)],
    )
    rows = report.answers(run, PROFILE)
    outcomes = ["done", "done", "done", "dropped", "unfinished"]
    assert [row.outcome for row in rows] == outcomes
    figures = report.summary(rows, ["ResNet50", "ResNet152"], 10.0, CONFIG)
    every = figures["all"]
    assert [every[key] for key in ("offered", "done", "unfinished", "dropped")] == [5, 3, 1, 1]
    assert every["requests_per_s"] == pytest.approx(0.3)
    assert every["goodput_per_s"] == pytest.approx(0.2)  # the third took 60 ms
    assert every["slo_attainment"] == pytest.approx(2 / 5)  # of all, served or not
    assert figures["ResNet50"]["wait_ms_mean"] == pytest.approx((20 + 10 + 50) / 3)
    assert figures["ResNet50"]["infer_ms_p99"] == pytest.approx(10)
    assert figures["ResNet50"]["total_ms_p50"] == pytest.approx(30)
    assert figures["ResNet50"]["exit_layer1"] == pytest.approx(1 / 3)
    assert figures["ResNet50"]["accuracy"] == pytest.approx((80.65 + 80.65 + 58.97) / 3)
    assert figures["ResNet152"]["total_ms_p50"] is None
    assert "SLO attainment, of all" in report.summary_table(figures, EXITS)


def test_quantile() -> None:
    assert report.quantile([], 0.5) is None
    assert report.quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert report.quantile([0.0, 10.0], 0.95) == pytest.approx(9.5)
    assert report.quantile([4.0], 0.99) == 4.0


# Simulated GPU


def test_launch_operations_are_calibrated_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sim, "_measure_ops_per_ms", lambda: 1234.5)
    assert sim.calibrated_ops_per_ms() == 1234.5
    monkeypatch.setattr(sim, "_measure_ops_per_ms", lambda: 9999.9)
    assert sim.calibrated_ops_per_ms() == 1234.5
    (stored,) = tmp_path.rglob("*.json")
    for damaged in ("{}", "[]", "", '{"ops_per_ms": "many"}'):
        stored.write_text(damaged)
        with pytest.raises(ValueError, match=re.escape(str(stored))):
            sim.calibrated_ops_per_ms()


# Options


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--scheduler", "fifo"], "--scheduler"),
        (["--lambda-152", "-1"], "--lambda-152"),
        (["--lambda-50", "nan"], "--lambda-50"),
        (["--num-r50", "1.5"], "--num-r50"),
        (["--num-r50", "0", "--num-r101", "0", "--num-r152", "0"], "no model to serve"),
        (["--run-seconds", "0"], "--run-seconds"),
        (["--run-seconds", "inf"], "--run-seconds"),
        (["--run-seconds", "86400", "--lambda-50", "100000"], "more than 10,000,000 requests"),
        (["--slo-ms", "soon"], "--slo-ms"),
        (["--warmup-tasks", "-1"], "--warmup-tasks"),
        (["--exit-points", "layer1,layer9"], "--exit-points"),
        (["--exit-points", ""], "--exit-points"),
        (["--max-batch", "0"], "--max-batch"),
        (["--max-batch", "11"], "no p95_ms of ResNet50 at layer1, batch size 11"),
        (["--jitter", "2"], "--jitter"),
        (["--launch-fraction", "1.1"], "--launch-fraction"),
        (["--log", "tape"], "--log"),
        (["--log-level", "all"], "--log-level"),
        (["--slo-quantile", "p90_ms"], "--slo-quantile"),
        (["--output-tag", "a/b"], "--output-tag"),
        (["--image-size", "4"], "--image-size"),
        (["--arrivals", "nowhere.csv"], "--arrivals nowhere.csv: No such file"),
        (["--clock", "virtual", "--backend", "torch"], "--clock virtual goes with --backend sim"),
        (["--log", "stdlib", "--log-file", "run.atto"], "must end in .csv with --log stdlib"),
        (["--log", "off", "--log-file", "run.csv"], "--log-file"),
        (["--log-file", "run.txt"], "--log-file must end in .csv or .atto"),
        (["--profile", "nowhere.json"], "nowhere.json"),
        (["--run-sec", "1"], "--run-sec"),
    ],
)
def test_bad_options_give_one_line_and_status_2(
    options: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        multi_model_dev.main(options)
    assert ended.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1 and says in output.err
    assert list(tmp_path.iterdir()) == []


def test_the_environment_does_not_decide_for_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATTOLOG", "elsewhere.csv")
    with pytest.raises(SystemExit) as ended:
        multi_model_dev.main(["--log", "off"])
    assert ended.value.code == 2
    assert "ATTOLOG is set and would decide in place of --log" in capsys.readouterr().err


@pytest.mark.parametrize("mode", OVERWRITING)
def test_no_log_is_overwritten(
    mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log.csv"
    path.write_text("precious\n")
    with pytest.raises(SystemExit) as ended:
        multi_model_dev.main(["--log", mode, "--log-file", str(path)])
    assert ended.value.code == 2
    assert f"--log {mode} would overwrite it" in capsys.readouterr().err
    assert path.read_text() == "precious\n"


def test_logs_of_one_second_have_names_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "time", lambda: 1707234567.5)
    found = []
    for _ in range(3):
        _, given = options.parse([])
        found.append(given.log_file.name)
        given.log_file.parent.mkdir(exist_ok=True)
        given.log_file.touch()
    assert found == [f"debug_1707234567{number}.csv" for number in ("", "_2", "_3")]


def program(
    folder: Path, *given: str, stdout: int | IO[bytes] = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    """The program, started."""
    command = [sys.executable, str(SERVING / "multi_model_dev.py"), "--clock", "virtual", *given]
    return subprocess.Popen(command, cwd=folder, stdout=stdout, stderr=subprocess.PIPE)


@pytest.mark.parametrize("given", [["--csv", "."], ["--json", "run.json"]])
def test_a_report_that_cannot_be_written_is_told_before_the_run(
    given: list[str], tmp_path: Path
) -> None:
    (tmp_path / "summary.csv").mkdir()
    (tmp_path / "run.json").mkdir()
    with program(tmp_path, "--run-seconds", "1000", *given) as ended:
        error = ended.communicate(timeout=60)[1]
    assert ended.returncode == 2
    assert error.count(b"\n") == 1 and b"Is a directory" in error


HAS_FULL_DISK = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="there is no full disk to be had"
)


@HAS_FULL_DISK
def test_a_report_on_a_full_disk_is_one_line(tmp_path: Path) -> None:
    given = ("--run-seconds", "1", "--log", "off", "--json", "/dev/full")
    with program(tmp_path, *given) as ended:
        error = ended.communicate(timeout=60)[1]
    assert ended.returncode == 1
    assert error.count(b"\n") == 1 and b"No space left on device" in error


def test_a_ring_that_cannot_be_saved_is_one_line_and_the_figures_are_there(tmp_path: Path) -> None:
    (tmp_path / "last.csv").mkdir()
    given = ("--run-seconds", "1", "--log", "ring", "--log-file", "last.csv")
    with program(tmp_path, *given) as ended:
        output, error = ended.communicate(timeout=60)
    assert (ended.returncode, error) == (0, b"last.csv: Is a directory: the log is not saved\n")
    assert b"SLO attainment" in output


@HAS_FULL_DISK
def test_output_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        given = ("--run-seconds", "1", "--log", "off")
        with program(tmp_path, *given, stdout=full) as ended:
            error = ended.communicate(timeout=60)[1]
    assert ended.returncode == 1
    assert error.count(b"\n") == 1 and b"No space left on device" in error


def test_ctrl_c_ends_a_virtual_run_with_its_report(tmp_path: Path) -> None:
    log = tmp_path / "run.csv"
    given = ("--run-seconds", "10000", "--warmup-tasks", "0", "--log-file", str(log))
    with program(tmp_path, *given, "--lambda-50", "3", "--log-level", "candidate") as ended:
        while not (log.exists() and log.stat().st_size):  # long before the end: the writer's
            assert ended.poll() is None
        ended.send_signal(signal.SIGINT)
        output, error = ended.communicate(timeout=60)
    assert (ended.returncode, error) == (130, b"")
    assert b"(interrupted)" in output and b"SLO attainment" in output


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda d: d["models"].pop("ResNet101"), "no accuracy of ResNet101"),
        (lambda d: d["models"]["ResNet50"]["exits"]["final"].pop("3"), "at final, batch size 3"),
        (lambda d: d["models"]["ResNet50"]["exits"]["final"]["3"].pop("p95_ms"), "no p95_ms of"),
        (lambda d: d.pop("models"), "models: must be an object"),
        (lambda d: d["models"]["ResNet50"]["accuracy"].update(final="x"), "accuracy.final"),
        (lambda d: d["models"]["ResNet50"]["exits"]["final"]["3"].update(mean_ms=-1), "final.3"),
        (lambda d: d["models"]["ResNet50"]["accuracy"].update(final=10**400), "accuracy.final"),
        (lambda d: d["models"]["ResNet50"]["exits"]["final"]["3"].update(source="?"), "final.3"),
    ],
)
def test_a_bad_profile_gives_one_line_and_status_2(
    damage: Callable[[Any], object],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = json.loads((SERVING / "profile.json").read_text())
    damage(document)
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps(document))
    with pytest.raises(SystemExit) as ended:
        multi_model_dev.main(["--profile", str(profile), "--log", "off"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and str(profile) in error and says in error


# The whole


class Finished:
    """One second of the program, in a folder of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        folder.mkdir()
        command = [sys.executable, str(SERVING / "multi_model_dev.py"), "--run-seconds", "1"]
        command += ["--csv", ".", "--json", "run.json", *options]
        ended = subprocess.run(command, cwd=folder, capture_output=True, timeout=120)
        assert (ended.returncode, ended.stderr) == (0, b"")
        # With --log print, anything may stand in it: CPython before 3.12.4 breaks sys.stdout's
        # buffer when several threads write to it (gh-119506).
        self.output = ended.stdout.decode(errors="replace")
        self.report = json.loads((folder / "run.json").read_text())
        with open(folder / "tasks.csv", newline="") as file:
            self.tasks = list(csv.DictReader(file))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finished]:
    folder = tmp_path_factory.mktemp("serving")
    return {mode: Finished(folder / mode, "--log", mode) for mode in MODES}


def test_every_log_mode_sees_the_same_arrivals(runs: dict[str, Finished]) -> None:
    drawn = {
        (name, str(i), repr(arrival))
        for name, rate in (("ResNet50", 300.0), ("ResNet101", 200.0), ("ResNet152", 100.0))
        for i, arrival in enumerate(poisson(rate, 1.0, 0, name))
    }
    for run in runs.values():
        assert {(t["model"], t["task_id"], t["arrival"]) for t in run.tasks} == drawn
        assert len(run.tasks) == len(drawn) == run.report["generated"]


def test_every_arrival_is_accounted_for(runs: dict[str, Finished]) -> None:
    for run in runs.values():
        models = run.report["models"]
        for figures in (*models.values(), run.report["all"]):
            ends = figures["done"] + figures["dropped"] + figures["unfinished"]
            assert figures["offered"] == ends
        offered = sum(figures["offered"] for figures in models.values())
        assert offered == run.report["all"]["offered"] == run.report["generated"] - 100


def test_async_writes_a_csv_that_pandas_reads_with_given_names(runs: dict[str, Finished]) -> None:
    pandas = pytest.importorskip("pandas")
    run = runs["async"]
    (path,) = (run.folder / "logs").glob("debug_*.csv")
    assert re.match(rf"\[INFO\] Debug logging to: .*{path.name}\n", run.output)
    df = pandas.read_csv(path, names=["timestamp", "event", "model", "id", "value"])
    events = {name: n for name, n in run.report["events"].items() if n}
    assert events["GEN"] == run.report["generated"]
    assert events["SCHED"] == run.report["batches"] > 0
    assert df["event"].value_counts().to_dict() == events
    gen = df[df["event"] == "GEN"]
    assert set(zip(gen["model"], gen["id"].astype(str), gen["value"], strict=True)) == {
        (task["model"], task["task_id"], task["arrival"]) for task in run.tasks
    }
    sched = df[df["event"] == "SCHED"]
    assert sched["value"].str.match(r"(layer1|layer2|layer3|final),\d+,[\d.e-]+,[\d.]+$").all()
    health = run.report["health"]
    assert health["log_calls"] == health["records_written"] == len(df) == sum(events.values())
    assert health["records_lost"] == health["records_waiting"] == 0


def test_print_says_the_same(runs: dict[str, Finished]) -> None:
    run = runs["print"]
    events = run.report["events"]
    assert events["GEN"] == run.report["generated"]
    assert events["SCHED"] == run.report["batches"]
    # Counted by what stands in them: print writes a line's end separately, and threads print. Some
    # lines, whichever, are missing where sys.stdout loses what several threads write to it at once.
    arrived = [
        f"[Generator-{task['model']}] New task {task['task_id']} at {float(task['arrival']):.6f}"
        for task in run.tasks
    ]
    begun = r"\[Scheduler-ResNet\d+\] Batch_id=\d+, exit=\w+, batch_size=\d+, max_wait_ms="
    said = {
        "GEN": sum(line in run.output for line in arrived),
        "SCHED": len(re.findall(begun, run.output)),
        "EXEC": run.output.count("actual_ms="),
        "DONE": run.output.count(" done, batch_id="),
    }
    for event, n in said.items():
        assert 0.9 * events[event] <= n <= events[event]
    assert not (run.folder / "logs").exists()


def rows_of(run: Finished) -> list[list[str]]:
    (path,) = (run.folder / "logs").glob("debug_*.csv")
    assert re.match(rf"\[INFO\] Debug logging to: .*{path.name}\n", run.output)
    with open(path, newline="") as file:
        return list(csv.reader(file))


def test_the_log_accounts_for_every_call(runs: dict[str, Finished]) -> None:
    for mode, run in runs.items():
        health = run.report["health"]
        assert health["log_calls"] == sum(run.report["events"].values())
        kinds = ("written", "lost", "waiting", "sampled_out", "aggregated", "overwritten")
        if mode == "print":  # nobody can tell
            assert health["records_written"] is health["records_lost"] is None
        else:
            assert health["log_calls"] == sum(health[f"records_{kind}"] for kind in kinds)


def test_sample_keeps_whole_tasks(runs: dict[str, Finished]) -> None:
    run = runs["sample"]
    rows = rows_of(run)
    health = run.report["health"]
    assert len(rows) == health["records_written"] > 0 < health["records_sampled_out"]
    kept = {(row[2], row[3]) for row in rows if row[1] == "GEN"}
    done = {(row[2], row[3]) for row in rows if row[1] == "DONE"}
    served = {(t["model"], t["task_id"]) for t in run.tasks if t["outcome"] == "done"}
    assert done == kept & served
    # Chosen by the number alone: the tasks of that number of all models.
    numbers = {task_id for _, task_id in kept}
    assert kept == {(t["model"], t["task_id"]) for t in run.tasks if t["task_id"] in numbers}


def test_stats_counts_all_events(runs: dict[str, Finished]) -> None:
    run = runs["stats"]
    rows = rows_of(run)
    assert {row[1] for row in rows} == {"STATS"}
    assert run.report["health"]["records_aggregated"] == sum(run.report["events"].values())
    counted: Counter[str] = Counter()
    for _, _, event, model, field, _, count, *_ in rows:
        assert model in run.report["models"]
        if field == "":
            counted[event] += int(count)
    assert counted == Counter(run.report["events"])


def test_ring_saves_the_last_events(runs: dict[str, Finished]) -> None:
    run = runs["ring"]
    rows = rows_of(run)
    # One second is less than the ring holds.
    assert Counter(row[1] for row in rows) == Counter(run.report["events"])
    assert {len(row) for row in rows} == {5}


FAILS = """
import multi_model_dev, sim

def fail(*_):
    raise RuntimeError("the GPU fell off the bus")

sim.SimulatedGpu.run = fail
multi_model_dev.main(["--log", "ring", "--log-file", "last.csv"])
"""


def test_ring_saves_itself_when_the_program_fails(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SERVING), *sys.path])}
    command = [sys.executable, "-c", FAILS]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ended.returncode == 1 and "the GPU fell off the bus" in ended.stderr
    with open(tmp_path / "last.csv", newline="") as file:
        events = [row[1] for row in csv.reader(file)]
    assert events.count("SCHED") == 1 and "EXEC" not in events and "GEN" in events
    assert events[-1] == "TRIGGER"


def test_off_logs_nothing(runs: dict[str, Finished]) -> None:
    run = runs["off"]
    assert "[Generator" not in run.output and "SLO attainment" in run.output
    assert run.report["events"] == {} and run.report["health"]["log_calls"] == 0
    assert not (run.folder / "logs").exists()


def test_overload_drops_and_logs_batches_alone(tmp_path: Path) -> None:
    options = ["--scheduler", "all_final", "--lambda-50", "3000", "--num-r50", "2", "--drop-late"]
    options += ["--log-level", "batch", "--log-file", "deep/batches.csv", "--warmup-tasks", "0"]
    run = Finished(tmp_path / "overload", *options)
    figures = run.report["models"]
    assert list(figures) == ["ResNet50_0", "ResNet50_1", "ResNet101", "ResNet152"]
    every = run.report["all"]
    assert every["offered"] == run.report["generated"] == len(run.tasks)
    assert every["offered"] == every["done"] + every["dropped"] + every["unfinished"]
    # At some 8 ms for 10 requests, one second can serve no more than 1,300 of 3,300.
    assert every["dropped"] > 0 and every["exit_final"] == 1.0
    with open(run.folder / "deep" / "batches.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert Counter(row[1] for row in rows) == run.report["events"]
    assert set(run.report["events"]) == {"SCHED", "EXEC"}
    assert {len(row) for row in rows} == {5}


@pytest.mark.parametrize("work", ["spin", "launch"])
def test_other_simulated_work(work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    run = Finished(tmp_path / "run", "--sim-work", work, "--log", "off")
    assert run.report["batches"] > 0
    assert bool(list(tmp_path.glob("attolog-serving/*.json"))) == (work == "launch")
