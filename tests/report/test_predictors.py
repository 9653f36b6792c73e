"""Rank correlations over members: the right members, the right sign, the trivial predictors beside."""

import numpy as np
import pandas as pd
import pytest

from suite.report.predictors import predictors_table


def _summary(accuracies: dict[int, float], v3: dict[int, float]) -> pd.DataFrame:
    rows = []
    for depth, accuracy in accuracies.items():
        common = {
            "member": f"relu-d{depth}",
            "depth": depth,
            "activation": "relu",
            "initialization": "he",
            "layer": pd.NA,
        }
        trained = common | {
            "quantity": "test_accuracy",
            "step": 10,
            "mean": accuracy,
            "median": accuracy,
            "learning_rate": 0.1,
        }
        measured = common | {
            "quantity": "v3",
            "step": pd.NA,
            "mean": v3[depth],
            "median": -v3[depth],
            "learning_rate": np.nan,
        }
        collapsed = measured | {"quantity": "collapsed_relative", "mean": depth / 100}
        rows += [trained, trained | {"step": 5, "mean": 0.5}, measured, collapsed]
    return pd.DataFrame(rows).astype({"step": "Int64", "layer": "Int64"})


def test_a_predictor_that_orders_members_has_rho_1() -> None:
    """Mean V3 grows with accuracy here, its median falls with it, depth does neither."""
    accuracies = {1: 0.99, 2: 0.7, 3: 0.9, 4: 0.8, 6: 0.85, 8: 0.6}
    table = predictors_table(_summary(accuracies, {depth: 10 * value for depth, value in accuracies.items()}))

    rho = table.set_index(["predictor", "statistic"])["spearman"]

    assert rho["v3", "mean"] == pytest.approx(1)
    assert rho["v3", "median"] == pytest.approx(-1)
    assert rho["-depth", "exact"] == pytest.approx(0.3)
    assert rho["-collapsed_relative", "mean"] == pytest.approx(rho["-depth", "exact"])


def test_one_hidden_layer_stays_out_of_trends() -> None:
    """Depth 1 is left out: it would turn the correlation around."""
    accuracies = {1: 0.1, 2: 0.9, 3: 0.8, 4: 0.7, 6: 0.6}
    table = predictors_table(_summary(accuracies, accuracies))
    assert set(table["n"]) == {4}
    assert table.set_index("predictor")["spearman"]["-depth"] == pytest.approx(1)


def test_the_interval_is_over_members() -> None:
    """It is wide for few members, and contains the estimate."""
    accuracies = dict(zip(range(2, 10), [0.9, 0.8, 0.85, 0.7, 0.75, 0.6, 0.65, 0.5], strict=True))
    row = predictors_table(_summary(accuracies, accuracies)).set_index("predictor").loc["-depth"]
    assert row["ci_low"] <= row["spearman"] <= row["ci_high"]
    assert row["ci_high"] - row["ci_low"] > 0.1
