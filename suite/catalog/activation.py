"""What every activation of the catalog states: its facts, and its float64 reference in numpy.

The functions here serve theory and tests; each entry names its fast kernel in `suite.nets.activations`.
"""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from suite.catalog.settings import Choice

Array = NDArray[np.float64]
Kind = Literal["piecewise_linear", "smooth", "kinked"]


class Activation(Choice):
    """An activation function phi, applied to each pre-activation alone."""

    name: str
    formula: ClassVar[str]
    torch_kernel: ClassVar[str]
    """Dotted path of the function that returns the torch kernel of an entry."""
    kind: ClassVar[Kind]
    """Piecewise linear; smooth (three derivatives everywhere); or with a kink in some derivative."""
    homogeneous: ClassVar[bool] = False
    """Whether phi(a z) = a phi(z) for all a > 0."""
    oscillating: ClassVar[bool] = False
    """Whether phi bends without end; others are nearly straight away from 0 and from their kinks."""
    facts_are_exact: ClassVar[bool] = True
    """Whether its kinks and flat sides are known; a plug-in's are as its author declares them."""

    @property
    def pace(self) -> float:
        """How many times as quickly as the sine phi bends, if more than once: quadrature is as much finer."""
        return 1.0

    @property
    def kinks(self) -> tuple[float, ...]:
        """Where phi or one of its first three derivatives jumps, in rising order."""
        return () if self.kind == "smooth" else (0.0,)

    @property
    def flat_sides(self) -> tuple[tuple[float, float], ...]:
        """The closed intervals on which phi is constant; an end may be infinite."""
        return ()

    def phi(self, z: Array) -> Array:
        """phi(z), elementwise."""
        raise NotImplementedError

    def dphi(self, z: Array) -> Array:
        """phi'(z), elementwise; at a kink either one-sided value."""
        raise NotImplementedError
