"""Boxes that are not centered at the origin, or whose sides differ: every measure on the domain."""

from dataclasses import replace
from math import isclose, sqrt

import numpy as np
import pytest
import torch

from suite.catalog.activations import Abs, Relu, Tanh
from suite.catalog.domain import Box
from suite.catalog.initializations import He, Variance
from suite.catalog.measures.collapse import CollapseSettings
from suite.catalog.measures.death import DeadNeuronsSettings
from suite.catalog.measures.variability import V3LimitSettings, V3Settings
from suite.measures.collapse import collapse
from suite.measures.dead_neurons import dead_neurons
from suite.measures.v3 import v3
from suite.measures.v3_limit import v3_limit
from suite.nets.sample import sample_domain
from suite.nets.streams import stream
from suite.spec.members import Member
from suite.theory.quantities import theory_of
from suite.theory.scaling import layer_variances

STEP = 1 / 8
SCHEME = Variance(weight_variance=2.0, bias_variance=0.3)


def measured(ensemble, domain, step=STEP, lines=16):
    """Every measure on the domain."""
    sample = sample_domain(ensemble.widths[0], step, lines, 3, domain)
    found = v3(ensemble, sample, V3Settings(step=step)) | v3_limit(ensemble, sample, V3LimitSettings(step=step))
    found |= collapse(ensemble, sample, CollapseSettings(step=step))
    return found | (dead_neurons(ensemble, sample, DeadNeuronsSettings(step=step)) if ensemble.plain else {})


def shifted(ensemble, shift):
    """Networks g(x) = f(x + shift), by the first layer's biases."""
    moved = replace(ensemble, parameters=ensemble.parameters.clone())
    first = moved.layers[0]
    first.bias.add_(first.weight @ torch.as_tensor(shift, dtype=torch.float64)[:, None])
    return moved


@pytest.mark.parametrize("activation", [Relu(), Abs(), Tanh()], ids=lambda activation: activation.label)
@pytest.mark.parametrize(("low", "high"), [(0.0, 2.0), (-3.5, -1.5), (0.25, 2.25)], ids=str)
@pytest.mark.parametrize("inputs", [1, 2, 4])
def test_a_shift_of_the_box_is_a_shift_of_the_first_layers_biases(networks, activation, low, high, inputs):
    """On [low, high]^d, all values are those of shifted networks on [-1, 1]^d, except for the collapse's scale.

    The variance map starts from the mean of |x|^2, which the shift changes.
    """
    ensemble = networks((inputs, 6, 5, 1), activation, 20, SCHEME)
    there = measured(ensemble, Box(low=low, high=high))
    here = measured(shifted(ensemble, [(low + high) / 2] * inputs), Box())

    assert there.keys() == here.keys()
    for quantity in there.keys() - {"v3_floor", "collapsed_absolute", "collapse_by_norm"}:
        torch.testing.assert_close(there[quantity], here[quantity], rtol=1e-8, atol=1e-9, msg=quantity)


def test_each_input_can_have_its_own_ends(networks):
    """A box of equal sides around (1, -2, 0.5), against shifted networks."""
    ensemble = networks((3, 6, 5, 1), Relu(), 20, SCHEME)

    there = measured(ensemble, Box(low=[0.0, -3.0, -0.5], high=[2.0, -1.0, 1.5]))
    here = measured(shifted(ensemble, [1.0, -2.0, 0.5]), Box())

    for quantity in ("v3", "slope_variation", "breakpoints", "output_std", "dead_permanent", "dead_tentative"):
        torch.testing.assert_close(there[quantity], here[quantity], rtol=1e-8, atol=1e-9, msg=quantity)


@pytest.mark.parametrize(("low", "high", "step"), [(0.0, 3.0, 0.25), ([-1.0, 2.0], [1.0, 2.5], 0.125)], ids=str)
def test_a_grid_reaches_both_ends_of_each_side(low, high, step):
    """By rows, with equal distances."""
    domain = Box(low=low, high=high)
    points = sample_domain(2, step, 0, 0, domain).points()

    sides = [
        torch.linspace(*ends, round((ends[1] - ends[0]) / step) + 1).double()
        for ends in zip(*domain.bounds(2), strict=True)
    ]
    torch.testing.assert_close(points, torch.cartesian_prod(*sides).T, rtol=0, atol=1e-6)
    assert points.shape[1] == domain.points(2, step, 64)
    torch.testing.assert_close(points.amin(1), torch.tensor(domain.bounds(2)[0]).double(), rtol=0, atol=1e-15)
    torch.testing.assert_close(points.amax(1), torch.tensor(domain.bounds(2)[1]).double(), rtol=0, atol=1e-15)


def test_both_axes_of_a_rectangle_count_equally(networks, by_hand):
    """Although most stencils of [0, 4] x [0, 1/2] run along the first one.

    tanh(x1) alone: half of its mean along the first axis, whose every row has the same. The kink of 3 relu(2 x1 - 3)
    crosses all rows and no column: 1/2 per side, and 6 / 4 / 2 per length.
    """
    domain, step = Box(low=0.0, high=[4.0, 0.5]), 1 / 8
    found = measured(by_hand((2, 1, 1), Tanh(), [1.0, 0, 0, 1, 0]), domain, step)
    line = measured(by_hand((1, 1, 1), Tanh(), [1.0, 0, 1, 0]), Box(low=0.0, high=4.0), step)
    kinked = measured(by_hand((2, 1, 1), Relu(), [2.0, 0, -3, 3, 0]), domain, step)

    for quantity in ("v3", "v3_exact"):
        assert isclose(found[quantity].item(), line[quantity].item() / 2, rel_tol=1e-9)
    assert kinked["breakpoints"].item() == pytest.approx(0.5, rel=1e-12)
    assert kinked["slope_variation"].item() == pytest.approx(6 / 4 / 2, rel=1e-12)


def test_lines_through_a_box_of_three_sides_are_stencils_inside(by_hand):
    """As many points as lines from side to side have on average; each runs along any axis, uniform inside the box.

    Shares of the axes, and means of the centers along and across, at |z| < 5: a false-alarm rate of 6e-7 each. The kink
    of 3 relu(2 x2 - 3.6) at x2 = 1.8 crosses stencils along the second axis, whose side is 3.
    """
    low, high, step, asked, inputs = (0.0, 1.0, -2.0), (1.0, 4.0, 0.0), 1 / 8, 1280, 3
    domain = Box(low=low, high=high)
    sample = sample_domain(inputs, step, asked, 3, domain)
    (lines,) = sample.lines
    axes, centers, points = lines.directions.argmax(1), lines.stencil_centers(), sample.points()

    assert lines.points_a_line == 4
    assert 0 <= domain.points(inputs, step, asked) - points.shape[1] < 4
    share = torch.bincount(axes, minlength=inputs) / len(axes)
    assert ((share - 1 / 3).abs() / (2 / 9 / len(axes)) ** 0.5).max() < 5
    for axis, (first, last) in enumerate(zip(low, high, strict=True)):
        assert first - 1e-12 <= points[axis].min()
        assert points[axis].max() <= last + 1e-12
        for chosen, room in ((axes == axis, last - first - 3 * step), (axes != axis, last - first)):
            error = (centers[axis, chosen].mean() - (first + last) / 2).abs()
            assert error / (room / (12 * chosen.sum()) ** 0.5) < 5

    found = measured(by_hand((3, 1, 1), Relu(), [0.0, 2, 0, -3.6, 3, 0]), domain, step, asked)
    start = lines.starts[:, 1]
    crossed = ((axes == 1) & (start < 1.8) & (start + 3 * step > 1.8)).double().mean().item()
    assert 0 < crossed < 0.2
    assert found["breakpoints"].item() == pytest.approx(crossed * 3 / (3 * step), rel=1e-9)
    assert found["slope_variation"].item() == pytest.approx(6 * crossed / (3 * step), rel=1e-9)


@pytest.mark.parametrize("activation", [Relu(), Tanh()], ids=lambda activation: activation.label)
def test_the_first_layer_is_decided_by_the_corners(networks, activation):
    """Where an affine function has its extremes; a tanh of three inputs has no flat side and no dead neuron."""
    low, high = (0.2, -1.0, 3.0), (0.7, 2.0, 3.5)
    ensemble = networks((3, 8, 4, 1), activation, 60, Variance(weight_variance=2.0, bias_variance=9.0))
    corners = torch.cartesian_prod(*[torch.tensor(ends).double() for ends in zip(low, high, strict=True)]).T
    first, *_ = ensemble.preactivations(corners)
    dead = (first <= 0).all(2) if activation.flat_sides else torch.zeros(60, 8, dtype=torch.bool)

    found = measured(ensemble, Box(low=low, high=high), step=0.25)

    assert torch.equal(found["dead_permanent"][:, 0].long(), dead.sum(1))
    assert dead.any() == bool(activation.flat_sides)
    assert not dead.all()


def test_random_lines_depend_on_the_seed_as_before():
    """The places of today's lines: those of the box of half-width 1 lie at the numbers that the stream gives."""
    (lines,) = sample_domain(5, STEP, 6, 2).lines
    generator = stream(2, lines=6, inputs=5)
    expected = torch.from_numpy(generator.uniform(-1.0, 1.0, (6, 5)))
    across = lines.directions == 0

    assert torch.equal(lines.starts[across], expected[across])


@pytest.mark.parametrize("z", [-4.0, -1.0, 0.5, 4.0])
@pytest.mark.parametrize("inputs", [1, 2])
def test_networks_on_a_shifted_box_die_as_often_as_theory_says(networks, z, inputs):
    """Counted by the measure, 32 x 2,000 neurons, |z score| < 5: a false-alarm rate of 6e-7 each.

    z is the center of the box, in standard deviations of an input that is uniform in it.
    """
    low, high = np.array([-1.5, 0.0])[:inputs], np.array([1.5, 1.0])[:inputs]
    shift = z * (high - low) / sqrt(12) - (low + high) / 2
    scheme, widths = He(bias_std=0.7), (inputs, 32, 1)
    domain = Box(low=tuple((low + shift).tolist()), high=tuple((high + shift).tolist()))
    member = Member(widths, Relu(), scheme, layer_variances(scheme, Relu(), widths), {})
    ensemble = networks(widths, Relu(), 2000, scheme)
    sample = sample_domain(inputs, domain.default_step, 0, 0, domain)
    counted = dead_neurons(ensemble, sample, DeadNeuronsSettings())["dead_fraction"][:, 0]

    found = theory_of("dead_fraction", member, DeadNeuronsSettings(), domain, None)

    share = found.values[0]
    assert found.exact
    assert abs(counted.mean().item() - share) < 5 * sqrt(share * (1 - share) / (32 * 2000))
