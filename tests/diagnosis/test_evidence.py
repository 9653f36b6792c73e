"""What is measured of a network, beside plain torch, closed forms and exact cases."""

from collections.abc import Callable
from math import isfinite, pi, sqrt

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from suite.diagnosis.evidence import gather_evidence
from suite.diagnosis.samples import make_samples
from suite.diagnosis.weights import preserving_variance
from suite.nets.tracing import trace_module
from suite.theory.mean_field import second_moment
from tests.diagnosis.networks import classes, mlp, seeded


def test_layers_are_those_of_plain_torch() -> None:
    """Sizes, cosines, dead units and gradients, from hooks on the module and autograd."""
    x, y = classes()
    net = mlp(3, 8).double()
    with torch.no_grad():
        net[2].bias[:2] = -100  # two dead units of the second layer
    evidence = gather_evidence(trace_module(net), make_samples(x, y, 3))

    kept: list[torch.Tensor] = []
    for place in (0, 2, 4):
        net[place].register_forward_hook(lambda module, given, z: (z.retain_grad(), kept.append(z))[1])
    loss = nn.functional.cross_entropy(net(torch.tensor(x)), torch.tensor(y))
    loss.backward()
    assert evidence.loss == pytest.approx(loss.item())
    for layer, z in zip(evidence.layers, kept, strict=True):
        values = z.detach()
        assert z.grad is not None
        assert layer.size == pytest.approx(values.square().mean().sqrt().item())
        assert layer.variation == pytest.approx(values.var(dim=0, correction=0).mean().sqrt().item())
        assert layer.dead == pytest.approx((values <= 0).all(0).double().mean().item())
        assert layer.gradient == pytest.approx((z.grad * len(x)).square().mean().sqrt().item())
        cosines = nn.functional.cosine_similarity(values[:, None], values[None], dim=2)
        assert layer.cosine == pytest.approx((cosines.sum() - len(x)).item() / (len(x) * (len(x) - 1)))
    assert evidence.layers[1].dead >= 2 / 8


class Shared(nn.Module):
    """A network that uses a layer twice, with layer normalization, PReLU and a skipped connection."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 16), nn.Linear(16, 3, bias=False)
        self.twice, self.norm, self.prelu = nn.Linear(16, 16), nn.LayerNorm(16), nn.PReLU(16)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs."""
        h = torch.tanh(self.first(x))
        h = h + self.prelu(self.norm(self.twice(h)))
        found: Tensor = self.last(torch.tanh(self.twice(h)))
        return found


@pytest.mark.parametrize("make", [lambda: mlp(2, 16), Shared], ids=["mlp", "shared"])
def test_the_tangent_kernel_is_the_gram_matrix_of_gradients(make: Callable[[], nn.Module]) -> None:
    """From one backward pass per point and output."""
    x, y = classes(20)
    with seeded():
        net = make().double()
    evidence = gather_evidence(trace_module(net), make_samples(x, y, 3))
    rows = []
    for output in range(3):
        for point in torch.tensor(x):
            gradients = torch.autograd.grad(net(point[None])[0, output], list(net.parameters()))
            rows.append(torch.cat([each.flatten() for each in gradients]))
    values = np.linalg.eigvalsh((torch.stack(rows) @ torch.stack(rows).T).numpy())
    assert evidence.condition == pytest.approx(values[-1] / values[0], rel=1e-6)
    assert evidence.alignment == pytest.approx(values[-1] / values.sum())


def test_weights_have_the_variance_that_they_were_drawn_with() -> None:
    """PyTorch's default has sigma_w^2 = 1/3 and sigma_b^2 = 1 / (3 fan_in)."""
    x, y = classes()
    evidence = gather_evidence(trace_module(mlp(2, 400)), make_samples(x, y, 3))
    second = evidence.linears[1]
    assert second.interval[0] < 1 / 3 < second.interval[1]
    assert second.weight_variance == pytest.approx(1 / 3, rel=0.02)
    assert second.bias_variance == pytest.approx(1 / 1200, rel=0.3)
    assert (second.preserving, second.critical) == (pytest.approx(2), pytest.approx(2))
    assert not isfinite(evidence.linears[-1].preserving)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.GELU, nn.Mish, nn.Hardswish])
def test_preserving_variances_are_means_over_a_normal_variable(activation: type[nn.Module]) -> None:
    """Of activations that the catalog lacks, too: 1 / E[phi(Z)^2], by sampling to 1% (4 standard errors)."""
    network = trace_module(mlp(1, 3, activation=activation))
    (step,) = network.hidden
    z = torch.randn(2_000_000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = 1 / activation()(z).square().mean().item()
    assert preserving_variance(step, network) == pytest.approx(expected, rel=0.01)
    if step.entry is not None:
        assert preserving_variance(step, network) == pytest.approx(1 / second_moment(step.entry, 1.0), rel=1e-9)


def test_saturation_is_a_share_of_a_normal_distribution() -> None:
    """For z ~ N(0, s^2), tanh'(z) < 0.05 where |z| > artanh(sqrt 0.95)."""
    net = mlp(1, 1, inputs=1, outputs=1, activation=nn.Tanh).double()
    with torch.no_grad():
        net[0].weight.fill_(3.0)
        net[0].bias.zero_()
    x = torch.distributions.Normal(0.0, 1.0).icdf((torch.arange(1000, dtype=torch.float64) + 0.5) / 1000)[:, None]
    evidence = gather_evidence(trace_module(net), make_samples(x, x[:, 0] * pi, 1))
    bound = torch.atanh(torch.tensor(sqrt(0.95))) / 3
    expected = 2 * (1 - torch.distributions.Normal(0.0, 1.0).cdf(bound))
    assert evidence.layers[0].saturated == pytest.approx(expected.item(), abs=0.002)


def test_inputs_are_described_by_their_columns() -> None:
    x = np.stack([np.linspace(-1, 1, 50), 100 + np.linspace(-5, 5, 50), np.full(50, 7.0)], axis=1)
    evidence = gather_evidence(trace_module(mlp(1, 3, inputs=3)), make_samples(x, np.arange(50) % 3, 3))
    assert evidence.input_size == pytest.approx((x**2).mean())
    assert evidence.input_offset == pytest.approx(100 / x[:, 1].std())
    assert evidence.input_spread == pytest.approx(5)
