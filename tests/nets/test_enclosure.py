"""Enclosing ranges: dead units of networks that are not piecewise linear, against closed forms and dense grids."""

from typing import Literal

import numpy as np
import pytest
import torch

from suite.catalog.activation import Activation, Array
from suite.catalog.activations import Htanh, Relu, SSaw
from suite.nets.activations import Kernel
from suite.nets.breakpoints import ranges_on_line
from suite.nets.death import dead_on_domain
from suite.nets.enclosure import PIECES, _Interval, _slopes, enclose_layers, units_within
from suite.nets.ensemble import Ensemble
from suite.nets.sample import sample_domain

LINE = (torch.tensor([[-1.0]], dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64), 2.0)


class ReluSquared(Activation):
    """max(z, 0)^2, which is flat on one side and curved on the other."""

    name: Literal["relu_squared"] = "relu_squared"
    torch_kernel = "tests.nets.test_enclosure:relu_squared_kernel"
    kind = "kinked"

    @property
    def flat_sides(self) -> tuple[tuple[float, float], ...]:
        return ((-np.inf, 0.0),)

    def phi(self, z: Array) -> Array:
        return np.maximum(z, 0) ** 2

    def dphi(self, z: Array) -> Array:
        return 2 * np.maximum(z, 0)


def relu_squared_kernel(_: Activation) -> Kernel:
    return Kernel(lambda z: torch.relu(z) ** 2, lambda z: z.relu_().square_(), lambda grad, z, h: grad * 2 * z.relu())


class HardSwish(Activation):
    """z min(max(z + 3, 0), 6) / 6, which is not monotone."""

    name: Literal["hard_swish"] = "hard_swish"
    torch_kernel = "tests.nets.test_enclosure:hard_swish_kernel"
    kind = "kinked"

    @property
    def kinks(self) -> tuple[float, ...]:
        return (-3.0, 3.0)

    @property
    def flat_sides(self) -> tuple[tuple[float, float], ...]:
        return ((-np.inf, -3.0),)

    def phi(self, z: Array) -> Array:
        return z * np.clip(z + 3, 0, 6) / 6

    def dphi(self, z: Array) -> Array:
        return np.where(z <= -3, 0.0, np.where(z >= 3, 1.0, z / 3 + 0.5))


def hard_swish_kernel(_: Activation) -> Kernel:
    return Kernel(
        torch.nn.functional.hardswish,
        lambda z: torch.nn.functional.hardswish(z, inplace=True),
        lambda grad, z, h: grad * torch.where(z <= -3, 0.0, torch.where(z >= 3, 1.0, z / 3 + 0.5)),
    )


def dense(ensemble: Ensemble) -> list[torch.Tensor]:
    """Which units stay on a flat side at 20,001 points."""
    points = torch.linspace(-1, 1, 20_001, dtype=torch.float64)[None]
    sides = ensemble.activation.flat_sides
    return [
        torch.stack([(z.amin(2) >= low) & (z.amax(2) <= high) for low, high in sides]).any(0)
        for z in ensemble.preactivations(points)
    ]


def test_a_unit_that_is_active_between_breakpoints_is_not_dead() -> None:
    """1-2-1-1 of max(z, 0)^2: the second layer's preactivation is 1 - 2 x^2, and -1 at both ends."""
    parameters = torch.tensor([[1.0, -1, 1, 1, -1, -1, 3, 1, 0]], dtype=torch.float64)
    ensemble = Ensemble((1, 2, 1, 1), ReluSquared(), ((1.0, 1.0),) * 3, parameters)

    for layer in dead_on_domain(ensemble, sample_domain(1, 2 / 33, 1, 0)):
        assert not layer.any()


@pytest.mark.parametrize("activation", [ReluSquared(), HardSwish()], ids=lambda each: each.name)
@pytest.mark.parametrize("widths", [(1, 8, 8, 8, 1), (1, *[12] * 6, 1)], ids=len)
def test_dead_units_are_those_of_a_dense_grid(networks, activation, widths) -> None:
    """64 networks each, of which some units are dead and some are not."""
    ensemble = networks(widths, activation, draws=64, biases=2.0)

    found, expected = units_within(ensemble, activation.flat_sides, *LINE), dense(ensemble)

    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)
    assert 0 < sum(int(layer.sum()) for layer in found) < 64 * sum(widths[1:-1])


@pytest.mark.parametrize(
    "activation", [Relu(), Htanh(linear_region=0.5), SSaw(linear_region=0.3)], ids=lambda a: a.name
)
def test_piecewise_linear_networks_have_the_dead_units_of_their_breakpoints(networks, activation) -> None:
    """The enclosure agrees with the exact method where there is one."""
    ensemble = networks((1, 8, 8, 8, 1), activation, draws=64, biases=1.5)

    found = units_within(ensemble, activation.flat_sides, *LINE)

    exact = ranges_on_line(ensemble, activation.kinks, *LINE)
    for one, (low, high) in zip(found, exact, strict=True):
        sides = [(low >= first) & (high <= last) for first, last in activation.flat_sides]
        assert torch.equal(one, torch.stack(sides).any(0))


@pytest.mark.parametrize(
    "activation", [ReluSquared(), HardSwish(), Relu(), SSaw(linear_region=0.3)], ids=lambda a: a.name
)
@pytest.mark.parametrize("pieces", PIECES[:2])
def test_bounds_contain_all_values(networks, activation, pieces) -> None:
    """On every piece, the preactivations at points between its ends lie within the bounds."""
    ensemble = networks((1, 6, 6, 6, 1), activation, draws=16, biases=1.0)
    start, direction, length = LINE
    width = length / pieces
    middles = (torch.arange(pieces, dtype=torch.float64) + 0.5) * width
    points = start.T + torch.linspace(0, length, 64 * pieces + 1, dtype=torch.float64)[None]

    reaches = enclose_layers(ensemble, start, direction, middles, width / 2)

    for reach, z in zip(reaches, ensemble.preactivations(points), strict=True):
        slack = 1e-12 * z.abs().amax()
        assert bool((z.amin(2) >= reach.bound_below - slack).all())
        assert bool((z.amax(2) <= reach.bound_above + slack).all())
        assert bool((reach.bound_below <= reach.low + slack).all())
        assert bool((reach.bound_above >= reach.high - slack).all())


def test_values_beyond_the_table_of_slopes_are_not_bounded(networks) -> None:
    """Networks whose values exceed 1e6 have infinite bounds, and their units are judged by points."""
    ensemble = networks((1, 6, 6, 6, 6, 1), ReluSquared(), draws=8, biases=1e4)
    start, direction, _ = LINE

    *_, last = enclose_layers(ensemble, start, direction, torch.tensor([0.5], dtype=torch.float64), 0.5)

    assert bool(last.bound_above.isinf().any())
    for found, expected in zip(units_within(ensemble, ((-np.inf, 0.0),), *LINE), dense(ensemble), strict=True):
        assert torch.equal(found, expected)


class HalfSine(Activation):
    """sin(z) for z > 0 and 0 below, whose slopes turn more and more often within a cell of the table."""

    name: Literal["half_sine"] = "half_sine"
    torch_kernel = "tests.nets.test_enclosure:half_sine_kernel"
    kind = "kinked"

    @property
    def flat_sides(self) -> tuple[tuple[float, float], ...]:
        return ((-np.inf, 0.0),)

    def phi(self, z: Array) -> Array:
        return np.where(z > 0, np.sin(z), 0.0)

    def dphi(self, z: Array) -> Array:
        return np.where(z > 0, np.cos(z), 0.0)


def half_sine_kernel(_: Activation) -> Kernel:
    return Kernel(
        lambda z: torch.where(z > 0, z.sin(), 0.0),
        lambda z: z.copy_(torch.where(z > 0, z.sin(), 0.0)),
        lambda grad, z, h: grad * torch.where(z > 0, z.cos(), 0.0),
    )


@pytest.mark.parametrize("activation", [HalfSine(), HardSwish(), ReluSquared()], ids=lambda each: each.name)
def test_the_table_of_slopes_bounds_them_or_says_nothing(activation) -> None:
    """On 20,000 intervals of all sizes and places up to 1e6, against 33 points of each; a kink lies inside a cell."""
    chance = np.random.default_rng(0)
    low = np.concatenate([chance.uniform(-10, 10, 10_000), 10 ** chance.uniform(0, 5.9, 10_000)])
    high = low + 10 ** chance.uniform(-4, 1, 20_000)
    slopes = activation.dphi(low + np.linspace(0, 1, 33)[:, None] * (high - low))

    found = _slopes(activation)(_Interval(torch.from_numpy(low), torch.from_numpy(high)))

    assert bool((found.low <= torch.from_numpy(slopes.min(0)) + 1e-12).all())
    assert bool((found.high >= torch.from_numpy(slopes.max(0)) - 1e-12).all())
    assert bool(found.high[:10_000].isfinite().all())


def test_draws_that_do_not_fit_together_are_enclosed_in_parts(networks, monkeypatch) -> None:
    """With the same result, in the order of the draws."""
    ensemble = networks((1, 8, 8, 1), HardSwish(), draws=7, biases=2.0)
    whole = units_within(ensemble, ((-np.inf, -3.0),), *LINE)

    monkeypatch.setattr("suite.nets.enclosure._MAX_VALUES", 600)

    for one, other in zip(units_within(ensemble, ((-np.inf, -3.0),), *LINE), whole, strict=True):
        assert torch.equal(one, other)
