"""The overview: each interval stands beside the number that it is of."""

import numpy as np
import pandas as pd

from suite.report.page_tables import tabulate_overview


def test_the_interval_of_a_mean_stands_beside_it_and_a_missing_one_is_left_out() -> None:
    """The median comes last, with or without it."""
    row = {
        "member": "relu-d2",
        "depth": 2,
        "activation": "relu",
        "initialization": "he",
        "parameters": 1000,
        "quantity": "v3",
        "layer": pd.NA,
        "step": pd.NA,
        "mean": 3.0,
        "median": 2.0,
        "ci_low": 2.5,
        "ci_high": 3.5,
    }
    alone = row | {"member": "relu-d4", "depth": 4, "ci_low": np.nan, "ci_high": np.nan}

    rows = tabulate_overview(pd.DataFrame([row, alone])).rows

    assert [cells[-1] for cells in rows] == ["3 (2.5 to 3.5); 2", "3; 2"]
