"""The initialisations a spec can name; what variances each implies is worked out in `suite.theory.scaling`.

In every scheme W ~ (0, sigma_w^2 / fan_in) and b ~ (0, sigma_b^2) in the hidden layers; the readout has gain
1 and a bias of 0, except under `pytorch`, which treats all layers alike.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field

from suite.catalog.settings import Choice, choices_of


class Initialization(Choice):
    """How a network's weights and biases are drawn."""

    tag = "scheme"
    formula: ClassVar[str]
    distribution: ClassVar[Literal["gaussian", "uniform", "orthogonal"]] = "gaussian"


class _WithBias(Initialization):
    bias_std: float = Field(default=0.0, ge=0, description="sigma_b, the standard deviation of hidden biases")


class Critical(_WithBias):
    """Gaussian weights at the edge of chaos of the activation, where gradients neither grow nor fade."""

    scheme: Literal["critical"] = "critical"
    formula = "sigma_w^2 = 1 / E[phi'(sqrt(q*) Z)^2], q* the smallest fixed point of the variance map"


class He(_WithBias):
    """Gaussian weights for rectifiers (He et al. 2015, arXiv:1502.01852)."""

    scheme: Literal["he"] = "he"
    formula = "sigma_w^2 = 2"


class Glorot(_WithBias):
    """Gaussian weights that balance both directions (Glorot & Bengio 2010), in the readout too."""

    scheme: Literal["glorot"] = "glorot"
    formula = "sigma_w^2 = 2 fan_in / (fan_in + fan_out)"


class Lecun(_WithBias):
    """Gaussian weights that keep the variance of linear units (LeCun et al. 1998)."""

    scheme: Literal["lecun"] = "lecun"
    formula = "sigma_w^2 = 1"


class Orthogonal(_WithBias):
    """Semi-orthogonal hidden weights, uniformly distributed, with the entries' variance of `critical`."""

    scheme: Literal["orthogonal"] = "orthogonal"
    formula = "W = sigma_w sqrt(max(fan_in, fan_out) / fan_in) Q, sigma_w^2 as in critical"
    distribution = "orthogonal"


class Pytorch(Initialization):
    """What torch.nn.Linear does by default, weights and biases; it is not well scaled for deep networks."""

    scheme: Literal["pytorch"] = "pytorch"
    formula = "W, b ~ U(-1, 1) / sqrt(fan_in), so sigma_w^2 = 1/3, sigma_b^2 = 1 / (3 fan_in)"
    distribution = "uniform"


class Variance(Initialization):
    """Gaussian weights with the two variances given."""

    scheme: Literal["variance"] = "variance"
    weight_variance: float = Field(gt=0, description="sigma_w^2, fan_in times the variance of a weight")
    bias_variance: float = Field(default=0.0, ge=0, description="sigma_b^2")
    formula = "sigma_w^2 = weight_variance, sigma_b^2 = bias_variance"


INITIALIZATIONS: dict[str, type[Initialization]] = {
    "critical": Critical,
    "he": He,
    "glorot": Glorot,
    "lecun": Lecun,
    "orthogonal": Orthogonal,
    "pytorch": Pytorch,
    "variance": Variance,
}

Initializations: Any = choices_of(INITIALIZATIONS)
