"""Features in phase 1 and after it, on hand-made curves."""

import numpy as np
import pandas as pd
import pytest

from suite.report.phases import phases_table

STEPS = [0, 1, 2, 4, 8]


def test_phase_1_ends_network_by_network():
    """One leaves at step 4, one at step 2, one never: changes are up to there, and from there on."""
    curves = {0: [0.5, 0.6, 0.7, 0.9, 0.3], 1: [0.5, 0.6, 0.8, 0.4, 0.2], 2: [0.5, 0.5, 0.5, 0.6, 0.65]}
    ends = {0: 5.0, 1: 2.0, 2: np.nan}
    common = {"member": "m", "depth": 3, "activation": "relu", "initialization": "he", "learning_rate": 0.1}
    values = pd.DataFrame(
        [
            {**common, "quantity": "feature_cosine", "layer": 3, "step": step, "draw": draw, "value": value}
            for draw, curve in curves.items()
            for step, value in zip(STEPS, curve, strict=True)
        ]
        + [{**common, "quantity": "phase1_steps", "draw": draw, "value": end} for draw, end in ends.items()]
    ).astype({"step": "Int64", "layer": "Int64"})
    summary = values.drop_duplicates(["quantity", "layer", "step"]).drop(columns="draw")

    (row,) = phases_table(values, summary).to_dict("records")

    assert row["in_phase_1"] == pytest.approx(np.mean([0.4, 0.3, 0.15]))
    assert row["after"] == pytest.approx(-0.6)  # of the two that left
    assert (row["layer"], row["n"], row["start"]) == (3, 3, pytest.approx(0.5))
    assert (row["peak"], row["peak_step"]) == (pytest.approx(2.0 / 3), 2)
    assert row["in_low"] < row["in_phase_1"] < row["in_high"]


def test_without_features_there_is_no_table():
    """Nor a file."""
    values = pd.DataFrame({"quantity": ["test_accuracy"], "value": [1.0]})

    assert phases_table(values[:0], values).empty
