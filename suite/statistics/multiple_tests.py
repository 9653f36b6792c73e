"""Correction of p-values for the number of tests."""

import numpy as np

from suite.statistics.intervals import Array

ALPHA = 0.05
"""Family-wise error rate of the claims of a study, of a table of comparisons, and of a predictor ranking."""


POWER = 0.8
"""The power at which the smallest effect that a test finds is reported."""


def holm(p_values: Array) -> Array:
    """Adjust p-values for the number of tests by Holm's method.

    Rejecting the hypotheses whose adjusted p-values are at or below a level has a family-wise error rate of that level.

    Args:
        p_values: One per hypothesis.

    Returns:
        Adjusted p-values in the same order, 1 at most.

    Raises:
        ValueError: If a p-value is nan, or outside of 0 to 1.

    Source: Holm 1979.
    """
    p = np.asarray(p_values, dtype=float)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p_values: expected numbers between 0 and 1, got {p.tolist()}; leave out tests without one")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted
