"""Networks and data that the tests of diagnosis share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[np.float64]


def mlp(
    depth: int, width: int, inputs: int = 4, outputs: int = 3, activation: Callable[[], nn.Module] = nn.ReLU
) -> nn.Sequential:
    """Return an MLP with PyTorch's default initialization."""
    fans = [inputs, *[width] * depth]
    with seeded():
        layers = [part for pair in pairwise(fans) for part in (nn.Linear(*pair), activation())]
        return nn.Sequential(*layers, nn.Linear(fans[-1], outputs))


@contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """Build modules from a seed, without moving torch's own random numbers."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def classes(rows: int = 300, inputs: int = 4) -> tuple[Array, NDArray[np.int64]]:
    """Return points of three classes that a small MLP can tell apart."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, inputs))
    return x, np.stack([x[:, 0], x[:, 1], abs(x[:, 2])], axis=1).argmax(axis=1)


class Residual(nn.Module):
    """h + activation(norm(linear(h)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(width, width), nn.LayerNorm(width)

    def forward(self, h: Tensor) -> Tensor:
        """Return the sum."""
        summed: Tensor = h + torch.tanh(self.norm(self.linear(h)))
        return summed
