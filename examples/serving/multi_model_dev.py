"""Serves several DNNs on one simulated GPU, and shows what its debug logging costs.

python multi_model_dev.py --scheduler early_exit --lambda-152 40 --run-seconds 10
"""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import events
import profiles
import report
import sim
from arrivals import poisson
from engine import Engine, Run
from policies import POLICIES, Config, Queue
from profiles import EXITS

import attolog

MODELS = {"50": "ResNet50", "101": "ResNet101", "152": "ResNet152"}
PROFILE = Path(__file__).parent / "profile.json"
MAX_REQUESTS = 10_000_000  # they are all drawn before the run and kept to its end


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    config = Config(options.slo_ms, options.max_batch, options.exit_points)
    queues, arrivals = _workload(parser, options)
    try:
        profile = profiles.load(options.profile)
        profile.require([queue.model for queue in queues], config.exits, config.max_batch)
    except (OSError, profiles.ProfileError) as error:
        parser.error(f"--profile {options.profile}: {_reason(error)}")
    gpu = _gpu(parser, options, profile)
    logger = _prepare_outputs(parser, options)

    calls = events.choose(options.log, options.log_level, logger)
    policy = POLICIES[options.scheduler]
    engine = Engine(queues, arrivals, policy, profile, config, gpu, calls, options.drop_late)
    run = engine.run(options.run_seconds)
    account = _close_log(options, logger, run)
    _report(options, config, profile, run, account)
    return 130 if run.interrupted else 0


def _report(
    options: argparse.Namespace,
    config: Config,
    profile: profiles.Profile,
    run: Run,
    account: report.LogAccount,
) -> None:
    rows = report.answers(run, profile)
    warmup = min(options.warmup_tasks, len(rows))
    since = rows[warmup - 1].arrival if warmup else 0.0
    names = [queue.name for queue in run.queues]
    figures = report.summary(rows[warmup:], names, run.elapsed - since, config)
    health = report.health(run, account)

    print(
        f"{options.scheduler}, SLO {options.slo_ms:g} ms, seed {options.seed}, "
        f"log {options.log} ({options.log_level}): {run.elapsed:.2f} s"
        f"{' (interrupted)' if run.interrupted else ''}, "
        f"the first {warmup} requests not counted\n"
    )
    print(report.summary_table(figures, config.exits), end="\n\n")
    print(report.health_table(health))
    if options.csv is not None:
        report.write_csv(options.csv, figures, rows)
    if options.json is not None:
        document = {
            "options": {name: _plain(value) for name, value in vars(options).items()},
            "elapsed_s": run.elapsed,
            "interrupted": run.interrupted,
            "generated": run.generated,
            "batches": len(run.batches),
            "warmup_tasks": warmup,
            "events": _event_counts(options, run),
            "models": {name: figures[name] for name in names},
            "all": figures["all"],
            "health": health,
        }
        options.json.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(description="Serves several DNNs on one simulated GPU.", allow_abbrev=False)

    def add(name: str, help: str, **settings: Any) -> None:
        if "default" in settings:
            help += " (default: %(default)s)"
        parser.add_argument(name, help=help, **settings)

    add("--scheduler", "the policy", choices=POLICIES, default="early_exit")
    for number, rate in zip(MODELS, (300.0, 200.0, 100.0), strict=True):
        what = f"requests/s to {MODELS[number]}, shared by its instances"
        add(f"--lambda-{number}", what, type=_number(0, 1e5), default=rate, metavar="RATE")
    for number, model in MODELS.items():
        what = f"instances of {model}"
        add(f"--num-r{number}", what, type=_whole(0, 64), default=1, metavar="N")
    seconds, milliseconds, share = _number(0.1, 86_400), _number(0.1, 3.6e6), _number(0, 1)
    add("--run-seconds", "length of the run", type=seconds, default=30.0, metavar="S")
    add("--slo-ms", "time to answer a request in", type=milliseconds, default=50.0, metavar="MS")
    what = "first requests, over all models, that are served but not counted"
    add("--warmup-tasks", what, type=_whole(0, 10**9), default=100, metavar="N")
    add("--seed", "of arrivals and jitter", type=_whole(0, 2**63 - 1), default=0, metavar="N")
    what = "exits that may be used"
    add("--exit-points", what, type=_exits, default=",".join(EXITS), metavar="A,B,..")
    add("--profile", "times and accuracies; our own by default", type=Path, metavar="FILE")
    add("--max-batch", "largest batch", type=_whole(1, 4096), default=10, metavar="N")
    add("--drop-late", "give up requests past their SLO", action="store_true")
    add("--sim-work", "how the GPU is simulated", choices=sim.WORKS, default="sleep")
    what = "share of a batch that --sim-work launch spends in Python operations"
    add("--launch-fraction", what, type=share, default=0.5, metavar="F")
    what = "standard deviation of a batch's time, as a share of it"
    add("--jitter", what, type=share, default=0.02, metavar="F")
    add("--log", "where the debug events go", choices=events.MODES, default="async")
    what = "batch: SCHED, EXEC; task: also GEN, DONE, DROP"
    add("--log-level", what, choices=events.LEVELS, default="task")
    what = "file of the log; by default logs/debug_<unix time>.csv"
    add("--log-file", what, type=Path, metavar="FILE.csv")
    add("--csv", "write summary.csv and tasks.csv there", type=Path, metavar="DIR")
    add("--json", "write the summary there", type=Path, metavar="FILE")
    parser.set_defaults(profile=PROFILE)
    return parser


def _workload(
    parser: argparse.ArgumentParser, options: argparse.Namespace
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
    if sum(rates.values()) * options.run_seconds > MAX_REQUESTS:
        parser.error(f"--run-seconds: that would be more than {MAX_REQUESTS:,} requests")
    return queues, {
        name: poisson(rate, options.run_seconds, options.seed, name) for name, rate in rates.items()
    }


def _gpu(
    parser: argparse.ArgumentParser, options: argparse.Namespace, profile: profiles.Profile
) -> sim.SimulatedGpu:
    ops_per_ms = 0.0
    if options.sim_work == "launch":
        try:
            ops_per_ms = sim.calibrated_ops_per_ms()
        except (OSError, ValueError) as error:
            parser.error(f"--sim-work launch: {_reason(error)}")
    return sim.SimulatedGpu(
        profile,
        options.sim_work,
        options.jitter,
        options.seed,
        options.launch_fraction,
        ops_per_ms,
    )


def _prepare_outputs(
    parser: argparse.ArgumentParser, options: argparse.Namespace
) -> attolog.Logger:
    """Opens the log and tries the places of the reports now rather than after the run."""
    if options.log_file is not None and options.log not in events.TO_A_FILE:
        parser.error(f"--log-file goes with --log {', '.join(events.TO_A_FILE)}")
    if options.log_file is not None and options.log_file.suffix != ".csv":
        parser.error("--log-file must end in .csv")
    try:
        if options.csv is not None:
            options.csv.mkdir(parents=True, exist_ok=True)
        if options.json is not None:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.open("a").close()
        if options.log in events.TO_A_FILE and options.log_file is None:
            options.log_file = Path("logs") / f"debug_{int(time.time())}.csv"
        return events.open_logger(options.log, options.log_file)
    except OSError as error:
        parser.error(str(error))


def _close_log(options: argparse.Namespace, logger: attolog.Logger, run: Run) -> report.LogAccount:
    start = time.perf_counter()
    if isinstance(logger, attolog.CircularLogger):
        logger.save(options.log_file, columns=5)
    logger.close()
    sys.stdout.flush()
    drain_s = time.perf_counter() - start
    if options.log in events.TO_A_FILE:
        return report.LogAccount(*logger.counts, drain_s)
    calls = sum(_event_counts(options, run).values())
    return report.LogAccount(calls, written=calls, drain_s=drain_s)


def _event_counts(options: argparse.Namespace, run: Run) -> dict[str, int]:
    """How often each event was logged, counted by what the run did and not by the logger."""
    happened = {
        "GEN": run.generated,
        "SCHED": len(run.batches),
        "EXEC": len(run.batches),
        "DONE": sum(len(batch.tasks) for batch in run.batches),
        "DROP": len(run.drops),
    }
    return {name: happened[name] for name in events.names(options.log, options.log_level)}


def _number(low: float, high: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {low:g} to {high:g}")
        return value

    return convert


def _whole(low: int, high: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}")
        return value

    return convert


def _exits(text: str) -> tuple[str, ...]:
    """The exits named in `text`, from shallow to deep."""
    wanted = text.split(",")
    if not set(wanted) <= set(EXITS):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of {','.join(EXITS)}")
    return tuple(exit for exit in EXITS if exit in wanted)


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _plain(value: object) -> object:
    return os.fspath(value) if isinstance(value, Path) else value


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our lines has gone (`| head`); nothing is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)
