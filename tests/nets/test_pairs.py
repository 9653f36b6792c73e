"""Pairs of inputs: of one norm, at an exact angle, in directions that prefer nothing."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from suite.nets.pairs import draw_pairs

COSINES = [-1.0, -0.7, 0.0, 0.5, 0.999, 1.0]


@pytest.mark.parametrize("inputs", [1, 2, 3, 64])
def test_each_input_has_a_mean_square_of_1(inputs):
    """|x|^2 = n_0, of both."""
    pairs = draw_pairs(inputs, 0.3, 0, 0, 200)

    assert (pairs.shape, pairs.dtype) == ((200, inputs, 2), torch.float64)
    torch.testing.assert_close(pairs.square().mean(1), torch.ones(200, 2).double(), rtol=0, atol=1e-13)


@pytest.mark.parametrize("cosine", COSINES)
@pytest.mark.parametrize("inputs", [2, 3, 64])
def test_the_cosine_is_exact(inputs, cosine):
    """To 1e-12, for every pair."""
    first, second = draw_pairs(inputs, cosine, 0, 0, 300).unbind(2)

    found = (first * second).sum(1) / (first.norm(dim=1) * second.norm(dim=1))

    torch.testing.assert_close(found, torch.full((300,), cosine, dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("inputs", [3, 40_000])
def test_a_pair_is_the_same_in_whatever_range_it_is_asked_for(inputs):
    """Across blocks of 64, and where a block holds fewer."""
    stop = 100 if inputs == 3 else 66
    whole = draw_pairs(inputs, 0.5, 7, 0, stop)

    assert torch.equal(draw_pairs(inputs, 0.5, 7, 37, 61), whole[37:61])
    assert torch.equal(draw_pairs(inputs, 0.5, 7, 60, 66), whole[60:66])
    assert torch.equal(draw_pairs(inputs, 0.5, 7, stop - 1, stop), whole[stop - 1 :])


def test_pairs_differ_from_each_other_and_between_seeds():
    """The first of a pair does not depend on the angle, so that angles are compared at the same inputs."""
    pairs = draw_pairs(3, 0.5, 7, 0, 100)

    assert len(set(pairs[:, 0, 0].tolist())) == 100
    assert not torch.isin(draw_pairs(3, 0.5, 8, 0, 100), pairs).any()
    assert torch.equal(draw_pairs(3, -0.2, 7, 0, 100)[..., 0], pairs[..., 0])


def test_with_one_input_both_are_the_same():
    """1 or -1, whatever the cosine."""
    pairs = draw_pairs(1, -0.4, 0, 0, 100)

    assert torch.equal(pairs[..., 0], pairs[..., 1])
    assert set(pairs.flatten().tolist()) == {-1.0, 1.0}


@pytest.mark.parametrize("cosine", [-0.7, 0.0, 0.5])
def test_directions_are_uniform_over_the_sphere(cosine):
    """In three dimensions any projection of a unit vector is uniform on [-1, 1] (Archimedes).

    Two projections of both inputs and of the direction of their sum: 6 Kolmogorov-Smirnov tests at 1e-5.
    """
    pairs = draw_pairs(3, cosine, 1, 0, 5000)
    both = pairs.sum(2, keepdim=True)
    units = torch.cat([pairs, both], dim=2)
    units = units / units.norm(dim=1, keepdim=True)
    for axis in ([1.0, 0.0, 0.0], [0.6, -0.48, 0.64]):
        for shadow in torch.einsum("i,dip->pd", torch.tensor(axis).double(), units).numpy():
            assert kstest(shadow, "uniform", args=(-1, 2)).pvalue > 1e-5


def test_the_second_input_prefers_no_side_of_the_first():
    """E[x_i y_j] = cosine delta_ij; nine z-tests at |z| < 5, a false-alarm rate of 5e-6."""
    first, second = draw_pairs(3, 0.5, 2, 0, 8000).unbind(2)
    products = torch.einsum("di,dj->dij", first, second)
    z = (products.mean(0) - 0.5 * torch.eye(3)) / (products.std(0) / np.sqrt(8000))

    assert z.abs().max() < 5
