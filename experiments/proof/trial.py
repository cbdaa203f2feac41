"""One run of the serving program, in a process and a folder of its own, and what came of it."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proof.terminal import RecordCounter, Terminal

PROGRAM = Path(__file__).parents[2] / "examples" / "serving" / "multi_model_dev.py"


class TrialError(Exception):
    """A run failed; says which and why."""


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to log."""

    what: str
    log: str  # the program's --log
    terminal: bool = False  # the prints go to a terminal, else to a file
    rate: float | None = None  # bytes per second that the terminal takes


OFF, PRINT_FILE = "off", "print-file"
MODES = {
    OFF: Mode("no log", "off"),
    PRINT_FILE: Mode("print to a file", "print"),
    "print-pty": Mode("print to a fast terminal", "print", terminal=True),
    "print-slow-pty": Mode("print to a 1 MB/s terminal", "print", terminal=True, rate=1e6),
    "stdlib": Mode("logging's FileHandler", "stdlib"),
    "queue": Mode("logging's QueueHandler", "queue"),
    "naive": Mode("a queue and a writer thread", "naive"),
    "async": Mode("attolog's AsyncFileLogger", "async"),
    "sample": Mode("attolog's SampledLogger", "sample"),
    "stats": Mode("attolog's StatsLogger", "stats"),
    "ring": Mode("attolog's CircularLogger", "ring"),
}


@dataclass(frozen=True, slots=True)
class Load:
    name: str
    what: str
    options: tuple[str, ...]  # of the program


# Chosen by how the program does without a log: the GPU is mostly idle; it is mostly busy, and 99 %
# of the requests are still answered in time.
LOADS = {
    "low": Load(
        "some 250 lines/s",
        "a few lines for each request and batch",
        (
            *("--scheduler", "early_exit", "--log-level", "task", "--warmup-tasks", "20"),
            *("--lambda-50", "30", "--lambda-101", "20", "--lambda-152", "15"),
        ),
    ),
    "flood": Load(
        "the flood",
        "also a line for each candidate of each decision",
        (
            *("--scheduler", "ours_normalized", "--log-level", "candidate"),
            *("--lambda-50", "900", "--lambda-101", "600", "--lambda-152", "300"),
            *("--num-r50", "4", "--num-r101", "4", "--num-r152", "4"),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Trial:
    load: str
    mode: str
    round: int
    figures: Mapping[str, float | None]  # None: there was nothing to take it from


def command_line(load: str, seconds: float) -> str:
    """How the program is called."""
    return " ".join([f"python {PROGRAM.name}", *_arguments(load, "MODE", "SEED", seconds)])


def run(load: str, mode: str, round_: int, seed: int, seconds: float) -> Trial:
    """Runs the program once.

    Raises:
        TrialError: It failed, or did not end in time.
    """
    how = MODES[mode]
    arguments = _arguments(load, how.log, str(seed), seconds)
    with tempfile.TemporaryDirectory(prefix="prove-") as name:
        folder = Path(name)
        try:
            printed = _run_program(arguments, how, folder, timeout=60 + 10 * seconds)
            report = json.loads((folder / "report.json").read_bytes())
            return Trial(load, mode, round_, _figures(report, how, printed))
        except (subprocess.SubprocessError, OSError, ValueError, KeyError) as error:
            raise TrialError(f"{PROGRAM.name} {' '.join(arguments)}: {_reason(error)}") from None


def _arguments(load: str, log: str, seed: str, seconds: float) -> list[str]:
    run_options = ["--log", log, "--run-seconds", f"{seconds:g}", "--seed", seed]
    return [*LOADS[load].options, *run_options]


def _run_program(arguments: list[str], mode: Mode, folder: Path, timeout: float) -> int:
    """Returns how many records it printed."""
    line = [sys.executable, str(PROGRAM), *arguments, "--json", "report.json"]
    # What the environment says must not change what is measured.
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("ATTOLOG") and key != "PYTHONUNBUFFERED"
    }

    def start(stdout: int) -> None:
        subprocess.run(
            line, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=stdout,
            stderr=subprocess.PIPE, text=True, timeout=timeout, check=True,
        )  # fmt: skip

    if mode.terminal:
        with Terminal(mode.rate) as terminal:
            start(terminal.fd)
        return terminal.records
    counter = RecordCounter()
    with open(folder / "stdout.txt", "w+b") as output:
        start(output.fileno())
        output.seek(0)
        while data := output.read(1 << 20):
            counter.feed(data)
    return counter.finish()


def _figures(report: Mapping[str, Any], mode: Mode, printed: int) -> dict[str, float | None]:
    health, served = report["health"], report["all"]
    lost = health["records_lost"]
    if mode.log == "print":
        lost = health["log_calls"] - printed
    return {
        "decision_us_p50": health["decision_us_p50"],
        "decision_us_p95": health["decision_us_p95"],
        "late_ms_p50": health["generator_late_ms_p50"],
        "late_ms_p99": health["generator_late_ms_p99"],
        "goodput_per_s": served["goodput_per_s"],
        "slo_attainment": served["slo_attainment"],
        "log_call_ns_p50": health["log_call_ns_p50"],
        "log_call_ns_p99": health["log_call_ns_p99"],
        "log_calls": health["log_calls"],
        "log_calls_per_s": health["log_calls"] / report["elapsed_s"],
        "records_lost": lost,
        "log_calls_per_decision": health["log_calls"] / max(1, report["batches"]),
    }


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        last = (error.stderr or "").strip().splitlines()[-1:]
        return last[0] if last else f"ended with status {error.returncode}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"no end after {error.timeout:g} s"
    return f"its report: {error!r}"
