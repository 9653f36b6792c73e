"""Measures of signals in random networks: gradients, correlation of two inputs, and Jacobian."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from suite.catalog.checks import Asked, Problem
from suite.catalog.limits import Size
from suite.catalog.measure import COSINE, POSITIVE, Measure, Quantity, Shape, all_layers, hidden_layers_from_second
from suite.catalog.measures.settings import Draws, InFloats
from suite.catalog.precision import Precise


class GradientsSettings(InFloats, Precise):
    """Settings of the gradients at initialization; without training, points of the domain are used."""

    draws: Draws = 256


def _memory_of_gradients(shape: Shape, settings: GradientsSettings) -> int:
    # Batch normalization needs every layer's activations at all points at once.
    held = 4 * sum(shape.widths) if shape.normalization == "batch" else max(shape.widths)
    return max(held * shape.points, shape.parameters)


GRADIENTS = Measure(
    "suite.measures.gradients:gradients",
    GradientsSettings,
    inputs="loss",
    quantities={
        "input_gradient": Quantity(
            "rms over points of the norm of the gradient of the loss with respect to the input", limits=POSITIVE
        ),
        "parameter_gradient": Quantity(
            "norm of the gradient of the loss with respect to a layer's weights and biases",
            index=("layer",),
            layers=all_layers,
            limits=POSITIVE,
        ),
    },
    version=1,
    summary="gradients of the training loss at initialization, with respect to the input and each layer",
    source="Yu & Zhang 2021",
    primary="input_gradient",
    memory=_memory_of_gradients,
)

_InputVariance = Annotated[
    Size | None,
    Field(description="|x|^2 / n_0 of the inputs; default: the fixed point q*, or 1 if there is none"),
]


class CorrelationSettings(Precise):
    """Settings of the correlation of two inputs by layer."""

    draws: Draws = 256
    cosine: float = Field(default=0.5, ge=-1, le=1, description="c_0, the cosine of the two inputs")
    input_variance: _InputVariance = None


def _check_correlation(asked: Asked, settings: CorrelationSettings) -> Iterator[Problem]:
    if any(network.widths[0] == 1 for network in asked.networks):
        yield Problem(
            "correlation requires networks with 2 or more inputs",
            "use inputs = 2 or more in the family, or remove the measure",
        )


CORRELATION = Measure(
    "suite.measures.correlation:correlation",
    CorrelationSettings,
    inputs="pair",
    quantities={
        "correlation": Quantity(
            "cosine of two inputs' preactivations",
            index=("layer",),
            sign=-1,
            theory="suite.theory.quantities:correlation",
            limits=COSINE,
        )
    },
    version=1,
    summary="cosine of two inputs' preactivations, by layer",
    source="Murray, Abrol & Tanner 2021",
    plain=True,
    primary="correlation",
    checks=_check_correlation,
)


class JacobianSettings(Precise):
    """Settings of the Jacobian's moments."""

    draws: Draws = 64
    input_variance: _InputVariance = None


def _cost_of_jacobian(shape: Shape, settings: JacobianSettings) -> float:
    # A Jacobian has as many columns as the layers are wide, and its singular values cost extra.
    return 20.0 * shape.parameters * max(shape.widths)


def _memory_of_jacobian(shape: Shape, settings: JacobianSettings) -> int:
    return max(max(shape.widths) ** 2, shape.parameters)


def _check_jacobian(asked: Asked, settings: JacobianSettings) -> Iterator[Problem]:
    if asked.networks and all(network.depth == 1 for network in asked.networks):
        yield Problem(
            "jacobian requires networks with 2 or more hidden layers",
            "use depth = 2 or more, or remove the measure",
        )


JACOBIAN = Measure(
    "suite.measures.jacobian:jacobian",
    JacobianSettings,
    inputs="pair",
    quantities={
        "jacobian_mean": Quantity(
            "m_1, mean squared singular value of the layers' Jacobian",
            index=("layer",),
            layers=hidden_layers_from_second,
            theory="suite.theory.quantities:jacobian_mean",
            limits=POSITIVE,
        ),
        "jacobian_second": Quantity(
            "m_2, mean fourth power of the Jacobian's singular values",
            index=("layer",),
            layers=hidden_layers_from_second,
            limits=POSITIVE,
        ),
        "jacobian_ratio": Quantity(
            "E m_2 / (E m_1)^2, spread of the Jacobian's squared singular values",
            "ratio",
            ("layer",),
            sign=-1,
            layers=hidden_layers_from_second,
            ratio_of=("jacobian_second", "jacobian_mean"),
            theory="suite.theory.quantities:jacobian_ratio",
            limits=POSITIVE,
        ),
        "jacobian_max": Quantity(
            "largest singular value of the Jacobian",
            index=("layer",),
            layers=hidden_layers_from_second,
            limits=POSITIVE,
        ),
    },
    version=1,
    summary="moments of the Jacobian's squared singular values, by layer",
    source="Murray, Abrol & Tanner 2021",
    plain=True,
    primary="jacobian_mean",
    cost=_cost_of_jacobian,
    memory=_memory_of_jacobian,
    checks=_check_jacobian,
)
