"""The probability that a neuron of the first hidden layer is dead.

A neuron is dead if its preactivation w.x + b is at most 0 on the whole domain. Weights and bias, each divided by its
standard deviation, are isotropic, as Gaussian ones are. The probability depends only on the domain and on the ratio of
these standard deviations. A neuron is dead if (w, b) lies in a cone, whose solid angle gives the probability.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import atan2, isinf, pi

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc


def dead_probability_on_ball(inputs: int, ratio: float) -> float:
    """Compute the probability that a neuron is dead on a ball: (1/2) I_{1/(1+r^2)}(d/2, 1/2).

    I is the regularized incomplete beta function.

    Args:
        inputs: d, 1 or more.
        ratio: r, 0 or more: the radius of the ball times the standard deviation of a weight, divided by that of the
            bias; infinite without biases.

    Raises:
        ValueError: If there are no inputs.

    Source: A neuron is dead if b <= -r |w|, half of the double cone around the bias's axis. Shin & Karniadakis 2019
    (arXiv:1907.09696) pose the question.
    """
    if inputs < 1:
        raise ValueError(f"inputs: expected an integer >= 1, got {inputs}")
    return float(betainc(inputs / 2, 0.5, 1 / (1 + ratio * ratio))) / 2


def dead_probability_on_box(low: Sequence[float], high: Sequence[float], ratio: float) -> float:
    """Compute the probability that a neuron is dead on an interval or a rectangle, wherever its center lies.

    A neuron is dead if b + w.v <= 0 at every corner v. With w and b divided by their standard deviations, these are
    half-spaces with the normals (ratio v, 1), whose intersection is the polar of the cone that the normals span. The
    solid angle of a polar cone follows from the perimeter of the spherical polygon that the cone cuts out:

        P = 1/2 - (sum of the angles between the normals of neighboring corners) / (2 pi d)

    where d is 1 or 2, and the interval's single side counts once. On [-r, r] it is atan(1 / r) / pi, on [-r, r]^2 it is
    1/2 - arccos(1 / (1 + 2 r^2)) / pi.

    Args:
        low: The smallest value of each of one or two inputs.
        high: The largest values.
        ratio: The standard deviation of a weight divided by that of the bias; infinite without biases.

    Raises:
        ValueError: If there are no inputs, or more than 2.
    """
    if len(low) not in (1, 2):
        raise ValueError(f"no closed form is known for a box of {len(low)} inputs; use 1 or 2 inputs, or a ball")
    corners: list[tuple[float, ...]] = [(low[0],), (high[0],)]
    if len(low) > 1:
        corners = [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]
    # Without biases, a corner at the origin requires nothing.
    normals = [normal for normal in (_normal(corner, ratio) for corner in corners) if normal.any()]
    neighbors = pairwise(normals if len(low) == 1 else [*normals, normals[0]])
    angles = sum(atan2(np.linalg.norm(np.cross(one, other)), one @ other) for one, other in neighbors)
    return float(max(0.0, 0.5 - angles / (2 * pi * len(low))))


def _normal(corner: Sequence[float], ratio: float) -> NDArray[np.float64]:
    """Return the direction of (ratio v, 1), in three dimensions."""
    ends = np.zeros(3)
    ends[: len(corner)] = corner if isinf(ratio) else np.multiply(ratio, corner)
    ends[-1] = 0.0 if isinf(ratio) else 1.0
    return ends


def at_least(needed: int, width: int, dead: float) -> float:
    """Compute P(at least `needed` of `width` independent neurons are active).

    Args:
        needed: m*, the number of neurons that the target needs; if it is 0 or less, the probability is 1.
        width: The width of the layer.
        dead: The probability that one neuron is dead.

    Source: Shin & Karniadakis 2019 (arXiv:1907.09696), where it is the trainability of one hidden layer.
    """
    if needed <= 0:
        return 1.0
    return float(betainc(needed, width - needed + 1, 1 - dead)) if needed <= width else 0.0
