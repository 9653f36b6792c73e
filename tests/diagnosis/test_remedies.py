"""Changed architectures compute what their PyTorch code says."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from suite.diagnosis.initialize import draw_again
from suite.diagnosis.remedies import possible_remedies, shallower, with_leaky_relu, with_normalization, with_residual
from suite.nets.traced import TracedNetwork
from suite.nets.tracing import trace_module
from tests.diagnosis.networks import Residual, mlp, seeded

POINTS = torch.randn(4, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _outputs(network: TracedNetwork | None) -> Tensor:
    assert network is not None
    return network(POINTS)[0].T


def test_normalization_comes_before_each_activation() -> None:
    net = mlp(2, 8).double()
    h = POINTS.T
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
    h = torch.tanh(net[0](POINTS.T))
    h = h + torch.tanh(net[2](h))
    torch.testing.assert_close(_outputs(with_residual(trace_module(net))), net[6](torch.tanh(net[4](h))))
    with seeded():
        already = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), Residual(8), nn.Linear(8, 2))
    assert with_residual(trace_module(already)) is None
    assert with_residual(trace_module(mlp(1, 8))) is None


def test_activations_become_leaky() -> None:
    net = mlp(2, 8, activation=nn.Sigmoid).double()
    leaky = nn.LeakyReLU(0.1)
    expected = net[4](leaky(net[2](leaky(net[0](POINTS.T)))))
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


def _sigmoid_head() -> nn.Module:
    return mlp(7, 6, outputs=1, activation=nn.GELU).append(nn.Sigmoid())


class Block(nn.Module):
    """A network with a residual sum around two layers, and one within it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.inner, self.last = nn.Linear(4, 8), Residual(8), nn.Linear(8, 3, bias=False)
        self.norm, self.elu = nn.RMSNorm(8, eps=1e-6), nn.ELU(0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs."""
        h = self.elu(self.first(x))
        found: Tensor = self.last(h + self.inner(self.norm(h)))
        return found


@pytest.mark.parametrize(
    "make",
    [
        lambda: mlp(10, 20),
        lambda: mlp(3, 8, activation=nn.Mish),
        lambda: mlp(3, 8, activation=lambda: nn.LeakyReLU(0.3)),
        lambda: mlp(2, 8, activation=lambda: nn.Hardtanh(-2.0, 2.0)),
        lambda: nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8, eps=0.1), nn.Softplus(), nn.Linear(8, 3)),
        _sigmoid_head,
        Block,
    ],
    ids=["relu", "mish", "leaky_relu", "hardtanh", "batch", "head", "block"],
)
def test_code_builds_the_network_of_the_remedy(make: Callable[[], nn.Module]) -> None:
    """With the same weights as in the remedy, it computes the same."""
    with seeded():
        network = trace_module(make(), "batch")
    for key, remedy in possible_remedies(network, frozenset({"inputs", "targets"})).items():
        if remedy.scheme and key not in ("variance_preserving", "critical"):
            assert "\n# " not in remedy.code, remedy.code
            names = {name: np.ones((2, 2)) for name in ("X_train", "y_train")}
            with seeded(), np.errstate(all="ignore"):
                exec(remedy.code, names)  # the project's own text
            net = names["net"]
            assert isinstance(net, nn.Module)
            built = trace_module(net, "batch")
            parameters = draw_again(remedy.network, remedy.scheme, torch.Generator().manual_seed(0))
            assert built.head.lower() == remedy.network.head.lower()
            torch.testing.assert_close(
                built.to(torch.float64)(POINTS), remedy.network(POINTS, parameters), rtol=1e-5, atol=1e-5
            )


def test_networks_that_are_no_chain_get_advice_instead_of_code() -> None:
    with seeded():
        net = nn.Sequential(nn.Linear(4, 8), nn.PReLU(), nn.Linear(8, 8), nn.PReLU(), nn.Linear(8, 3))
    code = possible_remedies(trace_module(net), frozenset())["normalization"].code
    assert code.startswith("import suite\n")
    assert "# put nn.LayerNorm(width) between" in code


def test_remedies_suit_the_network() -> None:
    keys = set(possible_remedies(trace_module(mlp(2, 16, activation=nn.GELU)), frozenset()))
    assert keys == {"variance_preserving", "normalization", "residual"} | ({"critical"} & keys)
    deep = possible_remedies(trace_module(mlp(5, 16)), frozenset())
    assert {"activation", "shallower"} <= set(deep)
    assert "critical" not in deep  # for ReLU it is variance_preserving
    assert "standardize" in possible_remedies(trace_module(mlp(2, 8)), frozenset({"inputs"}))
