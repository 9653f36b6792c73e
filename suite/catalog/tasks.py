"""The training tasks a spec can name; their data are made in `suite.training.tasks`."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from suite.catalog.settings import Choice, choices_of


class Task(Choice):
    """A training problem with its own train, validation and test sets for every replicate."""

    name: str
    formula: ClassVar[str]
    inputs: ClassVar[int]
    outputs: ClassVar[int]
    function: ClassVar[str]
    """Dotted path of the function that labels points."""

    train: int = Field(ge=1, description="points to train on")
    validation: int | None = Field(
        default=None, ge=1, description="points to choose on; as many as `test` unless given"
    )
    test: int = Field(ge=1, description="points to judge on")

    @property
    def points(self) -> tuple[int, int, int]:
        """Sizes of the train, validation and test sets."""
        return self.train, self.test if self.validation is None else self.validation, self.test


class Checkerboard(Task):
    """A board of squares on [-1, 1]^2 whose two colours are to be told apart."""

    name: Literal["checkerboard"] = "checkerboard"
    squares: int = Field(ge=2, description="k, squares a side")
    formula = "label = parity of floor((x1 + 1) k / 2) + floor((x2 + 1) k / 2)"
    inputs = 2
    outputs = 1
    function = "suite.training.tasks:checkerboard"


TASKS: dict[str, type[Task]] = {
    "checkerboard": Checkerboard,
}

Tasks: Any = choices_of(TASKS)
