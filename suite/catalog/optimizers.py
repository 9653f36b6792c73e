"""The optimizers that a spec can name; torch.optim implements their steps."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from suite.catalog.limits import Count
from suite.catalog.settings import Choice, choices_of


class Optimizer(Choice):
    """A rule for updating parameters, and its batch size."""

    name: str
    formula: ClassVar[str]
    function: ClassVar[str]
    """The dotted path of the torch.optim class."""

    learning_rate: float = Field(gt=0, description="learning rate; from a list, the best is chosen by validation")
    batch: Count = Field(description="batch size; an incomplete last batch of an epoch is dropped")

    @property
    def keywords(self) -> dict[str, Any]:
        """The keyword arguments of the torch.optim class other than the learning rate."""
        return {key: value for key, value in self.parameters.items() if key not in ("learning_rate", "batch")}


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, arXiv:1412.6980) with decay rates 0.9 and 0.999."""

    name: Literal["adam"] = "adam"
    weight_decay: float = Field(default=0.0, ge=0, description="coefficient of the L2 penalty")
    formula = "theta -= learning_rate m / (sqrt(v) + 1e-8)"
    function = "torch.optim:Adam"


class Sgd(Optimizer):
    """Stochastic gradient descent with optional momentum."""

    name: Literal["sgd"] = "sgd"
    momentum: float = Field(default=0.0, ge=0, lt=1, description="momentum coefficient")
    weight_decay: float = Field(default=0.0, ge=0, description="coefficient of the L2 penalty")
    formula = "v = momentum v + gradient, theta -= learning_rate v"
    function = "torch.optim:SGD"


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": Adam,
    "sgd": Sgd,
}

Optimizers: Any = choices_of(OPTIMIZERS)
