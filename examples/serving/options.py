"""The program's options. What is wrong with them is one line, and exit status 2."""

import argparse
import csv
import os
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import arguments as convert
import arrivals
import events
import logs
import profiles
import sim
from arguments import Parser
from policies import POLICIES, Config, Queue
from torch_gpu import DEVICES, IMAGE_SIZE

MODELS = {"50": "ResNet50", "101": "ResNet101", "152": "ResNet152"}
MAX_REQUESTS = 10_000_000  # they are all known before the run and kept to its end
PROFILE = Path(__file__).parent / "profile.json"


def parse(arguments: Sequence[str] | None) -> tuple[Parser, argparse.Namespace]:
    """The options, each of them checked by itself and against the others."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.log_file is not None and options.log in logs.WITHOUT_FILE:
        with_file = (mode for mode in logs.MODES if mode not in logs.WITHOUT_FILE)
        parser.error(f"--log-file goes with --log {', '.join(with_file)}")
    if options.log_file is not None:
        suffixes = (".csv", ".atto") if options.log in logs.WITH_ATTOLOG else (".csv",)
        if options.log_file.suffix not in suffixes:
            parser.error(f"--log-file must end in {' or '.join(suffixes)} with --log {options.log}")
        if options.log in logs.OVERWRITING and options.log_file.exists():
            parser.error(f"--log-file {options.log_file}: --log {options.log} would overwrite it")
    elif options.log not in logs.WITHOUT_FILE:
        options.log_file = _new_log_file(options.output_tag)
    # The run id, which a journal hands on to child processes, decides nothing.
    settings = {name for name in os.environ if name.startswith("ATTOLOG")} - {"ATTOLOG_RUN_ID"}
    setting = min(settings, default=None)
    if setting is not None:
        parser.error(f"{setting} is set and would decide in place of --log: unset it")
    if options.backend == "torch" and options.clock == "virtual":
        parser.error("--clock virtual goes with --backend sim: torch takes the time it takes")
    return parser, options


def _new_log_file(tag: str) -> Path:
    name = f"debug_{tag}{'_' if tag else ''}{int(time.time())}"
    path = Path("logs") / f"{name}.csv"
    for number in count(2):  # several may start in one second
        if not path.exists():
            return path
        path = Path("logs") / f"{name}_{number}.csv"
    raise AssertionError


def workload(
    parser: Parser, options: argparse.Namespace
) -> tuple[list[Queue], dict[str, list[float]]]:
    """The queues, and by their names all arrivals of the run."""
    queues = []
    rates = {}
    for number, model in MODELS.items():
        instances = getattr(options, f"num_r{number}")
        for index in range(instances):
            queue = Queue(model if instances == 1 else f"{model}_{index}", model)
            queues.append(queue)
            rates[queue.name] = getattr(options, f"lambda_{number}") / instances
    if not queues:
        parser.error("no model to serve: --num-r50, --num-r101 and --num-r152 are all 0")
    seconds = options.run_seconds
    if options.arrivals is not None:
        try:
            every = arrivals.replay(options.arrivals, rates)
        except (OSError, arrivals.ArrivalsError, csv.Error) as error:
            parser.error(f"--arrivals {options.arrivals}: {reason(error)}")
        return queues, {name: [at for at in times if at < seconds] for name, times in every.items()}
    if sum(rates.values()) * seconds > MAX_REQUESTS:
        parser.error(f"--run-seconds: that would be more than {MAX_REQUESTS:,} requests")
    return queues, {
        name: arrivals.poisson(rate, seconds, options.seed, name) for name, rate in rates.items()
    }


def profile(
    parser: Parser, options: argparse.Namespace, config: Config, models: Sequence[str]
) -> profiles.Profile:
    """The profile, with every cell that the run may ask for."""
    try:
        found = profiles.load(options.profile, options.slo_quantile)
        found.require(models, config.exits, config.max_batch)
    except (OSError, profiles.ProfileError) as error:
        parser.error(f"--profile {options.profile}: {reason(error)}")
    return found


def reason(error: Exception) -> str:
    """What went wrong, in short."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _parser() -> Parser:
    parser = Parser(description="Serves several DNNs on one GPU.", allow_abbrev=False)

    def add(name: str, help: str, **settings: Any) -> None:
        if "default" in settings:
            help += " (default: %(default)s)"
        parser.add_argument(name, help=help, **settings)

    default = "early_exit_lowest_interference"
    add("--scheduler", "the policy", choices=POLICIES, default=default)
    for number, rate in zip(MODELS, (300.0, 200.0, 100.0), strict=True):
        what = f"requests/s to {MODELS[number]}, shared by its instances"
        add(f"--lambda-{number}", what, type=convert.number(0, 1e5), default=rate, metavar="RATE")
    for number, model in MODELS.items():
        what = f"instances of {model}"
        add(f"--num-r{number}", what, type=convert.whole(0, 64), default=1, metavar="N")
    add(
        "--arrivals",
        "replay these instead: CSV with the columns model and arrival, such as tasks.csv of a run",
        type=Path,
        metavar="FILE.csv",
    )
    seconds, milliseconds, share = (
        convert.number(0.1, 86_400),
        convert.number(0.1, 3.6e6),
        convert.number(0, 1),
    )
    add("--run-seconds", "length of the run", type=seconds, default=30.0, metavar="S")
    add(
        "--clock",
        "virtual: without threads and waiting",
        choices=("real", "virtual"),
        default="real",
    )
    add("--slo-ms", "time to answer a request in", type=milliseconds, default=50.0, metavar="MS")
    what = "which of a batch's times in the profile the policy reckons with"
    add("--slo-quantile", what, choices=profiles.STATISTICS, default="p95_ms")
    what = "first requests, over all models, that are served but not counted"
    add("--warmup-tasks", what, type=convert.whole(0, 10**9), default=100, metavar="N")
    add(
        "--seed", "of arrivals and jitter", type=convert.whole(0, 2**63 - 1), default=0, metavar="N"
    )
    what = "exits that may be used"
    exits = ",".join(profiles.EXITS)
    add("--exit-points", what, type=convert.exits, default=exits, metavar="A,B,..")
    add("--profile", "times and accuracies; our own by default", type=Path, metavar="FILE")
    add("--max-batch", "largest batch", type=convert.whole(1, 4096), default=10, metavar="N")
    add("--drop-late", "give up requests past their SLO", action="store_true")
    add("--backend", "what runs the batches", choices=("sim", "torch"), default="sim")
    what = "side of the square images that torch is given, in pixels"
    add("--image-size", what, type=convert.whole(8, 1024), default=IMAGE_SIZE, metavar="N")
    what = "threads for one operation of torch on the CPU; its own choice by default"
    add("--num-threads", what, type=convert.whole(1, 4096), metavar="N")
    add("--device", "where torch runs; by default CUDA where there is any", choices=DEVICES)
    add("--sim-work", "how the GPU is simulated", choices=sim.WORKS, default="sleep")
    what = "share of a batch that --sim-work launch spends in Python operations"
    add("--launch-fraction", what, type=share, default=0.5, metavar="F")
    what = "standard deviation of a batch's time, as a share of it"
    add("--jitter", what, type=share, default=0.02, metavar="F")
    add("--log", "where the debug events go", choices=logs.MODES, default="async")
    what = (
        "batch: SCHED, EXEC; task: also GEN, DONE, DROP; decision: also STATE; candidate: also CAND"
    )
    add("--log-level", what, choices=events.LEVELS, default="task")
    what = "file of the log; by default logs/debug_<unix time>.csv"
    add("--log-file", what, type=Path, metavar="FILE")
    add("--csv", "write summary.csv and tasks.csv there", type=Path, metavar="DIR")
    add("--json", "write the summary there", type=Path, metavar="FILE")
    what = "goes into the names of the files: summary_TAG.csv, debug_TAG_<unix time>.csv"
    add("--output-tag", what, type=convert.tag, default="", metavar="TAG")
    parser.set_defaults(profile=PROFILE)
    return parser
