"""Normalization over either axis: what it leaves of a mean and a variance, and its gradient."""

import pytest
import torch

from suite.nets.normalization import AXES, EPSILON, standardize_, standardize_backward_

every_axis = pytest.mark.parametrize("axis", AXES.values(), ids=AXES)


def values(seed=3, spread=1.0):
    generator = torch.Generator().manual_seed(seed)
    return 5 + spread * torch.randn(4, 6, 9, generator=generator, dtype=torch.float64)


@every_axis
def test_means_become_0_and_variances_1(axis):
    """But for the epsilon: var / (var + epsilon), with the biased variance."""
    z = values()
    before = z.var(axis, correction=0)

    standardize_(z, axis)

    torch.testing.assert_close(z.mean(axis), torch.zeros_like(before), rtol=0, atol=1e-12)
    torch.testing.assert_close(z.var(axis, correction=0), before / (before + EPSILON), rtol=1e-12, atol=0)


@every_axis
def test_what_does_not_vary_becomes_0(axis):
    """No division by nothing."""
    z = torch.full((2, 3, 4), 7.0, dtype=torch.float64)

    standardize_(z, axis)

    assert not z.any()


def test_a_batchs_statistics_may_be_those_of_its_first_points():
    """The others are judged by them and change nothing."""
    z, others = values(), values(seed=4)
    alone = z[:, :, :5].clone()
    standardize_(alone, AXES["batch"])
    others[:, :, :5] = z[:, :, :5]

    standardize_(z, AXES["batch"], reference=5)
    standardize_(others, AXES["batch"], reference=5)

    torch.testing.assert_close(z[:, :, :5], alone, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(others[:, :, :5], alone, rtol=1e-12, atol=1e-12)


def test_a_layers_statistics_are_each_points_own():
    """So that no other points are referred to."""
    z = values()
    whole = z.clone()
    standardize_(whole, AXES["layer"])

    standardize_(z, AXES["layer"], reference=5)

    assert torch.equal(z, whole)


@every_axis
def test_the_way_back_is_autograds(axis):
    """Through mean and variance too."""
    z, delta = values(spread=0.01), values(seed=5)  # a small variance, which the epsilon matters for
    free = z.clone().requires_grad_()
    variance, mean = torch.var_mean(free, axis, correction=0, keepdim=True)
    (expected,) = torch.autograd.grad(((free - mean) / (variance + EPSILON).sqrt() * delta).sum(), free)

    scale = standardize_(z, axis)
    found = standardize_backward_(delta, z, scale, axis)

    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
