"""The training tasks that a spec can name; `suite/training/tasks.py` creates their data."""

from math import sqrt
from typing import Any, ClassVar, Literal

from pydantic import Field

from suite.catalog.limits import MOST, Count
from suite.catalog.settings import Choice, choices_of


class Task(Choice):
    """A training problem with its own train, validation and test sets for every replicate."""

    name: str
    formula: ClassVar[str]
    inputs: ClassVar[int]
    outputs: ClassVar[int]
    loss: ClassVar[Literal["binary_cross_entropy", "cross_entropy", "half_square"]]
    """The loss that training minimizes, by its name in `suite.nets.losses`."""
    function: ClassVar[str]
    """The dotted path of the function that labels points of the box, or that returns all points of a dataset."""
    half_width: ClassVar[float | None] = None
    """Half-width of the box around the origin in which points are uniform; None if the points are a dataset."""
    available: ClassVar[int | None] = None
    """Total number of points of a dataset; None if any number of points can be drawn."""
    neurons: ClassVar[int] = 1
    """m*, the smallest number of live ReLU units of a single hidden layer with which the task can be learned."""
    label_variance: ClassVar[float | None] = None
    """For regressions, the error of the best constant; larger validation errors are set to it in the choice of a
    learning rate.
    """
    error: ClassVar[float | None] = None
    """For regressions, the largest mean squared error that counts as success; m* - 1 units cannot reach it."""

    train: Count = Field(description="number of training points")
    validation: Count | None = Field(
        default=None, description="number of validation points; default: as many as `test`"
    )
    test: Count = Field(description="number of test points")

    @property
    def points(self) -> tuple[int, int, int]:
        """The sizes of the train, validation and test sets."""
        return self.train, self.test if self.validation is None else self.validation, self.test

    @property
    def regression(self) -> bool:
        """Whether labels are values of a function rather than classes."""
        return self.loss == "half_square"

    @property
    def classes(self) -> int:
        """The number of classes; 0 for a regression."""
        return {"binary_cross_entropy": 2, "cross_entropy": self.outputs, "half_square": 0}[self.loss]


class Checkerboard(Task):
    """A checkerboard on [-1, 1]^2 whose two colors are the classes."""

    name: Literal["checkerboard"] = "checkerboard"
    squares: int = Field(ge=2, le=MOST, description="k, the number of squares per side")
    formula = "label = parity of floor((x1 + 1) k / 2) + floor((x2 + 1) k / 2)"
    inputs = 2
    outputs = 1
    loss = "binary_cross_entropy"
    function = "suite.training.tasks:checkerboard"
    half_width = 1.0


class AbsoluteValue(Task):
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


class TwoKinks(Task):
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


class Digits(Task):
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
    "digits": Digits,
}

Tasks: Any = choices_of(TASKS)
