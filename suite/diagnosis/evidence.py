"""What is measured of one network on data, before it is trained: signals and gradients by layer, and its weights."""

from dataclasses import dataclass, replace
from math import inf, log, nan
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from suite.diagnosis.expected import LayerTheory, expect_layers
from suite.diagnosis.samples import Samples
from suite.diagnosis.tangent import tangent_spectrum
from suite.diagnosis.weights import LinearEvidence, measure_linear
from suite.nets.traced import Add, Affine, Elementwise, Normalize, Step, TracedNetwork

POINTS = 1_000
"""Largest number of points on which a network is evaluated."""

_FLAT = 0.05
"""A unit is saturated at a point if the slope there is below this share of the activation's largest slope."""


@dataclass(frozen=True)
class LayerEvidence:
    """A hidden layer, which is an activation with its preactivations z, over points.

    Attributes:
        name: The module's name.
        label: The activation.
        units: The number of units.
        size: The root mean square of z over units and points.
        variation: The standard deviation of z over points, the root of the mean variance over units.
        cosine: The mean cosine of z between pairs of points; nan if z is 0.
        dead: The share of units whose slope is 0 at all points.
        saturated: The share of units and points with a slope near 0, if the activation is bounded; otherwise 0.
        gradient: The root mean square over units and points of N d loss / d z.
        rank: The effective rank of the features h: (sum of their variances)^2 / sum of squared variances.
        normalized: Whether z is normalized.
        linear: The place in `Evidence.linears` of the Linear layer that z comes from; -1 if it comes from several.
    """

    name: str
    label: str
    units: int
    size: float
    variation: float
    cosine: float
    dead: float
    saturated: float
    gradient: float
    rank: float
    normalized: bool
    linear: int


@dataclass(frozen=True)
class Evidence:
    """All that findings follow from.

    Attributes:
        layers: The hidden layers.
        linears: The Linear layers, the readout last.
        output_rms: The root mean square of the outputs.
        constant: Whether outputs are the same at all points, or vary by rounding only.
        loss: The loss.
        constant_loss: The loss of the best constant output.
        target_rms: The root mean square of the targets, of several that whose size is the farthest from 1.
        target_std: The standard deviation of the targets.
        input_size: The mean square of the inputs as the first Linear layer gets them, 1 if they are standardized.
        input_offset: The largest |mean| / std of a column; inf if all columns are constant.
        offset_column: The name of that column.
        input_spread: The largest std of a column divided by the smallest that is not 0.
        spread_columns: The names of these columns.
        condition: The condition number of the tangent kernel on a few points; inf if it is singular.
        alignment: The largest eigenvalue of the tangent kernel divided by the sum of all.
        constant_score: The score of the best constant.
        regression: Whether labels are numbers to predict.
        residual: Whether there are residual sums.
        theory: What theory expects of the hidden layers, for weights of these variances; empty where it does not apply.
    """

    layers: tuple[LayerEvidence, ...]
    linears: tuple[LinearEvidence, ...]
    output_rms: float
    constant: bool
    loss: float
    constant_loss: float
    target_rms: float
    target_std: float
    input_size: float
    input_offset: float
    offset_column: str
    input_spread: float
    spread_columns: tuple[str, str]
    condition: float
    alignment: float
    constant_score: float
    regression: bool
    residual: bool
    theory: tuple[LayerTheory, ...]

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self.layers)


def gather_evidence(network: TracedNetwork, samples: Samples, with_theory: bool = True) -> Evidence:
    """Evaluate one network on data.

    Args:
        network: A single network.
        samples: The data, of which at most 1,000 points are used.
        with_theory: Whether to compute what theory expects of the layers.
    """
    some = samples.subsample(POINTS)
    network = network.to(torch.float64)
    with torch.enable_grad():
        parameters = [values.detach().clone().requires_grad_() for values in network.parameters]
        values = network.values(some.inputs, parameters)
        outputs = values[-1]
        loss = some.loss.value(outputs, some.labels[None]).sum()
        arguments = [values[step.sources[0]] for step in network.hidden]
        found = torch.autograd.grad(loss, [*arguments, *parameters], allow_unused=True)
    gradients = found[: len(arguments)]
    with torch.no_grad():
        layers = [
            _layer(network, step, values[step.sources[0]], values[network.place_of(step)], gradient)
            for step, gradient in zip(network.hidden, gradients, strict=True)
        ]
        plain = outputs.detach()[0]
        condition, alignment = tangent_spectrum(network, some)
        std, rms = _std(plain), _rms(plain)
        linears = [measure_linear(network, step, number) for number, step in enumerate(network.linears)]
        moments = [(linear.weight_variance, linear.bias_variance, linear.bias_mean) for linear in linears]
        first = network.linears[0].sources[0]
        start, _ = network.straight_before(first)
        given = replace(some, inputs=values[first].detach()[0]) if start == 0 else some  # as the network scales them
        worst = max(some.labels, key=lambda row: abs(log(max(_rms(row), 1e-300))))
        return Evidence(
            layers=tuple(layers),
            linears=tuple(linears),
            output_rms=rms,
            constant=bool(std <= 1e-12 * rms) or rms == 0,
            loss=float(loss.detach()),
            constant_loss=some.constant_loss,
            target_rms=_rms(worst),
            target_std=_std(some.labels),
            input_size=float(given.inputs.square().mean()),
            **_describe_columns(given),
            condition=condition,
            alignment=alignment,
            constant_score=some.constant_score,
            regression=some.regression,
            residual=any(isinstance(step, Add) for step in network.steps),
            theory=expect_layers(network, moments, given.inputs) if with_theory else (),
        )


def _describe_columns(some: Samples) -> dict[str, Any]:
    """Return the entries of the evidence about the columns of the inputs."""
    mean, deviation = some.inputs.mean(1), some.inputs.std(dim=1, correction=0)
    varying = deviation > 1e-12 * some.inputs.abs().amax(1).clamp(min=1e-300)
    if not varying.any():
        return {"input_offset": inf, "offset_column": "", "input_spread": 1.0, "spread_columns": ("", "")}
    offset = torch.where(varying, mean.abs() / deviation, 0.0)
    widest, narrowest = int(deviation.argmax()), int(torch.where(varying, deviation, inf).argmin())
    return {
        "input_offset": float(offset.max()),
        "offset_column": some.columns[int(offset.argmax())],
        "input_spread": float(deviation[widest] / deviation[narrowest]),
        "spread_columns": (some.columns[widest], some.columns[narrowest]),
    }


def _rms(values: Tensor) -> float:
    return float(values.square().mean().sqrt())


def _std(values: Float[Tensor, "units points"]) -> float:
    centered = values - values[:, :1]
    return float(centered.var(dim=1, correction=0).mean().sqrt())


def _layer(network: TracedNetwork, step: Elementwise, z: Tensor, h: Tensor, gradient: Tensor | None) -> LayerEvidence:
    """Return the evidence of a hidden layer from its preactivations and activations, (1, units, points)."""
    z, h = z.detach(), h.detach()
    slope = _slopes(step, network, z)
    z0, h0 = z[0], h[0]
    unit = z0[:, z0.norm(dim=0) > 0]
    unit, pairs = unit / unit.norm(dim=0), unit.shape[1] * (unit.shape[1] - 1)
    cosine = (unit.sum(1).square().sum() - unit.shape[1]) / pairs if pairs else torch.tensor(nan)
    source = network.steps[step.sources[0] - 1] if step.sources[0] else None
    return LayerEvidence(
        name=step.name,
        label=step.label,
        units=len(z0),
        size=_rms(z0),
        variation=_std(z0),
        cosine=float(cosine),
        dead=float((slope[0] == 0).all(1).double().mean()),
        saturated=float((slope[0].abs() < _FLAT * _steepest(step, network)).double().mean())
        if _is_bounded(step, network)
        else 0.0,
        gradient=0.0 if gradient is None else _rms(gradient * z.shape[2]),
        rank=_effective_rank(h0),
        normalized=isinstance(source, Normalize),
        linear=_linear_below(network, step),
    )


def _linear_below(network: TracedNetwork, step: Step) -> int:
    """Return the place among the Linear layers of the one that a step follows; -1 if it follows several."""
    while len(step.sources) == 1 and step.sources[0]:
        step = network.steps[step.sources[0] - 1]
        if isinstance(step, Affine):
            return next(number for number, linear in enumerate(network.linears) if linear is step)
    return -1


def _effective_rank(h: Float[Tensor, "units points"]) -> float:
    """Return (sum of variances)^2 / sum of squared variances, along the principal axes; nan if values overflow."""
    covariance = torch.cov(h, correction=0).reshape(len(h), len(h))
    if not bool(covariance.isfinite().all()):
        return nan
    variances = torch.linalg.eigvalsh(covariance).clamp(min=0)
    shares = variances / variances.sum()
    return 1 / float(shares.square().sum()) if bool(variances.sum() > 0) else 0.0


def _slopes(step: Elementwise, network: TracedNetwork, z: Tensor) -> Tensor:
    """Return the derivative of an activation at z."""
    with torch.enable_grad():
        at = z.detach().clone().requires_grad_()
        (found,) = torch.autograd.grad(step.function(at, network.parameters).sum(), at)
    return found


def _grid(step: Elementwise, network: TracedNetwork, reach: float = 30.0) -> Tensor:
    units = network.widths[step.sources[0]]
    return torch.linspace(-reach, reach, 401, dtype=torch.float64).expand(1, units, -1)


def _steepest(step: Elementwise, network: TracedNetwork) -> float:
    return float(_slopes(step, network, _grid(step, network)).abs().max())


def _is_bounded(step: Elementwise, network: TracedNetwork) -> bool:
    """Return whether an activation is flat far away on both sides, as tanh is."""
    ends = torch.tensor([-1e4, 1e4], dtype=torch.float64).expand(1, network.widths[step.sources[0]], 2)
    return bool((_slopes(step, network, ends).abs() < 1e-3).all())
