"""The probability of death on boxes around the origin, by the ratio of half a side's swing to the bias."""

from suite.theory.relu_death import dead_probability_on_box


def dead_probability_on_square(inputs: int, ratio: float) -> float:
    """Return the probability on [-1, 1]^inputs, which a half-width multiplies as it multiplies the ratio."""
    return dead_probability_on_box([-1.0] * inputs, [1.0] * inputs, ratio)
