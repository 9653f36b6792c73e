"""Random networks to look at, and the same networks as plain torch would write them."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from suite.catalog.activations import Activation
from suite.nets.ensemble import Ensemble


def _odd(a: float, beyond: Callable[[Tensor, float], Tensor]) -> Callable[[Tensor], Tensor]:
    """The identity on [-a, a], and the odd function that is `beyond` for z > a."""
    return lambda z: torch.where(z.abs() <= a, z, z.sign() * beyond(z.abs(), a))


# An independent reference of every activation: a new one needs an entry.
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
    "htanh": lambda linear_region: nn.Hardtanh(-linear_region, linear_region),
    "s_exp": lambda linear_region: _odd(linear_region, lambda z, a: (a - 1) + torch.exp(a - z)),
    "s_sin": lambda linear_region: _odd(linear_region, lambda z, a: (a - 1) + torch.sin(torch.pi / 2 - a + z)),
    "s_saw": lambda linear_region: _odd(linear_region, lambda z, a: torch.relu(2 * a - z)),
}


Networks = Callable[..., Ensemble]


@pytest.fixture
def networks() -> Networks:
    """(widths, activation, draws, seed, biases, options) -> Gaussian networks in float64, nothing of them 0.

    The readout has biases too; gains are around 1 and shifts around 0.
    """

    def build(
        widths: tuple[int, ...],
        activation: Activation,
        draws: int = 3,
        seed: int = 0,
        biases: float = 0.5,
        normalization: str = "none",
        residual: bool = False,
    ) -> Ensemble:
        generator = torch.Generator().manual_seed(seed)

        def normal(size: int) -> Tensor:
            return torch.randn(draws, size, generator=generator, dtype=torch.float64)

        parts = []
        for layer, (fan_in, fan_out) in enumerate(pairwise(widths), start=1):
            parts += [normal(fan_in * fan_out) * (1.5 / fan_in) ** 0.5, biases * normal(fan_out)]
            if normalization != "none" and layer < len(widths) - 1:
                parts += [1 + 0.3 * normal(fan_out), 0.4 * normal(fan_out)]
        variances = ((1.5, biases**2),) * (len(widths) - 1)
        return Ensemble(widths, activation, variances, torch.cat(parts, dim=1), normalization, residual)

    return build


@pytest.fixture
def plain() -> Callable[[Activation], Callable[[Tensor], Tensor]]:
    """An activation as torch has it, for autograd to differentiate."""
    return lambda activation: PLAIN[activation.name](**activation.parameters)


@pytest.fixture
def modules(plain: Callable[[Activation], Callable[[Tensor], Tensor]]) -> Callable[[Ensemble], list[nn.Module]]:
    """The networks of an ensemble one by one, as sequences of hidden layers and a readout, of (points, inputs)."""

    def one(ensemble: Ensemble, row: Tensor) -> nn.Module:
        *hidden, (last, outputs) = pairwise(ensemble.widths)
        layers = [
            Hidden(fan_in, fan_out, plain(ensemble.activation), ensemble.normalization, ensemble.residual and place > 0)
            for place, (fan_in, fan_out) in enumerate(hidden)
        ]
        net = nn.Sequential(*layers, nn.utils.skip_init(nn.Linear, last, outputs)).double()
        nn.utils.vector_to_parameters(row, net.parameters())
        return net

    return lambda ensemble: [one(ensemble, row) for row in ensemble.parameters.clone()]


class Hidden(nn.Module):
    """A hidden layer as torch's modules make it up."""

    def __init__(
        self, fan_in: int, fan_out: int, phi: Callable[[Tensor], Tensor], normalization: str, residual: bool
    ) -> None:
        super().__init__()
        self.linear = nn.utils.skip_init(nn.Linear, fan_in, fan_out)
        self.normalize = {
            "none": nn.Identity,
            "batch": lambda: nn.BatchNorm1d(fan_out, track_running_stats=False),
            "layer": lambda: nn.LayerNorm(fan_out),
        }[normalization]()
        self.phi, self.shared = phi, min(fan_in, fan_out) if residual else 0

    def forward(self, below: Tensor) -> Tensor:
        h = self.phi(self.normalize(self.linear(below)))
        return torch.cat([h[:, : self.shared] + below[:, : self.shared], h[:, self.shared :]], dim=1)
