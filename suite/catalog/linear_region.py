"""Activations that are the identity on [-a, a] and bounded outside.

Murray, Abrol & Tanner 2021 (arXiv:2105.07741) design them: the larger a is compared with the biases, the closer the
correlation map is to the identity. All are odd functions. They differ in how far |phi| drops below a as |z| exceeds it.
"""

from math import inf
from typing import Literal

import numpy as np
from pydantic import Field

from suite.catalog.activation import Activation, Array
from suite.catalog.limits import SizeSquared


class LinearRegion(Activation):
    """phi(z) = clip(z, -a, a) - sign(z) drop(|z| - a), where drop is 0 inside [-a, a]."""

    linear_region: SizeSquared = Field(description="half-width a of the region where phi(z) = z")

    @property
    def kinks(self) -> tuple[float, ...]:
        """The ends of the linear region."""
        return (-self.linear_region, self.linear_region)

    def phi(self, z: Array) -> Array:
        """Compute phi(z) elementwise."""
        a = self.linear_region
        return np.clip(z, -a, a) - np.copysign(self._drop(np.maximum(np.abs(z) - a, 0.0)), z)

    def dphi(self, z: Array) -> Array:
        """Compute phi'(z) elementwise; at a it is the slope inside, 1."""
        excess = np.abs(z) - self.linear_region
        return np.where(excess > 0, -self._steepness(np.maximum(excess, 0.0)), 1.0)

    def _drop(self, excess: Array) -> Array:
        """Compute how far |phi| is below a if |z| exceeds a by `excess`; never negative."""
        raise NotImplementedError

    def _steepness(self, excess: Array) -> Array:
        """Compute the derivative of the drop."""
        raise NotImplementedError


class Htanh(LinearRegion):
    """The hard tanh, constant outside the linear region."""

    name: Literal["htanh"] = "htanh"
    formula = "z on [-a, a], a sign(z) outside; a = linear_region"
    torch_kernel = "suite.nets.activations:htanh_kernel"
    native_kernel = "htanh"
    kind = "piecewise_linear"

    @property
    def bounds(self) -> tuple[float, float]:
        """The ends of the linear region."""
        return -self.linear_region, self.linear_region

    @property
    def flat_sides(self) -> tuple[tuple[float, float], ...]:
        """Both sides of the linear region."""
        return ((-inf, -self.linear_region), (self.linear_region, inf))

    def _drop(self, excess: Array) -> Array:
        return np.zeros_like(excess)

    def _steepness(self, excess: Array) -> Array:
        return np.zeros_like(excess)


class SExp(LinearRegion):
    """Identity on [-a, a]; outside, |phi| decays exponentially from a to a - 1."""

    name: Literal["s_exp"] = "s_exp"
    formula = "z on [-a, a], sign(z) (a - 1 + e^(a - |z|)) outside; a = linear_region"
    torch_kernel = "suite.nets.activations:s_exp_kernel"
    native_kernel = "s_exp"
    kind = "kinked"

    def _drop(self, excess: Array) -> Array:
        return -np.expm1(-excess)

    def _steepness(self, excess: Array) -> Array:
        return np.exp(-excess)


class SSin(LinearRegion):
    """Identity on [-a, a]; outside, |phi| oscillates between a and a - 2."""

    name: Literal["s_sin"] = "s_sin"
    formula = "z on [-a, a], sign(z) (a - 1 + sin(pi/2 - a + |z|)) outside; a = linear_region"
    torch_kernel = "suite.nets.activations:s_sin_kernel"
    native_kernel = "s_sin"
    kind = "kinked"
    oscillating = True

    def _drop(self, excess: Array) -> Array:
        return 1 - np.cos(excess)

    def _steepness(self, excess: Array) -> Array:
        return np.sin(excess)


class SSaw(LinearRegion):
    """Identity on [-a, a]; outside, |phi| falls from a to 0 with slope -1 and stays 0."""

    name: Literal["s_saw"] = "s_saw"
    formula = "z on [-a, a], sign(z) max(2 a - |z|, 0) outside; a = linear_region"
    torch_kernel = "suite.nets.activations:s_saw_kernel"
    native_kernel = "s_saw"
    kind = "piecewise_linear"

    @property
    def kinks(self) -> tuple[float, ...]:
        """The ends of the linear region and of the segments of slope -1."""
        a = self.linear_region
        return (-2 * a, -a, a, 2 * a)

    @property
    def flat_sides(self) -> tuple[tuple[float, float], ...]:
        """The intervals beyond the segments of slope -1."""
        return ((-inf, -2 * self.linear_region), (2 * self.linear_region, inf))

    def _drop(self, excess: Array) -> Array:
        return np.minimum(excess, self.linear_region)

    def _steepness(self, excess: Array) -> Array:
        return np.where(excess < self.linear_region, 1.0, 0.0)
