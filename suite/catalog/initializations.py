"""The initializations that a spec can name; `suite.theory.scaling` computes the variances of each.

In every scheme W ~ (0, sigma_w^2 / fan_in) and b ~ (0, sigma_b^2) in the hidden layers. The readout has gain 1 and a
bias of 0, except under `pytorch` and `siren`. A family's `readout_std` sets another gain, with a bias of 0.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from suite.catalog.activations import Activation, Relu, Sin
from suite.catalog.limits import Size, SizeOrNone, SizeSquared, SizeSquaredOrNone
from suite.catalog.settings import Choice, choices_of


class NoVariancesError(ValueError):
    """The error that a plug-in's initialization fails or gives invalid variances for some hidden layer.

    Attributes:
        faults: One message per failure, with the arguments of the plug-in's function and a hint.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Distribution(StrEnum):
    """The distribution of hidden weights; each has the variance that the initialization gives."""

    GAUSSIAN = "gaussian"
    UNIFORM = "uniform"
    ORTHOGONAL = "orthogonal"
    """Uniformly distributed semi-orthogonal matrices."""
    SPHERE = "sphere"
    """A unit's weights and bias together, uniformly distributed on a sphere."""


PlainDistribution = Literal["gaussian", "uniform", "orthogonal"]
"""Distributions of weights that a plug-in can name; a sphere is excluded, as it includes the biases."""


class Initialization(Choice):
    """A scheme by which a network's weights and biases are drawn."""

    tag = "scheme"
    formula: ClassVar[str]
    distribution: ClassVar[Distribution] = Distribution.GAUSSIAN
    activations: ClassVar[tuple[type[Activation], ...]] = ()
    """The activations that the scheme is made for; empty if it takes all."""
    mean_field: ClassVar[bool] = True
    """Whether preactivations of wide layers are Gaussian and hidden layers alike, as mean-field theory supposes."""

    def layer_variance(self, fan_in: int, fan_out: int, layer: int, depth: int) -> tuple[float, float] | None:
        """Return (sigma_w^2, sigma_b^2) of a hidden layer for a plug-in's scheme; None for built-in schemes.

        Args:
            fan_in: The number of its inputs.
            fan_out: The number of its units.
            layer: Its number, from 1.
            depth: The number of hidden layers.

        Raises:
            NoVariancesError: If the plug-in's values are not valid variances.
        """
        return None

    @property
    def is_gaussian(self) -> bool:
        """Whether hidden weights are independent and Gaussian, as closed forms at finite width suppose."""
        return self.distribution is Distribution.GAUSSIAN and self.shaped is None

    @property
    def is_uncorrelated(self) -> bool:
        """Whether the weights of a hidden layer are uncorrelated, as limits of wide layers suppose."""
        return True

    @property
    def shaped(self) -> Callable[[Any, int, int], Any] | None:
        """A plug-in's function of a hidden layer's standard normal numbers (draws, out, in), its number and the depth.

        None if the distribution says how weights are drawn.
        """
        return None


class _WithBias(Initialization):
    bias_std: SizeOrNone = Field(default=0.0, description="sigma_b, the standard deviation of hidden biases")


def _below_one(bias_std: float) -> float:
    if bias_std >= 1:
        raise PydanticCustomError(
            "biases_exceed_variance",
            "expected a number < 1, got {value}: biases alone would have the variance that is preserved, 1; "
            "lower bias_std, or use a scheme such as critical or variance",
            {"value": f"{bias_std:g}"},
        )
    return bias_std


_BelowOne = Annotated[SizeOrNone, AfterValidator(_below_one), Field(json_schema_extra={"exclusiveMaximum": 1})]


class VariancePreserving(Initialization):
    """Gaussian weights that keep preactivations of variance 1 at variance 1 in every layer."""

    scheme: Literal["variance_preserving"] = "variance_preserving"
    bias_std: _BelowOne = Field(default=0.0, description="sigma_b, the standard deviation of hidden biases")
    formula = "sigma_w^2 = (1 - sigma_b^2) / E[phi(Z)^2], with which q = 1 is a fixed point of the variance map"


class Critical(_WithBias):
    """Gaussian weights at the edge of chaos of the activation, where gradients neither explode nor vanish."""

    scheme: Literal["critical"] = "critical"
    formula = "sigma_w^2 = 1 / E[phi'(sqrt(q*) Z)^2], q* the smallest fixed point of the variance map"


class Auto(Initialization):
    """The default: `critical` if its fixed point is stable for the activation, and otherwise `variance_preserving`."""

    scheme: Literal["auto"] = "auto"
    bias_std: _BelowOne = Field(default=0.2, description="sigma_b, the standard deviation of hidden biases")
    formula = "sigma_w^2 as in critical if V'(q*) <= 1, as in variance_preserving if V'(q*) > 1 or there is no q*"


class He(_WithBias):
    """Gaussian weights for rectifiers (He et al. 2015, arXiv:1502.01852)."""

    scheme: Literal["he"] = "he"
    formula = "sigma_w^2 = 2"
    other_names = ("kaiming", "kaiming_normal", "kaiming_normal_", "he_normal")


class Glorot(_WithBias):
    """Gaussian weights that balance the forward and backward pass (Glorot & Bengio 2010), also in the readout."""

    scheme: Literal["glorot"] = "glorot"
    formula = "sigma_w^2 = 2 fan_in / (fan_in + fan_out)"
    other_names = ("xavier", "xavier_normal", "xavier_normal_", "glorot_normal")


class Lecun(_WithBias):
    """Gaussian weights that preserve the variance of linear units (LeCun et al. 1998)."""

    scheme: Literal["lecun"] = "lecun"
    formula = "sigma_w^2 = 1"


class Orthogonal(_WithBias):
    """Semi-orthogonal hidden weights, uniformly distributed, with the entries' variance of `critical`."""

    scheme: Literal["orthogonal"] = "orthogonal"
    formula = "W = sigma_w sqrt(max(fan_in, fan_out) / fan_in) Q, sigma_w^2 as in critical"
    distribution = Distribution.ORTHOGONAL


class Pytorch(Initialization):
    """The default initialization of torch.nn.Linear for weights and biases, poorly scaled for deep networks."""

    scheme: Literal["pytorch"] = "pytorch"
    formula = "W, b ~ U(-1, 1) / sqrt(fan_in), so sigma_w^2 = 1/3, sigma_b^2 = 1 / (3 fan_in)"
    distribution = Distribution.UNIFORM


class Variance(Initialization):
    """Gaussian weights and biases with given variances."""

    scheme: Literal["variance"] = "variance"
    weight_variance: SizeSquared = Field(description="sigma_w^2, fan_in times the variance of a weight")
    bias_variance: SizeSquaredOrNone = Field(default=0.0, description="sigma_b^2")
    formula = "sigma_w^2 = weight_variance, sigma_b^2 = bias_variance"


class Sphere(Initialization):
    """Weights and bias of each hidden neuron, jointly uniform on the unit sphere (Shin & Karniadakis 2019)."""

    scheme: Literal["sphere"] = "sphere"
    formula = "(w, b) uniform on |w|^2 + b^2 = 1, so sigma_w^2 = fan_in / (fan_in + 1), sigma_b^2 = 1 / (fan_in + 1)"
    distribution = Distribution.SPHERE


class DataDependent(Initialization):
    """He initialization with every first-layer neuron active at a training point (Shin & Karniadakis 2019).

    The readout is scaled so that the variance of the output is that of He initialization. Only for ReLU networks.
    """

    scheme: Literal["data_dependent"] = "data_dependent"
    activations = (Relu,)
    noise_std: Size = Field(default=0.1, description="s, the standard deviation of eps")
    formula = "sigma_w^2 = 2; first layer b_i = -w_i . x_k(i) + |eps_i|, eps_i ~ N(0, s^2), x_k(i) a training point"


class Siren(Initialization):
    """Uniform weights and biases for networks of sines, the first layer apart (Sitzmann et al. 2020, arXiv:2006.09661).

    The paper's hidden layers compute sin(omega (W x + b)). Here the weights and biases of hidden layers contain omega,
    which gives the same functions. A step of plain gradient descent at rate r on the paper's hidden layers is one at
    omega^2 r here, and one of Adam is one at omega r. All biases, and the readout, are those of the authors' code.
    """

    scheme: Literal["siren"] = "siren"
    omega: float = Field(default=30.0, ge=0.1, le=1000, description="the paper's omega_0, the frequency of the sines")
    formula = (
        "W ~ U(-1, 1) times omega / fan_in in the first layer, sqrt(6 / fan_in) in later ones, and sqrt(6 / fan_in) / "
        "omega in the readout; b ~ U(-1, 1) times omega / sqrt(fan_in), and 1 / sqrt(fan_in) in the readout"
    )
    distribution = Distribution.UNIFORM
    activations = (Sin,)
    mean_field = False


INITIALIZATIONS: dict[str, type[Initialization]] = {
    "auto": Auto,
    "variance_preserving": VariancePreserving,
    "critical": Critical,
    "he": He,
    "glorot": Glorot,
    "lecun": Lecun,
    "orthogonal": Orthogonal,
    "pytorch": Pytorch,
    "variance": Variance,
    "sphere": Sphere,
    "data_dependent": DataDependent,
    "siren": Siren,
}

DEFAULT_INITIALIZATION = ({"scheme": "auto"},)
"""The initialization of a family that names none."""

Initializations: Any = choices_of(INITIALIZATIONS)
