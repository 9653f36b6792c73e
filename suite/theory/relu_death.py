"""How likely a neuron of the first hidden layer is dead: its pre-activation w.x + b is at most 0 on the whole domain.

Weights and bias are isotropic, as Gaussian ones are, once each is measured in its own standard deviation. What
counts is r, half the domain's width over the bias's standard deviation, in units of the weights': a neuron is
dead where (w, b) lies in a cone, whose solid angle is the answer.
"""

from math import atan, atan2, hypot, isinf, pi

from scipy.special import betainc


def dead_probability_on_ball(inputs: int, ratio: float) -> float:
    """(1/2) I_{1/(1+r^2)}(d/2, 1/2), with I the regularized incomplete beta function.

    Args:
        inputs: d, 1 or more.
        ratio: r = radius of the ball times the standard deviation of a weight, over that of the bias; infinite
            without biases, 0 or more.

    Raises:
        ValueError: there are no inputs.

    Source: dead means b <= -r |w|, half of the double cone around the bias's axis; Shin & Karniadakis 2019
    (arXiv:1907.09696) for the question.
    """
    if inputs < 1:
        raise ValueError(f"{inputs} inputs have no ball; give 1 or more")
    return float(betainc(inputs / 2, 0.5, 1 / (1 + ratio * ratio))) / 2


def dead_probability_on_square(inputs: int, ratio: float) -> float:
    """P(b + r |w|_1 <= 0): the interval or the square around the origin.

    In one dimension atan(1/r) / pi; in two (2/pi) atan(1 / (sqrt(1 + r^2) + r)^2), by the angles of the spherical
    triangle that the four cones b + r (+-w_1 +- w_2) <= 0 share out.

    Args:
        inputs: 1 or 2.
        ratio: r = half a side times the standard deviation of a weight, over that of the bias; infinite
            without biases, 0 or more.

    Raises:
        ValueError: there are no inputs, or more than 2.
    """
    if inputs == 1:
        return atan2(1, ratio) / pi
    if inputs == 2:
        steep = hypot(1, ratio) + ratio
        return 0.0 if isinf(steep) else 2 / pi * atan((1 / steep) ** 2)
    raise ValueError(f"no closed form is known for a box of {inputs} inputs; take 1 or 2 inputs, or a ball")


def at_least(needed: int, width: int, dead: float) -> float:
    """P(at least `needed` of `width` independent neurons are active).

    Args:
        needed: m*, the neurons that the target takes; 0 or less are always there.
        width: of the layer.
        dead: probability that one neuron is dead.

    Source: Shin & Karniadakis 2019 (arXiv:1907.09696), where it is the trainability of one hidden layer.
    """
    if needed <= 0:
        return 1.0
    return float(betainc(needed, width - needed + 1, 1 - dead)) if needed <= width else 0.0
