"""Which points of a study a claim's quantity has, and that raw values are read once for all claims."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from suite.analysis.points import both_drawn, points
from suite.analysis.verdicts import judge_results
from suite.catalog.claims import Monotone
from suite.results.folder import Results
from tests.analysis.simulated import member, tables_of

ROWS = [
    member("v3", np.linspace(0, 1, 5) + depth, depth=depth, activation=activation, residual=residual)
    for depth in (1, 2)
    for activation, residual in (("relu", "yes"), ("abs", "no"))
]


def test_without_a_choice_every_member_is_a_point() -> None:
    """Known by its name, with its own draws in order."""
    found = points(tables_of(ROWS), "v3")

    assert len({point.member for point in found}) == 4
    for point in found:
        assert point.member == repr(sorted(point.axes.items()))
        assert point.values is not None
        assert point.values.tolist() == (np.linspace(0, 1, 5) + point.axes["depth"]).tolist()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"activation": ("relu",)}, {(1, "relu"), (2, "relu")}),
        ({"activation": ("relu", "abs"), "depth": (2,)}, {(2, "relu"), (2, "abs")}),
        ({"residual": (True,)}, {(1, "relu"), (2, "relu")}),
        ({"residual": (False,), "depth": (1.0,)}, {(1, "abs")}),
        ({"depth": (3,)}, set()),
        ({"no_axis": (1,)}, {(1, "relu"), (2, "relu"), (1, "abs"), (2, "abs")}),
    ],
)
def test_a_choice_is_of_values_by_axis(where: dict[str, tuple[object, ...]], expected: set[tuple[int, str]]) -> None:
    """True and false are what tables call yes and no; a value that no row has is nowhere.

    An axis without a column is the same for all: tables show what the study varies.
    """
    found = points(tables_of(ROWS), "v3", where=where)

    assert {(point.axes["depth"], point.axes["activation"]) for point in found} == expected


def test_an_axis_of_the_training_says_nothing_of_what_is_measured_before_it() -> None:
    """Variability has no board; accuracy is chosen by its own."""
    rows = [member("v3", [1.0, 2.0], depth=2, squares=np.nan), member("v3", [1.0, 2.0], depth=3, squares=np.nan)]
    rows += [member("test_accuracy", [0.5, 0.6], depth=2, squares=float(squares)) for squares in (2, 8)]

    tables = tables_of(rows)

    assert len(points(tables, "v3", where={"squares": (8,)})) == 2
    assert [point.axes["squares"] for point in points(tables, "test_accuracy", where={"squares": (8,)})] == [8]


def test_draws_pair_up_by_their_numbers() -> None:
    """A cell that failed leaves a gap in one of two members: the others' draws still meet their own."""
    whole, gap = points(
        tables_of([member("test_accuracy", np.arange(6.0), depth=depth) for depth in (1, 2)]), "test_accuracy"
    )
    assert gap.values is not None
    assert gap.draws is not None
    kept = np.array([0, 2, 3, 5])
    gap = replace(gap, values=gap.values[kept], draws=gap.draws[kept])

    numbers, one, other = both_drawn(whole, gap)

    assert numbers.tolist() == one.tolist() == other.tolist() == [0, 2, 3, 5]


def test_raw_values_are_read_once_for_all_claims(tmp_path: Path) -> None:
    """Two claims about one quantity, which differ in what they choose of it."""
    tables, asked = tables_of(ROWS), []

    class Kept(Results):
        summary = tables.summary
        members = tables.members

        def values_of(self, quantities: Sequence[str]) -> pd.DataFrame:
            asked.append(quantities)
            return tables.values_of(quantities)

    claims = [
        Monotone(says="So.", quantity="v3", along="depth", direction="rises", where={"activation": name})
        for name in ("relu", "abs")
    ]

    assert [len(found.evidence.members) for found in judge_results(claims, Kept(tmp_path))] == [2, 2]
    assert len(asked) == 1


def test_a_point_of_a_trained_quantity_knows_how_many_of_its_runs_diverged() -> None:
    """Under its own training setting; a quantity of untrained networks has none."""
    lost = {(2, 0.0): [0, 0, 1, 1, 1], (2, 0.9): [0, 0, 0, 0, 0], (3, 0.0): [1, 1, 1, 1, 1], (3, 0.9): [0, 0, 0, 0, 1]}
    rows = [member("v3", [1.0, 2.0], depth=depth, momentum=np.nan) for depth in (2, 3)]
    for (depth, momentum), events in lost.items():
        axes = {"depth": depth, "momentum": momentum}
        rows += [member("diverged", events, **axes), member("success", [0.0] * 5, **axes)]
        rows += [member("test_accuracy", np.where(events, np.nan, 0.9), **axes)]
    tables = tables_of(rows)

    for quantity in ("test_accuracy", "success", "diverged"):
        found = {(point.axes["depth"], point.axes["momentum"]): point.diverged for point in points(tables, quantity)}
        assert found == {(2, 0.0): 3, (2, 0.9): 0, (3, 0.0): 5, (3, 0.9): 1}
    assert [point.diverged for point in points(tables, "v3")] == [0, 0]
