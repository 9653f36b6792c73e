"""Names of series: settings that are switched off are left out."""

import numpy as np
import pandas as pd

from suite.analysis.series import in_words, joined


def test_settings_that_are_switched_off_are_left_out() -> None:
    """Numbers may be floats where other rows have none."""
    rows = pd.DataFrame(
        {
            "optimizer": ["adam", "adamw", "sgd"],
            "schedule": ["constant", "cosine", "constant"],
            "warmup": [0.0, 50.0, 0.0],
            "clip": [np.nan, 0.5, 1.0],
            "weight_decay": [0.0, 0.01, 0.0],
        }
    )

    assert joined(rows, list(rows)).tolist() == [
        "adam",
        "adamw, cosine, warmup 50, clip 0.5, weight_decay 0.01",
        "sgd, clip 1",
    ]
    assert joined(rows, ["schedule", "warmup"]).tolist() == [
        "constant, warmup 0",
        "cosine, warmup 50",
        "constant, warmup 0",
    ]


def test_texts_of_settings_are_switched_off_as_well() -> None:
    pairs = [("schedule", "constant"), ("warmup", "0"), ("warmup", "0.0"), ("momentum", "0.0"), ("depth", "3")]

    assert in_words(pairs) == "depth 3"
