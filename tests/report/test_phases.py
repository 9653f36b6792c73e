"""Features in phase 1 and after it, on hand-made changes."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from suite.analysis.derive import phases_table

STEPS = [0, 1, 2, 4, 8]


def test_changes_are_means_over_those_that_lived_to_see_them() -> None:
    """One leaves phase 1, one does and diverges, two never leave: four changes in it, one after it.

    Four are the fewest that have an interval.
    """
    curves = {
        0: [0.5, 0.6, 0.7, 0.9, 0.3],
        1: [0.5, 0.6, 0.8, 0.4, np.nan],
        2: [0.5, 0.5, 0.5, 0.6, 0.65],
        3: [0.5, 0.5, 0.6, 0.7, 0.75],
    }
    early, late = {0: 0.4, 1: 0.3, 2: 0.15, 3: 0.25}, {0: -0.6, 1: np.nan, 2: np.nan, 3: np.nan}
    common = {"member": "m", "depth": 3, "activation": "relu", "initialization": "he", "learning_rate": 0.1, "layer": 3}
    values = pd.DataFrame(
        [
            {**common, "quantity": "feature_cosine", "step": step, "draw": draw, "value": value}
            for draw, curve in curves.items()
            for step, value in zip(STEPS, curve, strict=True)
        ]
        + [
            {**common, "quantity": f"feature_change_phase{phase}", "draw": draw, "value": value}
            for phase, changes in ((1, early), (2, late))
            for draw, value in changes.items()
        ]
    ).astype({"step": "Int64", "layer": "Int64"})
    summary = values.drop_duplicates(["quantity", "layer", "step"]).drop(columns="draw")

    (row,) = phases_table(values, summary).to_dict("records")

    assert row["in_phase_1"] == pytest.approx(np.mean([0.4, 0.3, 0.15, 0.25]))
    assert row["after"] == pytest.approx(-0.6)
    assert np.isnan(row["after_low"])
    assert (row["layer"], row["n"], row["start"]) == (3, 4, pytest.approx(0.5))
    assert (row["peak"], row["peak_step"]) == (pytest.approx(0.65), 2)
    half = student.ppf(0.975, 3) * np.std([0.4, 0.3, 0.15, 0.25], ddof=1) / 2
    assert (row["in_low"], row["in_high"]) == pytest.approx((0.275 - half, 0.275 + half))


def test_without_features_there_is_no_table() -> None:
    """Nor a file."""
    values = pd.DataFrame({"quantity": ["test_accuracy"], "value": [1.0]})

    assert phases_table(values[:0], values).empty
