"""The base class of the catalog's activations, with a float64 reference implementation in numpy.

Theory and tests use the functions here; each entry names its fast kernel in `suite.nets.activations`.
"""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from suite.catalog.settings import Choice

Array = NDArray[np.float64]
Kind = Literal["piecewise_linear", "smooth", "kinked"]


class Activation(Choice):
    """An activation function phi, applied elementwise to preactivations."""

    name: str
    formula: ClassVar[str]
    torch_kernel: ClassVar[str]
    """The dotted path of the function that returns the torch kernel of an entry."""
    native_kernel: ClassVar[str] = ""
    """The entry's name in `suite/native/activations.h`; empty if it has no native kernel."""
    kind: ClassVar[Kind]
    """Piecewise linear; smooth (three derivatives everywhere); or kinked (some derivative jumps)."""
    homogeneous: ClassVar[bool] = False
    """Whether phi(a z) = a phi(z) for all a > 0."""
    oscillating: ClassVar[bool] = False
    """Whether phi bends without end; other activations are nearly straight away from 0 and from their kinks."""
    facts_are_exact: ClassVar[bool] = True
    """Whether its kinks and flat sides are known exactly; those of a plug-in are as its author declares them."""

    @property
    def pace(self) -> float:
        """How many times as quickly as the sine phi bends, at least 1.

        Quadrature panels are narrower by this factor.
        """
        return 1.0

    @property
    def kinks(self) -> tuple[float, ...]:
        """The arguments at which phi or one of its first three derivatives jumps, in ascending order."""
        return () if self.kind == "smooth" else (0.0,)

    @property
    def flat_sides(self) -> tuple[tuple[float, float], ...]:
        """The closed intervals on which phi is constant; an end may be infinite."""
        return ()

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The limits of an increasing, bounded phi at -inf and inf; None for other activations."""
        return None

    @property
    def rectifies(self) -> bool:
        """Whether phi is max(z, 0) or max(-z, 0) times a factor, as ReLU and leaky ReLU of slope 0 are."""
        return self.homogeneous and bool(self.flat_sides)

    def phi(self, z: Array) -> Array:
        """Compute phi(z) elementwise."""
        raise NotImplementedError

    def dphi(self, z: Array) -> Array:
        """Compute phi'(z) elementwise; at a kink it is either one-sided derivative."""
        raise NotImplementedError
