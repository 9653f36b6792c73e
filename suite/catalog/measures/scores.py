"""Zero-cost scores, which predict training from one batch or from the weights alone."""

from collections.abc import Callable, Iterator

from pydantic import Field

from suite.catalog.activations import Identity
from suite.catalog.checks import Asked, Problem
from suite.catalog.domain import Region
from suite.catalog.measure import POSITIVE, Measure, Quantity, Shape, forward_pass
from suite.catalog.measures.settings import Draws, InFloats
from suite.catalog.precision import Precise
from suite.formatting import format_bytes, format_count

_MOST_SCORED = 10_000
"""Maximum number of points of a zero-cost score; some scores hold kernels of (points, points)."""

FEWEST_CORRELATED = 3
"""Minimum number of inputs for correlations of gradients: for two, centered, they are always 1 or -1; for one,
undefined.
"""


class ScoreSettings(InFloats, Precise):
    """Settings of a zero-cost score on a batch of training points or, without training, of points of the domain."""

    draws: Draws = 256
    points: int = Field(
        default=64,
        ge=2,
        le=_MOST_SCORED,
        description="maximum number of points: the first training points or, without training, points spaced evenly "
        "over the domain",
    )


def _passes(number: int) -> Callable[[Shape, ScoreSettings], float]:
    """Return the cost function of a number of forward and backward passes.

    A backward pass that computes weight gradients counts as two.
    """
    return lambda shape, settings: number * forward_pass(shape, settings)


def _layers(shape: Shape) -> int:
    return sum(shape.widths) * shape.points


def _memory_of_gradient(shape: Shape, settings: ScoreSettings) -> int:
    return 4 * _layers(shape) + 4 * shape.parameters


def _memory_of_second_pass(activations: int) -> Callable[[Shape, ScoreSettings], int]:
    """Return the memory function of a score that differentiates twice and holds copies of the activations."""
    return lambda shape, settings: activations * _layers(shape) + 8 * shape.parameters


class SynflowSettings(Precise):
    """Settings of SynFlow, which depends only on the weights."""

    draws: Draws = 256


GRAD_NORM = Measure(
    "suite.measures.grad_norm:grad_norm",
    ScoreSettings,
    inputs="loss",
    quantities={
        "grad_norm": Quantity(
            "norm of the gradient of the loss with respect to all parameters, on a batch", limits=POSITIVE
        )
    },
    version=1,
    summary="zero-cost score: norm of the gradient of the loss with respect to all parameters",
    source="Abdelfattah et al. 2021",
    primary="grad_norm",
    batch=True,
    cost=_passes(3),
    memory=_memory_of_gradient,
    layerwise=False,
)

SNIP = Measure(
    "suite.measures.snip:snip",
    ScoreSettings,
    inputs="loss",
    quantities={"snip": Quantity("sum over parameters of |theta dL/dtheta|, on a batch", limits=POSITIVE)},
    version=1,
    summary="zero-cost score: first-order sensitivity of the loss to the parameters",
    source="Lee, Ajanthan & Torr 2019",
    primary="snip",
    batch=True,
    cost=_passes(3),
    memory=_memory_of_gradient,
    layerwise=False,
)

GRASP = Measure(
    "suite.measures.grasp:grasp",
    ScoreSettings,
    inputs="loss",
    quantities={"grasp": Quantity("minus the sum over parameters of theta (H g), on a batch")},
    version=2,
    summary="zero-cost score: sensitivity of the gradient flow to the parameters (Hessian times gradient)",
    source="Wang, Zhang & Grosse 2020",
    primary="grasp",
    batch=True,
    cost=_passes(9),
    memory=_memory_of_second_pass(24),
    layerwise=False,
)

SYNFLOW = Measure(
    "suite.measures.synflow:synflow",
    SynflowSettings,
    inputs="nothing",
    quantities={"log_synflow": Quantity("natural logarithm of the sum of theta dR/dtheta, R = 1^T prod |W_l| 1")},
    version=1,
    summary="zero-cost score: log of the flow through the weights' absolute values, without data",
    source="Tanaka et al. 2020",
    plain=True,
    primary="log_synflow",
)

FISHER = Measure(
    "suite.measures.fisher:fisher",
    ScoreSettings,
    inputs="loss",
    quantities={
        "fisher": Quantity(
            "sum over hidden units of half the mean squared activation times its gradient, on a batch", limits=POSITIVE
        )
    },
    version=1,
    summary="zero-cost score: sensitivity of the loss to hidden units (Fisher information)",
    source="Theis et al. 2018; Turner et al. 2020",
    primary="fisher",
    batch=True,
    cost=_passes(3),
    memory=_memory_of_second_pass(8),
    layerwise=False,
)


def _check_inputs(asked: Asked, settings: ScoreSettings) -> Iterator[Problem]:
    few = sorted({network.widths[0] for network in asked.networks if network.widths[0] < FEWEST_CORRELATED})
    if few:
        yield Problem(
            f"networks with {format_count(few[0], 'input')} have no score, since the correlations of their input "
            "gradients are 1, -1 or undefined",
            f"use inputs = {FEWEST_CORRELATED} or more, or remove the measure",
            fatal=False,
        )


JACOBIAN_COVARIANCE = Measure(
    "suite.measures.jacobian_covariance:jacobian_covariance",
    ScoreSettings,
    inputs="loss",
    quantities={
        "jacobian_covariance": Quantity(
            "-sum log(l + k) + 1 / (l + k) over eigenvalues l of the input gradients' correlation, k = 1e-5"
        )
    },
    version=1,
    summary="zero-cost score: how different the input gradients at the points are; requires three or more inputs",
    source="Mellor et al. 2020",
    primary="jacobian_covariance",
    batch=True,
    cost=_passes(3),
    memory=_memory_of_gradient,
    layerwise=False,
    checks=_check_inputs,
)


def _memory_of_patterns(shape: Shape, settings: ScoreSettings) -> int:
    return 6 * _layers(shape) + shape.parameters + 4 * shape.points**2


def _check_activation(asked: Asked, settings: ScoreSettings) -> Iterator[Problem]:
    if any(isinstance(network.activation, Identity) for network in asked.networks):
        yield Problem(
            "networks with the identity have no score, since their units are neither active nor inactive",
            "use another activation, or remove the measure",
            fatal=False,
        )


NASWOT = Measure(
    "suite.measures.naswot:naswot",
    ScoreSettings,
    inputs="loss",
    quantities={
        "naswot": Quantity(
            "log |K|, where K_ij is the number of hidden units in the same state at points i and j; -inf for singular K"
        )
    },
    version=1,
    summary="zero-cost score: how different the patterns of active units at the points are",
    source="Mellor et al. 2021",
    primary="naswot",
    batch=True,
    cost=_passes(1),
    memory=_memory_of_patterns,
    checks=_check_activation,
    layerwise=False,
)


def _cost_of_kernel(shape: Shape, settings: ScoreSettings) -> float:
    backward = shape.widths[-1] * (shape.points if shape.normalization == "batch" else 1)
    return (1 + 2 * backward) * forward_pass(shape, settings)


def _memory_of_kernel(shape: Shape, settings: ScoreSettings) -> int:
    rows = shape.points * shape.widths[-1]
    by_rows = 2 * rows * shape.parameters if shape.normalization == "batch" else 5 * shape.widths[-1] * _layers(shape)
    return 8 * _layers(shape) + 3 * shape.parameters + 5 * rows**2 + by_rows


def _check_memory(asked: Asked, settings: ScoreSettings) -> Iterator[Problem]:
    """Yield a problem if a kernel, or its Jacobian under batch normalization, does not fit in memory."""
    for network in asked.networks:
        points = 1
        if asked.training:
            points = max(task.points[0] for task in asked.training.task)
        elif isinstance(asked.domain, Region) and settings.step:
            points = asked.domain.points(network.widths[0], settings.step, settings.lines)
        rows = min(points, settings.points) * network.widths[-1]
        need = 8 * rows * (4 * rows + (network.parameters if network.normalization == "batch" else 0))
        if need > asked.memory:
            yield Problem(
                f"the tangent kernel of {rows:,} outputs at all points needs {format_bytes(need)} of memory, this "
                f"machine has {format_bytes(asked.memory)}",
                "use fewer points",
                key=("points",),
            )
            return


NTK = Measure(
    "suite.measures.ntk:ntk",
    ScoreSettings,
    inputs="loss",
    quantities={
        "ntk_trace": Quantity("trace of the neural tangent kernel on a batch", limits=POSITIVE),
        "ntk_condition": Quantity(
            "condition number of the neural tangent kernel on a batch; infinite if its smallest eigenvalue is 0 up to "
            "rounding",
            sign=-1,
            limits=POSITIVE,
        ),
    },
    version=1,
    summary="zero-cost score: trace and condition number of the neural tangent kernel",
    source="Jacot et al. 2018; Chen et al. 2021",
    primary="ntk_trace",
    batch=True,
    cost=_cost_of_kernel,
    memory=_memory_of_kernel,
    checks=_check_memory,
    layerwise=False,
)
