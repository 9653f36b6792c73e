"""Measures at data points: V3 by stencils centered at them, collapse, dead neurons, and V3's limit."""

import pytest
import torch

from suite.catalog.activations import Relu, Tanh
from suite.catalog.domain import Ball, Box, TrainingPoints
from suite.catalog.initializations import Variance
from suite.catalog.measures.collapse import CollapseSettings
from suite.catalog.measures.death import DeadNeuronsSettings
from suite.catalog.measures.variability import V3LimitSettings, V3Settings
from suite.catalog.tasks import Checkerboard
from suite.measures.collapse import collapse
from suite.measures.dead_neurons import dead_neurons
from suite.measures.v3 import v3
from suite.measures.v3_limit import v3_limit
from suite.nets.data_points import DataPoints, sample_data
from suite.nets.lines import stencils_at
from suite.nets.sample import sample_domain
from suite.training.tasks import make_data

SCHEME = Variance(weight_variance=2.0, bias_variance=0.3)


def normal(inputs, number, seed=1):
    """Standardized data."""
    data = torch.randn(inputs, number, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (data - data.mean(1, keepdim=True)) / data.std(1, keepdim=True, correction=0)


def measured(ensemble, sample):
    return v3(ensemble, sample, V3Settings())


@pytest.mark.parametrize("activation", [Relu(), Tanh()], ids=lambda activation: activation.label)
@pytest.mark.parametrize(
    ("inputs", "domain"),
    [
        (1, Box()),
        (2, Box(low=0.0, high=1.0)),
        (4, Box()),
        (3, Ball(radius=2.0)),
        (3, Box(low=0.0, high=(1.0, 2.0, 1.0))),
    ],
    ids=str,
)
def test_at_the_same_points_and_directions_it_is_v3_stencil_by_stencil(networks, activation, inputs, domain):
    """Of grids, random lines and stencils in a ball; to rounding, 100 eps max |f| / h^3."""
    ensemble = networks((inputs, 8, 8, 1), activation, 6, SCHEME)
    sample = sample_domain(inputs, 1 / 8, 6, 3, domain)
    (lines,) = sample.lines
    expected = lines.third_differences(ensemble(lines.points()))
    centers = lines.stencil_centers()
    directions = lines.directions.repeat_interleave(lines.points_a_line - 3, dim=0)

    stencils = stencils_at(centers.T, directions, lines.step)
    _, (found,) = DataPoints(TrainingPoints(), (stencils,), centers).evaluate(ensemble)

    assert found.shape == expected.shape
    rounding = 100 * torch.finfo(torch.float64).eps * ensemble(centers).abs().max() / lines.step**3
    torch.testing.assert_close(found, expected, rtol=0, atol=rounding.item())
    assert expected.abs().mean() > 1e6 * rounding


@pytest.mark.parametrize("inputs", [1, 2])
def test_stencils_run_along_each_axis_with_up_to_two_inputs(networks, inputs):
    """By hand: third differences at the points, along both axes, and the mean of their absolute values."""
    data, step = normal(inputs, 30), 0.25
    ensemble = networks((inputs, 8, 8, 2), Tanh(), 5, SCHEME)
    expected = []
    for axis in torch.eye(inputs, dtype=torch.float64)[:, :, None]:
        values = [ensemble(data + place * step * axis) for place in (-1.5, -0.5, 0.5, 1.5)]
        expected.append((values[3] - 3 * values[2] + 3 * values[1] - values[0]) / step**3)

    found = measured(ensemble, sample_data(data, step, 0))

    torch.testing.assert_close(found["v3"], torch.cat(expected, dim=2).abs().mean((1, 2)), rtol=1e-9, atol=0)
    rms = ensemble(data).square().mean((1, 2)).sqrt()
    torch.testing.assert_close(found["v3_over_rms"], found["v3"] / rms, rtol=1e-12, atol=0)


def test_stencils_of_more_inputs_have_random_unit_directions():
    """One at each point; uniform on the sphere, by the mean of u u^T: |z| < 5 of each entry, a false alarm in 1e5."""
    data, number, inputs = normal(5, 4000), 4000, 5
    sample = sample_data(data, 0.1, 7)
    (lines,) = sample.lines

    assert torch.equal(sample.points(), data)
    torch.testing.assert_close(lines.stencil_centers(), data, rtol=0, atol=1e-14)
    torch.testing.assert_close(lines.directions.norm(dim=1), torch.ones(number).double(), rtol=0, atol=1e-14)
    moment = lines.directions.T @ lines.directions / number
    # Var(u_i^2) = 2 (d - 1) / (d^2 (d + 2)), E(u_i^2 u_j^2) = 1 / (d (d + 2))
    spread = torch.full((inputs, inputs), (1 / (inputs * (inputs + 2) * number)) ** 0.5).double()
    spread.fill_diagonal_((2 * (inputs - 1) / (inputs**2 * (inputs + 2)) / number) ** 0.5)
    assert ((moment - torch.eye(inputs) / inputs).abs() / spread).max() < 5
    assert (lines.directions.mean(0).abs() * (inputs * number) ** 0.5).max() < 5


def test_directions_follow_from_the_seed():
    """The same for every measure; others for another seed."""
    data = normal(4, 20)
    first, again, other = (sample_data(data, 0.1, seed).lines[0].directions for seed in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("scale", "step"), [(1.0, 1 / 16), (5.0, 5 / 16)])
def test_the_default_step_is_a_sixteenth_of_the_inputs_standard_deviation(scale, step):
    """1/16 of standardized inputs; the root of the mean variance of unequal ones."""
    assert sample_data(scale * normal(3, 50), None, 0).step == pytest.approx(step, rel=1e-12)
    unequal = normal(2, 50) * torch.tensor([[3.0], [1.0]]).double()
    assert sample_data(unequal, None, 0).step == pytest.approx(5**0.5 / 16, rel=1e-12)


def test_points_that_are_all_equal_need_a_step():
    """They have no standard deviation."""
    with pytest.raises(ValueError, match="the training points are all equal; set step"):
        sample_data(torch.ones(3, 4).double(), None, 0)


@pytest.mark.parametrize("activation", [Relu(), Tanh()], ids=lambda activation: activation.label)
def test_v3_on_uniform_data_is_v3_on_the_box(networks, activation):
    """The checkerboard's points against a grid: 30 sets of 1,000 points with 20 networks each, at h = 1/64.

    The sets' relative differences have a mean of 0 but for the edges of the box, which a grid's stencils do not cross:
    |mean| < 5 standard errors + 1%. The false-alarm rate is below 6e-7. A larger box fails by far.
    """
    step, task = 1 / 64, Checkerboard(squares=2, train=1000, test=8)
    grid, wider = sample_domain(2, step, 0, 0), sample_domain(2, step, 0, 0, Box(half_width=1.5))
    differences, others = [], []
    for seed in range(30):
        data = make_data(task, seed, 0, 1, torch.float64, judged=False).train.inputs[0]
        ensemble = networks((2, 8, 8, 1), activation, 20, SCHEME, seed=seed)
        found, on_box, on_wider = (measured(ensemble, at)["v3"] for at in (sample_data(data, step, seed), grid, wider))
        differences.append((found - on_box).mean() / on_box.mean())
        others.append((found - on_wider).mean() / on_wider.mean())

    found, other = torch.stack(differences), torch.stack(others)
    assert found.mean().abs() < 5 * found.std() / 30**0.5 + 0.01
    assert other.mean().abs() > 5 * other.std() / 30**0.5 + 0.01


def test_v3_along_random_directions_is_v3_along_the_axes_on_average(networks):
    """First layers with Gaussian weights prefer no direction: 400 networks of 3 inputs each, at h = 1/32.

    Points of the box that are uniform inside it, so that no stencil leaves it. The difference of the means has
    |z| < 5: a false-alarm rate of 6e-7.
    """
    step, inputs, draws = 1 / 32, 3, 400
    inside = 2 - 3 * step
    unit = torch.rand(inputs, 400, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    data = inside * (unit - 0.5)
    on_data = measured(networks((inputs, 8, 8, 1), Tanh(), draws, SCHEME, seed=1), sample_data(data, step, 1))["v3"]
    box = Box(half_width=inside / 2 + 1.5 * step)
    on_box = measured(networks((inputs, 8, 8, 1), Tanh(), draws, SCHEME, seed=2), sample_domain(3, step, 64, 1, box))

    gap = on_data.mean() - on_box["v3"].mean()
    assert abs(gap) < 5 * ((on_data.var() + on_box["v3"].var()) / draws).sqrt()


@pytest.mark.parametrize("inputs", [1, 2, 6])
def test_v3_tends_to_the_exact_derivative_at_the_points(networks, inputs):
    """Its error falls as h^2: four times smaller at half the step."""
    ensemble, data = networks((inputs, 8, 8, 1), Tanh(), 6, SCHEME), normal(inputs, 40)
    errors = []
    for step in (1 / 8, 1 / 16):
        sample = sample_data(data, step, 0)
        exact = v3_limit(ensemble, sample, V3LimitSettings())
        assert exact.keys() == {"v3_exact"}
        errors.append((measured(ensemble, sample)["v3"] / exact["v3_exact"] - 1).abs().mean())

    assert errors[1] < 0.05
    assert 2.5 < errors[0] / errors[1] < 6.5


def test_kinks_are_counted_along_the_stencils(by_hand):
    """3 relu(2 x - 0.4) turns by 6 at x = 0.2; data have no side, thus no number of kinks per side."""
    data, step = torch.tensor([[-1.0, 0.0, 0.1, 0.25, 2.0]]).double(), 0.1

    found = v3_limit(by_hand((1, 1, 1), Relu(), [2.0, -0.4, 3, 0]), sample_data(data, step, 0), V3LimitSettings())

    assert found.keys() == {"slope_variation"}
    assert found["slope_variation"].item() == pytest.approx(2 / 5 * 6 / 0.3, rel=1e-9)  # of the points 0.1 and 0.25


@pytest.mark.parametrize("inputs", [1, 2, 5])
def test_death_is_decided_at_the_points_in_every_layer(networks, inputs):
    """By preactivations there; a unit that is live only between the points counts as dead."""
    ensemble, data = networks((inputs, 6, 5, 1), Relu(), 200, SCHEME), normal(inputs, 12)
    dead = [(z <= 0).all(2).clone() for z in ensemble.preactivations(data)]

    found = dead_neurons(ensemble, sample_data(data, None, 0), DeadNeuronsSettings())

    for layer, units in enumerate(dead):
        torch.testing.assert_close(found["dead_fraction"][:, layer], units.double().mean(1), rtol=0, atol=0)
        assert units.any()


def test_collapse_is_that_of_the_outputs_at_the_points(networks):
    """Their standard deviation and root mean square, and the predicted scale from the points' mean square."""
    ensemble, data = networks((3, 6, 6, 1), Relu(), 50, SCHEME), 2 + normal(3, 200)
    outputs = ensemble(data)[:, 0]

    found = collapse(ensemble, sample_data(data, None, 0), CollapseSettings(threshold=0.3))

    torch.testing.assert_close(found["output_std"], outputs.std(1, correction=0), rtol=1e-9, atol=0)
    torch.testing.assert_close(found["output_rms"], outputs.square().mean(1).sqrt(), rtol=1e-9, atol=0)
    collapsed = outputs.std(1, correction=0) <= 0.3 * outputs.square().mean(1).sqrt()
    assert torch.equal(found["collapsed_relative"].bool(), collapsed)
    assert 0 < collapsed.sum() < 50


@pytest.mark.parametrize("normalization", ["none", "batch"])
@pytest.mark.parametrize("inputs", [2, 4])
def test_stencils_are_evaluated_a_few_at_a_time(networks, monkeypatch, normalization, inputs):
    """With the same differences, in the same order."""
    ensemble = networks((inputs, 6, 6, 2), Tanh(), 4, SCHEME, normalization=normalization)
    sample = sample_data(normal(inputs, 40), 0.5, 0)
    outputs, (whole,) = sample.evaluate(ensemble)
    monkeypatch.setattr("suite.nets.data_points._STENCILS_AT_A_TIME", 7)

    again, (parts,) = sample.evaluate(ensemble)

    assert torch.equal(again, outputs)
    torch.testing.assert_close(parts, whole, rtol=1e-9, atol=1e-9)


def test_batch_normalization_takes_its_statistics_over_the_points(networks):
    """Not over the stencils' points, of which there are many more."""
    ensemble, data = networks((3, 6, 6, 1), Tanh(), 4, SCHEME, normalization="batch"), normal(3, 40)
    sample = sample_data(data, 0.5, 0)
    (lines,) = sample.lines
    together = ensemble(torch.cat([data, lines.points()], dim=1), reference=40)

    outputs, (differences,) = sample.evaluate(ensemble)

    torch.testing.assert_close(outputs, ensemble(data), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(differences, lines.third_differences(together[..., 40:]), rtol=1e-9, atol=1e-9)
    assert (ensemble(lines.points()) - together[..., 40:]).abs().max() > 1e-3
