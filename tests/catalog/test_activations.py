"""Every activation of the catalog keeps what its facts promise."""

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from suite.catalog.activations import ACTIVATIONS, Activation, Array, Htanh, SExp, SSaw, SSin
from tests.catalog.instances import EVERY, instance

VARIANTS: list[Activation] = [
    *EVERY,
    ACTIVATIONS["leaky_relu"](slope=0.0),
    ACTIVATIONS["leaky_relu"](slope=-0.5),
    ACTIVATIONS["leaky_relu"](slope=0.9),
    ACTIVATIONS["elu"](alpha=0.3),
    ACTIVATIONS["elu"](alpha=2.5),
    *(entry(linear_region=a) for entry in (Htanh, SExp, SSin, SSaw) for a in (0.25, 3.0)),
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
    """A constant slope between neighboring kinks where the kind says so, and only there."""
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
        assert isinstance(instance(name), entry)
        assert instance(name).name == name
        assert instance(name).label.split("(")[0] == name


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
    (found,) = instance(name).phi(np.array([z]))

    assert found == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(
    ("entry", "z", "value"),
    [
        (Htanh, 1.5, 1.5),
        (Htanh, -3.0, -2.0),
        (SExp, 3.0, 1.3678794411714423),
        (SExp, -1e3, -1.0),
        (SSin, 3.0, 1.5403023058681398),
        (SSin, -5.141592653589793, 0.0),
        (SSaw, 3.0, 1.0),
        (SSaw, -3.5, -0.5),
        (SSaw, 4.5, 0.0),
    ],
)
def test_known_values_around_a_linear_region(entry: type[Activation], z: float, value: float):
    """At a = 2: clipped; 1 + 1/e; 1 + sin(pi/2 + 1) and, pi beyond the region, 0; a saw's falling edge."""
    (found,) = entry(linear_region=2.0).phi(np.array([z]))

    assert found == pytest.approx(value, rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("entry", [Htanh, SExp, SSin, SSaw], ids=lambda entry: entry.__name__)
@pytest.mark.parametrize("a", [1e-3, 0.4, 2.5, 1e3])
def test_a_linear_region_is_one(entry: type[Activation], a: float):
    """Odd; the identity on [-a, a], to the last bit; bounded by a outside, or by 2 - a for the sine if that is more."""
    activation = entry(linear_region=a)
    inside, outside = np.linspace(-a, a, 101), a + np.geomspace(1e-3, 1e4, 101)

    np.testing.assert_array_equal(activation.phi(inside), inside)
    np.testing.assert_array_equal(activation.dphi(inside[1:-1]), 1.0)
    np.testing.assert_array_equal(activation.phi(-outside), -activation.phi(outside))
    assert np.abs(activation.phi(outside)).max() <= max(a, 2.0)


@over_every_activation
def test_flat_sides_are_where_the_activation_is_constant(activation: Activation):
    """Constant on each of them, up to its ends, and on no other interval of 0.05."""
    flat = np.zeros(len(POINTS), dtype=bool)
    for low, high in activation.flat_sides:
        assert low < high
        ends = np.array([end for end in (low, high) if np.isfinite(end)])
        here = (low <= POINTS) & (high >= POINTS)
        flat |= here
        assert np.ptp(activation.phi(np.concatenate([ends, POINTS[here]]))) < 1e-15

    low, high = np.clip(POINTS - 0.025, -5, 5), np.clip(POINTS + 0.025, -5, 5)
    moves = np.abs(activation.phi(high) - activation.phi(low)) + np.abs(activation.dphi(high) - activation.dphi(low))
    inside = (np.abs(POINTS) < 4.9) & ~flat
    assert (moves[inside] > 1e-12).all()


def test_flat_sides_by_name():
    """Rectifiers on one side, the hard tanh and the saw on both; others have none."""
    sides = {activation.label: activation.flat_sides for activation in VARIANTS if activation.flat_sides}

    assert sides["relu"] == sides["leaky_relu(slope=0)"] == ((-np.inf, 0.0),)
    assert sides["htanh(linear_region=3)"] == ((-np.inf, -3.0), (3.0, np.inf))
    assert sides["s_saw(linear_region=3)"] == ((-np.inf, -6.0), (6.0, np.inf))
    assert {"elu", "abs", "identity", "tanh"}.isdisjoint(label.split("(")[0] for label in sides)


@pytest.mark.parametrize("entry", [Htanh, SExp, SSin, SSaw], ids=lambda entry: entry.__name__)
@pytest.mark.parametrize("a", [0.0, -1.0, float("inf"), float("nan"), "2"])
def test_a_linear_region_has_a_width(entry: type[Activation], a: object):
    """Above 0 and finite."""
    with pytest.raises(ValidationError):
        entry(linear_region=a)
