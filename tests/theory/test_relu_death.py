"""Death of a rectifier neuron, against known values, exact cases and counted draws."""

from math import atan, comb, inf, pi, sqrt

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr

from suite.theory.relu_death import at_least, dead_probability_on_ball
from tests.theory.boxes import dead_probability_on_square

RATIOS = [0.0, 0.1, 1.0, 3.0, 30.0]
DRAWS = 200_000
FIVE_SIGMA = 5.0
"""Each comparison with draws gives a false alarm in one of two million seeds."""


def is_share_of(draws, probability: float) -> bool:
    return abs(draws.mean() - probability) <= FIVE_SIGMA * sqrt(probability * (1 - probability) / len(draws))


def draws_of(inputs: int):
    generator = np.random.default_rng(7)
    return generator.standard_normal((DRAWS, inputs)), generator.standard_normal(DRAWS)


@pytest.mark.parametrize("ratio", RATIOS)
def test_in_one_dimension_the_ball_is_the_interval(ratio: float):
    """atan(1 / r) / pi: the share of the plane's directions within a cone of half that angle."""
    expected = atan(1 / ratio) / pi if ratio else 0.5

    assert dead_probability_on_ball(1, ratio) == pytest.approx(expected, rel=1e-14)
    assert dead_probability_on_square(1, ratio) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("ratio", RATIOS)
def test_on_a_disc_it_is_the_area_of_a_spherical_cap(ratio: float):
    """(1 - r / sqrt(1 + r^2)) / 2."""
    assert dead_probability_on_ball(2, ratio) == pytest.approx((1 - ratio / sqrt(1 + ratio**2)) / 2, rel=1e-12)


@pytest.mark.parametrize("probability", [dead_probability_on_ball, dead_probability_on_square])
@pytest.mark.parametrize("inputs", [1, 2])
def test_without_biases_no_neuron_is_dead_and_on_a_point_half_of_them(probability, inputs: int):
    """r = inf and r = 0."""
    assert probability(inputs, inf) == 0
    assert probability(inputs, 0.0) == 0.5
    assert 0 < probability(inputs, 1e6) < 1e-6


@pytest.mark.parametrize("inputs", [1, 2, 5, 64])
@pytest.mark.parametrize("ratio", [0.1, 1.0])
def test_draws_on_a_ball(inputs: int, ratio: float):
    """b + r |w| <= 0, counted."""
    weights, biases = draws_of(inputs)

    dead = biases + ratio * np.linalg.norm(weights, axis=1) <= 0

    assert is_share_of(dead, dead_probability_on_ball(inputs, ratio))


@pytest.mark.parametrize("inputs", [1, 2])
@pytest.mark.parametrize("ratio", [0.1, 1.0, 3.0])
def test_draws_on_a_square(inputs: int, ratio: float):
    """b + r |w|_1 <= 0, counted."""
    weights, biases = draws_of(inputs)

    dead = biases + ratio * np.abs(weights).sum(axis=1) <= 0

    assert is_share_of(dead, dead_probability_on_square(inputs, ratio))


@pytest.mark.parametrize("ratio", RATIOS)
def test_the_square_agrees_with_an_integral(ratio: float):
    """E Phi(-r s) over s = |w_1| + |w_2|, whose density is 4 n(s / sqrt 2) (2 Phi(s / sqrt 2) - 1) / sqrt 2."""

    def integrand(s: float) -> float:
        half = s / sqrt(2)
        return float(4 / sqrt(2) * np.exp(-half * half / 2) / sqrt(2 * pi) * (2 * ndtr(half) - 1) * ndtr(-ratio * s))

    total = sum(quad(integrand, *ends, epsabs=0, epsrel=1e-12)[0] for ends in [(0, 0.1), (0.1, 1), (1, 12)])
    assert dead_probability_on_square(2, ratio) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("ratio", [0.1, 1.0, 3.0])
def test_the_square_lies_between_its_discs(ratio: float):
    """A larger domain kills fewer neurons: the disc inside of it more, the disc around it less."""
    inside, around = dead_probability_on_ball(2, ratio), dead_probability_on_ball(2, ratio * sqrt(2))

    assert around < dead_probability_on_square(2, ratio) < inside


def test_boxes_of_more_inputs_are_refused():
    """The message has a hint."""
    with pytest.raises(ValueError, match="no closed form is known for a box of 3 inputs; use 1 or 2"):
        dead_probability_on_square(3, 1.0)
    with pytest.raises(ValueError, match="inputs: expected an integer >= 1, got 0"):
        dead_probability_on_ball(0, 1.0)


@pytest.mark.parametrize("dead", [0.0, 0.1, 0.37, 1.0])
@pytest.mark.parametrize("width", [1, 2, 7])
def test_the_number_of_active_neurons_is_binomial(width: int, dead: float):
    """Summed term by term."""
    for needed in range(-1, width + 3):
        terms = [comb(width, k) * (1 - dead) ** k * dead ** (width - k) for k in range(max(0, needed), width + 1)]
        assert at_least(needed, width, dead) == pytest.approx(sum(terms), abs=1e-14)
