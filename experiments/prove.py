"""Measures what each way of logging costs the serving program, in pairs that take turns.

python prove.py --output proof.md --plot proof.png

Runs `multi_model_dev.py` with no log, with print to a file and to terminals, with the standard
library, a queue and a writer thread, and attolog, and claims only what chance does not explain.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from proof import plot, report, trial, verdicts
from proof.trial import LOADS, MODES, OFF, PROGRAM, Trial, TrialError

from attolog._bench import machine
from attolog._bench.plot import ADD_PLOT
from attolog._bench.plot import is_possible as can_plot

sys.path.append(str(PROGRAM.parent))  # the serving program has `arguments`

from arguments import Parser, number, whole

PAIRS, SECONDS = 10, 6.0
QUICK_PAIRS, QUICK_SECONDS = 2, 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = _parse(parser, arguments)
    settings = {**_machine(), "command": _command(options)}
    trials: list[Trial] = []
    status = 0
    try:
        for of_a_round in _rounds(options):
            trials += of_a_round
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: interrupted: only whole rounds count", file=sys.stderr)
        status = 130
    except TrialError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        status = 1
    try:
        if trials:
            _write(options, settings, trials)
    except OSError as error:
        where = error.filename or "standard output"
        print(f"{parser.prog}: {where}: {error.strerror}", file=sys.stderr)
        return 1
    return status


def _rounds(options: argparse.Namespace) -> Iterator[list[Trial]]:
    """Runs every mode once a round under each load, in a new order; yields what is complete."""
    stream = random.Random(options.seed)
    runs = options.pairs * len(options.loads) * len(options.modes)
    done, start = 0, time.monotonic()
    for turn in range(options.pairs):
        for load in options.loads:
            of_a_round = []
            for mode in stream.sample(options.modes, len(options.modes)):
                minutes = (time.monotonic() - start) / 60
                left = f", some {minutes / done * (runs - done):.0f} min left" if done else ""
                where = f"round {turn + 1} of {options.pairs}, {load}: {mode}"
                print(f"{where} (run {done + 1} of {runs}{left})", file=sys.stderr, flush=True)
                seed = options.seed + turn
                of_a_round.append(trial.run(load, mode, turn, seed, options.seconds))
                done += 1
            yield of_a_round


def _write(options: argparse.Namespace, settings: dict[str, str], trials: list[Trial]) -> None:
    if options.json is not None:
        document = {"settings": settings, "trials": [asdict(each) for each in trials]}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    picture = ""
    if options.plot is not None:
        plot.save(options.plot, verdicts.families(trials))
        beside = options.output.parent if options.output is not None else Path()
        picture = Path(os.path.relpath(options.plot, beside)).as_posix()
    commands = {load: trial.command_line(load, options.seconds) for load in options.loads}
    text = report.markdown(trials, settings, commands, picture)
    if options.output is not None:
        options.output.write_text(text, encoding="utf8")
    else:
        print(text, end="")


def _command(options: argparse.Namespace) -> str:
    """What measures the same again."""
    parts = [f"python prove.py --pairs {options.pairs} --seconds {options.seconds:g}"]
    parts.append(f"--load {options.load} --seed {options.seed}")
    parts += [f"--mode {mode}" for mode in options.mode or ()]
    return f"`{' '.join(parts)}`"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        description="Measures what each way of logging costs the serving program.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    what = f"rounds, in each of which every mode runs once (default: {PAIRS})"
    add("--pairs", help=what, type=whole(1, 1000), metavar="N")
    what = f"length of a run (default: {SECONDS:g})"
    add("--seconds", help=what, type=number(0.2, 3600), metavar="S")
    what = f"for a look: {QUICK_PAIRS} rounds of {QUICK_SECONDS:g} s, too few to claim anything"
    add("--quick", help=what, action="store_true")
    what = "; ".join(f"{key}: {load.name}, {load.what}" for key, load in LOADS.items())
    add("--load", help=f"{what} (default: both)", choices=[*LOADS, "both"], default="both")
    what = "only this way of logging beside off (again for more): " + ", ".join(MODES)
    add("--mode", help=what, choices=MODES, action="append", metavar="MODE")
    what = "of the first round's requests, and of the order (default: %(default)s)"
    add("--seed", help=what, type=whole(0, 2**31), default=0, metavar="N")
    add("--output", help="write the report there, not to the standard output", type=Path,
        metavar="FILE.md")  # fmt: skip
    add("--plot", help="draw it; needs matplotlib", type=Path, metavar="FILE.png")
    add("--json", help="write every run's figures there", type=Path, metavar="FILE")
    return parser


def _parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options, and what can be known of them before 20 minutes have passed."""
    options = parser.parse_args(arguments)
    options.pairs = options.pairs or (QUICK_PAIRS if options.quick else PAIRS)
    options.seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    options.loads = list(LOADS) if options.load == "both" else [options.load]
    wanted = [OFF, *(options.mode or MODES)]
    options.modes = [mode for mode in MODES if mode in wanted]
    if len(options.modes) < 2:
        parser.error(f"--mode {OFF}: is there anyway, to compare with; name another one")
    if options.plot is not None and options.plot.suffix != ".png":
        parser.error(f"--plot {options.plot}: must end in .png")
    if options.plot is not None and not can_plot():
        parser.error(f"--plot needs matplotlib: {ADD_PLOT}")
    for path in filter(None, (options.output, options.plot, options.json)):
        try:
            path.open("a").close()
        except OSError as error:
            parser.error(f"{path}: {error.strerror}")
    return options


def _machine() -> dict[str, str]:
    """What the runs are made on, and how busy that is already."""
    about = {**machine.describe(), **machine.describe_software()}
    return {"machine": ", ".join(f"{what} {value}" for what, value in about.items())}


if __name__ == "__main__":
    sys.exit(main())
