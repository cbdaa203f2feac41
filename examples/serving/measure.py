"""Measures a profile: how long a batch takes on this machine.

python multi_model_dev.py profile measured.json --max-batch 10 --repeats 30
"""

import argparse
import json
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import IO, Any

import arguments as convert
import profiles
from engine import Gpu
from profiles import EXITS
from report import quantile
from torch_gpu import DEVICES, IMAGE_SIZE, TorchError, TorchGpu

OWN_PROFILE = Path(__file__).parent / "profile.json"
MODELS = ("ResNet50", "ResNet101", "ResNet152")

Figures = dict[str, float | str]
Progress = Callable[[int, int], None]


def measure_profile(
    gpu: Gpu,
    models: Sequence[str],
    exits: Sequence[str],
    max_batch: int,
    repeats: int,
    warmup: int,
    progress: Progress,
) -> dict[str, dict[str, dict[str, Figures]]]:
    """Times every batch size up to the largest, at every exit of every model.

    Each round runs every cell once, in an order of its own: what disturbs the machine for a while
    falls on all cells alike, and no cell always finds the caches as the same other one left them.

    Args:
        gpu: what is measured.
        models: their names.
        exits: their names.
        max_batch: the largest batch.
        repeats: rounds that count.
        warmup: rounds before them that do not.
        progress: called after each round with how many are done, and how many there are.

    Returns:
        By model, exit and batch size the figures, as they stand in a profile's file.
    """
    cells = list(product(models, exits, range(1, max_batch + 1)))
    measured: dict[tuple[str, str, int], list[float]] = {cell: [] for cell in cells}
    order = random.Random(0)
    for done in range(1, warmup + repeats + 1):
        order.shuffle(cells)
        for cell in cells:
            start = perf_counter()
            gpu.run(*cell)
            ended = perf_counter()
            if done > warmup:
                measured[cell].append((ended - start) * 1e3)
        progress(done, warmup + repeats)
    return {
        model: {
            exit: {
                str(batch_size): _figures(measured[model, exit, batch_size])
                for batch_size in range(1, max_batch + 1)
            }
            for exit in exits
        }
        for model in models
    }


def main(arguments: Sequence[str]) -> int:
    """The command `profile`; returns its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        with _replacement(options.file) as file:
            json.dump(_measured(options), file, indent=2)
            file.write("\n")
    except TorchError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"{options.file}: {error.strerror or error}")
    except KeyboardInterrupt:
        print(f"\ninterrupted: {options.file} is not written", file=sys.stderr)
        return 130
    print(f"{options.file}: every cell measured {options.repeats} times")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = convert.Parser(
        prog="multi_model_dev.py profile",
        description="Measures with PyTorch how long a batch takes here, by model, exit and size.",
        allow_abbrev=False,
    )

    def add(name: str, help: str, **settings: Any) -> None:
        if settings.get("default") is not None:
            help += " (default: %(default)s)"
        parser.add_argument(name, help=help, **settings)

    whole = convert.whole
    add("file", "profile to write; an old one is replaced at the end", type=Path, metavar="FILE")
    what = "width and height of the images in pixels"
    add("--image-size", what, type=whole(8, 1024), default=IMAGE_SIZE, metavar="N")
    add("--max-batch", "largest batch", type=whole(1, 4096), default=10, metavar="N")
    add("--repeats", "times that each is measured", type=whole(1, 10**6), default=30, metavar="N")
    what = "times that each runs before, not counted"
    add("--warmup", what, type=whole(0, 10**6), default=3, metavar="N")
    what = "exits to measure"
    add("--exit-points", what, type=convert.exits, default=",".join(EXITS), metavar="A,B,..")
    what = "threads for one operation on the CPU; PyTorch's choice by default"
    add("--num-threads", what, type=whole(1, 4096), metavar="N")
    add("--device", "where to run; by default CUDA where there is any", choices=DEVICES)
    return parser


def _measured(options: argparse.Namespace) -> dict[str, object]:
    gpu = TorchGpu(
        options.max_batch,
        options.image_size,
        device=options.device,
        num_threads=options.num_threads,
    )
    times = measure_profile(
        gpu,
        MODELS,
        options.exit_points,
        options.max_batch,
        options.repeats,
        options.warmup,
        _show_progress if sys.stderr.isatty() else lambda done, total: None,
    )
    return {
        "about": (
            "Ms of a batch by model, exit and batch size, measured "
            f"{options.repeats} times each, interleaved: {gpu.description}. "
            "The weights are random and have no accuracy; those here were published for the "
            "original program's networks on CIFAR-100."
        ),
        "models": _with_accuracies(times, options.exit_points),
    }


def _with_accuracies(
    times: Mapping[str, Mapping[str, object]], exits: Sequence[str]
) -> dict[str, object]:
    published = profiles.load(OWN_PROFILE)
    return {
        model: {
            "accuracy": {exit: published.accuracy(model, exit) for exit in exits},
            "exits": by_exit,
        }
        for model, by_exit in times.items()
    }


def _figures(milliseconds: Sequence[float]) -> Figures:
    quantiles = {f"p{q}_ms": quantile(milliseconds, q / 100) for q in (50, 95, 99)}
    return {
        "mean_ms": round(fmean(milliseconds), 4),
        **{name: round(ms, 4) for name, ms in quantiles.items() if ms is not None},
        "source": "measured",
    }


def _show_progress(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    print(f"\rround {done} of {total}", end=end, file=sys.stderr, flush=True)


@contextmanager
def _replacement(path: Path) -> Iterator[IO[str]]:
    """A file that takes the place of `path` at the end, unless something is raised before.

    Raises:
        OSError: there is no way to write there; known before anything was measured.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise OSError("is no file that could be replaced")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "x", encoding="utf-8") as file:
            yield file
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
