"""The training tasks that a spec can name; `suite/training/tasks.py` creates their data."""

from math import sqrt
from typing import Any, Literal

from pydantic import Field

from suite.catalog.curves import Circles, Moons, Spirals
from suite.catalog.datasets import Table
from suite.catalog.limits import MOST
from suite.catalog.settings import choices_of
from suite.catalog.shipped import BreastCancer, Diabetes, Iris, Wine
from suite.catalog.task import DrawnTask, Task


class Checkerboard(DrawnTask):
    """A checkerboard on [-1, 1]^2 whose two colors are the classes."""

    name: Literal["checkerboard"] = "checkerboard"
    squares: int = Field(ge=2, le=MOST, description="k, the number of squares per side")
    formula = "label = parity of floor((x1 + 1) k / 2) + floor((x2 + 1) k / 2)"
    inputs = 2
    outputs = 1
    loss = "binary_cross_entropy"
    function = "suite.training.tasks:checkerboard"
    half_width = 1.0


class AbsoluteValue(DrawnTask):
    """Regression of the absolute value on [-sqrt 3, sqrt 3] (Shin & Karniadakis 2019, arXiv:1907.09696)."""

    name: Literal["absolute_value"] = "absolute_value"
    formula = "label = |x|"
    inputs = 1
    outputs = 1
    loss = "half_square"
    function = "suite.training.tasks:absolute_value"
    half_width = sqrt(3)  # x then has variance 1
    neurons = 2
    label_variance = 0.25
    error = 0.085786  # half the minimum error of 1 unit, 3 - 2 sqrt 2 = 0.171573, with its kink at +-0.717439


class TwoKinks(DrawnTask):
    """Regression of a function of slopes -1, 1 and -1.366 on [-sqrt 3, sqrt 3] (Shin & Karniadakis 2019)."""

    name: Literal["two_kinks"] = "two_kinks"
    formula = "label = |x| - sqrt 3 / (sqrt 3 - 1) max(x - 1, 0)"
    inputs = 1
    outputs = 1
    loss = "half_square"
    function = "suite.training.tasks:two_kinks"
    half_width = sqrt(3)
    neurons = 3
    label_variance = 2 / 3 - (2 + (sqrt(3) - 1) / 2) ** 2 / 12
    error = 0.012935  # half the minimum error of 2 units, 0.025870, active to the left of 0 and 0.606018


class Digits(DrawnTask):
    """Handwritten digits, 1,797 images of 8 by 8 pixels (Alpaydin & Kaynak 1998, https://doi.org/10.24432/C50P49)."""

    name: Literal["digits"] = "digits"
    formula = "label = the digit that an image of 8 by 8 pixels shows"
    inputs = 64
    outputs = 10
    loss = "cross_entropy"
    function = "suite.training.digits:digits"
    available = 1797


TASKS: dict[str, type[Task]] = {
    "checkerboard": Checkerboard,
    "absolute_value": AbsoluteValue,
    "two_kinks": TwoKinks,
    "spirals": Spirals,
    "circles": Circles,
    "moons": Moons,
    "digits": Digits,
    "breast_cancer": BreastCancer,
    "wine": Wine,
    "iris": Iris,
    "diabetes": Diabetes,
    "table": Table,
}

Tasks: Any = choices_of(TASKS)
