"""Every activation of the catalog keeps what its facts promise."""

from itertools import pairwise

import numpy as np
import pytest

from suite.catalog.activations import ACTIVATIONS, Activation, Array

VARIANTS: list[Activation] = [entry() for entry in ACTIVATIONS.values()] + [
    ACTIVATIONS["leaky_relu"](slope=-0.5),
    ACTIVATIONS["leaky_relu"](slope=0.9),
    ACTIVATIONS["elu"](alpha=0.3),
    ACTIVATIONS["elu"](alpha=2.5),
]

POINTS = np.concatenate([np.linspace(-8, 8, 321), [-40.0, 40.0, -1e-3, 1e-3]])
"""The origin among them."""


def over_every_activation(test):
    return pytest.mark.parametrize("activation", VARIANTS, ids=lambda activation: activation.label)(test)


def away_from_kinks(activation: Activation, reach: float) -> Array:
    return np.array([z for z in POINTS if all(abs(z - kink) > reach for kink in activation.kinks)])


def jump(function, place: float, reach: float = 1e-6) -> float:
    """How far a function's values just beside a place are apart."""
    below, above = function(np.array([place - reach, place + reach]))
    return abs(above - below)


def second_difference(activation: Activation, place: float, side: int, reach: float = 1e-4) -> float:
    """phi'' just beside a place, from phi' on one side of it."""
    near, far = activation.dphi(np.array([place + side * reach, place + 3 * side * reach]))
    return side * (far - near) / (2 * reach)


@over_every_activation
def test_dphi_is_the_derivative_of_phi(activation: Activation):
    """Central differences of phi, at 1e-8 in absolute terms."""
    step = 1e-4
    z = away_from_kinks(activation, 3 * step)

    # Fourth order, so that rounding (1e-12) and truncation (1e-16) are both far below the tolerance.
    near = activation.phi(z + step) - activation.phi(z - step)
    far = activation.phi(z + 2 * step) - activation.phi(z - 2 * step)
    slopes = (8 * near - far) / (12 * step)

    np.testing.assert_allclose(activation.dphi(z), slopes, rtol=0, atol=5e-9)


@over_every_activation
def test_dphi_at_a_kink_is_one_of_its_sides(activation: Activation):
    """Never a value in between."""
    for kink in activation.kinks:
        at, below, above = activation.dphi(np.array([kink, kink - 1e-12, kink + 1e-12]))

        assert min(abs(at - below), abs(at - above)) < 1e-10


@over_every_activation
def test_phi_and_dphi_are_elementwise(activation: Activation):
    """Shapes are kept, in float64, and the arguments are left as they are."""
    z = POINTS[:324].reshape(4, 81)
    before = z.copy()

    for function in (activation.phi, activation.dphi):
        values = function(z)
        assert values.shape == z.shape
        assert values.dtype == np.float64
        np.testing.assert_array_equal(values[2], function(z[2]))
    np.testing.assert_array_equal(z, before)


@over_every_activation
def test_phi_and_dphi_are_finite_however_large_the_argument(activation: Activation):
    """No overflow, which would be a warning and so an error here."""
    z = np.array([-1e4, -800.0, 800.0, 1e4])

    assert np.isfinite(activation.phi(z)).all()
    assert np.isfinite(activation.dphi(z)).all()


@over_every_activation
def test_homogeneous_means_that_positive_factors_pass_through(activation: Activation):
    """phi(a z) = a phi(z) for all a > 0 where the flag is set, and only there."""
    differences = [np.abs(activation.phi(a * POINTS) - a * activation.phi(POINTS)).max() for a in (0.5, 3.0)]

    assert (max(differences) < 1e-12) == activation.homogeneous


@over_every_activation
def test_piecewise_linear_means_that_slopes_change_at_kinks_only(activation: Activation):
    """A constant slope between neighbouring kinks where the kind says so, and only there."""
    edges = (-np.inf, *activation.kinks, np.inf)
    pieces = [POINTS[(POINTS - low > 0) & (high - POINTS > 0)] for low, high in pairwise(edges)]

    changes = [np.ptp(activation.dphi(piece)) for piece in pieces]

    assert (max(changes) == 0) == (activation.kind == "piecewise_linear")


@pytest.mark.parametrize(
    "activation",
    [entry for entry in VARIANTS if entry.kind == "smooth"],
    ids=lambda activation: activation.label,
)
def test_smooth_means_that_no_derivative_jumps(activation: Activation):
    """Smooth activations name no kink; phi, phi' and phi'' agree on both sides of every place."""
    assert activation.kinks == ()

    for place in (-1.0, 0.0, 0.5, 2.0):
        assert jump(activation.phi, place) < 1e-5
        assert jump(activation.dphi, place) < 1e-5
        curvatures = [second_difference(activation, place, side) for side in (-1, 1)]
        assert abs(curvatures[0] - curvatures[1]) < 2e-3


@pytest.mark.parametrize(
    "activation", [entry for entry in VARIANTS if entry.kinks], ids=lambda activation: activation.label
)
def test_a_kink_is_where_a_derivative_jumps(activation: Activation):
    """Phi itself is continuous; its slope or its curvature is not."""
    for kink in activation.kinks:
        assert jump(activation.phi, kink) < 1e-5
        curvatures = [second_difference(activation, kink, side) for side in (-1, 1)]
        assert jump(activation.dphi, kink) > 1e-2 or abs(curvatures[0] - curvatures[1]) > 1e-2


def test_the_slope_of_elu_is_continuous_at_its_default_only():
    """Its kind is "kinked" for the sake of the second derivative, and at other alphas the first."""
    slopes = {alpha: jump(ACTIVATIONS["elu"](alpha=alpha).dphi, 0.0) for alpha in (0.3, 1.0, 2.5)}

    assert slopes[1.0] < 1e-5
    assert slopes[0.3] == pytest.approx(0.7, abs=1e-5)
    assert slopes[2.5] == pytest.approx(1.5, abs=1e-5)


def test_each_entry_stands_under_its_own_name():
    """The table's key, the tag of a spec and the label agree."""
    for name, entry in ACTIVATIONS.items():
        assert entry().name == name
        assert entry().label.split("(")[0] == name


@pytest.mark.parametrize(
    ("name", "z", "value"),
    [
        ("relu", -2.0, 0.0),
        ("abs", -2.0, 2.0),
        ("identity", -2.0, -2.0),
        ("leaky_relu", -2.0, -0.02),
        ("elu", -2.0, -0.8646647167633873),
        ("selu", -2.0, -1.5201664685956948),
        ("selu", 2.0, 2.101401974711039),
        ("gelu", 1.0, 0.8413447460685429),
        ("silu", 1.0, 0.7310585786300049),
        ("softplus", 0.0, 0.6931471805599453),
        ("tanh", 0.5, 0.46211715726000973),
        ("erf", 0.5, 0.5204998778130465),
        ("sin", 0.5, 0.479425538604203),
        ("sigmoid", 2.0, 0.8807970779778823),
    ],
)
def test_known_values(name: str, z: float, value: float):
    """From tables, to the last digits."""
    (found,) = ACTIVATIONS[name]().phi(np.array([z]))

    assert found == pytest.approx(value, rel=1e-14)
