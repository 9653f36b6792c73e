"""The optimizers that a spec can name; torch.optim implements their steps."""

from math import cos, pi
from typing import Any, ClassVar, Literal

from pydantic import Field

from suite.catalog.limits import MOST, Count
from suite.catalog.settings import Choice, choices_of


class Optimizer(Choice):
    """A rule for updating parameters, and its batch size."""

    name: str
    formula: ClassVar[str]
    function: ClassVar[str]
    """The dotted path of the torch.optim class."""

    learning_rate: float = Field(gt=0, description="learning rate; from a list, the best is chosen by validation")
    batch: Count = Field(description="batch size; an incomplete last batch of an epoch is dropped")
    # Keys with these defaults are left out, so that results of specs without them stay valid.
    schedule: Literal["constant", "cosine"] = Field(
        default="constant",
        exclude_if=lambda schedule: schedule == "constant",
        description="learning rate after the warm-up: constant, or half a period of a cosine that falls to 0",
    )
    warmup: int = Field(
        default=0,
        ge=0,
        le=MOST,
        exclude_if=lambda warmup: warmup == 0,
        description="number of steps at the start in which the learning rate rises linearly to its value",
    )
    clip: float | None = Field(
        default=None,
        gt=0,
        exclude_if=lambda clip: clip is None,
        description="maximum Euclidean norm of each network's gradient, which is scaled down to it; default: none",
    )

    @property
    def parameters(self) -> dict[str, Any]:
        """The entry's own parameters, in the order of its declaration."""
        return {key: getattr(self, key) for key in type(self).model_fields if key != self.tag}

    @property
    def keywords(self) -> dict[str, Any]:
        """The keyword arguments of the torch.optim class other than the learning rate."""
        return {key: value for key, value in self.parameters.items() if key not in Optimizer.model_fields}

    def rate_factor(self, step: int, steps: int) -> float:
        """Return the factor of the learning rate in a step.

        The factor is 1 in the last step of the warm-up and in the first step after it. A cosine would reach 0 one step
        after the last.

        Args:
            step: Number of steps that were done before.
            steps: Number of steps of the whole training.
        """
        if step < self.warmup:
            return (step + 1) / self.warmup
        if self.schedule == "constant":
            return 1.0
        return (1 + cos(pi * (step - self.warmup) / (steps - self.warmup))) / 2


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, arXiv:1412.6980) with decay rates 0.9 and 0.999."""

    name: Literal["adam"] = "adam"
    weight_decay: float = Field(default=0.0, ge=0, description="coefficient of the L2 penalty")
    formula = "theta -= learning_rate m / (sqrt(v) + 1e-8)"
    function = "torch.optim:Adam"


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101), with the decay rates of Adam."""

    name: Literal["adamw"] = "adamw"
    weight_decay: float = Field(
        default=0.01, ge=0, description="each step subtracts this share of all parameters, times the learning rate"
    )
    formula = "theta -= learning_rate (m / (sqrt(v) + 1e-8) + weight_decay theta)"
    function = "torch.optim:AdamW"


class Sgd(Optimizer):
    """Stochastic gradient descent with optional momentum."""

    name: Literal["sgd"] = "sgd"
    momentum: float = Field(default=0.0, ge=0, lt=1, description="momentum coefficient")
    weight_decay: float = Field(default=0.0, ge=0, description="coefficient of the L2 penalty")
    formula = "v = momentum v + gradient, theta -= learning_rate v"
    function = "torch.optim:SGD"


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": Adam,
    "adamw": AdamW,
    "sgd": Sgd,
}

Optimizers: Any = choices_of(OPTIMIZERS)
