"""Means over two correlated normal variables, by quadrature that knows where the integrand has its kinks.

With independent standard normal P and M, u = s P + t M and v = s P - t M have variance s^2 + t^2 = q and
correlation c where s^2 = q (1 + c) / 2 and t^2 = q (1 - c) / 2. A function of phi(u) and phi(v) that does not
tell u from v is even in M. For each P, the inner integral over M > 0 is split where u or v passes a kink. What it
leaves, as a function of P, is phi smoothed on the scale t: smooth but where kinks of u and v meet, and quick
within some t / s of each kink.
"""

from collections.abc import Callable

import numpy as np

from suite.catalog.activations import Activation, Array

_REACH = 8.2
"""Where P^2 + M^2 exceeds the square of this, a probability of 1e-15, is left out."""

_WIDTH = 1.5
"""Width of panels at most, in standard deviations."""

_BEND, _GROWTH = 3.0, 2.0
"""Width of a panel at a bend of the activation, in units of its argument, and how panels grow away from it."""

_SWING = 6.0
"""Width of all panels, likewise, where the activation oscillates."""

_KINK = np.array([1.5, 3.0, 5.2, _REACH])
"""Edges beside a smoothed kink, in units of its width: beyond the last, none of it is left."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_CHUNK = 2**16
"""Nodes that are evaluated together; their arrays fit the cache."""

_Pairing = Callable[[Array, Array], Array]


def pair_mean(
    function: Callable[[Array], Array], pairing: _Pairing, activation: Activation, q: float, c: float
) -> float:
    """E[pairing(f(u), f(v))] for jointly normal u and v of variance q and correlation c.

    Accurate to about 1e-11 of the mean of |pairing|.

    Args:
        function: f, vectorized: phi or its derivative.
        pairing: of two numbers whose order does not matter, vectorized.
        activation: whose kinks f has.
        q: above 0.
        c: from -1 to 1, both excluded.
    """
    s, t = float(np.sqrt(q * (1 + c) / 2)), float(np.sqrt(q * (1 - c) / 2))
    outer, weights = _nodes(_outer_edges(activation, s, t))
    total, chunk = 0.0, max(1, _CHUNK // _nodes(_inner_edges(activation, s, t, outer[:1]))[0].size)
    for first in range(0, len(outer), chunk):
        some = slice(first, first + chunk)
        inner, inner_weights = _nodes(_inner_edges(activation, s, t, outer[some]))
        center, apart = (s * outer[some])[:, None], t * inner
        values = pairing(function(center + apart), function(center - apart))
        total += float(weights[some] @ np.einsum("pm,pm->p", values, inner_weights))
    return 2 * total


def _nodes(edges: Array) -> tuple[Array, Array]:
    """Gauss-Legendre nodes between edges along the last axis, and weights that hold the normal density."""
    centers, halves = (edges[..., 1:] + edges[..., :-1]) / 2, (edges[..., 1:] - edges[..., :-1]) / 2
    places = (centers[..., None] + halves[..., None] * _NODES).reshape(*edges.shape[:-1], -1)
    weights = (halves[..., None] * _WEIGHTS).reshape(places.shape)
    return places, weights * np.exp(-places * places / 2) / np.sqrt(2 * np.pi)


def _outer_edges(activation: Activation, s: float, t: float) -> Array:
    """Panels of P: even ones, finer ones around bends and kinks, and splits where kinks of u and v meet."""
    kinks = np.asarray(activation.kinks)
    meetings = (kinks[:, None] + kinks) / (2 * s)
    smoothed = kinks[:, None] / s + t / s * np.concatenate([-_KINK, _KINK])[: None if t < s else 0]
    bends, offsets = _bends(activation, s)
    parts = [_even(activation, s, 2) * _REACH, meetings, smoothed, bends[:, None] / s + offsets]
    edges = np.concatenate([part.ravel() for part in parts])
    return np.unique(edges[np.abs(edges) <= _REACH])


def _inner_edges(activation: Activation, s: float, t: float, outer: Array) -> Array:
    """Panels of M > 0 for each P, one row each; panels beyond the reach have no width."""
    reach = np.sqrt(np.maximum(_REACH**2 - outer**2, 0.0))[:, None]
    even = reach * (_even(activation, t, 1) + 1) / 2
    bends, offsets = _bends(activation, t)
    crossings = np.abs(bends - s * outer[:, None]) / t
    near = (crossings[..., None] + offsets).reshape(len(outer), -1)
    return np.sort(np.concatenate([even, np.clip(near, 0.0, reach)], axis=1), axis=1)


def _even(activation: Activation, scale: float, sides: int) -> Array:
    """Edges from -1 to 1 of equal panels, fine enough for `sides` times the reach."""
    width = min(_WIDTH, _SWING / (scale * activation.pace)) if activation.oscillating else _WIDTH
    return np.linspace(-1.0, 1.0, int(np.ceil(sides * _REACH / width)) + 1)


def _bends(activation: Activation, scale: float) -> tuple[Array, Array]:
    """Arguments at which the activation bends, and offsets of edges from there, in standard deviations.

    Where even panels resolve a smooth bend, or have to, only kinks are left, and no offsets but 0.
    """
    nearest = _BEND / scale
    if activation.oscillating or activation.kind == "piecewise_linear" or nearest >= _WIDTH:
        return np.asarray(activation.kinks), np.zeros(1)
    offsets = nearest * _GROWTH ** np.arange(np.ceil(np.log(2 * _REACH / nearest) / np.log(_GROWTH)))
    return np.asarray(activation.kinks or (0.0,)), np.concatenate([-offsets, [0.0], offsets])
