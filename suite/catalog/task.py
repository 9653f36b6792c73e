"""What every training task declares."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from suite.catalog.limits import Count
from suite.catalog.settings import Choice


class Task(Choice):
    """A training problem with its own train, validation and test sets for every replicate."""

    name: str
    formula: ClassVar[str]
    inputs: ClassVar[int]
    outputs: ClassVar[int]
    loss: ClassVar[Literal["binary_cross_entropy", "cross_entropy", "half_square"]]
    """The loss that training minimizes, by its name in `suite.nets.losses`."""
    half_width: ClassVar[float | None] = None
    """Half-width of the box around the origin in which points are uniform; None if they are not."""
    neurons: ClassVar[int] = 1
    """m*, the smallest number of live ReLU units of a single hidden layer with which the task can be learned."""
    label_variance: ClassVar[float | None] = None
    """For regressions, the error of the best constant; larger validation errors are set to it in the choice of a
    learning rate.
    """
    error: ClassVar[float | None] = None
    """For regressions, the largest mean squared error that counts as success; m* - 1 units cannot reach it."""

    has_r2: ClassVar[bool] = False
    """For regressions, whether R^2 is recorded; it is not for functions, whose cached trainings lack it."""

    @property
    def points(self) -> tuple[int, int, int]:
        """The sizes of the train, validation and test sets."""
        raise NotImplementedError

    @property
    def plane(self) -> float | None:
        """For two inputs, the half-width of the square in which outputs are pictured; None for no pictures."""
        return self.half_width

    @property
    def content(self) -> dict[str, Any]:
        """What the data follow from, besides the seed and the replicate, in JSON's types."""
        return self.model_dump(mode="json")

    @property
    def regression(self) -> bool:
        """Whether labels are values of a function rather than classes."""
        return self.loss == "half_square"

    @property
    def classes(self) -> int:
        """The number of classes; 0 for a regression."""
        return {"binary_cross_entropy": 2, "cross_entropy": self.outputs, "half_square": 0}[self.loss]


class DrawnTask(Task):
    """A task whose points are drawn, or chosen from a fixed set, in the numbers that a spec states."""

    function: ClassVar[str]
    """The dotted path of the function that labels points of the box, places points on curves, or returns all points of
    a fixed set.
    """
    available: ClassVar[int | None] = None
    """Total number of points of a fixed set; None if any number of points can be drawn."""

    train: Count = Field(description="number of training points")
    validation: Count | None = Field(
        default=None, description="number of validation points; default: as many as `test`"
    )
    test: Count = Field(description="number of test points")

    @property
    def points(self) -> tuple[int, int, int]:
        """The sizes of the train, validation and test sets."""
        return self.train, self.test if self.validation is None else self.validation, self.test
