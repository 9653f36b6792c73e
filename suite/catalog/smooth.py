"""Smooth activations, all of which have three derivatives everywhere."""
# ruff: noqa: D102  # the base class documents phi and dphi

from math import pi, sqrt
from types import ModuleType
from typing import Literal

import numpy as np

from suite.catalog.activation import Activation, Array


class Gelu(Activation):
    """The Gaussian error linear unit, exact (no tanh approximation)."""

    name: Literal["gelu"] = "gelu"
    formula = "z Phi(z)"
    torch_kernel = "suite.nets.activations:gelu_kernel"
    native_kernel = "gelu"
    kind = "smooth"

    def phi(self, z: Array) -> Array:
        return z * _normal_cdf(z)

    def dphi(self, z: Array) -> Array:
        return _normal_cdf(z) + z * np.exp(-0.5 * z * z) / sqrt(2 * pi)


class Silu(Activation):
    """The sigmoid linear unit, also called swish."""

    name: Literal["silu"] = "silu"
    other_names = ("swish",)
    formula = "z sigmoid(z)"
    torch_kernel = "suite.nets.activations:silu_kernel"
    native_kernel = "silu"
    kind = "smooth"

    def phi(self, z: Array) -> Array:
        return z * _logistic(z)

    def dphi(self, z: Array) -> Array:
        s = _logistic(z)
        return s + z * s * (1 - s)


class Softplus(Activation):
    """The softplus function, a smooth approximation of ReLU."""

    name: Literal["softplus"] = "softplus"
    formula = "log(1 + e^z)"
    torch_kernel = "suite.nets.activations:softplus_kernel"
    native_kernel = "softplus"
    kind = "smooth"

    def phi(self, z: Array) -> Array:
        return np.logaddexp(0.0, z)

    def dphi(self, z: Array) -> Array:
        return _logistic(z)


class Tanh(Activation):
    """The hyperbolic tangent."""

    name: Literal["tanh"] = "tanh"
    formula = "tanh z"
    torch_kernel = "suite.nets.activations:tanh_kernel"
    native_kernel = "tanh"
    kind = "smooth"

    @property
    def bounds(self) -> tuple[float, float]:
        """The limits at -inf and inf."""
        return -1.0, 1.0

    def phi(self, z: Array) -> Array:
        return np.tanh(z)

    def dphi(self, z: Array) -> Array:
        return 1 - np.tanh(z) ** 2


class Erf(Activation):
    """The error function."""

    name: Literal["erf"] = "erf"
    formula = "erf z"
    torch_kernel = "suite.nets.activations:erf_kernel"
    native_kernel = "erf"
    kind = "smooth"

    @property
    def bounds(self) -> tuple[float, float]:
        """The limits at -inf and inf."""
        return -1.0, 1.0

    def phi(self, z: Array) -> Array:
        return np.asarray(_scipy_special().erf(z), dtype=np.float64)

    def dphi(self, z: Array) -> Array:
        return 2 / sqrt(pi) * np.exp(-z * z)


class Sin(Activation):
    """The sine."""

    name: Literal["sin"] = "sin"
    formula = "sin z"
    torch_kernel = "suite.nets.activations:sin_kernel"
    native_kernel = "sin"
    kind = "smooth"
    oscillating = True

    def phi(self, z: Array) -> Array:
        return np.sin(z)

    def dphi(self, z: Array) -> Array:
        return np.cos(z)


class Sigmoid(Activation):
    """The logistic function."""

    name: Literal["sigmoid"] = "sigmoid"
    formula = "1 / (1 + e^-z)"
    torch_kernel = "suite.nets.activations:sigmoid_kernel"
    native_kernel = "sigmoid"
    kind = "smooth"

    @property
    def bounds(self) -> tuple[float, float]:
        """The limits at -inf and inf."""
        return 0.0, 1.0

    def phi(self, z: Array) -> Array:
        return _logistic(z)

    def dphi(self, z: Array) -> Array:
        s = _logistic(z)
        return s * (1 - s)


def _logistic(z: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * z))


def _normal_cdf(z: Array) -> Array:
    return np.asarray(_scipy_special().ndtr(z), dtype=np.float64)


def _scipy_special() -> ModuleType:
    from scipy import special  # noqa: PLC0415  # scipy takes longer to load than a spec takes to check

    return special
