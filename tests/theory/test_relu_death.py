"""Death of a rectifier neuron, against known values, exact cases and counted draws."""

from collections.abc import Sequence
from math import atan, comb, inf, isinf, pi, sqrt

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr

from suite.theory.relu_death import at_least, dead_probability_on_ball, dead_probability_on_box
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


SHIFTS = [-4.0, -2.5, -1.0, -0.3, 0.0, 0.3, 1.0, 2.5, 4.0]
"""Centers of boxes in standard deviations of a uniform input, which is 1 / sqrt 3 of a half-width."""


def shifted(z: Sequence[float], half_widths: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the ends of a box whose center is shifted by z standard deviations of each input."""
    pairs = list(zip(z, half_widths, strict=True))
    return [half * (each / sqrt(3) - 1) for each, half in pairs], [half * (each / sqrt(3) + 1) for each, half in pairs]


@pytest.mark.parametrize("z", SHIFTS)
@pytest.mark.parametrize("ratio", [0.1, 1.0, 3.0, 30.0])
def test_a_shifted_interval_agrees_with_an_integral(z: float, ratio: float):
    """E Phi(-max(w low, w high)) over w, by quadrature."""
    ((low,), (high,)) = shifted([z], [1.0])

    def integrand(w: float) -> float:
        return float(np.exp(-w * w / 2) / sqrt(2 * pi) * ndtr(-ratio * max(w * low, w * high)))

    total = sum(quad(integrand, *ends, epsabs=0, epsrel=1e-12)[0] for ends in [(-12, -1), (-1, 0), (0, 1), (1, 12)])
    assert dead_probability_on_box([low], [high], ratio) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize(
    "z", [*((each,) for each in SHIFTS), *((each, 0.0) for each in SHIFTS), (4.0, -4.0), (-1.0, 2.5)], ids=str
)
@pytest.mark.parametrize("ratio", [0.3, 2.0, inf])
def test_draws_on_a_shifted_box(z: tuple[float, ...], ratio: float):
    """b + w.v <= 0 at every corner v, counted; the second side is half of the first."""
    low, high = shifted(z, [1.0, 0.5][: len(z)])
    weights, biases = draws_of(len(z))
    scaled = weights if isinf(ratio) else ratio * weights
    largest = np.maximum(scaled * np.array(low), scaled * np.array(high)).sum(axis=1) + (0 if isinf(ratio) else biases)

    assert is_share_of(largest <= 0, dead_probability_on_box(low, high, ratio))


def test_what_is_known_of_shifted_boxes_without_biases():
    """Half of the neurons die on an interval beside the origin, none around it; a quarter on the unit square."""
    assert dead_probability_on_box([1.0], [2.0], inf) == dead_probability_on_box([0.0], [2.0], inf) == 0.5
    assert dead_probability_on_box([-1.0], [2.0], inf) == 0
    assert dead_probability_on_box([0.0, 0.0], [1.0, 1.0], inf) == pytest.approx(0.25, rel=1e-14)
    assert dead_probability_on_box([0.0, -1.0], [1.0, 1.0], inf) == pytest.approx(0.0, abs=1e-15)


def test_far_from_the_origin_half_of_the_neurons_die():
    """There the weights alone decide a neuron's sign, which is the same over the whole box."""
    for inputs in (1, 2):
        far = dead_probability_on_box([1e5] * inputs, [1e5 + 1] * inputs, 1.0)
        assert far == pytest.approx(0.5, abs=1e-4)
