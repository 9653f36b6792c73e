"""Drawn parameters: the same network whatever else is drawn, with the variances that the scheme promises."""

from itertools import pairwise
from math import sqrt

import numpy as np
import pytest
import torch
from scipy.stats import chi2, ks_2samp, kstest, norm

from suite.catalog.activations import Relu, Sin
from suite.catalog.initializations import INITIALIZATIONS, Critical, Orthogonal, Pytorch, Siren, Sphere, Variance
from suite.nets.ensemble import Ensemble, layer_views
from suite.nets.initialization import draw_parameters
from suite.theory.scaling import layer_variances

CONTENT = {"member": "a"}
GIVEN = {
    "variance": {"weight_variance": 1.3, "bias_variance": 0.2},
    "pytorch": {},
    "siren": {},
    "sphere": {},
    "data_dependent": {},  # what is drawn before data are looked at
}
SCHEMES = [entry(**GIVEN.get(name, {"bias_std": 0.3})) for name, entry in INITIALIZATIONS.items()]
every_scheme = pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.label)


def draw(scheme, widths, start, stop, seed=7, content=CONTENT):
    return draw_parameters(scheme, widths, layer_variances(scheme, Relu(), widths), seed, content, start, stop)


@every_scheme
def test_a_draw_is_the_same_in_whatever_range_it_is_asked_for(scheme):
    """Alone, in [37, 61), across blocks of 64, and in [0, 100)."""
    whole = draw(scheme, (2, 5, 4, 1), 0, 100)

    assert torch.equal(draw(scheme, (2, 5, 4, 1), 37, 61), whole[37:61])
    assert torch.equal(draw(scheme, (2, 5, 4, 1), 60, 70), whole[60:70])
    assert torch.equal(draw(scheme, (2, 5, 4, 1), 99, 100), whole[99:])


def test_a_wide_networks_draw_is_the_same_in_whatever_range(monkeypatch):
    """Also where blocks hold 1 draw."""
    monkeypatch.setattr("suite.nets.streams._VALUES_A_BLOCK", 50)
    whole = draw(Critical(), (2, 5, 4, 1), 0, 5)

    assert torch.equal(draw(Critical(), (2, 5, 4, 1), 2, 4), whole[2:4])
    assert len(set(whole[:, 0].tolist())) == 5


def test_draws_do_not_depend_on_what_was_drawn_before():
    """Other members in between change nothing."""
    first = draw(Critical(), (2, 6, 1), 0, 8)
    draw(Critical(), (2, 6, 1), 0, 8, content={"member": "b"})

    assert torch.equal(draw(Critical(), (2, 6, 1), 0, 8), first)


@pytest.mark.parametrize("other", [{"seed": 8}, {"content": {"member": "b"}}], ids=["seed", "member"])
def test_other_seeds_and_other_members_have_other_networks(other):
    """Not one weight in common."""
    first, second = draw(Critical(), (2, 6, 1), 0, 8), draw(Critical(), (2, 6, 1), 0, 8, **other)
    weights = first != 0

    assert (first[weights] != second[weights]).all()


def test_draws_of_a_member_differ():
    """Within a block and across blocks."""
    whole = draw(Critical(), (2, 6, 1), 0, 200)

    assert len(set(whole[:, 0].tolist())) == 200


def test_parameters_are_drawn_in_float32():
    """So that every precision sees the same network."""
    assert draw(Critical(), (2, 6, 1), 0, 2).dtype == torch.float32


@every_scheme
def test_variances_are_those_that_the_scheme_promises(scheme):
    """Means and mean squares of weights and biases, layer by layer.

    At most 12 z-tests a scheme (4 a layer, 3 layers) at |z| < 4.5; over all 12 schemes the false-alarm
    rate is below 144 * 7e-6 = 1e-3. Under `orthogonal` and `sphere` entries are dependent, with a sum of
    squares that never varies, so that the tests of squares are the sharper ones below.
    """
    widths, draws = (3, 6, 4, 2), 2000
    parameters = draw(scheme, widths, 0, draws).double()
    for layer, (weight_variance, bias_variance), (fan_in, _) in zip(
        layer_views(parameters, widths), layer_variances(scheme, Relu(), widths), pairwise(widths), strict=True
    ):
        for values, variance in ((layer.weight, weight_variance / fan_in), (layer.bias, bias_variance)):
            if variance == 0:
                assert not values.any()
                continue
            scaled = (values / variance**0.5).flatten().numpy()
            assert abs(scaled.mean()) * np.sqrt(scaled.size) < 4.5
            kurtosis = 9 / 5 if isinstance(scheme, Pytorch | Siren) else 3
            assert abs((scaled**2).mean() - 1) * np.sqrt(scaled.size / (kurtosis - 1)) < 4.5


@every_scheme
def test_the_readouts_bias_starts_at_0_except_as_pytorch_and_siren_do(scheme):
    """Whatever the hidden biases are."""
    bias = layer_views(draw(scheme, (3, 6, 2), 0, 50), (3, 6, 2))[-1].bias

    assert bool((bias == 0).all()) == (not isinstance(scheme, Pytorch | Siren))


def test_pytorchs_weights_and_biases_are_uniform_within_its_bound():
    """All below 1 / sqrt(fan_in), and close to it: of 4,800 values the largest misses by 1% once in 10^20."""
    layer, _ = layer_views(draw(Pytorch(), (4, 6, 1), 0, 200), (4, 6, 1))
    for values in (layer.weight, layer.bias):
        assert values.abs().max() <= 0.5 * (1 + 1e-6)
        assert values.abs().max() > 0.5 * 0.97
    assert layer.weight.min() < -0.5 * 0.97


def test_sirens_weights_and_biases_are_uniform_within_their_bounds():
    """Layer by layer, all below and close to the bound: of 400 values or more the largest misses by 3% once in 10^5."""
    widths, omega = (4, 6, 5, 1), 20.0
    layers = layer_views(draw(Siren(omega=omega), widths, 0, 400), widths)
    bounds = [
        (omega / 4, omega / 2),
        (1.0, omega / sqrt(6)),
        (sqrt(6 / 5) / omega, 1 / sqrt(5)),
    ]
    for layer, (weight, bias) in zip(layers, bounds, strict=True):
        for values, bound in ((layer.weight, weight), (layer.bias, bias)):
            assert 0.97 * bound < values.max() <= bound * (1 + 1e-6)
            assert -0.97 * bound > values.min() >= -bound * (1 + 1e-6)


def test_sirens_networks_are_those_of_its_authors():
    """The outputs of 4,000 networks, and of 4,000 that are built as their code does it, have one distribution.

    A Kolmogorov-Smirnov test at each of three points; false-alarm rate 3e-6.
    """
    widths, omega, draws = (2, 12, 12, 1), 30.0, 4000
    points = torch.tensor([[0.0, 0.3, -1.0], [0.0, -0.7, 0.9]])
    drawn = draw(Siren(), widths, 0, draws)
    ours = Ensemble(widths, Sin(), ((1.0, 0.0),) * 3, drawn)(points)[:, 0]

    generator = torch.Generator().manual_seed(2)

    def uniform(*shape: int) -> torch.Tensor:
        return 2 * torch.rand(draws, *shape, generator=generator) - 1

    h = points.expand(draws, 2, 3)
    for number, (fan_in, fan_out) in enumerate(pairwise(widths)):
        bound = 1 / fan_in if number == 0 else sqrt(6 / fan_in) / omega
        weight, bias = bound * uniform(fan_out, fan_in), uniform(fan_out, 1) / sqrt(fan_in)  # as nn.Linear has it
        z = weight @ h + bias
        h = torch.sin(omega * z) if number < 2 else z

    for point in range(3):
        assert ks_2samp(ours[:, point], h[:, 0, point]).pvalue > 1e-6


def test_gaussian_weights_are_gaussian():
    """Twenty bins of equal probability; false-alarm rate 1e-5."""
    layer, _ = layer_views(draw(Variance(weight_variance=5.0), (5, 8, 1), 0, 500), (5, 8, 1))
    counts, _ = np.histogram(norm.cdf(layer.weight.double().numpy()), bins=20, range=(0, 1))
    expected = counts.sum() / 20

    assert ((counts - expected) ** 2 / expected).sum() < chi2.isf(1e-5, 19)


@pytest.mark.parametrize("shape", [(6, 6), (3, 7), (7, 3), (1, 5), (5, 1)], ids=str)
def test_orthogonal_weights_are_semi_orthogonal_with_the_entries_variance_of_critical(shape):
    """The mean square entry of each single matrix is sigma_w^2 / fan_in; ReLU has sigma_w^2 = 2."""
    fan_in, fan_out = shape
    widths = (fan_in, fan_out, 4, 1)
    weight = layer_views(draw(Orthogonal(), widths, 0, 20), widths)[0].weight.double()
    gram = weight @ weight.mT if fan_out <= fan_in else weight.mT @ weight
    size = min(shape)
    scale = 2 * max(shape) / fan_in

    torch.testing.assert_close(gram, scale * torch.eye(size).double().expand(20, -1, -1), rtol=0, atol=2e-5)
    torch.testing.assert_close(weight.square().mean((1, 2)), torch.full((20,), 2 / fan_in).double(), rtol=1e-5, atol=0)


def test_orthogonal_matrices_are_uniformly_distributed():
    """Haar: no entry prefers a sign, the diagonal's included; 9 tests at |z| < 5, false-alarm rate 6e-6."""
    widths = (3, 3, 1, 1)
    weight = layer_views(draw(Orthogonal(), widths, 0, 3000), widths)[0].weight.double()
    z = weight.mean(0) / (weight.square().mean(0) / 3000).sqrt()

    assert z.abs().max() < 5


def test_the_orthogonal_schemes_readout_is_gaussian():
    """Of gain 1: a single row would otherwise always have the same norm."""
    widths = (3, 6, 1)
    readout = layer_views(draw(Orthogonal(), widths, 0, 400), widths)[-1].weight.double()
    squares = readout.square().sum((1, 2))

    # Each sum is chi^2_6 / 6, of variance 1/3: 5 standard deviations, false-alarm rate 6e-7.
    assert abs(squares.mean() - 1) < 5 * (1 / 3 / 400) ** 0.5
    assert squares.std() > 0.4


def test_normalized_networks_have_the_weights_of_plain_ones_with_gains_of_1_and_shifts_of_0():
    """Gains and shifts stand behind each hidden layer's biases; the readout has none."""
    widths, scheme = (2, 5, 4, 1), Pytorch()
    variances = layer_variances(scheme, Relu(), widths)
    plain, normalized = (
        draw_parameters(scheme, widths, variances, 7, CONTENT, 60, 70, taken) for taken in (False, True)
    )

    assert normalized.shape[1] == plain.shape[1] + 2 * (5 + 4)
    for bare, layer in zip(layer_views(plain, widths), layer_views(normalized, widths, normalized=True), strict=True):
        assert torch.equal(layer.weight, bare.weight)
        assert torch.equal(layer.bias, bare.bias)
        assert layer.gain is None or ((layer.gain == 1).all() and (layer.shift == 0).all())


def test_on_the_sphere_each_hidden_neurons_weights_and_bias_have_norm_1():
    """In every hidden layer, whatever its fan-in."""
    widths = (3, 6, 1, 5, 2)
    for layer in layer_views(draw(Sphere(), widths, 0, 50), widths)[:-1]:
        norms = (layer.weight.square().sum(2) + layer.bias[..., 0].square()).sqrt()
        torch.testing.assert_close(norms, torch.ones_like(norms), rtol=0, atol=1e-6)


def test_on_the_sphere_weights_and_bias_are_uniform():
    """With two inputs each of (w_1, w_2, b), and any projection, is uniform on [-1, 1]; 4 tests at 1e-5."""
    widths = (2, 10, 1)
    layer, _ = layer_views(draw(Sphere(), widths, 0, 500), widths)
    rows = torch.cat([layer.weight, layer.bias], dim=2).flatten(0, 1).double()
    projections = [*rows.T, rows @ torch.tensor([0.6, -0.48, 0.64]).double()]

    for projection in projections:
        assert kstest(projection.numpy(), "uniform", args=(-1, 2)).pvalue > 1e-5


def test_the_spheres_readout_is_gaussian_of_gain_1_without_a_bias():
    """Variance 1 / fan_in; 1,200 weights at |z| < 5 and 20 bins, false-alarm rates of 6e-7 and 1e-5."""
    widths = (3, 6, 1)
    readout = layer_views(draw(Sphere(), widths, 0, 200), widths)[-1]
    scaled = (readout.weight * 6**0.5).flatten().double().numpy()
    counts, _ = np.histogram(norm.cdf(scaled), bins=20, range=(0, 1))

    assert not readout.bias.any()
    assert abs((scaled**2).mean() - 1) < 5 * (2 / scaled.size) ** 0.5
    assert ((counts - scaled.size / 20) ** 2 / (scaled.size / 20)).sum() < chi2.isf(1e-5, 19)
