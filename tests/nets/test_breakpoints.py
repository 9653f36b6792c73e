"""Kinks along lines: by hand, and against second differences on a dense grid."""

from fractions import Fraction
from itertools import pairwise
from operator import mul

import pytest
import torch

from suite.catalog.activations import Abs, Htanh, Identity, LeakyRelu, Relu, SSaw
from suite.native.build import library
from suite.nets import breakpoints
from suite.nets.breakpoints import kinks_on_lines
from suite.nets.ensemble import Ensemble
from suite.nets.sample import sample_domain

PIECEWISE = [
    Relu(),
    Abs(),
    LeakyRelu(slope=0.2),
    LeakyRelu(slope=-0.5),
    Htanh(linear_region=0.6),
    SSaw(linear_region=0.5),
]
SEGMENT = torch.tensor([[-1.0]], dtype=torch.float64), torch.tensor([[1.0]], dtype=torch.float64), 2.0


@pytest.fixture(autouse=True, params=["compiled", "torch"])
def by(request, monkeypatch):
    """All tests hold for the compiled kernels, if there are any, and for torch."""
    if request.param == "torch":
        monkeypatch.setattr(breakpoints, "library", lambda: None)
    elif library() is None:
        pytest.skip("there are no compiled kernels")


def by_hand(widths, activation, parameters):
    row = torch.tensor([parameters], dtype=torch.float64)
    return Ensemble(widths, activation, ((1.0, 1.0),) * (len(widths) - 1), row)


def kinks(ensemble, starts, directions, length):
    return kinks_on_lines(ensemble, ensemble.activation.kinks, starts, directions, length)


def slopes_on_a_dense_grid(ensemble, start, direction, length, points=200_001):
    """Places between grid points and the outputs' slopes there, (draws, outputs, points - 1)."""
    t = torch.linspace(0, length, points, dtype=torch.float64)
    values = ensemble(start[:, None] + direction[:, None] * t)
    return values.diff(dim=-1) / (length / (points - 1))


def jumps_of(slopes):
    """Changes of slope from cell to cell, but for rounding, which is about eps / (length / points) = 1e-10."""
    jumps = slopes.diff(dim=-1).abs()
    return torch.where(jumps > 1e-8, jumps, 0.0)


def count_by_grid(jumps):
    """Kinks of any output: runs of grid cells over which the slope changes."""
    changed = (jumps > 0).any(1)
    rises = changed[:, 1:] & ~changed[:, :-1]
    return changed[:, 0].double() + rises.sum(-1)


def test_two_kinks_by_hand():
    """|x| + relu(x - 0.5), written with three rectifiers: the slope goes from -1 to 1 to 2."""
    weights, biases, readout, its_bias = [1.0, -1, 1], [0.0, 0, -0.5], [1.0, 1, 1], [0.3]
    ensemble = by_hand((1, 3, 1), Relu(), weights + biases + readout + its_bias)

    found = kinks(ensemble, *SEGMENT)

    assert found.variation.tolist() == [[pytest.approx(3, abs=1e-12)]]
    assert found.number.tolist() == [[2]]


def test_a_folded_fold_by_hand():
    """| |2x| - 1 |: slopes -2, 2, -2, 2, so three kinks of 4."""
    found = kinks(by_hand((1, 1, 1, 1), Abs(), [2.0, 0, 1, -1, 1, 0]), *SEGMENT)

    assert found.variation.tolist() == [[pytest.approx(12, abs=1e-12)]]
    assert found.number.tolist() == [[3]]


def test_a_hard_tanh_by_hand():
    """htanh(2 x) at a = 0.5: slopes 0, 2, 0 with kinks at -0.25 and 0.25."""
    found = kinks(by_hand((1, 1, 1), Htanh(linear_region=0.5), [2.0, 0, 1, 0]), *SEGMENT)

    assert found.variation.tolist() == [[pytest.approx(4, abs=1e-12)]]
    assert found.number.tolist() == [[2]]


@pytest.mark.parametrize("a", [0.4, 1e-3, 1e-7])
def test_a_saw_by_hand(a):
    """s_saw(x): slopes 0, -1, 1, -1, 0, so jumps of 1, 2, 2 and 1, however close together."""
    found = kinks(by_hand((1, 1, 1), SSaw(linear_region=a), [1.0, 0, 1, 0]), *SEGMENT)

    assert found.variation.tolist() == [[pytest.approx(6, abs=1e-12)]]
    assert found.number.tolist() == [[4]]


def test_a_saw_of_a_saw_by_hand():
    """s_saw(2 s_saw(2 x)) at a = 0.5: two teeth a side.

    For x > 0 slopes of 4, -4, 4, -4 and 0 that change at 1/8, 1/4, 3/8 and 1/2, by 8, 8, 8 and 4.
    """
    found = kinks(by_hand((1, 1, 1, 1), SSaw(linear_region=0.5), [2.0, 0, 2, 0, 1, 0]), *SEGMENT)

    assert found.variation.tolist() == [[pytest.approx(56, abs=1e-12)]]
    assert found.number.tolist() == [[8]]


def test_kinks_that_cancel_are_none():
    """relu(x) - relu(-x) = x is straight."""
    found = kinks(by_hand((1, 2, 1), Relu(), [1.0, -1, 0, 0, 1, -1, 0]), *SEGMENT)

    assert found.variation.abs().max() < 1e-12
    assert found.number.tolist() == [[0]]


def test_kinks_outside_the_line_do_not_count():
    """relu(x - 2) on [-1, 1]."""
    found = kinks(by_hand((1, 1, 1), Relu(), [1.0, -2, 1, 0]), *SEGMENT)

    assert (found.variation.item(), found.number.item()) == (0, 0)


def test_variation_is_the_mean_over_outputs_and_a_kink_of_any_output_counts():
    """Outputs relu(x) and 3 relu(x - 0.5): 1 and 3, in two places."""
    found = kinks(by_hand((1, 2, 2), Relu(), [1.0, 1, 0, -0.5, 1, 0, 0, 3, 0, 0]), *SEGMENT)

    assert found.variation.item() == pytest.approx(2, abs=1e-12)
    assert found.number.item() == 2


@pytest.mark.parametrize("depth", [1, 5])
def test_an_affine_network_has_none(networks, depth):
    """The identity, whatever the depth."""
    found = kinks(networks((1, *[4] * depth, 1), Identity()), *SEGMENT)

    assert not found.variation.any()
    assert not found.number.any()


@pytest.mark.parametrize("activation", PIECEWISE, ids=lambda activation: activation.label)
@pytest.mark.parametrize("widths", [(1, 5, 1), (1, 4, 4, 1), (1, 4, 3, 4, 2), (1, 4, 4, 3, 4, 1)], ids=str)
@pytest.mark.parametrize("biases", [0.5, 0.0], ids=["bias", "no bias"])
def test_kinks_are_those_of_a_dense_grid(networks, activation, widths, biases):
    """The slope's total variation on a grid of 200,000 cells, and the places where it changes.

    A cell with one kink splits its jump in two parts of the same sign, so that the sum is the jump still;
    only two kinks in neighboring cells can differ. The seed has none.
    """
    ensemble = networks(widths, activation, draws=6, seed=3, biases=biases)
    start, direction, length = SEGMENT[0][0], SEGMENT[1][0], 2.0
    jumps = jumps_of(slopes_on_a_dense_grid(ensemble, start, direction, length))

    found = kinks(ensemble, *SEGMENT)

    torch.testing.assert_close(found.variation[:, 0], jumps.sum(-1).mean(1), rtol=1e-6, atol=1e-6)
    assert found.number[:, 0].tolist() == count_by_grid(jumps).tolist()


@pytest.mark.parametrize("activation", PIECEWISE, ids=lambda activation: activation.label)
def test_kinks_on_lines_of_a_plane_are_those_of_a_dense_grid(networks, activation):
    """Five of the grid's lines, none of which starts at the origin, two outputs; a seed like the one above."""
    ensemble = networks((2, 5, 4, 5, 2), activation, draws=4, seed=6)
    (lines,) = sample_domain(2, 0.4, 0, 0).lines
    starts, directions = lines.starts[1:11:2], lines.directions[1:11:2]

    found = kinks(ensemble, starts, directions, 2.0)

    for line, (start, direction) in enumerate(zip(starts, directions, strict=True)):
        jumps = jumps_of(slopes_on_a_dense_grid(ensemble, start, direction, 2.0))
        torch.testing.assert_close(found.variation[:, line], jumps.sum(-1).mean(1), rtol=1e-6, atol=1e-6)
        assert found.number[:, line].tolist() == count_by_grid(jumps).tolist()


@pytest.mark.parametrize("activation", [Relu(), Abs()], ids=lambda activation: activation.label)
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_without_biases_all_units_cross_at_the_origin_together(networks, activation, depth):
    """A homogeneous network of one input is a fan of two half-lines: one kink, however deep and wide."""
    found = kinks(networks((1, *[6] * depth, 1), activation, draws=8, biases=0.0), *SEGMENT)

    assert found.number.tolist() == [[1]] * 8


def variation_in_rationals(layers, slopes, start, direction, length):
    """TV(f') along a line by exact arithmetic, mean over outputs; `slopes` are phi's below and above 0."""
    pieces = [(Fraction(0), Fraction(length), [Fraction(x) for x in start], [Fraction(x) for x in direction])]
    for index, (weight, bias) in enumerate(layers):
        cut = []
        for left, right, h, dh in pieces:
            z = [sum(map(mul, row, h)) + b for row, b in zip(weight, bias, strict=True)]
            dz = [sum(map(mul, row, dh)) for row in weight]
            if index == len(layers) - 1:
                cut.append((left, right, z, dz))
                continue
            kinks = {left - a / b for a, b in zip(z, dz, strict=True) if b and left < left - a / b < right}
            for first, last in pairwise(sorted({left, right} | kinks)):
                gain = [slopes[a + b * ((first + last) / 2 - left) > 0] for a, b in zip(z, dz, strict=True)]
                values = [g * (a + b * (first - left)) for g, a, b in zip(gain, z, dz, strict=True)]
                cut.append((first, last, values, list(map(mul, gain, dz))))
        pieces = cut
    jumps = (abs(a - b) for one, next_one in pairwise(pieces) for a, b in zip(one[3], next_one[3], strict=True))
    return float(sum(jumps) / len(pieces[0][3]))


@pytest.mark.parametrize(
    ("activation", "slopes"), [(Relu(), (0, 1)), (Abs(), (-1, 1)), (LeakyRelu(slope=0.25), (Fraction(1, 4), 1))]
)
@pytest.mark.parametrize("widths", [(2, 1, 1, 1), (2, 2, 2, 1), (1, 3, 2, 2), (2, 2, 2, 2, 2, 1)], ids=str)
@pytest.mark.parametrize("biases", [0.5, 0.0], ids=["bias", "no bias"])
def test_variation_is_that_of_exact_arithmetic(networks, activation, slopes, widths, biases):
    """Also where units only touch their kinks at a breakpoint made below, as they do without biases."""
    ensemble = networks(widths, activation, draws=24, seed=9, biases=biases)
    (lines,) = sample_domain(widths[0], 0.5, 0, 0).lines

    found = kinks(ensemble, lines.starts, lines.directions, lines.length)

    for draw in range(ensemble.draws):
        exact = [
            (
                [[Fraction(x) for x in row] for row in layer.weight[draw].tolist()],
                [Fraction(x) for (x,) in layer.bias[draw].tolist()],
            )
            for layer in ensemble.layers
        ]
        expected = [
            variation_in_rationals(exact, slopes, start, direction, lines.length)
            for start, direction in zip(lines.starts.tolist(), lines.directions.tolist(), strict=True)
        ]
        assert found.variation[draw].tolist() == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_scaling_the_readout_scales_the_variation(networks):
    """And leaves the number of kinks, even by 1e-9."""
    ensemble = networks((1, 5, 5, 1), Relu(), draws=5)
    small = ensemble[:]
    small = Ensemble(small.widths, small.activation, small.variances, ensemble.parameters.clone())
    small.layers[-1].weight.mul_(1e-9)
    small.layers[-1].bias.mul_(1e-9)

    large, little = kinks(ensemble, *SEGMENT), kinks(small, *SEGMENT)

    torch.testing.assert_close(little.variation, 1e-9 * large.variation, rtol=1e-9, atol=0)
    assert torch.equal(little.number, large.number)


@pytest.mark.parametrize("activation", [Relu(), Abs()], ids=lambda activation: activation.label)
def test_a_small_memory_gives_the_same_numbers(networks, monkeypatch, activation):
    """One draw at a time."""
    ensemble, (lines,) = networks((2, 6, 5, 6, 1), activation, draws=7), sample_domain(2, 0.25, 0, 0).lines
    whole = kinks(ensemble, lines.starts, lines.directions, 2.0)
    monkeypatch.setattr("suite.nets.breakpoints.MEMORY", 1)

    parts = kinks(ensemble, lines.starts, lines.directions, 2.0)

    torch.testing.assert_close(parts.variation, whole.variation, rtol=1e-10, atol=1e-12)
    assert torch.equal(parts.number, whole.number)


def test_dead_networks_have_no_kink():
    """relu(-|x| - 1) is 0 everywhere."""
    found = kinks(by_hand((1, 2, 1, 1), Relu(), [1.0, -1, 0, 0, -1, -1, -1, 5, 2]), *SEGMENT)

    assert (found.variation.item(), found.number.item()) == (0, 0)


@pytest.mark.parametrize("option", [{"normalization": "layer"}, {"residual": True}], ids=str)
def test_networks_that_are_not_plain_are_refused(networks, option):
    """Normalized ones are not piecewise linear; residual ones would need values of the layer below."""
    with pytest.raises(ValueError, match="networks without normalization or residual"):
        kinks(networks((1, 3, 1), Relu(), **option), *SEGMENT)
