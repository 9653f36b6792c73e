"""Correction of p-values for the number of tests, by hand and by Holm's step-down rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.statistics.multiple_tests import holm


def test_holms_adjustment_by_hand():
    """Factors 4, 3, 2, 1 in order of size, never falling, never above 1."""
    adjusted = holm(np.array([0.03, 0.01, 0.9, 0.012]))

    np.testing.assert_allclose(adjusted, [0.06, 0.04, 0.9, 0.04], rtol=1e-12)
    np.testing.assert_array_equal(holm(np.array([0.5, 0.6])), [1, 1])
    assert holm(np.array([])).shape == (0,)
    assert holm(np.array([0.2])).tolist() == [0.2]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.5))
def test_holm_rejects_step_by_step(p_values, level):
    """The k-th smallest is rejected as long as all up to it are at or below level / (m - k + 1)."""
    p = np.array(p_values)
    ordered = np.sort(p) * np.arange(len(p), 0, -1)
    passed = int(np.cumprod(ordered <= level).sum())

    assert (holm(p) <= level).sum() == passed


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
def test_values_that_are_no_p_values_are_rejected(p):
    """Because they would change the adjustment of the others."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm(np.array([0.1, p]))
