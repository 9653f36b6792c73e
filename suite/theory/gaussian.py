"""Means over a standard normal variable, by quadrature that knows where the integrand has its kinks."""

from collections.abc import Callable, Sequence

import numpy as np

from suite.catalog.activations import Array

_REACH = 13.0
"""The normal density beyond this many standard deviations, 1e-37 of its peak, is left out."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


def gaussian_mean(
    function: Callable[[Array], Array], std: float, kinks: Sequence[float] = (), pace: float = 1.0
) -> float:
    """E[function(std Z)] for standard normal Z.

    Gauss-Legendre panels, split at the kinks, no wider than half a unit of Z or two units of the argument
    (but for `std` above 200, where panels shrink geometrically towards 0 and the kinks instead, the places
    where activations bend). Accurate to 1e-12 relative for the catalog's activations; functions that
    oscillate on without end, as the sine, are resolved up to a `std` of about 1,000, past which their means
    have converged.

    Args:
        function: vectorized; called with an array of arguments std Z.
        std: 0 or more.
        kinks: arguments at which the function or one of its derivatives jumps.
        pace: how many times as quickly as the catalog's activations it bends; panels are as much narrower.
    """
    if std == 0:
        return float(function(np.zeros(1))[0])
    edges = _panel_edges(std, kinks, pace)
    centers, halves = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    z = centers[:, None] + halves[:, None] * _NODES
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
