"""Small examples of all operations that the suite computes with, the same on every device."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from suite.catalog.activations import Tanh
from suite.catalog.optimizers import Adam, AdamW, Optimizer, Sgd
from suite.nets.backward import loss_gradient
from suite.nets.differentiable import trace
from suite.nets.ensemble import Ensemble
from suite.nets.losses import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, HALF_SQUARE, Loss, LossAt
from suite.nets.streams import stream
from suite.training.tasks import Data, Points
from suite.training.trainer import train


@dataclass(frozen=True)
class Numbers:
    """Inputs that are the same on every device.

    Attributes:
        dtype: The floating-point type.
        device: The device of the tensors.
    """

    dtype: torch.dtype
    device: str

    def normal(self, *shape: int) -> Tensor:
        """Return standard normal numbers that depend only on the shape."""
        drawn = stream(0, device_check=list(shape)).standard_normal(shape)
        return torch.from_numpy(drawn).to(self.device, self.dtype)

    def spread(self) -> Tensor:
        """Return 1,001 evenly spaced numbers from -6 to 6, which include 0."""
        return torch.linspace(-6, 6, 1001, dtype=torch.float64).to(self.device, self.dtype)

    def networks(self) -> Ensemble:
        """Return four networks of 5 inputs, two hidden layers and 3 outputs, with layer normalization."""
        widths = (5, 16, 16, 3)
        parameters = sum(below * above + above for below, above in pairwise(widths)) + 4 * 16
        variances = ((1.0, 1.0),) * 3
        return Ensemble(widths, Tanh(), variances, 0.5 * self.normal(4, parameters), normalization="layer")

    def at_points(self, loss: Loss) -> LossAt:
        """Return a loss at 24 points of each network."""
        return LossAt(loss, self.normal(4, 5, 24), (self.normal(4, 3, 24) > 0).to(self.dtype))


def _products(numbers: Numbers) -> list[Tensor]:
    left, right, bias = numbers.normal(3, 65, 64), numbers.normal(3, 64, 33), numbers.normal(3, 65, 1)
    into = torch.empty(3, 65, 33, dtype=left.dtype, device=left.device)
    products = [torch.bmm(left, right), torch.bmm(right.mT, left.mT), torch.baddbmm(bias, left, right, out=into)]
    return [*products, torch.mv(left[0], right[0, :, 0])]


_FUNCTIONS: list[Callable[[Tensor], Tensor]] = [torch.abs, torch.relu, torch.tanh, torch.sigmoid, torch.erf, torch.sin]
_FUNCTIONS += [torch.cos, torch.expm1, torch.exp, torch.selu, torch.special.ndtr, functional.elu, functional.gelu]
_FUNCTIONS += [
    functional.silu,
    functional.leaky_relu,
    functional.hardtanh,
    lambda z: torch.logaddexp(z, z.new_zeros(())),
    lambda z: functional.softplus(z, threshold=40.0),
]


def _elementwise(numbers: Numbers) -> list[Tensor]:
    z = numbers.spread()
    above, other = z.abs() + 0.1, z.flip(0)
    found = [function(z.clone()) for function in _FUNCTIONS]
    found += [above.copysign(z), z.clamp(-1, 1), z.sign(), torch.where(z > 1, z, 0.5), torch.addcmul(z, z, other)]
    found += [z.exp2(), *torch.frexp(torch.where(z > 1, 4.0, 0.5))]
    found += [above.log(), above.sqrt(), above.rsqrt(), above.reciprocal(), z.square(), z**3, z / above]
    return [*found, torch.maximum(z, other), torch.minimum(z, other)]


def _comparisons(numbers: Numbers) -> list[Tensor]:
    z = numbers.spread()
    other, holes = z.flip(0), torch.where(z.abs() > 2, z, torch.nan)
    found = [
        z > other,
        z >= other,
        z < other,
        z <= other,
        z == other,
        z != other,
        holes.isnan(),
        holes.isfinite(),
        holes.isinf(),
    ]
    return [*found, (z > 1) & (other > -1), (z > 1) | (other > 1), ~(z > 1)]


def _slopes(numbers: Numbers) -> list[Tensor]:
    z = numbers.spread().requires_grad_()
    with torch.enable_grad():
        return [torch.autograd.grad(function(z).sum(), z)[0] for function in _FUNCTIONS]


def _reductions(numbers: Numbers) -> list[Tensor]:
    z = numbers.normal(7, 31, 129)
    found = [z.sum(2), z.mean(1), z.var(2, correction=0), z.amax(2), z.amin(1), z.max(), z.norm(dim=1), z.argmax(2)]
    return [
        *found,
        torch.linalg.vector_norm(z, dim=(1, 2)),
        z.cumsum(2),
        (z > 2).any(1),
        (z < 2).all(2),
        (z > 0).sum(1),
    ]


def _sorting(numbers: Numbers) -> list[Tensor]:
    z = numbers.normal(5, 257)
    values, order = z.sort(dim=1, stable=True)
    steps = values[0].contiguous()
    counts = torch.bincount(order.flatten() % 7, minlength=9)
    found = [values, order, order.cummax(1).values, (z > 0).flip(1).cummin(1).values, counts]
    return [*found, torch.searchsorted(steps, z[1], right=True), (z > 1).nonzero()]


def _indexing(numbers: Numbers) -> list[Tensor]:
    z = numbers.normal(5, 257)
    order = z.argsort(dim=1, stable=True)
    chosen, row = order[:, :9], torch.arange(5, device=z.device)
    written = torch.zeros_like(z)
    written[row, chosen[:, 0]] = z[row, chosen[:, 1]]
    written[z > 2] = 3.0
    least = z.scatter_reduce(1, order % 11, z.abs(), "amin")
    found = [
        z[z > 0],
        z.masked_fill(z > 2, 3.0),
        z[:, chosen[0]],
        z.gather(1, chosen),
        least,
        written,
        z.diff(n=3, dim=1),
    ]
    found += [z[:, :5].diagonal(), torch.eye(5, device=z.device), functional.pad(z, (0, 3)), functional.one_hot(row, 6)]
    return [*found, torch.cat([z, z[:2]]), torch.stack([z, z], dim=1), z.repeat(2, 1)]


def _eigenvalues(numbers: Numbers) -> list[Tensor]:
    z = numbers.normal(3, 24, 40)
    return [torch.linalg.eigvalsh(torch.bmm(z, z.mT))]


def _singular_values(numbers: Numbers) -> list[Tensor]:
    z = numbers.normal(3, 24, 40)
    return [torch.linalg.svdvals(z), torch.linalg.matrix_norm(z, ord=2)]


def _losses(numbers: Numbers) -> list[Tensor]:
    networks, found = numbers.networks(), []
    for loss in (BINARY_CROSS_ENTROPY, CROSS_ENTROPY, HALF_SQUARE):
        _, points, labels = numbers.at_points(loss)
        outputs = networks(points)
        found += [outputs, loss.value(outputs, labels), loss_gradient(networks, LossAt(loss, points, labels))]
    return found


def _derivatives(numbers: Numbers) -> list[Tensor]:
    networks, found = numbers.networks(), []
    for loss in (BINARY_CROSS_ENTROPY, CROSS_ENTROPY, HALF_SQUARE):
        _, points, labels = numbers.at_points(loss)
        with torch.enable_grad():
            theta = networks.parameters.clone().requires_grad_()
            value = loss.value(trace(networks, points, theta)[1], labels).sum()
            (first,) = torch.autograd.grad(value, theta, create_graph=True)
            (second,) = torch.autograd.grad(first, theta, first.detach())
        found += [first.detach(), second]
    return found


def _training(*optimizers: Optimizer) -> Callable[[Numbers], list[Tensor]]:
    def trained(numbers: Numbers) -> list[Tensor]:
        networks, (loss, points, labels) = numbers.networks(), numbers.at_points(HALF_SQUARE)
        data = Points(points, labels)
        for optimizer in optimizers:
            for _ in train(networks, Data(0, loss, data, data, data), (optimizer,), (4,)):
                pass
        return [networks.parameters]

    return trained


_EVERY, _SINGLE = (torch.float32, torch.float64), (torch.float32,)

PRIMITIVES: dict[str, tuple[Callable[[Numbers], list[Tensor]], Sequence[torch.dtype]]] = {
    "matmul": (_products, _EVERY),
    "elementwise functions": (_elementwise, _EVERY),
    "comparisons": (_comparisons, _EVERY),
    "derivatives of functions": (_slopes, _EVERY),
    "reductions": (_reductions, _EVERY),
    "sorting": (_sorting, _EVERY),
    "indexing": (_indexing, _EVERY),
    "eigenvalues": (_eigenvalues, _EVERY),
    "singular values": (_singular_values, _EVERY),
    "losses and gradients": (_losses, _EVERY),
    "second derivatives": (_derivatives, _EVERY),
    "training with Adam": (_training(Adam(learning_rate=0.01, batch=12)), _SINGLE),
    "training with AdamW": (
        _training(AdamW(learning_rate=0.01, batch=12, schedule="cosine", warmup=2, clip=0.01)),
        _SINGLE,
    ),
    "training with SGD": (_training(Sgd(learning_rate=0.1, momentum=0.9, batch=12)), _SINGLE),
}
"""Functions that are computed on both devices, by name, and the precisions in which the suite uses them."""
