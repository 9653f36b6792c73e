"""Conversion of the networks that users have to ensembles."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.activations import Activation
from suite.nets.ensemble import Ensemble
from suite.nets.graph_reader import Statistics
from suite.nets.module_checks import UnsupportedModuleError, compare_traced
from suite.nets.traced_ensemble import TracedEnsemble, as_ensemble
from suite.nets.tracing import network_of_arrays, trace_module

PointsOf = Callable[[int], Float[Tensor, "inputs points"]]
"""Maps a number of inputs to points."""


def normal_points(inputs: int) -> Float[Tensor, "inputs points"]:
    """Return 32 standard normal points, always the same."""
    return torch.randn(inputs, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def read_networks(
    networks: Sequence[Any],
    activation: Activation | None = None,
    points_of: PointsOf = normal_points,
    statistics: Statistics = "mode",
) -> list[Ensemble]:
    """Return each network as an ensemble of one, in float64 on the CPU; the networks stay as they are.

    Chains of equal hidden layers are MLPs with exact methods, and other networks are a `TracedEnsemble`. Biases, gains
    and shifts that a network does not have are lacking in its ensemble.

    Args:
        networks: Modules of one architecture, or lists of (weights, biases, activation).
        activation: The activation that modules of classes of the user's own compute.
        points_of: Returns the points at which modules are compared with what was read.
        statistics: The statistics of batch normalization.

    Raises:
        UnsupportedModuleError: If a network is not supported, or is built differently from the first.
    """
    if not networks:
        raise UnsupportedModuleError("no module given; pass a module or a list of modules")
    found: list[Ensemble] = []
    for network in networks:
        if isinstance(network, list | tuple):
            found.append(as_ensemble(network_of_arrays(network)))
            continue
        traced = trace_module(network, statistics, activation)
        compare_traced(network, traced, points_of(traced.inputs), statistics, activation_named=activation is not None)
        if traced.head:
            warnings.warn(f"measures are evaluated before the final {traced.head}, which is left out", stacklevel=4)
        found.append(as_ensemble(traced))
    first, *others = found
    for number, other in enumerate(others, start=2):
        if _architecture(other) != _architecture(first):
            raise UnsupportedModuleError(
                f"module {number} has another architecture than module 1; measure each architecture by itself"
            )
    return found


def _architecture(ensemble: Ensemble) -> object:
    if not isinstance(ensemble, TracedEnsemble):
        return ensemble.widths, ensemble.activation, ensemble.normalization, ensemble.lacking
    steps = [(type(step), step.sources, getattr(step, "label", "")) for step in ensemble.network.steps]
    return steps, [values.shape for values in ensemble.network.parameters]
