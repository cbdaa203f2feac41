"""ResNet-50, -101 and -152 with an exit after each stage, and random weights.

The blocks are those of the paper (He et al., 2015) with the stride in the 3x3 convolution, as is
usual today. Images below 64 pixels get the stem that is usual for CIFAR, a 3x3 convolution that
keeps their size; larger ones that of ImageNet, a 7x7 convolution and a pooling with stride 2 each.
"""

# torch is an extra: where it is missing, mypy knows nothing of the base classes.
# mypy: disallow-subclassing-any=False

from itertools import pairwise

import torch  # type: ignore[import-not-found, unused-ignore]
from profiles import EXITS
from torch import Tensor, nn  # type: ignore[import-not-found, unused-ignore]

BLOCKS = {  # per stage
    "ResNet50": (3, 4, 6, 3),
    "ResNet101": (3, 4, 23, 3),
    "ResNet152": (3, 8, 36, 3),
}
STEM_CHANNELS = 64
STAGE_CHANNELS = (256, 512, 1024, 2048)
EXPANSION = 4  # a block's output channels to those of its 3x3 convolution
CLASSES = 100  # as CIFAR-100


def build(model: str, image_size: int, seed: int) -> "MultiExitResNet":
    """A network in evaluation mode; the same seed gives the same weights.

    Args:
        model: one of `BLOCKS`.
        image_size: width and height of the images it is for, in pixels.
        seed: of the weights. The caller's random numbers are not disturbed.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MultiExitResNet(BLOCKS[model], small_images=image_size < 64)
    network.eval()
    return network


class MultiExitResNet(nn.Module):
    """A stem, then stage by stage, each with a classifier behind it.

    Args:
        blocks: how many each stage has.
        small_images: whether the stem keeps the size of the image.
    """

    def __init__(self, blocks: tuple[int, ...], small_images: bool) -> None:
        super().__init__()
        self.stem = _small_stem() if small_images else _large_stem()
        self.stages = nn.ModuleDict()
        self.heads = nn.ModuleDict()
        channels = pairwise((STEM_CHANNELS, *STAGE_CHANNELS))
        for exit, (before, after), count in zip(EXITS, channels, blocks, strict=True):
            first = Bottleneck(before, after, stride=1 if exit == EXITS[0] else 2)
            others = (Bottleneck(after, after, stride=1) for _ in range(count - 1))
            self.stages[exit] = nn.Sequential(first, *others)
            self.heads[exit] = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(after, CLASSES)
            )

    def forward(self, images: Tensor, exit: str) -> Tensor:
        """Class scores at an exit; what lies behind it does not run.

        Args:
            images: batch, 3 channels, height, width.
            exit: one of `EXITS`.
        """
        features: Tensor = self.stem(images)
        for name in EXITS[: EXITS.index(exit) + 1]:
            features = self.stages[name](features)
        scores: Tensor = self.heads[exit](features)
        return scores


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution around a shortcut."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        width = after // EXPANSION
        self.residual = nn.Sequential(
            *_convolution(before, width, kernel=1),
            nn.ReLU(inplace=True),
            *_convolution(width, width, kernel=3, stride=stride),
            nn.ReLU(inplace=True),
            *_convolution(width, after, kernel=1),
        )
        self.shortcut = nn.Sequential()
        if before != after or stride != 1:
            self.shortcut.extend(_convolution(before, after, kernel=1, stride=stride))

    def forward(self, features: Tensor) -> Tensor:
        total: Tensor = self.residual(features) + self.shortcut(features)
        return total.relu_()


def _small_stem() -> nn.Sequential:
    return nn.Sequential(*_convolution(3, STEM_CHANNELS, kernel=3), nn.ReLU(inplace=True))


def _large_stem() -> nn.Sequential:
    return nn.Sequential(
        *_convolution(3, STEM_CHANNELS, kernel=7, stride=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
    )


def _convolution(before: int, after: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    # The normalization after it has a bias of its own.
    convolution = nn.Conv2d(before, after, kernel, stride, padding=kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(after)]
