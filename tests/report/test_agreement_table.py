"""The table of samples against theory: which verdicts so many draws can bear."""

import pandas as pd
import pytest

from suite.analysis.agreement import MANY_DRAWS, agreement_table
from suite.report.formatting import PageTable
from suite.report.page_tables import tabulate_agreement


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


def _tabulated(summary: pd.DataFrame, quantities: list[str]) -> list[PageTable]:
    return tabulate_agreement(agreement_table(summary, quantities), quantities)


@pytest.mark.parametrize(
    ("n", "z", "verdict"),
    [(MANY_DRAWS, 3.0, "agrees"), (MANY_DRAWS, 10.0, "departs"), (MANY_DRAWS - 1, 10.0, "too few draws")],
)
def test_few_draws_have_no_verdict(n: int, z: float, verdict: str) -> None:
    """A standard error of 16 draws of a heavy-tailed ratio is too small, and its z-score of 10 means nothing."""
    (row,) = _tabulated(_summary(n, z), ["jacobian_ratio"])[0].rows

    assert row[2] == verdict
    assert row[4] == f"{z:.2f} (2 values)"


@pytest.mark.parametrize(
    ("quantity", "verdict", "said"),
    [
        ("correlation", "finite width", "The theory assumes infinite width."),
        ("jacobian_mean", "departs", "For other networks it assumes infinite width"),
        ("dead_fraction", "departs", "The theory is exact at every width."),
    ],
)
def test_a_limit_is_not_departed_from(quantity: str, verdict: str, said: str) -> None:
    """Networks of finite width are not what the law is of, and the note says of which laws that is so."""
    (table,) = _tabulated(_summary(MANY_DRAWS, 10.0, quantity), [quantity])

    assert table.rows[0][2] == verdict
    assert said in table.note


def test_near_1_cosines_are_compared_by_their_distance_from_1() -> None:
    """0.99999 is not 1% off a law of 0.99 but 99.9%; where the law is 1 but for rounding, there is nothing to say."""
    near = _summary(MANY_DRAWS, float("nan"), "correlation").assign(
        mean=[0.99999, 0.5], theory=[0.99, 1 - 1e-15], z=float("nan"), relative_difference=[0.0101, -0.5]
    )

    (table,) = _tabulated(near, ["correlation"])

    assert table.rows[0][2:] == ["finite width", "2", "", "99.9% of 1 - c (1 value)"]
    assert "computed from 1 - c, where c is the cosine" in table.note


def test_a_verdict_of_some_values_says_of_how_many() -> None:
    """One that is tested agrees; the other has a relative difference, which is finite width showing."""
    some = _summary(MANY_DRAWS, 1.0).assign(z=[float("nan"), 0.5], relative_difference=[-0.25, float("nan")])

    (row,) = _tabulated(some, ["jacobian_ratio"])[0].rows

    assert row[2:] == ["agrees where tested (1 of 2)", "2", "0.50 (1 value)", "25% (1 value)"]
