"""Changed architectures compute what their PyTorch code says."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from suite.diagnosis.remedies import possible_remedies, shallower, with_leaky_relu, with_normalization, with_residual
from suite.nets.traced import TracedNetwork
from suite.nets.tracing import trace_module
from tests.diagnosis.networks import Residual, mlp, seeded

X = torch.randn(4, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _outputs(network: TracedNetwork | None) -> Tensor:
    assert network is not None
    return network(X)[0].T


def test_normalization_comes_before_each_activation() -> None:
    net = mlp(2, 8).double()
    h = X.T
    for place in (0, 2):
        h = torch.relu(layer_norm(net[place](h), (8,)))
    changed = with_normalization(trace_module(net))
    torch.testing.assert_close(_outputs(changed), net[4](h))
    assert changed.parameter_count == sum(values.numel() for values in net.parameters()) + 4 * 8
    again = with_normalization(changed)
    assert len(again.steps) == len(changed.steps)


def test_residual_sums_add_layers_of_equal_width() -> None:
    with seeded():
        net = nn.Sequential(
            nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 2)
        ).double()
    h = torch.tanh(net[0](X.T))
    h = h + torch.tanh(net[2](h))
    torch.testing.assert_close(_outputs(with_residual(trace_module(net))), net[6](torch.tanh(net[4](h))))
    with seeded():
        already = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), Residual(8), nn.Linear(8, 2))
    assert with_residual(trace_module(already)) is None
    assert with_residual(trace_module(mlp(1, 8))) is None


def test_activations_become_leaky() -> None:
    net = mlp(2, 8, activation=nn.Sigmoid).double()
    leaky = nn.LeakyReLU(0.1)
    expected = net[4](leaky(net[2](leaky(net[0](X.T)))))
    torch.testing.assert_close(_outputs(with_leaky_relu(trace_module(net))), expected)


@pytest.mark.parametrize(("depth", "width"), [(20, 30), (50, 16), (6, 100)])
def test_shallower_networks_have_as_many_parameters(depth: int, width: int) -> None:
    """Within 5%."""
    network = trace_module(mlp(depth, width))
    changed = shallower(network)
    assert len(changed.hidden) == 3
    assert changed.parameter_count == pytest.approx(network.parameter_count, rel=0.05)


def test_narrow_networks_become_wider() -> None:
    changed = shallower(trace_module(mlp(10, 2)))
    assert [changed.widths[step.sources[0]] for step in changed.hidden] == [8, 8, 8]


def test_code_of_a_shallower_network_builds_it() -> None:
    remedy = possible_remedies(trace_module(mlp(10, 20)), frozenset({"inputs"}))["shallower"]
    assert remedy.name == "standardize inputs, 3 hidden layers of 42 ReLU units"
    line = next(line for line in remedy.code.splitlines() if line.startswith("net = "))
    names = {"nn": nn}
    with seeded():
        exec(line, names)  # the project's own text
    built = trace_module(names["net"])
    assert built.parameter_count == remedy.network.parameter_count


def test_remedies_suit_the_network() -> None:
    keys = set(possible_remedies(trace_module(mlp(2, 16, activation=nn.GELU)), frozenset()))
    assert keys == {"variance_preserving", "normalization", "residual"} | ({"critical"} & keys)
    deep = possible_remedies(trace_module(mlp(5, 16)), frozenset())
    assert {"activation", "shallower"} <= set(deep)
    assert "critical" not in deep  # for ReLU it is variance_preserving
    assert "standardize" in possible_remedies(trace_module(mlp(2, 8)), frozenset({"inputs"}))
