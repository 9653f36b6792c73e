"""The activations a spec can name: each with its facts and its float64 reference in numpy.

The functions here serve theory and tests; the fast kernels of the same names are in `suite.nets.activations`.
"""

from math import pi, sqrt
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from suite.catalog.settings import Choice, choices_of

Array = NDArray[np.float64]
Kind = Literal["piecewise_linear", "smooth", "kinked"]


class Activation(Choice):
    """An activation function phi, applied to each pre-activation alone."""

    name: str
    formula: ClassVar[str]
    kind: ClassVar[Kind]
    """Piecewise linear; smooth (three derivatives everywhere); or with a kink in some derivative."""
    homogeneous: ClassVar[bool] = False
    """Whether phi(a z) = a phi(z) for all a > 0."""

    @property
    def kinks(self) -> tuple[float, ...]:
        """Where phi or one of its first three derivatives jumps."""
        return () if self.kind == "smooth" else (0.0,)

    def phi(self, z: Array) -> Array:
        """phi(z), elementwise."""
        raise NotImplementedError

    def dphi(self, z: Array) -> Array:
        """phi'(z), elementwise; at a kink either one-sided value."""
        raise NotImplementedError


class Relu(Activation):
    """The rectifier."""

    name: Literal["relu"] = "relu"
    formula = "max(z, 0)"
    kind = "piecewise_linear"
    homogeneous = True

    def phi(self, z: Array) -> Array:
        return np.maximum(z, 0.0)

    def dphi(self, z: Array) -> Array:
        return np.where(z > 0, 1.0, 0.0)


class Abs(Activation):
    """The absolute value."""

    name: Literal["abs"] = "abs"
    formula = "|z|"
    kind = "piecewise_linear"
    homogeneous = True

    def phi(self, z: Array) -> Array:
        return np.abs(z)

    def dphi(self, z: Array) -> Array:
        return np.where(z > 0, 1.0, -1.0)


class Identity(Activation):
    """No activation at all: the network is affine."""

    name: Literal["identity"] = "identity"
    formula = "z"
    kind = "piecewise_linear"
    homogeneous = True

    @property
    def kinks(self) -> tuple[float, ...]:
        """None: the identity is straight."""
        return ()

    def phi(self, z: Array) -> Array:
        return z

    def dphi(self, z: Array) -> Array:
        return np.ones_like(z)


class LeakyRelu(Activation):
    """The rectifier with a slope of its own on the negative side."""

    name: Literal["leaky_relu"] = "leaky_relu"
    slope: float = Field(default=0.01, gt=-1, lt=1, description="slope for z < 0")
    formula = "z for z > 0, slope * z below"
    kind = "piecewise_linear"
    homogeneous = True

    def phi(self, z: Array) -> Array:
        return np.where(z > 0, z, self.slope * z)

    def dphi(self, z: Array) -> Array:
        return np.where(z > 0, 1.0, self.slope)


class Elu(Activation):
    """The exponential linear unit; at alpha = 1 only its second derivative jumps."""

    name: Literal["elu"] = "elu"
    alpha: float = Field(default=1.0, gt=0, description="minus the limit for z -> -inf")
    formula = "z for z > 0, alpha (e^z - 1) below"
    kind = "kinked"

    def phi(self, z: Array) -> Array:
        return np.where(z > 0, z, self.alpha * np.expm1(np.minimum(z, 0.0)))

    def dphi(self, z: Array) -> Array:
        return np.where(z > 0, 1.0, self.alpha * np.exp(np.minimum(z, 0.0)))


class Selu(Activation):
    """The self-normalising exponential linear unit (Klambauer et al. 2017, arXiv:1706.02515)."""

    name: Literal["selu"] = "selu"
    formula = "lambda z for z > 0, lambda alpha (e^z - 1) below"
    kind = "kinked"
    alpha: ClassVar[float] = 1.6732632423543772
    scale: ClassVar[float] = 1.0507009873554805

    def phi(self, z: Array) -> Array:
        return self.scale * np.where(z > 0, z, self.alpha * np.expm1(np.minimum(z, 0.0)))

    def dphi(self, z: Array) -> Array:
        return self.scale * np.where(z > 0, 1.0, self.alpha * np.exp(np.minimum(z, 0.0)))


class Gelu(Activation):
    """The Gaussian error linear unit, exact (no tanh approximation)."""

    name: Literal["gelu"] = "gelu"
    formula = "z Phi(z)"
    kind = "smooth"

    def phi(self, z: Array) -> Array:
        return z * _normal_cdf(z)

    def dphi(self, z: Array) -> Array:
        return _normal_cdf(z) + z * np.exp(-0.5 * z * z) / sqrt(2 * pi)


class Silu(Activation):
    """The sigmoid linear unit, also called swish."""

    name: Literal["silu"] = "silu"
    formula = "z sigmoid(z)"
    kind = "smooth"

    def phi(self, z: Array) -> Array:
        return z * _logistic(z)

    def dphi(self, z: Array) -> Array:
        s = _logistic(z)
        return s + z * s * (1 - s)


class Softplus(Activation):
    """The smooth rectifier."""

    name: Literal["softplus"] = "softplus"
    formula = "log(1 + e^z)"
    kind = "smooth"

    def phi(self, z: Array) -> Array:
        return np.logaddexp(0.0, z)

    def dphi(self, z: Array) -> Array:
        return _logistic(z)


class Tanh(Activation):
    """The hyperbolic tangent."""

    name: Literal["tanh"] = "tanh"
    formula = "tanh z"
    kind = "smooth"

    def phi(self, z: Array) -> Array:
        return np.tanh(z)

    def dphi(self, z: Array) -> Array:
        return 1 - np.tanh(z) ** 2


class Erf(Activation):
    """The error function."""

    name: Literal["erf"] = "erf"
    formula = "erf z"
    kind = "smooth"

    def phi(self, z: Array) -> Array:
        from scipy.special import erf  # noqa: PLC0415  # scipy takes longer to load than a spec to check

        return np.asarray(erf(z), dtype=np.float64)

    def dphi(self, z: Array) -> Array:
        return 2 / sqrt(pi) * np.exp(-z * z)


class Sin(Activation):
    """The sine."""

    name: Literal["sin"] = "sin"
    formula = "sin z"
    kind = "smooth"

    def phi(self, z: Array) -> Array:
        return np.sin(z)

    def dphi(self, z: Array) -> Array:
        return np.cos(z)


class Sigmoid(Activation):
    """The logistic function."""

    name: Literal["sigmoid"] = "sigmoid"
    formula = "1 / (1 + e^-z)"
    kind = "smooth"

    def phi(self, z: Array) -> Array:
        return _logistic(z)

    def dphi(self, z: Array) -> Array:
        s = _logistic(z)
        return s * (1 - s)


def _logistic(z: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * z))


def _normal_cdf(z: Array) -> Array:
    from scipy.special import ndtr  # noqa: PLC0415  # as above

    return np.asarray(ndtr(z), dtype=np.float64)


ACTIVATIONS: dict[str, type[Activation]] = {
    "relu": Relu,
    "abs": Abs,
    "identity": Identity,
    "leaky_relu": LeakyRelu,
    "elu": Elu,
    "selu": Selu,
    "gelu": Gelu,
    "silu": Silu,
    "softplus": Softplus,
    "tanh": Tanh,
    "erf": Erf,
    "sin": Sin,
    "sigmoid": Sigmoid,
}

Activations: Any = choices_of(ACTIVATIONS)
