"""Tasks whose points are drawn on curves in the plane; `suite/training/curves.py` draws them."""

from typing import ClassVar, Literal

from pydantic import Field

from suite.catalog.limits import MOST
from suite.catalog.task import DrawnTask

_DEVIATIONS = 2
"""Number of standard deviations of the noise by which pictures of the plane reach beyond the curves."""


class Curves(DrawnTask):
    """Two classes of points on curves in the plane.

    Each set has as many points of one class as of the other, or one more of class 0. Each class divides its points
    among its curves in the same way. The places of points along a curve are uniform.
    """

    reach: ClassVar[float] = 1.0
    """The largest absolute coordinate of the curves."""
    inputs = 2
    outputs = 1
    loss = "binary_cross_entropy"

    noise: float = Field(
        default=0.0, ge=0, le=100, description="standard deviation of the Gaussian noise that is added to both inputs"
    )
    label_noise: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="probability that the label of a training point is replaced by that of the other class; "
        "labels for validation and test stay right",
    )

    @property
    def plane(self) -> float:
        """The half-width of the square in which outputs are pictured: the curves and most of the noise."""
        return self.reach + _DEVIATIONS * self.noise


class Spirals(Curves):
    """Two spirals of equal length around the origin (Lang & Witbrock 1988).

    Both are in the disc of radius 1, and 12 / (13 turns) apart from turn to turn, with the other class halfway between.
    With 3 turns they are those of Lang & Witbrock, rotated by a quarter turn and divided by 6.5. The mean square of an
    input is 0.18.
    """

    name: Literal["spirals"] = "spirals"
    turns: float = Field(gt=0, le=1_000, description="number of turns of each spiral")
    formula = "x = (1 - 2 label) r (cos a, sin a), r = (1 + 12 t) / 13, a = 2 pi turns t, t ~ U(0, 1)"
    function = "suite.training.curves:spirals"


class Circles(Curves):
    """Concentric circles whose two classes alternate; with 2 rings, make_circles(factor=0.5) of scikit-learn.

    The outermost circle has radius 1 and is of class 0. Each class divides its points equally among its circles. With 2
    rings, the variance of the inputs is 5/16.
    """

    name: Literal["circles"] = "circles"
    rings: int = Field(ge=2, le=MOST, description="number of circles")
    formula = "x = j / rings (cos a, sin a), a ~ U(0, 2 pi), label = parity of rings - j, j = 1, ..., rings"
    function = "suite.training.curves:circles"


class Moons(Curves):
    """Two interleaving half circles: make_moons of scikit-learn, moved by (-1/2, -1/4) so that the mean is 0.

    Points are in [-1.5, 1.5] x [-0.75, 0.75], apart from the noise. The variances of the inputs are 3/4 and
    9/16 - 1/pi = 0.244.
    """

    name: Literal["moons"] = "moons"
    formula = "x = +-(cos a - 1/2, sin a - 1/4), + for label 0 and - for label 1, a ~ U(0, pi)"
    function = "suite.training.curves:moons"
    reach = 1.5
