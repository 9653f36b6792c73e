"""The table of samples against theory: which verdicts so many draws can bear."""

import pandas as pd
import pytest

from suite.report.page_tables import MANY_DRAWS, agreement


def _summary(n: int, z: float, quantity: str = "jacobian_ratio") -> pd.DataFrame:
    row = {
        "member": "relu",
        "depth": 2,
        "activation": "relu",
        "initialization": "he",
        "quantity": quantity,
        "layer": 2,
        "step": pd.NA,
        "n": n,
        "mean": 1.0,
        "theory": 1.2,
        "z": z,
        "relative_difference": float("nan"),
    }
    return pd.DataFrame([row, row | {"depth": 4, "member": "relu-d4", "z": 0.5}])


@pytest.mark.parametrize(
    ("n", "z", "verdict"),
    [(MANY_DRAWS, 3.0, "agrees"), (MANY_DRAWS, 10.0, "departs"), (MANY_DRAWS - 1, 10.0, "too few draws")],
)
def test_few_draws_have_no_verdict(n: int, z: float, verdict: str) -> None:
    """A standard error of 16 draws of a heavy-tailed ratio is too small, and its z-score of 10 means nothing."""
    (row,) = agreement(_summary(n, z), ["jacobian_ratio"]).rows

    assert row[2] == verdict
    assert row[4] == f"{z:.2f} (2 values)"


@pytest.mark.parametrize(
    ("quantity", "verdict", "said"),
    [
        ("correlation", "finite width", "The law is the limit of infinite width."),
        ("jacobian_mean", "departs", "For others they take what holds at infinite width"),
        ("dead_fraction", "departs", "The laws are exact at every width."),
    ],
)
def test_a_limit_is_not_departed_from(quantity: str, verdict: str, said: str) -> None:
    """Networks of finite width are not what the law is of, and the note says of which laws that is so."""
    table = agreement(_summary(MANY_DRAWS, 10.0, quantity), [quantity])

    assert table.rows[0][2] == verdict
    assert said in table.note
