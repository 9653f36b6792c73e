"""The neural tangent kernel of one network on a few points of data."""

from math import inf, nan

import torch
from jaxtyping import Float
from torch import Tensor

from suite.diagnosis.samples import Samples
from suite.nets.traced import TracedNetwork

_POINTS, _FEWEST_POINTS = 64, 8
"""Points of the neural tangent kernel; fewer if the network has few parameters."""

_OUTPUTS = 4
"""Largest number of outputs of which the tangent kernel is computed."""


def tangent_spectrum(network: TracedNetwork, samples: Samples) -> tuple[float, float]:
    """Return the condition number of the tangent kernel on a few points, and the share of its largest eigenvalue.

    Points are different, and so few that the kernel has at most half as many rows as the network has parameters: with
    more it would be singular by its size. Both are nan under batch statistics, or if too few points are left.
    """
    unique = torch.unique(samples.subsample(_POINTS).inputs, dim=1)
    rows_each = min(network.outputs, _OUTPUTS)
    number = min(unique.shape[1], network.parameter_count // (2 * rows_each))  # more rows could not be independent
    if network.has_batch_statistics or number < _FEWEST_POINTS:
        return nan, nan
    inputs = unique[:, torch.linspace(0, unique.shape[1] - 1, number).round().long()]
    kernel = _tangent_kernel(network, inputs, rows_each)
    if not bool(kernel.isfinite().all()):
        return nan, nan
    values = torch.linalg.eigvalsh(kernel).clamp(min=0)
    total = float(values.sum())
    if total == 0:
        return inf, 1.0
    smallest, largest = float(values[0]), float(values[-1])
    return (largest / smallest if smallest > len(values) * 2.3e-16 * largest else inf), largest / total


def _tangent_kernel(network: TracedNetwork, inputs: Tensor, outputs: int) -> Float[Tensor, "rows rows"]:
    """Return the products of the gradients of the first outputs at all points with respect to all parameters.

    Gradients of vectors are computed point by point, from a copy for each point. Those of weights are products g h^T of
    the gradient of W h and of h, whose products are (g_1 . g_2) (h_1 . h_2), so that none of them is stored.
    """
    with torch.enable_grad():
        parameters = [
            (values if values.shape[2] > 1 or _is_weight(network, place) else values.expand(-1, -1, inputs.shape[1]))
            .detach()
            .clone()
            .requires_grad_()
            for place, values in enumerate(network.parameters)
        ]
        vectors = [values for place, values in enumerate(parameters) if not _is_weight(network, place)]
        values = network.values(inputs, parameters)
        mapped = [values[network.place_of(step)] for step in network.linears]
        found = [
            torch.autograd.grad(row.sum(), [*mapped, *vectors], retain_graph=True, allow_unused=True)
            for row in values[-1][0, :outputs]
        ]
    rows = outputs * inputs.shape[1]
    gradients = [
        inputs.new_zeros(rows, 1) if parts[0] is None else torch.cat([part[0].T for part in parts])
        for parts in zip(*found, strict=True)
    ]
    kernel = inputs.new_zeros(rows, rows)
    for gradient in gradients[len(mapped) :]:
        kernel += gradient @ gradient.T
    features = [values[step.sources[0]].detach()[0].T.repeat(outputs, 1) for step in network.linears]
    for first, one in enumerate(network.linears):
        for second, other in enumerate(network.linears):
            if one.weight == other.weight:  # the same layer, or two that share weights
                kernel += (gradients[first] @ gradients[second].T) * (features[first] @ features[second].T)
    return kernel


def _is_weight(network: TracedNetwork, place: int) -> bool:
    return any(step.weight == place for step in network.linears)
