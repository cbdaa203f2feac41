"""The real thing in place of the simulated GPU: batches run through networks of PyTorch.

PyTorch is loaded when a `TorchGpu` is made, not by the import of this file.
"""

import platform
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from networks import MultiExitResNet

Device = Literal["cpu", "cuda"]
DEVICES: tuple[Device, ...] = get_args(Device)
IMAGE_SIZE = 32  # pixels, as CIFAR's


class TorchError(Exception):
    """PyTorch is not installed, or not the device that was asked for."""


class TorchGpu:
    """Runs batches of random images through networks with random weights.

    A network is built when it is first asked for (see `warm_up`).

    Args:
        max_batch: the largest batch that will be asked for.
        image_size: width and height of the images, in pixels.
        seed: of weights and images.
        device: by default CUDA where there is any, else the CPU.
        num_threads: that PyTorch may use in one operation on the CPU; its own choice by default.

    Raises:
        TorchError: says what is missing.
    """

    def __init__(
        self,
        max_batch: int,
        image_size: int = IMAGE_SIZE,
        seed: int = 0,
        device: Device | None = None,
        num_threads: int | None = None,
    ) -> None:
        try:
            import torch  # type: ignore[import-not-found, unused-ignore]
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise TorchError("PyTorch is missing: pip install 'attolog[torch]'") from None
        has_cuda = torch.cuda.is_available()
        if device == "cuda" and not has_cuda:
            raise TorchError("PyTorch finds no CUDA device here; take the CPU")
        if num_threads is not None:
            torch.set_num_threads(num_threads)
        self._torch = torch
        self._device = device or ("cuda" if has_cuda else "cpu")
        self._max_batch = max_batch
        self._image_size = image_size
        self._seed = seed
        self._networks: dict[str, MultiExitResNet] = {}
        stream = torch.Generator().manual_seed(seed)
        images = torch.randn(max_batch, 3, image_size, image_size, generator=stream)
        self._images = images.to(self._device)

    def run(self, model: str, exit: str, batch_size: int) -> None:
        """Runs one batch up to this exit; returns when it is done."""
        if batch_size > self._max_batch:
            raise ValueError(f"batch of {batch_size}: at most {self._max_batch} were announced")
        network = self._network(model)
        with self._torch.inference_mode():
            network(self._images[:batch_size], exit)
        if self._device == "cuda":
            self._torch.cuda.synchronize()

    def warm_up(self, models: Iterable[str], exits: Iterable[str]) -> None:
        """Builds the networks and runs every batch that may be asked for once.

        The first batch of each size is slower than those after it: kernels are chosen for it.
        """
        # On the CPU, each thread that runs a batch has a pool of OpenMP threads until it ends. With
        # a second pool in being, GNU OpenMP lets idle threads sleep at once, and the batches that
        # the scheduler's thread runs are slower. So this thread ends before they begin.
        with ThreadPoolExecutor(max_workers=1) as thread:
            batches = product(models, exits, range(1, self._max_batch + 1))
            for _ in thread.map(lambda batch: self.run(*batch), batches):
                pass

    @property
    def description(self) -> str:
        """What the batches run on."""
        if self._device == "cuda":
            device = self._torch.cuda.get_device_name()
        else:
            device = f"CPU ({_processor()}), threads: {self._torch.get_num_threads()}"
        size = self._image_size
        return f"torch {self._torch.__version__} on {device}, images {size} x {size}"

    def _network(self, model: str) -> "MultiExitResNet":
        network = self._networks.get(model)
        if network is None:
            from networks import build

            network = build(model, self._image_size, self._seed).to(self._device)
            self._networks[model] = network
        return network


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":")[1].strip() for line in lines if line[:10] == "model name")
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
