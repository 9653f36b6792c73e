"""V3's limit: derivatives and kinks that are known, V3 itself at falling steps, and where there is no limit."""

from itertools import pairwise

import pytest
import torch

from suite.catalog.activations import ACTIVATIONS, Abs, Elu, Relu, Tanh
from suite.catalog.domain import Ball, Box
from suite.catalog.initializations import Critical, Variance
from suite.catalog.measures.variability import V3LimitSettings, V3Settings
from suite.measures.v3 import v3
from suite.measures.v3_limit import v3_limit
from suite.nets.ensemble import Ensemble
from suite.nets.sample import sample_domain
from tests.catalog.instances import EVERY

SMOOTH = [entry for entry in EVERY if entry.kind == "smooth"]


def limit(ensemble, step=1 / 16, lines=16, domain=None):
    sample = sample_domain(ensemble.widths[0], step, lines, 3, domain)
    return v3_limit(ensemble, sample, V3LimitSettings(step=step))


def measure(ensemble, step=1 / 16, lines=16, domain=None):
    """V3 and its limit, at the same lines."""
    sample = sample_domain(ensemble.widths[0], step, lines, 3, domain)
    return v3(ensemble, sample, V3Settings(step=step)) | limit(ensemble, step, lines, domain)


@pytest.mark.parametrize("activation", SMOOTH, ids=lambda activation: activation.label)
def test_v3_of_smooth_networks_tends_to_the_exact_third_derivative(networks, activation):
    """The step halves, and the error falls about 4 times."""
    ensemble = networks((1, 8, 8, 1), activation, 6, Variance(weight_variance=2.0, bias_variance=0.25))
    errors = []
    for step in (1 / 8, 1 / 16, 1 / 32):
        found = measure(ensemble, step)
        # v3_exact is taken at each step's own stencil centers, so that the spline's width alone differs.
        errors.append((found["v3"] - found["v3_exact"]).abs().mean())

    assert errors[-1] < 0.02 * found["v3_exact"].mean()
    for coarse, fine in pairwise(errors):
        assert 2.5 < coarse / fine < 6.5


def test_v3_of_a_single_sine_is_known(by_hand):
    """f = sin(w x): the third difference is 8 sin^3(w h / 2) cos at the center, the exact one w^3 |cos|."""
    w, step = 1.5, 1 / 16
    found = measure(by_hand((1, 1, 1), ACTIVATIONS["sin"](), [w, 0, 1, 0]), step)
    centers = sample_domain(1, step, 0, 0).lines[0].stencil_centers()
    mean_cos = torch.cos(w * centers).abs().mean().item()

    assert found["v3_exact"].item() == pytest.approx(w**3 * mean_cos, rel=1e-12)
    shrunk = (2 * torch.sin(torch.tensor(w * step / 2).double()).item() / step) ** 3
    assert found["v3"].item() == pytest.approx(shrunk * mean_cos, rel=1e-9)


@pytest.mark.parametrize("activation", [Relu(), Abs()], ids=lambda activation: activation.label)
def test_v3_of_kinked_networks_grows_like_1_over_h(networks, activation):
    """h V3 -> 1.5 TV(f') / length on average over kink positions.

    400 draws at h = 1/512, where kinks seldom share a stencil; the remaining share of kinks within 3h of each
    other or of an end makes the mean 3% uncertain at most.
    """
    step = 1 / 512
    found = measure(networks((1, 6, 6, 1), activation, 400, Critical(bias_std=0.5)), step)

    ratio = (step * found["v3"]).sum() / found["slope_variation"].sum()
    assert 1.45 < ratio < 1.55


def test_one_kink_gives_between_1_and_2_times_its_jump(by_hand):
    """relu(x - a) for 200 places a between two grid points, near 0: 1 on a grid point, 2 midway between two."""
    step = 1 / 16
    places = torch.linspace(0, step, 201, dtype=torch.float64).tolist()
    found = measure(by_hand((1, 1, 1), Relu(), *[[1.0, -place, 1, 0] for place in places]), step)

    times = found["v3"] * 30 * step**2  # h times the integral of |third difference|, over 30 stencils h apart
    assert times.min() >= 1 - 1e-9
    assert times.max() <= 2 + 1e-9
    assert times.mean().item() == pytest.approx(1.5, abs=0.01)
    torch.testing.assert_close(found["slope_variation"][1:], torch.full((200,), 0.5).double())
    assert found["breakpoints"].tolist() == [1] * 201


@pytest.mark.parametrize(("half_width", "seen"), [(0.5, 0), (1.0, 0), (2.0, 1)])
def test_kinks_are_those_inside_the_box(by_hand, half_width, seen):
    """3 relu(2 x - 2.5) has one, at 1.25, where its slope jumps by 6; shares are of the box's side."""
    found = measure(by_hand((1, 1, 1), Relu(), [2.0, -2.5, 3, 0]), domain=Box(half_width=half_width))

    assert found["breakpoints"].tolist() == [seen]
    assert found["slope_variation"].item() == pytest.approx(seen * 6 / (2 * half_width), rel=1e-12)


def test_kinks_on_lines_through_a_wide_box_are_counted_over_its_side(by_hand):
    """The plane x1 = 1.5 crosses every line along the first axis of [-2, 2]^3, once."""
    domain = Box(half_width=2.0)
    along = sample_domain(3, 1 / 16, 40, 3, domain).lines[0].directions[:, 0].mean().item()

    found = measure(by_hand((3, 1, 1), Relu(), [2.0, 0, 0, -3, 3, 0]), lines=40, domain=domain)

    assert 0 < along < 1
    assert found["breakpoints"].item() == pytest.approx(along, rel=1e-12)
    assert found["slope_variation"].item() == pytest.approx(along * 6 / 4, rel=1e-12)


@pytest.mark.parametrize("radius", [1.0, 3.0])
def test_kinks_in_a_ball_are_counted_over_its_diameter(by_hand, radius):
    """On stencils along the first axis those that lie across x1 = 0.3; a line of a side's length has more of them."""
    step, place = radius / 16, 0.3 * radius
    (lines,) = sample_domain(2, step, 64, 3, Ball(radius=radius)).lines
    left = lines.starts[:, 0]
    crossed = ((lines.directions[:, 0] == 1) & (left < place) & (place < left + 3 * step)).double().mean().item()

    found = measure(by_hand((2, 1, 1), Relu(), [2.0, 0, -2 * place, 3, 0]), step, 64, domain=Ball(radius=radius))

    assert 0 < crossed < 0.5
    assert found["breakpoints"].item() == pytest.approx(crossed * 2 * radius / (3 * step), rel=1e-9)
    assert found["slope_variation"].item() == pytest.approx(6 * crossed / (3 * step), rel=1e-9)


def test_nothing_outside_of_a_ball_is_looked_at(by_hand):
    """Kinks that leave the unit disc alone, on all sides of it and close by, are none of its own."""
    edges = [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0), (0.6, 0.8)]
    first = [[part for edge in edges for part in edge], [-1.001] * 5]
    found = measure(by_hand((2, 5, 1), Relu(), [*first[0], *first[1], *[1.0] * 5, 0]), domain=Ball(radius=1.0))

    assert {name: found[name].tolist() for name in ("v3", "slope_variation", "breakpoints")} == {
        "v3": [0], "slope_variation": [0], "breakpoints": [0]
    }  # fmt: skip


@pytest.mark.parametrize("inputs", [3, 8])
def test_more_than_two_inputs_are_measured_on_random_lines(networks, inputs):
    """V3 and the exact derivative on the same lines agree to 2%, the step's error."""
    found = measure(networks((inputs, 10, 8, 1), Tanh(), 6), step=1 / 32, lines=40)

    torch.testing.assert_close(found["v3"], found["v3_exact"], rtol=0.02, atol=0)


@pytest.mark.parametrize("inputs", [3, 8])
def test_slope_variation_on_random_lines_is_that_of_kinks(networks, inputs):
    """h V3 -> 1.5 times the slope variation, within 6% over 100 draws of 40 lines."""
    step = 1 / 256
    found = measure(networks((inputs, 6, 6, 1), Relu(), 100, Critical(bias_std=0.5)), step, lines=40)

    ratio = (step * found["v3"]).sum() / found["slope_variation"].sum()
    assert 1.42 < ratio < 1.58


def test_several_outputs_are_averaged(networks):
    """V3 of two outputs is the mean of each one's, and so is the slope variation."""
    both = networks((2, 5, 2), Relu(), 4)
    readout = both.layers[-1]
    singles = [
        Ensemble(
            (2, 5, 1),
            Relu(),
            both.variances,
            torch.cat([both.parameters[:, :15], readout.weight[:, output], readout.bias[:, output]], dim=1),
        )
        for output in range(2)
    ]

    found, parts = measure(both), [measure(single) for single in singles]

    for name in ("v3", "slope_variation"):
        torch.testing.assert_close(found[name], (parts[0][name] + parts[1][name]) / 2, rtol=1e-9, atol=0)


def test_what_is_returned_depends_on_the_kind_of_activation(networks):
    """The exact derivative for smooth ones, kinks for piecewise-linear ones, neither in between."""
    assert limit(networks((2, 3, 1), Tanh(), 2)).keys() == {"v3_exact"}
    assert limit(networks((2, 3, 1), Relu(), 2)).keys() == {"slope_variation", "breakpoints"}
    assert limit(networks((2, 3, 1), Elu(), 2)) == {}


@pytest.mark.parametrize("activation", [Tanh(), Relu()], ids=lambda activation: activation.label)
@pytest.mark.parametrize(
    "option", [{"normalization": "batch"}, {"normalization": "layer"}, {"residual": True}], ids=str
)
def test_networks_that_are_not_plain_have_no_limit(networks, activation, option):
    """Neither a Taylor series nor breakpoints are worked out for them."""
    assert limit(networks((2, 4, 4, 1), activation, 3, **option)) == {}
