"""V3: what is known of it exactly, and what rounding does to it. Its limits are in test_v3_limit.py."""

import pytest
import torch

from suite.catalog.activations import Identity, Relu, Tanh
from suite.catalog.initializations import Critical
from suite.catalog.measures.variability import V3Settings
from suite.measures.v3 import v3
from suite.nets.ensemble import Ensemble
from suite.nets.sample import sample_domain


def measure(ensemble, step=1 / 16, lines=16, dtype="float64", domain=None):
    sample = sample_domain(ensemble.widths[0], step, lines, 3, domain)
    precision = getattr(torch, dtype)
    return v3(ensemble.to(precision), sample.to(precision, "cpu"), V3Settings(step=step, dtype=dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("depth", "width"), [(1, 400), (8, 15), (48, 6)], ids=str)
def test_affine_networks_have_a_v3_of_rounding_size(networks, depth, width, dtype):
    """The floor is the right size for it: a share of it on average over 64 draws, never far above."""
    scheme = Critical(bias_std=0.1)
    ensemble = networks((2, *[width] * depth, 1), Identity(), 64, scheme)

    found = measure(ensemble, dtype=dtype)

    share = found["v3"] / found["v3_floor"]
    assert 0.05 < share.mean() < 3
    assert share.max() < 10


def test_v3_over_rms_is_v3_over_the_outputs_root_mean_square(networks):
    """Over all points and outputs."""
    ensemble, sample = networks((2, 5, 5, 2), Tanh(), 8), sample_domain(2, 1 / 16, 0, 0)
    rms = ensemble(sample.points()).square().mean((1, 2)).sqrt()

    found = measure(ensemble)

    torch.testing.assert_close(found["v3_over_rms"] * rms, found["v3"], rtol=1e-12, atol=0)


def test_a_network_that_is_0_everywhere_has_no_variability(by_hand):
    """0 over 0 counts as 0."""
    found = measure(by_hand((2, 1, 1), Relu(), [1.0, 1, 0, 0, 0]))

    assert {name: value.tolist() for name, value in found.items()} == {"v3": [0], "v3_over_rms": [0], "v3_floor": [0]}


def test_doubling_the_readout_doubles_v3_and_leaves_it_over_rms(networks):
    """Also the floor doubles."""
    ensemble = networks((2, 6, 6, 1), Relu(), 5)
    doubled = Ensemble(ensemble.widths, ensemble.activation, ensemble.variances, ensemble.parameters.clone())
    doubled.layers[-1].weight.mul_(2)
    doubled.layers[-1].bias.mul_(2)

    before, after = measure(ensemble), measure(doubled)

    for name in ("v3", "v3_floor"):
        torch.testing.assert_close(after[name], 2 * before[name], rtol=1e-10, atol=0)
    torch.testing.assert_close(after["v3_over_rms"], before["v3_over_rms"], rtol=1e-10, atol=0)


def test_float32_drowns_in_rounding_and_its_floor_says_so(networks):
    """Width 6, depth 120: for many draws V3 of float32 is nothing but rounding, of the floor's size."""
    ensemble = networks((2, *[6] * 120, 1), Tanh(), 24, Critical(bias_std=0.1))

    fine, coarse = measure(ensemble), measure(ensemble, dtype="float32")

    drowned = fine["v3"] < 0.01 * coarse["v3_floor"]
    assert drowned.sum() >= 5
    assert (coarse["v3"][drowned] > 3 * fine["v3"][drowned]).all()
    assert (coarse["v3"][drowned] < 3 * coarse["v3_floor"][drowned]).all()
    clear = fine["v3"] > 100 * coarse["v3_floor"]
    assert clear.any()
    torch.testing.assert_close(coarse["v3"][clear].double(), fine["v3"][clear], rtol=0.01, atol=0)


@pytest.mark.parametrize(
    "option", [{"normalization": "batch"}, {"normalization": "layer"}, {"residual": True}], ids=str
)
def test_v3_of_networks_that_are_not_plain_is_that_of_their_outputs(networks, option):
    """Over the domain, to which batch normalization adapts."""
    ensemble, sample = networks((2, 4, 4, 1), Tanh(), 3, **option), sample_domain(2, 1 / 16, 0, 0)

    (differences,) = sample.third_differences(ensemble(sample.points()))
    torch.testing.assert_close(measure(ensemble)["v3"], differences.abs().mean((1, 2)), rtol=1e-12, atol=0)


def test_a_network_whose_outputs_are_not_finite_has_no_value(by_hand):
    """Neither of V3 nor by its outputs' size, which is 0 only for outputs of 0."""
    sample = sample_domain(1, 1 / 4, 8, 0)
    explodes, vanishes = (
        v3(by_hand((1, 1, 1), Identity(), row), sample, V3Settings(step=1 / 4))["v3_over_rms"]
        for row in ([1e200, 0, 1e200, 0], [1.0, 0, 0, 0])
    )

    assert not explodes.isfinite().any()
    assert float(vanishes) == 0
