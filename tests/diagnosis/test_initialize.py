"""New initial weights: their variances, what they leave as it is, and errors."""

import numpy as np
import pytest
import torch
from torch import nn

import suite
from suite.catalog.activations import ACTIVATIONS
from suite.catalog.initializations import Critical, He, VariancePreserving
from suite.diagnosis.evidence import gather_evidence
from suite.diagnosis.findings import find_all
from suite.diagnosis.samples import make_samples
from suite.nets.tracing import trace_module
from suite.theory.scaling import layer_variances
from tests.diagnosis.networks import Residual, mlp, seeded


@pytest.mark.parametrize("scheme", [VariancePreserving(), Critical(), He()], ids=lambda scheme: scheme.label)
@pytest.mark.parametrize(("activation", "module"), [("relu", nn.ReLU), ("tanh", nn.Tanh), ("gelu", nn.GELU)])
def test_variances_are_those_of_a_study(scheme, activation: str, module: type[nn.Module]) -> None:  # type: ignore[no-untyped-def]
    """Within 5 standard errors, sqrt(2 / number) of a Gaussian's variance, for 200^2 weights."""
    if activation == "gelu" and isinstance(scheme, Critical):
        scheme = VariancePreserving()
    net = suite.initialize_(mlp(3, 200, 200, 200, module), scheme.scheme, seed=1)
    expected = layer_variances(scheme, ACTIVATIONS[activation].model_validate({}), [200] * 5)
    linears = [part for part in net if isinstance(part, nn.Linear)]
    for linear, (weight, bias) in zip(linears, expected, strict=True):
        assert linear.weight.square().mean().item() * 200 == pytest.approx(weight, rel=5 * (2 / 200**2) ** 0.5)
        assert linear.bias.square().mean().item() == bias == 0


def test_activations_differ_by_layer() -> None:
    """A layer's weights suit the activation whose outputs it takes."""
    net = nn.Sequential(*[part for each in (nn.ReLU(), nn.Sigmoid(), nn.Tanh()) for part in (_linear(300), each)])
    net.append(_linear(300))
    suite.initialize_(net, "variance_preserving", seed=0)
    found = [part.weight.square().mean().item() * 300 for part in net if isinstance(part, nn.Linear)]
    assert found == pytest.approx([2, 2, 3.41, 1], rel=0.03)
    q = torch.randn(300, 2000, generator=torch.Generator().manual_seed(0))
    for place in (0, 2, 4):
        with torch.no_grad():
            q = net[place](q.T).T
            assert q.square().mean().item() == pytest.approx(1 if place else 2, rel=0.1)
            q = net[place + 1](q)
        if place == 0:
            q = q / 2**0.5  # the first layer suits its own activation, as in studies; inputs had variance 1


def _linear(width: int) -> nn.Linear:
    with seeded():
        return nn.Linear(width, width)


def test_orthogonal_weights_are_orthogonal() -> None:
    net = suite.initialize_(mlp(2, 20, 20, 3), "orthogonal", seed=0)
    product = net[2].weight @ net[2].weight.T
    torch.testing.assert_close(product, 2 * torch.eye(20), rtol=0, atol=1e-5)


def test_normalizations_start_anew_and_modules_of_ones_own_are_taken() -> None:
    with seeded():
        net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.PReLU(), Residual(8), nn.Linear(8, 2))
    with torch.no_grad():
        for values in net.parameters():
            values.fill_(3.0)
        net[1].running_mean.fill_(5.0)
    assert suite.initialize_(net, seed=0) is net
    assert net[1].weight.unique().tolist() == [1.0]
    assert net[1].bias.unique().tolist() == [0.0]
    assert net[1].running_mean.unique().tolist() == [0.0]
    assert net[2].weight.item() == 0.25
    assert net[3].norm.weight.unique().tolist() == [1.0]
    assert net[3].linear.weight.std() > 0.1


def test_seeds_decide_and_without_one_torch_does() -> None:
    first, second, third = (suite.initialize_(mlp(2, 8), seed=seed)[0].weight for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)
    with seeded(3):
        fourth = suite.initialize_(mlp(2, 8))[0].weight
    with seeded(3):
        assert torch.equal(suite.initialize_(mlp(2, 8))[0].weight, fourth)


class Scaled(nn.Module):
    """The parametrization of the neural tangent kernel: weights of variance 1, and factors 1 / sqrt(fan_in)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(30, width), nn.Linear(width, width), nn.Linear(width, 3)
        for part in (self.first, self.second, self.last):
            nn.init.normal_(part.weight, std=2**0.5)
            nn.init.zeros_(part.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs."""
        h = torch.relu(self.first(x) / 30**0.5)
        h = torch.relu(self.second(h * self.second.in_features**-0.5))
        outputs: torch.Tensor = self.last(h) / self.last.in_features**0.5
        return outputs


def test_factors_of_layers_are_divided_out() -> None:
    """So that the variances are those of the network, which is well initialized before and after."""
    x = np.random.default_rng(0).normal(size=(100, 30))
    samples = make_samples(x, np.arange(100) % 3, 3)
    with seeded():
        net = Scaled(400)
    for expected in ([2, 2, 2], [2, 2, 1]):
        network = trace_module(net)
        evidence = gather_evidence(network, samples)
        found = [linear.weight_variance for linear in evidence.linears]
        assert found == pytest.approx(expected, rel=0.1)
        assert [layer.size for layer in evidence.layers] == pytest.approx([2**0.5] * 2, rel=0.1)
        assert [layer.size for layer in evidence.theory] == pytest.approx([2**0.5] * 2, rel=0.1)
        assert "initialization" not in {each.finding for each in find_all(evidence, network)}
        suite.initialize_(net, seed=0)


class Bytes(nn.Module):
    """A network that divides its inputs, in [0, 255], and adds a constant."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(30, 200), nn.Linear(200, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs."""
        outputs: torch.Tensor = self.last(torch.relu(self.first((x - 127.5) / 73.6) + 0.5))
        return outputs


def test_what_is_done_to_inputs_is_no_factor_of_a_layer() -> None:
    """Inputs are measured as the first Linear layer gets them, and a constant is a bias."""
    x = 255 * np.random.default_rng(0).uniform(size=(200, 30))
    with seeded():
        net = suite.initialize_(Bytes(), seed=0)
    assert net.first.weight.square().mean().item() * 30 == pytest.approx(2, rel=0.1)
    network = trace_module(net)
    evidence = gather_evidence(network, make_samples(x, np.arange(200) % 3, 3))
    assert evidence.input_size == pytest.approx(1, rel=0.02)
    assert evidence.linears[0].bias_variance == pytest.approx(0.25)
    assert not {"input_scale", "initialization"} & {each.finding for each in find_all(evidence, network)}


def test_lists_of_arrays_get_new_entries() -> None:
    """The same weights as the module."""
    net = mlp(2, 8)
    layers = [
        (part.weight.detach().numpy().T, part.bias.detach().numpy(), "relu" if place < 2 else None)
        for place, part in enumerate(part for part in net if isinstance(part, nn.Linear))
    ]
    assert suite.initialize_(layers, "he", seed=3) is layers
    suite.initialize_(net, "he", seed=3)
    for (weights, biases, _), part in zip(layers, net[::2], strict=True):
        np.testing.assert_array_equal(weights, part.weight.detach().numpy().T)
        assert weights.dtype == np.float32
        assert not biases.any()
    with pytest.raises(ValueError, match="or a list, which can be changed, got tuple"):
        suite.initialize_(tuple(layers))


def test_wrong_arguments_give_errors() -> None:
    with pytest.raises(ValueError, match=r"scheme: expected one of variance_preserving, .*, got 'kaiming'"):
        suite.initialize_(mlp(1, 4), "kaiming")
    with seeded():
        net = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)), nn.ReLU(), nn.Linear(4, 1))
    with pytest.raises(ValueError, match=r"0\.weight is computed from other parameters"):
        suite.initialize_(net)
