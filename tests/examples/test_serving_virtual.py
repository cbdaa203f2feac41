"""The serving program in virtual time: the same run again, whatever is logged."""

import csv
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import logs
import pytest
from policies import POLICIES

import attolog

FLOOD = ["--scheduler", "ours_normalized", "--log-level", "candidate"]


# The program leaves its logger on and in virtual time: its runs are a process of their own.
RUNS = """
import json, sys
import multi_model_dev
for arguments in json.load(sys.stdin):
    assert multi_model_dev.main(arguments) == 0
"""


def run_all(*runs: tuple[Path, Sequence[str]]) -> list[dict[str, Any]]:
    """The reports of two virtual seconds each, whose files are in the given folders."""
    arguments = []
    for folder, options in runs:
        where = ["--csv", str(folder), "--json", str(folder / "run.json")]
        command = ["--clock", "virtual", "--run-seconds", "2", "--warmup-tasks", "0", *where]
        arguments.append([*command, *options])
    given = json.dumps(arguments)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    line = [sys.executable, "-c", RUNS]
    folder = runs[0][0].parent
    ended = subprocess.run(
        line, input=given, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    reports = []
    for folder, _ in runs:
        report = json.loads((folder / "run.json").read_text())
        (folder / "said.txt").write_text(ended.stdout)
        reports.append(report)
    return reports


def run(folder: Path, *options: str) -> dict[str, Any]:
    """The report of one run."""
    return run_all((folder, options))[0]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("mode", ["async", "sample", "stats", "ring", "stdlib", "queue"])
def test_the_same_seed_gives_the_same_log_to_the_byte(mode: str, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "again", "other")]
    for folder, seed in zip(folders, ("1", "1", "2"), strict=True):
        run(folder, "--seed", seed, "--log", mode, "--log-file", f"{folder}/log.csv", *FLOOD)
    first, again, other = (digest(folder / "log.csv") for folder in folders)
    assert first == again != other


def test_printed_lines_are_the_same_too(tmp_path: Path) -> None:
    printed = []
    for name in ("first", "again"):
        run(tmp_path / name, "--log", "print", *FLOOD)
        lines = (tmp_path / name / "said.txt").read_text().splitlines()
        printed.append([line for line in lines if line.startswith("[")])
    assert printed[0] == printed[1] and len(printed[0]) > 1000


@pytest.mark.parametrize("policy", POLICIES)
def test_every_log_mode_sees_the_same_schedule(policy: str, tmp_path: Path) -> None:
    options = ["--scheduler", policy, "--log-level", "candidate", "--lambda-50", "900"]
    folders = {mode: tmp_path / mode for mode in logs.MODES}
    reports = run_all(*((folder, [*options, "--log", mode]) for mode, folder in folders.items()))
    assert len({digest(folder / "tasks.csv") for folder in folders.values()}) == 1
    for mode, report in zip(folders, reports, strict=True):
        assert report["events"] == ({} if mode == "off" else reports[-1]["events"])
        every = report["all"]
        assert every["offered"] == report["generated"]
        assert every["offered"] == every["done"] + every["dropped"] + every["unfinished"]


def test_the_log_is_what_happened(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    report = run(tmp_path, "--log-file", str(path), *FLOOD, "--drop-late", "--lambda-152", "900")
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    assert Counter(row[1] for row in rows) == {k: n for k, n in report["events"].items() if n}
    assert set(report["events"]) == {"GEN", "STATE", "CAND", "SCHED", "EXEC", "DONE", "DROP"}
    times = [float(row[0]) for row in rows]
    assert times == sorted(times) and times[-1] <= report["elapsed_s"] + 1e-6
    # A request is logged at its arrival; a decision has a STATE for each model.
    assert all(abs(float(row[0]) - float(row[4])) < 1e-6 for row in rows if row[1] == "GEN")
    assert report["events"]["STATE"] == 3 * report["events"]["SCHED"]
    assert report["health"]["records_written"] == len(rows)


def test_a_journal_has_the_same_records(tmp_path: Path) -> None:
    path = tmp_path / "log.atto"
    report = run(tmp_path, "--log-file", str(path), *FLOOD)
    events = {name: n for name, n in report["events"].items() if n}
    assert attolog.read(path).events == events


@pytest.mark.parametrize(
    ("level", "names"),
    [
        ("batch", {"SCHED", "EXEC"}),
        ("task", {"SCHED", "EXEC", "GEN", "DONE", "DROP"}),
        ("decision", {"SCHED", "EXEC", "GEN", "DONE", "DROP", "STATE"}),
    ],
)
def test_levels(level: str, names: set[str], tmp_path: Path) -> None:
    report = run(tmp_path, "--log-level", level, "--log-file", str(tmp_path / "log.csv"))
    assert set(report["events"]) == names
    assert report["health"]["log_calls"] == sum(report["events"].values())


def test_requests_wait_as_in_an_m_d_1_queue(tmp_path: Path) -> None:
    # One server, one request at a time, 0.56 of 5.06 ms for each: the Pollaczek-Khinchine formula.
    service_s = 5.06e-3 * (0.45 + 0.11)
    for load, rate in ((0.5, 0.5 / service_s), (0.8, 0.8 / service_s)):
        options = ["--scheduler", "all_final", "--max-batch", "1", "--jitter", "0", "--log", "off"]
        options += ["--num-r101", "0", "--num-r152", "0", "--lambda-50", str(rate)]
        figures = run(tmp_path, *options, "--run-seconds", "300")["all"]
        expected_ms = load * service_s / (2 * (1 - load)) * 1e3
        # Some 50,000 and 85,000 requests; the seed is fixed, so this holds always or never.
        assert figures["wait_ms_mean"] == pytest.approx(expected_ms, rel=0.05)
        assert figures["infer_ms_mean"] == pytest.approx(service_s * 1e3)


def test_a_run_can_be_replayed_from_its_tasks(tmp_path: Path) -> None:
    first = run(tmp_path / "first", "--seed", "3", "--log", "off")
    tasks = tmp_path / "first" / "tasks.csv"
    options = ["--seed", "3", "--log", "off", "--arrivals", str(tasks)]
    again = run(tmp_path / "again", *options)
    assert digest(tmp_path / "again" / "tasks.csv") == digest(tasks)
    assert again["all"] == first["all"]
    half = run(tmp_path / "half", *options, "--run-seconds", "1")
    with open(tasks, newline="") as file:
        early = [row for row in csv.DictReader(file) if float(row["arrival"]) < 1]
    assert half["generated"] == len(early) > 0


def test_a_tag_goes_into_the_names_of_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(folder, "--output-tag", "slo50")
    (log,) = (tmp_path / "logs").iterdir()  # where the program was started
    assert log.name.startswith("debug_slo50_")
    assert {"summary_slo50.csv", "tasks_slo50.csv"} <= {path.name for path in folder.iterdir()}


def test_the_chosen_quantile_is_what_the_policy_reckons_with(tmp_path: Path) -> None:
    predicted = {}
    for statistic in ("mean_ms", "p95_ms"):
        path = tmp_path / f"{statistic}.csv"
        run(tmp_path, "--slo-quantile", statistic, "--log-file", str(path), "--max-batch", "1")
        with open(path, newline="") as file:
            rows = [row for row in csv.reader(file) if row[1] == "SCHED" and row[2] == "ResNet50"]
        # exit, batch_size, max_wait_ms, pred_ms
        predicted[statistic] = {float(row[4].split(",")[3]) for row in rows}
    assert 5.06 * 0.56 in {round(ms, 4) for ms in predicted["mean_ms"]}
    assert round(5.06 * 0.56 * (1 + 1.645 * 0.02), 3) in {
        round(ms, 3) for ms in predicted["p95_ms"]
    }
