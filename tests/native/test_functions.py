"""The native activations against exact values, and their derivatives against the torch kernels."""

import ctypes
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from suite.catalog.activations import Activation, Elu, LeakyRelu
from suite.catalog.linear_region import LinearRegion
from suite.catalog.smooth import Tanh
from suite.native.activations import native_activation
from suite.native.build import library
from suite.nets.activations import kernel
from tests.catalog.exact import EXACT
from tests.catalog.instances import EVERY

pytestmark = pytest.mark.skipif(library() is None, reason="the native kernels cannot be compiled here")

Floats = NDArray[Any]

VARIANTS = [
    *EVERY,
    LeakyRelu(slope=-0.5),
    Elu(alpha=0.3),
    *(
        each.model_copy(update={"linear_region": a})
        for each in EVERY
        if isinstance(each, LinearRegion)
        for a in (0.1, 3.0)
    ),
]
PRECISIONS: dict[str, tuple[Any, Any]] = {"f32": (np.float32, ctypes.c_float), "f64": (np.float64, ctypes.c_double)}

over_every_activation = pytest.mark.parametrize("activation", VARIANTS, ids=lambda activation: activation.label)
in_both_precisions = pytest.mark.parametrize("precision", PRECISIONS)


def native(activation: Activation) -> tuple[int, float]:
    found = native_activation(activation)
    assert found is not None
    return found


def phi(activation: Activation, z: Floats) -> Floats:
    """Compute phi(z) natively, in the precision of z."""
    number, a = native(activation)
    suffix = "f64" if z.dtype == np.float64 else "f32"
    values = np.array(z)
    run = getattr(library(), f"activate_array_{suffix}")
    run(ctypes.c_int(number), PRECISIONS[suffix][1](a), values.ctypes, ctypes.c_ssize_t(z.size))
    return values


def backward(activation: Activation, delta: Floats, z: Floats, h: Floats) -> Floats:
    """Compute delta phi'(z) natively, where NaN replaces z if the torch kernel does not need z."""
    number, a = native(activation)
    suffix = "f64" if z.dtype == np.float64 else "f32"
    read = np.array(z) if kernel(activation).needs_z else np.full_like(z, np.nan)
    values, h = np.array(delta), np.array(h)
    run = getattr(library(), f"backward_array_{suffix}")
    places = values.ctypes, read.ctypes, h.ctypes
    run(ctypes.c_int(number), PRECISIONS[suffix][1](a), *places, ctypes.c_ssize_t(z.size))
    return values


def arguments(activation: Activation, precision: str) -> Floats:
    """Return random and structured arguments: of all sizes, in the tails, and beside kinks and cut points."""
    generator = np.random.default_rng(7)
    single = precision == "f32"
    sizes = np.exp2(generator.uniform(-30, 14, 300))
    tails = np.linspace(0, 120 if single else 800, 250)
    cuts = [np.arange(1, 60) * np.log(2) / 2, np.arange(1, 90) * np.pi / 2, 2.0 ** np.arange(-8, 8) * np.pi]
    limits = [3.93, 5.9, 14.6, 38.75, 88.03, 110, 709.1, 752, 24999, 25001, 9.9e7, 1.1e8]
    kinks = np.repeat(np.abs([*activation.kinks, 1e-30]), 40) * (
        1 + generator.normal(0, 1e-3, 40 * (len(activation.kinks) + 1))
    )
    positive = np.concatenate([np.abs(generator.normal(0, 2, 400)), sizes, tails, *cuts, limits, kinks])
    exactly = np.array([0.0, *activation.kinks])
    z = np.concatenate([positive, exactly]).astype(PRECISIONS[precision][0])
    beside = np.concatenate([np.nextafter(z[-len(exactly) :], z.dtype.type(end)) for end in (-np.inf, np.inf)])
    return np.concatenate([z, -z, beside])


def error_in_ulps(found: float, exact: Any, size: Any, dtype: Any) -> float:
    """Return |found - exact| in units of the last place of `size`; 0 if it is below the smallest normal number."""
    limits = np.finfo(dtype)
    error = abs(mp.mpf(found) - exact)
    if error <= float(limits.tiny):
        return 0.0
    exponent = max(mp.frexp(size)[1] - 1, limits.minexp)
    return float(error / mp.mpf(2) ** (exponent - limits.nmant))


@over_every_activation
@in_both_precisions
def test_values_are_exact_to_4_ulp(activation: Activation, precision: str) -> None:
    """Relative to phi(z), or to the parts of a difference that is smaller: the linear region and the drop."""
    z = arguments(activation, precision)
    rounded = {key: float(z.dtype.type(value)) for key, value in activation.parameters.items()}

    with mp.workdps(60):
        exactly = EXACT[activation.name](**{key: mp.mpf(value) for key, value in rounded.items()})
        for place, value in zip(z.tolist(), phi(activation, z).tolist(), strict=True):
            exact = exactly(mp.mpf(place))
            size = abs(exact)
            if isinstance(activation, LinearRegion):
                clipped = min(abs(place), rounded["linear_region"])
                size = max(size, clipped, abs(clipped - mp.sign(place) * exact))
            assert error_in_ulps(value, exact, size, z.dtype) <= 4, place


@over_every_activation
@in_both_precisions
def test_derivatives_are_those_of_the_torch_kernels(activation: Activation, precision: str) -> None:
    """To rounding, at random places; the torch kernels compute in double precision from the same z."""
    z = np.random.default_rng(3).normal(0, 2, 2000).astype(PRECISIONS[precision][0])
    places = torch.from_numpy(z).double()
    exact_h = kernel(activation).apply_(places.clone())
    expected = kernel(activation).backward_(torch.ones_like(places), places, exact_h)

    found = backward(activation, np.ones_like(z), z, phi(activation, z))

    np.testing.assert_allclose(found, expected, rtol=0, atol=8 * np.finfo(z.dtype).eps)


@over_every_activation
@in_both_precisions
def test_derivatives_at_kinks_and_far_out_are_those_of_the_torch_kernels(
    activation: Activation, precision: str
) -> None:
    """The same side at each kink; the same limits; and the same products where a gradient is not finite."""
    dtype = PRECISIONS[precision][0]
    distinct = np.array([0.0, *activation.kinks, 0.3, -0.3, 50.0, -50.0, 1e4, -1e4]).astype(dtype)
    z, delta = (grid.ravel() for grid in np.meshgrid(distinct, np.array([1, -2, 0, np.inf, np.nan], dtype)))
    h = kernel(activation).apply_(torch.from_numpy(z.copy()))
    expected = kernel(activation).backward_(torch.from_numpy(delta.copy()), torch.from_numpy(z), h)

    found = backward(activation, delta, z, h.numpy())

    np.testing.assert_allclose(
        found, expected, rtol=0, atol=1e-3 if activation.oscillating else 8 * np.finfo(dtype).eps
    )


SPECIAL = [np.nan, np.inf, -np.inf, 1e30, -1e30, 1e10, -1e10, 0.0, -0.0, 1e-40, -1e-40]


@over_every_activation
@in_both_precisions
def test_special_values(activation: Activation, precision: str) -> None:
    """NaN stays NaN, and infinities give limits, also where the torch kernel multiplies them by 0."""
    z = np.array(SPECIAL, PRECISIONS[precision][0])
    places = torch.from_numpy(z.copy()).double()
    expected = kernel(activation).apply_(places.clone()).numpy()
    limits = np.isnan(expected) & ~np.isnan(z) & ~np.array(activation.oscillating)
    expected[limits] = 0

    found = phi(activation, z)

    if activation.oscillating and isinstance(activation, LinearRegion):  # torch rounds |z| - a, and so another cosine
        far = np.isfinite(z) & (np.abs(z) > 1e9)
        assert (np.abs(found[far]) <= max(2, activation.linear_region)).all()
        expected[far] = found[far]
    np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(z.dtype).eps, atol=1e-37)
    assert limits.sum() <= 1


@over_every_activation
@in_both_precisions
def test_lanes_do_not_depend_on_each_other(activation: Activation, precision: str) -> None:
    """Each value is the same byte for byte alone, and in any order, beside values that take another path."""
    generator = np.random.default_rng(5)
    values = np.concatenate([generator.normal(0, 3, 75), SPECIAL, generator.normal(0, 1e9, 11)])
    z = generator.permutation(values).astype(PRECISIONS[precision][0])
    order = generator.permutation(z.size)
    h = phi(activation, z)
    slopes = backward(activation, np.ones_like(z), z, h)

    assert phi(activation, z[order]).tobytes() == h[order].tobytes()
    assert backward(activation, np.ones_like(z), z[order], h[order]).tobytes() == slopes[order].tobytes()
    for i in range(z.size):
        alone = slice(i, i + 1)
        assert phi(activation, z[alone]).tobytes() == h[alone].tobytes()
        assert backward(activation, np.ones(1, z.dtype), z[alone], h[alone]).tobytes() == slopes[alone].tobytes()


@pytest.mark.parametrize("length", [0, 1, 3, 16, 63, 1024, 1025, 3000])
@in_both_precisions
def test_arrays_of_every_length_are_computed_and_no_more(length: int, precision: str) -> None:
    """Values behind the end stay as they are, at addresses of any alignment."""
    z = np.random.default_rng(0).normal(size=length + 9).astype(PRECISIONS[precision][0])
    run = getattr(library(), f"activate_array_{precision}")
    number, a = native(Tanh())
    values = z.copy()

    run(
        ctypes.c_int(number),
        PRECISIONS[precision][1](a),
        ctypes.c_void_p(values[1:].ctypes.data),
        ctypes.c_ssize_t(length),
    )

    np.testing.assert_allclose(values[1 : length + 1], np.tanh(z[1 : length + 1]), rtol=1e-6)
    np.testing.assert_array_equal(np.delete(values, slice(1, length + 1)), np.delete(z, slice(1, length + 1)))


def test_every_activation_of_the_catalog_has_a_number_of_its_own() -> None:
    """And its parameter."""
    assert len({native(each)[0] for each in EVERY}) == len(EVERY)
    assert native(Elu(alpha=0.3))[1] == 0.3
    assert native(Tanh())[1] == 0


def test_other_activations_have_none() -> None:
    """A subclass of a catalog entry may compute something else, and so may one that names no kernel or a wrong one."""

    class Steep(Tanh):
        def phi(self, z: Any) -> Any:
            return np.tanh(5 * z)

    class Misnamed(Tanh):
        native_kernel = "tan"

    assert native_activation(Steep()) is None
    assert native_activation(Misnamed()) is None
