"""Means over two correlated normal variables, computed by quadrature with panels split at kinks.

With independent standard normal P and M, u = s P + t M and v = s P - t M have variance s^2 + t^2 = q and correlation c
if s^2 = q (1 + c) / 2 and t^2 = q (1 - c) / 2. A symmetric function of phi(u) and phi(v) is even in M, so the integral
over M > 0 suffices. For each P, this inner integral is split where u or v crosses a kink. As a function of P, the inner
integral is phi smoothed on the scale t. It is smooth except where kinks of u and v meet, and it changes quickly within
a few t / s of each kink.
"""

from collections.abc import Callable
from math import nan

import numpy as np

from suite.catalog.activations import Activation, Array

_REACH = 8.2
"""The radius sqrt(P^2 + M^2) beyond which the density is ignored; the ignored probability is 1e-15."""

_WIDTH = 1.5
"""Maximum width of a panel, in standard deviations."""

_BEND, _GROWTH = 3.0, 2.0
"""Width of a panel at a bend of the activation, in units of its argument, and growth factor of panels further away."""

_MAX_BENDS = 300.0
"""Largest standard deviation at which oscillating activations are resolved, in units over which they bend."""

_SWING = 6.0
"""Width of all panels if the activation oscillates, in units of its argument."""

_KINK = np.array([1.5, 3.0, 5.2, _REACH])
"""Distances of panel edges from a smoothed kink, in units of its width; smoothing has no effect beyond the last."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_CHUNK = 2**16
"""Number of nodes that are evaluated together, chosen so that their arrays fit the processor's cache."""

_Pairing = Callable[[Array, Array], Array]


def pair_mean(
    function: Callable[[Array], Array], pairing: _Pairing, activation: Activation, q: float, c: float
) -> float:
    """Compute E[pairing(f(u), f(v))] for jointly normal u and v of variance q and correlation c.

    The result is accurate to about 1e-11 of the mean of |pairing|. It is nan if the function
    overflows, or if the activation oscillates and bends more than 300 times within a standard deviation.

    Args:
        function: f, vectorized: phi or its derivative.
        pairing: A symmetric function of two numbers, vectorized.
        activation: The activation, whose kinks f has.
        q: The variance, above 0.
        c: The correlation, between -1 and 1, both excluded.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return _pair_mean(function, pairing, activation, q, c)


def _pair_mean(
    function: Callable[[Array], Array], pairing: _Pairing, activation: Activation, q: float, c: float
) -> float:
    s, t = float(np.sqrt(q * (1 + c) / 2)), float(np.sqrt(q * (1 - c) / 2))
    if activation.oscillating and max(s, t) * activation.pace > _MAX_BENDS:
        return nan
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
    """Return Gauss-Legendre nodes between edges on the last axis, and weights times the normal density."""
    centers, halves = (edges[..., 1:] + edges[..., :-1]) / 2, (edges[..., 1:] - edges[..., :-1]) / 2
    places = (centers[..., None] + halves[..., None] * _NODES).reshape(*edges.shape[:-1], -1)
    weights = (halves[..., None] * _WEIGHTS).reshape(places.shape)
    return places, weights * np.exp(-places * places / 2) / np.sqrt(2 * np.pi)


def _outer_edges(activation: Activation, s: float, t: float) -> Array:
    """Return the edges of the panels of P: equal ones, finer ones at bends and kinks, and kinks that meet."""
    kinks = np.asarray(activation.kinks)
    meetings = (kinks[:, None] + kinks) / (2 * s)
    smoothed = kinks[:, None] / s + t / s * np.concatenate([-_KINK, _KINK])[: None if t < s else 0]
    bends, offsets = _bends(activation, s)
    parts = [_equal_panels(activation, s, 2) * _REACH, meetings, smoothed, bends[:, None] / s + offsets]
    edges = np.concatenate([part.ravel() for part in parts])
    return np.unique(edges[np.abs(edges) <= _REACH])


def _inner_edges(activation: Activation, s: float, t: float, outer: Array) -> Array:
    """Return the edges of the panels of M > 0, one row per P; panels beyond the reach have width 0."""
    reach = np.sqrt(np.maximum(_REACH**2 - outer**2, 0.0))[:, None]
    even = reach * (_equal_panels(activation, t, 1) + 1) / 2
    bends, offsets = _bends(activation, t)
    crossings = np.abs(bends - s * outer[:, None]) / t
    near = (crossings[..., None] + offsets).reshape(len(outer), -1)
    return np.sort(np.concatenate([even, np.clip(near, 0.0, reach)], axis=1), axis=1)


def _equal_panels(activation: Activation, scale: float, sides: int) -> Array:
    """Return the edges of equal panels from -1 to 1, fine enough for a length of `sides` times the reach."""
    width = min(_WIDTH, _SWING / (scale * activation.pace)) if activation.oscillating else _WIDTH
    return np.linspace(-1.0, 1.0, int(np.ceil(sides * _REACH / width)) + 1)


def _bends(activation: Activation, scale: float) -> tuple[Array, Array]:
    """Return the arguments at which the activation bends, and the offsets of panel edges from them.

    Offsets are in standard deviations. If equal panels resolve a smooth bend, or the activation oscillates or is
    piecewise linear, return only the kinks and the offset 0.
    """
    nearest = _BEND / scale
    if activation.oscillating or activation.kind == "piecewise_linear" or nearest >= _WIDTH:
        return np.asarray(activation.kinks), np.zeros(1)
    offsets = nearest * _GROWTH ** np.arange(np.ceil(np.log(2 * _REACH / nearest) / np.log(_GROWTH)))
    return np.asarray(activation.kinks or (0.0,)), np.concatenate([-offsets, [0.0], offsets])
