"""The probability that a neuron of the first hidden layer is dead.

A neuron is dead if its preactivation w.x + b is at most 0 on the whole domain. Weights and bias, each divided by its
standard deviation, are isotropic, as Gaussian ones are. The probability depends only on r, half the domain's width
times the weights' standard deviation over the bias's. A neuron is dead if (w, b) lies in a cone, whose solid angle
gives the probability.
"""

from math import atan, atan2, hypot, isinf, pi

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


def dead_probability_on_square(inputs: int, ratio: float) -> float:
    """Compute the probability that a neuron is dead on an interval or a square: P(b + r |w|_1 <= 0).

    The interval or the square is centered at the origin. In one dimension the probability is atan(1/r) / pi. In two
    dimensions it is (2/pi) atan(1 / (sqrt(1 + r^2) + r)^2), by the angles of spherical triangles: the event is the
    intersection of the four half-spaces b + r (+-w_1 +- w_2) <= 0.

    Args:
        inputs: 1 or 2.
        ratio: r, 0 or more: half a side times the standard deviation of a weight, divided by that of the bias; infinite
            without biases.

    Raises:
        ValueError: If there are no inputs, or more than 2.
    """
    if inputs == 1:
        return atan2(1, ratio) / pi
    if inputs == 2:
        steep = hypot(1, ratio) + ratio
        return 0.0 if isinf(steep) else 2 / pi * atan((1 / steep) ** 2)
    raise ValueError(f"no closed form is known for a box of {inputs} inputs; use 1 or 2 inputs, or a ball")


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
