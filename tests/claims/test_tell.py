"""Verdicts in words."""

import numpy as np
import pytest

from suite.claims.tell import p_in_words


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0, "p < 0.0001"),
        (0.000099, "p < 0.0001"),
        (0.0001, "p = 0.0001"),
        (0.0321, "p = 0.032"),
        (1.0, "p = 1"),
        (np.nan, "not refuted"),
    ],
)
def test_a_p_value_is_told_as_far_as_it_is_known(p: float, words: str) -> None:
    """Very small ones only as that; there is none of what holds since nothing refutes it."""
    assert p_in_words(p) == words
