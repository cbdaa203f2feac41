"""Serves several DNNs on one GPU, and shows what its debug logging costs.

python multi_model_dev.py --scheduler early_exit --lambda-152 40 --run-seconds 10
python multi_model_dev.py profile measured.json
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import events
import options as command
import report
import sim
from arguments import Parser
from engine import Engine, Gpu, Run
from logs import WITHOUT_FILE, Log, open_log
from policies import POLICIES, Config
from profiles import Profile
from realtime import Realtime
from torch_gpu import TorchError, TorchGpu
from virtual import Virtual


def main(arguments: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["profile"]:
        import measure

        return measure.main(given[1:])
    parser, options = command.parse(given)
    config = Config(options.slo_ms, options.max_batch, options.exit_points)
    queues, arrivals = command.workload(parser, options)
    models = list(dict.fromkeys(queue.model for queue in queues))
    profile = command.profile(parser, options, config, models)
    gpu = _torch(parser, options, models) if options.backend == "torch" else None
    simulated = _simulated(parser, options, profile)
    log = _prepare_outputs(parser, options)

    log_events = events.at_level(log.events, options.log_level)
    policy = POLICIES[options.scheduler]
    engine = Engine(queues, policy, profile, config, log_events, options.drop_late)
    if options.clock == "virtual":
        run = Virtual(engine, arrivals, simulated, log.set_time).run(options.run_seconds)
    else:
        run = Realtime(engine, arrivals, gpu or simulated).run(options.run_seconds)
    logged = _event_counts(options, run)
    account = log.close(sum(logged.values()))
    try:
        _report(options, config, profile, run, logged, account)
    except BrokenPipeError:
        raise
    except OSError as error:
        said = f"{parser.prog}: {error.filename or 'standard output'}: {error.strerror}"
        print(said, file=sys.stderr)  # attolog: keep
        return 1
    return 130 if run.interrupted else 0


def _simulated(parser: Parser, options: argparse.Namespace, profile: Profile) -> sim.SimulatedGpu:
    ops_per_ms = 0.0
    if options.sim_work == "launch":
        try:
            ops_per_ms = sim.calibrated_ops_per_ms()
        except (OSError, ValueError) as error:
            parser.error(f"--sim-work launch: {command.reason(error)}")
    return sim.SimulatedGpu(
        profile,
        options.sim_work,
        options.jitter,
        options.seed,
        options.launch_fraction,
        ops_per_ms,
    )


def _torch(parser: Parser, options: argparse.Namespace, models: Sequence[str]) -> Gpu:
    try:
        gpu = TorchGpu(
            options.max_batch,
            options.image_size,
            options.seed,
            options.device,
            options.num_threads,
        )
    except TorchError as error:
        parser.error(f"--backend torch: {error}")
    print(f"[INFO] {gpu.description}")  # attolog: keep
    gpu.warm_up(models, options.exit_points)
    return gpu


def _prepare_outputs(parser: Parser, options: argparse.Namespace) -> Log:
    """Opens the log and tries the places of the reports now rather than after the run."""
    try:
        if options.csv is not None:
            options.csv.mkdir(parents=True, exist_ok=True)
            for path in report.csv_paths(options.csv, options.output_tag):
                path.open("a").close()
        if options.json is not None:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.open("a").close()
        if options.log not in WITHOUT_FILE:
            options.log_file.parent.mkdir(parents=True, exist_ok=True)
        return open_log(options.log, options.log_file, options.seed)
    except OSError as error:
        parser.error(str(error))


def _event_counts(options: argparse.Namespace, run: Run) -> dict[str, int]:
    """How often each event was logged, counted by what the run did and not by the logger."""
    happened = {
        "GEN": run.generated,
        "STATE": run.states,
        "CAND": run.candidates,
        "SCHED": len(run.batches),
        "EXEC": len(run.batches),
        "DONE": sum(len(batch.tasks) for batch in run.batches),
        "DROP": len(run.drops),
    }
    if options.log == "off":
        return {}
    return {name: happened[name] for name in events.names(options.log_level)}


def _report(
    options: argparse.Namespace,
    config: Config,
    profile: Profile,
    run: Run,
    logged: dict[str, int],
    account: report.LogAccount,
) -> None:
    rows = report.answers(run, profile)
    warmup = min(options.warmup_tasks, len(rows))
    since = rows[warmup - 1].arrival if warmup else 0.0
    names = [queue.name for queue in run.queues]
    figures = report.summary(rows[warmup:], names, run.elapsed - since, config)
    health = report.health(run, account)

    print(  # attolog: keep
        f"{options.scheduler}, SLO {options.slo_ms:g} ms, seed {options.seed}, "
        f"log {options.log} ({options.log_level}): {run.elapsed:.2f} s"
        f"{' of virtual time' if options.clock == 'virtual' else ''}"
        f"{' (interrupted)' if run.interrupted else ''}, "
        f"the first {warmup} requests not counted\n"
    )
    print(report.summary_table(figures, config.exits), end="\n\n")  # attolog: keep
    print(report.health_table(health))  # attolog: keep
    if options.csv is not None:
        report.write_csv(options.csv, options.output_tag, figures, rows)
    if options.json is not None:
        document = {
            "options": {name: _plain(value) for name, value in vars(options).items()},
            "elapsed_s": run.elapsed,
            "interrupted": run.interrupted,
            "generated": run.generated,
            "batches": len(run.batches),
            "warmup_tasks": warmup,
            "events": logged,
            "models": {name: figures[name] for name in names},
            "all": figures["all"],
            "health": health,
        }
        options.json.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n")


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
    except OSError as error:  # our lines cannot be written
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"standard output: {error.strerror}", file=sys.stderr)  # attolog: keep
        status = 1
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
