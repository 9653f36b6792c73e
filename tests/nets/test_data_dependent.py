"""Data-dependent initialization: every first-layer neuron active at a training point, the output's scale that of He."""

from math import pi, sqrt

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import chi2, halfnorm, kstest, norm

from suite.catalog.activations import Relu
from suite.catalog.initializations import DataDependent
from suite.nets.data_dependent import activate_at_data
from suite.nets.death import dead_on_points
from suite.nets.ensemble import Ensemble, layer_views
from suite.nets.initialization import draw_parameters
from suite.theory.scaling import layer_variances, second_moment_at_data

CONTENT = {"member": "a"}


def training_points(inputs, draws, number=20, half_width=1.0, seed=0):
    """Each draw's own, as tasks have them: uniform, in float32."""
    unit = torch.rand(draws, inputs, number, generator=torch.Generator().manual_seed(seed))
    return half_width * (2 * unit - 1)


def he(widths, start, stop):
    scheme = DataDependent()
    return draw_parameters(scheme, widths, layer_variances(scheme, Relu(), widths), 7, CONTENT, start, stop)


def drawn(widths, points, noise_std, start=0):
    parameters = he(widths, start, start + len(points))
    activate_at_data(parameters, widths, points, noise_std, 7, CONTENT, start)
    return parameters


def networks(widths, parameters):
    return Ensemble(widths, Relu(), layer_variances(DataDependent(), Relu(), widths), parameters.double())


def preactivations(widths, parameters, points):
    layer = layer_views(parameters.double(), widths)[0]
    return torch.baddbmm(layer.bias, layer.weight, points.double())


@pytest.mark.parametrize("inputs", [1, 5])
@pytest.mark.parametrize("noise_std", [0.01, 0.3])
def test_no_first_layer_neuron_is_dead_on_the_training_points(inputs, noise_std):
    """Each is active at its own; He's without biases would be dead on one point half of the time."""
    widths, points = (inputs, 12, 1), training_points(inputs, 100, number=1)

    (dead,) = dead_on_points(networks(widths, drawn(widths, points, noise_std)), points.double())
    (before,) = dead_on_points(networks(widths, he(widths, 0, 100)), points.double())

    assert not dead.any()
    assert before.double().mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("inputs", [1, 5])
def test_every_neuron_has_a_training_point_at_its_threshold_but_for_the_noise(inputs):
    """Without noise its pre-activation is 0 there, to float32; the points are chosen evenly.

    Chi-square over 20 points, false-alarm rate 1e-5; points closer than rounding are too rare to count.
    """
    widths, points = (inputs, 30, 1), training_points(inputs, 200)

    z = preactivations(widths, drawn(widths, points, 1e-9), points).abs()

    assert z.amin(2).max() < 1e-5
    counts = np.bincount(z.argmin(2).flatten().numpy(), minlength=20)
    assert ((counts - 300) ** 2 / 300).sum() < chi2.isf(1e-5, 19)


@pytest.mark.parametrize("noise_std", [0.1, 2.0])
def test_the_noise_at_that_point_is_half_normal(noise_std):
    """|eps| with eps ~ N(0, s^2), at the same points whatever s; Kolmogorov-Smirnov, false-alarm rate 1e-5."""
    widths, points = (3, 10, 1), training_points(3, 200)
    quiet, loud = (layer_views(drawn(widths, points, s), widths)[0].bias.double() for s in (1e-9, noise_std))

    lift = ((loud - quiet) / noise_std).flatten().numpy()

    assert lift.min() > -1e-5
    assert kstest(lift, halfnorm.cdf).pvalue > 1e-5


@pytest.mark.parametrize("widths", [(2, 5, 1), (3, 4, 6, 2), (1, 1, 1, 1)], ids=str)
def test_only_first_biases_and_the_readouts_scale_change(widths):
    """The readout's weights by one factor a draw, its bias stays 0."""
    points = training_points(widths[0], 50)
    before, after = (layer_views(part, widths) for part in (he(widths, 0, 50), drawn(widths, points, 0.2)))

    assert torch.equal(after[0].weight, before[0].weight)
    assert (after[0].bias != before[0].bias).all()
    for old, new in zip(before[1:-1], after[1:-1], strict=True):
        assert torch.equal(new.weight, old.weight)
        assert torch.equal(new.bias, old.bias)
    assert not after[-1].bias.any()
    factor = (after[-1].weight / before[-1].weight).flatten(1)
    assert (factor > 0).all()
    torch.testing.assert_close(factor, factor[:, :1].expand_as(factor), rtol=1e-6, atol=0)


@pytest.mark.parametrize("widths", [(1, 16, 1), (5, 16, 1), (1, 16, 16, 1), (5, 16, 16, 1)], ids=str)
@pytest.mark.parametrize("noise_std", [0.05, 1.0])
def test_the_outputs_variance_is_that_of_he(widths, noise_std):
    """Mean f^2 over weights and training points against mean |x|^2 / n_0 of the same points, draw by draw.

    The readout has gain 1 and sigma_w^2 = 2 keeps the mean square in between. Eight z-tests at |z| < 4,
    a false-alarm rate of 5e-4 in all.
    """
    points = training_points(widths[0], 3000, half_width=1.7, seed=widths[0])
    ensemble = networks(widths, drawn(widths, points, noise_std))

    ratio = ensemble(points.double()).square().mean((1, 2)) / points.double().square().mean((1, 2))

    assert abs(ratio.mean() - 1) * sqrt(len(ratio)) / ratio.std() < 4


def test_many_training_points_are_judged_by_some_of_them():
    """Of 1,000 points the first 256 give the scale, off by a few percent at most: |z| < 4 of what is left."""
    widths, points = (2, 16, 1), training_points(2, 200, number=1000)
    ensemble = networks(widths, drawn(widths, points, 0.1))

    ratio = ensemble(points.double()).square().mean((1, 2)) / points.double().square().mean((1, 2))

    assert abs(ratio.mean() - 1) * sqrt(len(ratio)) / ratio.std() < 4


@pytest.mark.parametrize("inputs", [1, 3])
@pytest.mark.parametrize("noise_std", [0.01, 0.4, 3.0])
def test_the_second_moment_at_data_agrees_with_an_integral(inputs, noise_std):
    """E relu(a g + s |e|)^2 over g by hand, (m^2 + a^2) Phi(m / a) + m a phi(m / a) at m = s |e|; over e by scipy."""
    distances = np.array([1e-3, 0.2, 1.0, 5.0])

    def at(distance):
        a = distance * sqrt(2 / inputs)

        def inside(e):
            m = noise_std * e
            given = (m * m + a * a) * norm.cdf(m / a) + m * a * norm.pdf(m / a)
            return given * 2 * norm.pdf(e)

        return quad(inside, 0, np.inf, epsabs=1e-14)[0]

    expected = [at(distance) for distance in distances]

    np.testing.assert_allclose(second_moment_at_data(distances, inputs, noise_std), expected, rtol=1e-8)


def test_the_second_moment_at_the_point_itself_is_the_noises():
    """s^2, since |eps| is what is left; without noise far away it is He's, a^2 / 2."""
    assert second_moment_at_data(np.array(0.0), 2, 0.3) == pytest.approx(0.09, rel=1e-12)
    assert second_moment_at_data(np.array(4.0), 2, 1e-9) == pytest.approx(8.0, rel=1e-8)
    assert second_moment_at_data(np.array(1.0), 2, 1.0) == pytest.approx(2 * (0.5 + 0.25) + 1 / pi, rel=1e-12)


def test_a_draw_is_the_same_in_whatever_range_it_is_asked_for():
    """In [37, 61), across blocks of 64, and in [0, 100)."""
    widths, points = (2, 5, 4, 1), training_points(2, 100)
    whole = drawn(widths, points, 0.2)

    for start, stop in ((37, 61), (60, 70), (99, 100)):
        part = drawn(widths, points[start:stop], 0.2, start)
        torch.testing.assert_close(part, whole[start:stop], rtol=1e-6, atol=1e-6)
        assert torch.equal(layer_views(part, widths)[0].bias, layer_views(whole[start:stop], widths)[0].bias)
