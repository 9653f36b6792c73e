"""Random networks to look at, and the same networks as plain torch would write them."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from suite.catalog.activations import Activation
from suite.nets.ensemble import Ensemble

PLAIN: dict[str, Callable[..., Callable[[Tensor], Tensor]]] = {
    "relu": nn.ReLU,
    "abs": lambda: torch.abs,
    "identity": nn.Identity,
    "leaky_relu": lambda slope: nn.LeakyReLU(negative_slope=slope),
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": lambda: nn.Softplus(threshold=700),
    "tanh": nn.Tanh,
    "erf": lambda: torch.erf,
    "sin": lambda: torch.sin,
    "sigmoid": nn.Sigmoid,
}

Networks = Callable[..., Ensemble]


@pytest.fixture
def networks() -> Networks:
    """(widths, activation, draws, seed, biases) -> Gaussian networks in float64, the readout's bias included."""

    def build(
        widths: tuple[int, ...], activation: Activation, draws: int = 3, seed: int = 0, biases: float = 0.5
    ) -> Ensemble:
        generator = torch.Generator().manual_seed(seed)
        parts = []
        for fan_in, fan_out in pairwise(widths):
            weights = torch.randn(draws, fan_in * fan_out, generator=generator, dtype=torch.float64)
            parts += [weights * (1.5 / fan_in) ** 0.5]
            parts += [biases * torch.randn(draws, fan_out, generator=generator, dtype=torch.float64)]
        variances = ((1.5, biases**2),) * (len(widths) - 1)
        return Ensemble(widths, activation, variances, torch.cat(parts, dim=1))

    return build


@pytest.fixture
def plain() -> Callable[[Activation], Callable[[Tensor], Tensor]]:
    """An activation as torch has it, for autograd to differentiate."""
    return lambda activation: PLAIN[activation.name](**activation.parameters)


@pytest.fixture
def modules(plain: Callable[[Activation], Callable[[Tensor], Tensor]]) -> Callable[[Ensemble], list[nn.Module]]:
    """The networks of an ensemble one by one, as modules of (points, inputs)."""

    class Plain(nn.Module):
        def __init__(self, activation: Activation) -> None:
            super().__init__()
            self.phi = plain(activation)

        def forward(self, z: Tensor) -> Tensor:
            return self.phi(z)

    def build(ensemble: Ensemble) -> list[nn.Module]:
        nets = []
        for row in ensemble.parameters.clone():
            place, layers = 0, []
            for fan_in, fan_out in pairwise(ensemble.widths):
                linear = nn.utils.skip_init(nn.Linear, fan_in, fan_out, dtype=row.dtype)
                weights = row[place : place + fan_in * fan_out].reshape(fan_out, fan_in)
                place += fan_in * fan_out
                linear.weight = nn.Parameter(weights.clone())
                linear.bias = nn.Parameter(row[place : place + fan_out].clone())
                place += fan_out
                layers += [linear, Plain(ensemble.activation)]
            nets.append(nn.Sequential(*layers[:-1]))
        return nets

    return build
