"""The activations that a spec can name: rectifiers and similar functions, and the table of all.

Smooth activations are in `suite.catalog.smooth`, and those with a linear region in `suite.catalog.linear_region`; all
can be imported from here.
"""

from math import inf
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from suite.catalog.activation import Activation, Array, Kind
from suite.catalog.limits import Size
from suite.catalog.linear_region import Htanh, SExp, SSaw, SSin
from suite.catalog.settings import choices_of
from suite.catalog.smooth import Erf, Gelu, Sigmoid, Silu, Sin, Softplus, Tanh

__all__ = [
    "ACTIVATIONS",
    "Abs",
    "Activation",
    "Activations",
    "Array",
    "Elu",
    "Erf",
    "Gelu",
    "Htanh",
    "Identity",
    "Kind",
    "LeakyRelu",
    "Relu",
    "SExp",
    "SSaw",
    "SSin",
    "Selu",
    "Sigmoid",
    "Silu",
    "Sin",
    "Softplus",
    "Tanh",
]


class Relu(Activation):
    """The rectified linear unit."""

    name: Literal["relu"] = "relu"
    formula = "max(z, 0)"
    torch_kernel = "suite.nets.activations:relu_kernel"
    native_kernel = "relu"
    kind = "piecewise_linear"
    homogeneous = True

    @property
    def flat_sides(self) -> tuple[tuple[float, float], ...]:
        """The negative side."""
        return ((-inf, 0.0),)

    def phi(self, z: Array) -> Array:
        return np.maximum(z, 0.0)

    def dphi(self, z: Array) -> Array:
        return np.where(z > 0, 1.0, 0.0)


class Abs(Activation):
    """The absolute value."""

    name: Literal["abs"] = "abs"
    formula = "|z|"
    torch_kernel = "suite.nets.activations:abs_kernel"
    native_kernel = "abs"
    kind = "piecewise_linear"
    homogeneous = True

    def phi(self, z: Array) -> Array:
        return np.abs(z)

    def dphi(self, z: Array) -> Array:
        return np.where(z > 0, 1.0, -1.0)


class Identity(Activation):
    """The identity, with which the network is affine."""

    name: Literal["identity"] = "identity"
    formula = "z"
    torch_kernel = "suite.nets.activations:identity_kernel"
    native_kernel = "identity"
    kind = "piecewise_linear"
    homogeneous = True

    @property
    def kinks(self) -> tuple[float, ...]:
        """An empty tuple: the identity has no kinks."""
        return ()

    def phi(self, z: Array) -> Array:
        return z

    def dphi(self, z: Array) -> Array:
        return np.ones_like(z)


class LeakyRelu(Activation):
    """The rectified linear unit with an adjustable slope for z < 0."""

    name: Literal["leaky_relu"] = "leaky_relu"
    slope: float = Field(default=0.01, gt=-1, lt=1, description="slope for z < 0")
    formula = "z for z > 0, slope * z below"
    torch_kernel = "suite.nets.activations:leaky_relu_kernel"
    native_kernel = "leaky_relu"
    kind = "piecewise_linear"
    homogeneous = True

    @property
    def flat_sides(self) -> tuple[tuple[float, float], ...]:
        """The negative side if its slope is 0."""
        return ((-inf, 0.0),) if self.slope == 0 else ()

    def phi(self, z: Array) -> Array:
        return np.where(z > 0, z, self.slope * z)

    def dphi(self, z: Array) -> Array:
        return np.where(z > 0, 1.0, self.slope)


class Elu(Activation):
    """The exponential linear unit; for alpha = 1 its first derivative is continuous."""

    name: Literal["elu"] = "elu"
    alpha: Size = Field(default=1.0, description="minus the limit of phi(z) as z -> -inf")
    formula = "z for z > 0, alpha (e^z - 1) below"
    torch_kernel = "suite.nets.activations:elu_kernel"
    native_kernel = "elu"
    kind = "kinked"

    def phi(self, z: Array) -> Array:
        return np.where(z > 0, z, self.alpha * np.expm1(np.minimum(z, 0.0)))

    def dphi(self, z: Array) -> Array:
        return np.where(z > 0, 1.0, self.alpha * np.exp(np.minimum(z, 0.0)))


class Selu(Activation):
    """The self-normalizing exponential linear unit (Klambauer et al. 2017, arXiv:1706.02515)."""

    name: Literal["selu"] = "selu"
    formula = "lambda z for z > 0, lambda alpha (e^z - 1) below"
    torch_kernel = "suite.nets.activations:selu_kernel"
    native_kernel = "selu"
    kind = "kinked"
    alpha: ClassVar[float] = 1.6732632423543772
    scale: ClassVar[float] = 1.0507009873554805

    def phi(self, z: Array) -> Array:
        return self.scale * np.where(z > 0, z, self.alpha * np.expm1(np.minimum(z, 0.0)))

    def dphi(self, z: Array) -> Array:
        return self.scale * np.where(z > 0, 1.0, self.alpha * np.exp(np.minimum(z, 0.0)))


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
    "htanh": Htanh,
    "s_exp": SExp,
    "s_sin": SSin,
    "s_saw": SSaw,
}

Activations: Any = choices_of(ACTIVATIONS)
