"""Means over a standard normal variable, computed by quadrature with panels split at kinks."""

from collections.abc import Callable, Sequence

import numpy as np

from suite.catalog.activations import Array

_REACH = 13.0
"""Number of standard deviations beyond which the normal density, 1e-37 of its peak, is ignored."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


def gaussian_mean(
    function: Callable[[Array], Array], std: float, kinks: Sequence[float] = (), pace: float = 1.0
) -> float:
    """Compute E[function(std Z)] for standard normal Z.

    The quadrature uses Gauss-Legendre panels that are split at the kinks. Panels are at most half a unit of Z or two
    units of the argument wide, whichever is less. For `std` above 200 they are at most 0.01 units of Z wide, and panels
    that shrink geometrically towards 0 and the kinks resolve the places where activations bend. The result is accurate
    to 1e-12 relative for the catalog's activations. Functions that oscillate without end, such as the sine, are
    resolved up to a `std` of about 1,000; above that their means have converged. The result is inf or nan where the
    function overflows.

    Args:
        function: Vectorized; called with an array of arguments std Z.
        std: The standard deviation of the argument, 0 or more.
        kinks: Arguments at which the function or one of its derivatives jumps.
        pace: How many times as quickly as the catalog's activations the function bends; panels are narrower by this
            factor.
    """
    if std == 0:
        return float(function(np.zeros(1))[0])
    edges = _panel_edges(std, kinks, pace)
    centers, halves = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    z = centers[:, None] + halves[:, None] * _NODES
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
        return float(np.sum(function(std * z) * density * (halves[:, None] * _WEIGHTS)))


def _panel_edges(std: float, kinks: Sequence[float], pace: float) -> Array:
    width = min(0.5, max(2 / std, 0.01)) / pace
    panels = int(np.ceil(2 * _REACH / width))
    near = np.geomspace(0.25 / std, _REACH, max(2, int(np.log2(4 * std * _REACH)) + 1)) if std > 4 else np.empty(0)
    bends = np.asarray((0.0, *kinks)) / std
    around = bends[:, None] + np.concatenate([-near, [0.0], near])
    edges = np.concatenate([np.linspace(-_REACH, _REACH, panels + 1), around.ravel()])
    return np.unique(edges[np.abs(edges) <= _REACH])
