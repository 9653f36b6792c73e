"""An activation of a plug-in gives the numbers of a built-in one, theory by quadrature included."""

from dataclasses import astuple
from itertools import pairwise
from math import exp

import numpy as np
import pytest
import torch

import suite
from suite.catalog.activations import ACTIVATIONS, Activation
from suite.cells.resources import Resources
from suite.nets.activations import kernel
from suite.nets.backward import Backpropagation
from suite.nets.ensemble import Ensemble
from suite.nets.taylor import third_derivative
from suite.runs.run import compute_tables
from suite.spec.load import load_studies
from suite.theory.correlation_map import covariance, slope_covariance
from suite.theory.mean_field import edge_of_chaos, second_moment, slope_moment
from tests.plugins.conftest import SNAKE

TWINS = """
import torch
from torch.nn import functional as F
from suite.plugins import activation

@activation(kinks=(0.0,))
def my_relu(z):
    return torch.relu(z)

@activation
def my_gelu(z):
    return F.gelu(z)

@activation(derivative=lambda z: 1 - torch.tanh(z) ** 2)
def my_tanh(z):
    return torch.tanh(z)

@activation(kinks=(0.0,))
def my_elu(z, alpha: float = 1.0):
    return F.elu(z, alpha)

@activation(kinks=lambda linear_region: (-linear_region, linear_region))
def my_htanh(z, linear_region: float):
    return z.clamp(-linear_region, linear_region)
"""
CASES = [
    ("relu", {}),
    ("gelu", {}),
    ("tanh", {}),
    ("elu", {}),
    ("elu", {"alpha": 0.4}),
    ("htanh", {"linear_region": 0.7}),
]
over_twins = pytest.mark.parametrize(("name", "parameters"), CASES, ids=str)
PLACES = torch.linspace(-6, 6, 1001, dtype=torch.float64) + 1e-3


@pytest.fixture
def twins(loaded):
    """(name, parameters) -> the built-in activation and the plug-in of the same function."""
    loaded(TWINS)
    return lambda name, parameters: (ACTIVATIONS[name](**parameters), ACTIVATIONS[f"my_{name}"](**parameters))


def make_ensemble(activation: Activation) -> Ensemble:
    """Small Gaussian networks, the same for every activation."""
    widths, generator = (2, 7, 5, 1), torch.Generator().manual_seed(3)
    number = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(widths))
    parameters = torch.randn(4, number, generator=generator, dtype=torch.float64)
    return Ensemble(widths, activation, ((1.0, 1.0),) * 3, parameters)


@over_twins
def test_facts_and_references_are_those_of_the_built_in_twin(twins, name, parameters):
    """Kind, kinks, flat sides, homogeneity, label; phi and its derivative in numpy."""
    ours, theirs = twins(name, parameters)

    for fact in ("kind", "kinks", "flat_sides", "homogeneous"):
        assert getattr(theirs, fact) == getattr(ours, fact), fact
    assert theirs.label == f"my_{ours.label}"
    z = PLACES.numpy()
    np.testing.assert_allclose(theirs.phi(z), ours.phi(z), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(theirs.dphi(z), ours.dphi(z), rtol=1e-12, atol=1e-13)


@over_twins
def test_kernels_are_those_of_the_built_in_twin(twins, name, parameters):
    """Values in place, the backward pass, Taylor's coefficients, and the form that torch differentiates."""
    ours, theirs = twins(name, parameters)
    z = PLACES.clone()
    h = kernel(theirs).apply_(z)
    assert h.data_ptr() == z.data_ptr()
    torch.testing.assert_close(h, kernel(ours).apply_(PLACES.clone()))
    grads = [
        kernel(which).backward_(torch.cos(PLACES), PLACES.clone(), kernel(which).apply_(PLACES.clone()))
        for which in (ours, theirs)
    ]
    torch.testing.assert_close(*grads)
    torch.testing.assert_close(kernel(theirs).phi(PLACES), kernel(ours).phi(PLACES))
    both = kernel(ours).taylor, kernel(theirs).taylor
    assert (both[0] is None) == (both[1] is None)
    if both[0] and both[1]:
        torch.testing.assert_close(both[1](PLACES.clone()), both[0](PLACES.clone()))


@over_twins
def test_networks_and_their_gradients_are_those_of_the_built_in_twin(twins, name, parameters):
    """Forward, backward, and along lines."""
    points = torch.randn(2, 50, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    outputs, gradients, thirds = [], [], []
    for activation in twins(name, parameters):
        ensemble = make_ensemble(activation)
        outputs.append(ensemble(points))
        passes = Backpropagation(ensemble, 50)
        passes.backward(torch.ones_like(passes.forward(points)))
        gradients.append(passes.gradient.clone())
        if activation.kind == "smooth":
            thirds.append(third_derivative(ensemble, points, torch.ones_like(points)))

    torch.testing.assert_close(*outputs)
    torch.testing.assert_close(*gradients)
    if thirds:
        torch.testing.assert_close(*thirds)


@over_twins
def test_theory_is_that_of_the_built_in_twin(twins, name, parameters):
    """The edge of chaos and both maps."""
    ours, theirs = twins(name, parameters)

    points = [astuple(edge_of_chaos(activation, 0.1)) for activation in (ours, theirs)]
    assert points[1] == pytest.approx(points[0], rel=1e-9, nan_ok=True)
    for c in (-0.6, 0.3, 0.999):
        assert covariance(theirs, 2.0, c) == pytest.approx(covariance(ours, 2.0, c), rel=1e-9)
        assert slope_covariance(theirs, 2.0, c) == pytest.approx(slope_covariance(ours, 2.0, c), rel=1e-9)


@pytest.mark.parametrize("a", [0.3, 1.0, 4.0, 30.0])
@pytest.mark.parametrize("q", [0.01, 1.0, 9.0])
def test_quadrature_resolves_the_snake_at_any_frequency(loaded, a, q):
    """Its Gaussian means have closed forms, since E[cos(b z)] = exp(-b^2 q / 2)."""
    loaded()
    snake = ACTIVATIONS["snake"](frequency=a)
    b = 2 * a

    assert second_moment(snake, q) == pytest.approx(
        q + (1 - 2 * exp(-(b**2) * q / 2) + (1 + exp(-2 * b**2 * q)) / 2) / b**2, rel=1e-9
    )
    assert slope_moment(snake, q) == pytest.approx(1 + (1 - exp(-2 * b**2 * q)) / 2, rel=1e-9)
    for c in (-0.5, 0.4, 0.95):
        expected = 1 + (exp(-(b**2) * q * (1 - c)) - exp(-(b**2) * q * (1 + c))) / 2
        assert slope_covariance(snake, q, c) == pytest.approx(expected, rel=1e-8)


def test_labels_leave_defaults_out_and_equal_parameters_are_one_activation(loaded):
    """As of built-in ones."""
    loaded()
    snake = ACTIVATIONS["snake"]

    assert snake().label == "snake"
    assert snake(frequency=3.0).label == "snake(frequency=3)"
    assert snake(frequency=3.0) == snake(frequency=3.0) != snake()
    assert len({snake(frequency=3.0), snake(frequency=3.0), snake()}) == 2


def test_it_is_tried_with_one_thread(loaded, monkeypatch):
    """With two, which wait for each other, loading took ten times as long."""
    monkeypatch.setattr(torch, "counted", [], raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        loaded(SNAKE.replace("    return", "    torch.counted.append(torch.get_num_threads())\n    return"))
        ACTIVATIONS["snake"]().dphi(np.zeros(3))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)

    assert set(torch.counted) == {1}


def test_one_that_bends_too_quickly_for_theory_is_an_error(loaded):
    """The edge of chaos would take a minute, and a correlation map an hour."""
    loaded()

    assert ACTIVATIONS["snake"](frequency=99.0).pace == pytest.approx(99, rel=1e-4)
    with pytest.raises(ValueError, match=r"it bends 3,000 times as quickly as the sine.*use parameters"):
        ACTIVATIONS["snake"](frequency=3000.0)


MISSED = """
import torch
from suite.plugins import activation

@activation(kinks=(0.0,))
def bounded(z):
    return torch.relu(z) - 0.5 * torch.relu(z - 12)

@activation
def bent(z):
    return z + 0.5 * torch.sin(z)
"""


@pytest.mark.parametrize(("name", "flat"), [("bounded", True), ("bent", False)])
@pytest.mark.parametrize(
    ("widths", "dead_fraction", "born_dead"),
    [
        ((1, 3, 3, 1), ["as declared", "enclosed or sampled"], "enclosed or sampled"),
        ((2, 3, 3, 1), ["as declared", "sampled"], "sampled"),
        ((2, 3, 1), ["as declared"], "as declared"),
    ],
    ids=["one input", "two inputs", "one layer"],
)
def test_a_missed_jump_cannot_pass_for_exact(loaded, tmp_path, name, flat, widths, dead_fraction, born_dead):
    """A kink at 12, which no check finds: what is exact for built-in activations is as declared for a plug-in's."""
    loaded(MISSED)
    inputs, *hidden, _ = widths
    family = f"[family]\ninputs = {inputs}\nwidth = 3\ndepth = {len(hidden)}\nactivation = '{name}'\n"
    spec = tmp_path / "missed.toml"
    spec.write_text(f"title = 'T'\nseed = 1\n{family}initialization = 'he'\n[measure.dead_neurons]\ndraws = 2\n")

    table = compute_tables(load_studies([spec])[0], tmp_path / "results", Resources("cpu", workers=1)).measurements

    if not flat:
        dead_fraction, born_dead = ["as declared"] * len(hidden), "as declared"
    first = table[table["draw"] == 0]
    assert list(first.loc[first["quantity"] == "dead_fraction", "method"]) == dead_fraction
    assert list(first.loc[first["quantity"] == "born_dead", "method"]) == [born_dead]


class Bounded(torch.nn.Module):
    """The activation `bounded`, as a module."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return it of each element."""
        return torch.relu(z) - 0.5 * torch.relu(z - 12)


@pytest.mark.parametrize(("given", "name", "method"), [
    (torch.nn.ReLU(), None, "exact"),
    (Bounded(), "bounded", "as declared"),
])  # fmt: skip
def test_the_frame_of_modules_has_the_same_method(loaded, given, name, method):
    """As suite.measure returns it."""
    loaded(MISSED)
    with torch.random.fork_rng():
        module = torch.nn.Sequential(torch.nn.Linear(1, 3), given, torch.nn.Linear(3, 1))

    frame = suite.measure(module, "dead_neurons", activation=name)

    assert set(frame["method"].dropna()) == {method}
