"""One setting against another: which are compared, how waits and outcomes are, and what is concluded."""

import numpy as np
import pandas as pd
import pytest

from suite.analysis.comparisons import comparisons_table
from suite.results.schema import COMPARISON_COLUMNS as COLUMNS
from suite.statistics.multiple_tests import holm

LAST = 100
AXES = ["normalization", "momentum"]
GENTLE, WILD = 0.01, 0.1


def measured(values, quantity="phase1_steps", rate=GENTLE, chosen=True, **axes):
    """Raw rows of one setting, a draw each, and the summary's row where its learning rate was chosen."""
    setting = {"depth": 8, "activation": "relu", "initialization": "he"} | axes
    setting["member"] = f"{setting['depth']} {setting['activation']} {axes.get('normalization')}"
    waits = quantity == "phase1_steps"
    common = {**setting, "quantity": quantity, "learning_rate": rate, "step": pd.NA if waits else LAST, "layer": pd.NA}
    raw = [{**common, "draw": draw, "value": value} for draw, value in enumerate(values)]
    if not waits:
        raw += [{**common, "draw": draw, "value": 0.1, "step": 0} for draw in range(len(values))]
    return raw, [common] if chosen else []


def compared(*settings):
    raw = pd.DataFrame([row for rows, _ in settings for row in rows]).astype({"step": "Int64", "layer": "Int64"})
    rows = [row for _, kept in settings for row in kept]
    summary = pd.DataFrame([*rows, {**rows[0], "quantity": "train_loss", "step": LAST}])
    return comparisons_table(raw, summary.astype({"step": "Int64", "layer": "Int64"}))


SHORT, LONG = [3, 4, 4, 5, 5, 6, 6, 7], [40, 45, 50, 60, 70, 80, 90, np.nan]


def test_settings_are_compared_that_differ_in_one_axis():
    """Two axes of three and two values: nine pairs of fifteen, never both axes at once; what is listed first refers."""
    settings = [
        measured(SHORT, normalization=norm, momentum=momentum)
        for norm in ("none", "batch", "layer")
        for momentum in (0.0, 0.9)
    ]

    table = compared(*settings)

    found = table[["axis", "reference", "setting"]].value_counts().to_dict()
    assert found == {
        ("momentum", "0.0", "0.9"): 3,
        ("normalization", "none", "batch"): 2,
        ("normalization", "none", "layer"): 2,
        ("normalization", "batch", "layer"): 2,
    }
    assert not table.duplicated(["axis", "reference", "setting", "at"]).any()
    assert list(table.columns) == list(COLUMNS)


@pytest.mark.parametrize("axis", ["depth", "width", "task"])
def test_sizes_and_tasks_are_not_compared(axis):
    """Trends are for charts, and outcomes of two tasks are no pairs."""
    values = ("a", "b") if axis == "task" else (2, 4)
    settings = [measured(SHORT, normalization=norm, **{axis: value}) for value in values for norm in ("none", "batch")]

    table = compared(*settings)

    assert table["axis"].tolist() == ["normalization"] * 2


@pytest.mark.parametrize(
    ("reference", "setting", "verdict"),
    [(LONG, SHORT, "shorter"), (SHORT, LONG, "longer"), (SHORT, SHORT, "undecided")],
)
def test_waits_are_shorter_longer_or_undecided(reference, setting, verdict):
    """By the log-rank test; medians count runs that never end as the longest."""
    (row,) = compared(measured(reference, normalization="none"), measured(setting, normalization="batch")).to_dict(
        "records"
    )

    assert row["verdict"] == verdict
    assert (row["p_holm"] <= 0.05) == (verdict != "undecided")
    assert row["of_setting"] == (5 if setting is SHORT else 60)
    assert row["of_reference"] == (5 if reference is SHORT else 60)
    assert row["difference"] == row["of_setting"] - row["of_reference"]
    assert row["censored"] == (reference is LONG) + (setting is LONG)
    assert row["n"] == 8


def test_a_wait_that_mostly_does_not_end_has_no_median():
    """Censored, not dropped: it is the longer one."""
    never = [90, *[np.nan] * 7]

    (row,) = compared(measured(SHORT, normalization="none"), measured(never, normalization="batch")).to_dict("records")

    assert np.isnan(row["of_setting"])
    assert row["censored"] == 7
    assert row["verdict"] == "longer"


def test_tests_of_waits_are_corrected_together():
    """Holm: among three pairs the smallest of three p-values counts three times; what stood alone is undecided."""
    slightly = [5, 5, 6, 7, 7, 8, 8, 9]
    alone = compared(measured(SHORT, normalization="none"), measured(slightly, normalization="a"))
    p = alone["p"].item()
    assert 0.05 / 3 < p <= 0.05
    assert alone["verdict"].item() == "longer"

    several = compared(
        measured(SHORT, normalization="none"),
        measured(slightly, normalization="a"),
        measured(SHORT, normalization="b"),
    ).set_index(["reference", "setting"])

    assert several["p"].to_dict() == pytest.approx({("none", "a"): p, ("none", "b"): 1, ("a", "b"): p}, rel=0.2)
    np.testing.assert_allclose(several["p_holm"], holm(several["p"].to_numpy()))
    assert several["p_holm"].min() == pytest.approx(3 * several["p"].min())
    assert set(several["verdict"]) == {"undecided"}


def test_outcomes_are_compared_by_replicates_as_pairs():
    """After the last step: a gain of 0.02 in each shows through replicates that differ by 0.3."""
    base = np.linspace(0.5, 0.8, 12)
    gain = 0.02 + np.tile([-0.005, 0.005], 6)
    pair = [
        measured(values, "test_accuracy", normalization=norm)
        for norm, values in (("none", base), ("batch", base + gain))
    ]

    (row,) = compared(*pair).to_dict("records")

    assert row["difference"] == pytest.approx(0.02)
    assert 0.01 < row["ci_low"] < 0.02 < row["ci_high"] < 0.03
    assert row["verdict"] == "higher"
    assert row["n"] == 12
    assert 0 < row["p"] == row["p_holm"] < 0.001


def test_pairs_are_matched_by_draw_and_diverged_ones_left_out():
    """Not by their place in the table."""
    first, second = [0.1, 0.2, 0.3, 0.4, 0.5], [0.6, np.nan, 0.8, 0.9, np.inf]
    raw, kept = measured(second, "test_error", normalization="batch")

    (row,) = compared(measured(first, "test_error", normalization="none"), (raw[::-1], kept)).to_dict("records")

    assert row["n"] == 3
    assert row["difference"] == pytest.approx(0.5)
    assert (row["of_reference"], row["of_setting"]) == pytest.approx((0.8 / 3, 2.3 / 3))


def test_a_difference_that_may_be_none_is_undecided():
    """Its interval holds 0; the other way it is lower."""
    base = np.linspace(0.5, 0.8, 12)
    noise = np.tile([-0.05, 0.06], 6)

    def verdict(change):
        settings = [measured(base, "test_error", normalization="none")]
        return compared(*settings, measured(base + change, "test_error", normalization="batch"))["verdict"].item()

    assert verdict(noise) == "undecided"
    assert verdict(noise - 0.1) == "lower"


@pytest.mark.parametrize("lost", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("reference", "setting", "verdict"),
    [((3,), (), "undecided"), ((), (3,), "undecided"), ((3,), (5,), "lower"), ((3,), (3,), "lower"), ((), (), "lower")],
    ids=["in the reference", "in the setting", "one in each", "the same in both", "none"],
)
def test_runs_that_diverged_on_one_side_leave_outcomes_undecided(reference, setting, verdict, lost):
    """Those that are left are survivors, which are not tested; equally many on both sides are no one's advantage."""
    errors = np.linspace(0.5, 0.8, 12), np.linspace(0.5, 0.8, 12) - 0.2 + np.tile([-0.01, 0.01], 6)
    for values, draws in zip(errors, (reference, setting), strict=True):
        values[list(draws)] = lost
    settings = zip(errors, ("none", "batch"), strict=True)

    (row,) = compared(*(measured(values, "test_error", normalization=norm) for values, norm in settings)).to_dict(
        "records"
    )

    assert row["verdict"] == verdict
    assert row["censored"] == len(reference) + len(setting)
    counts = f"{len(setting)} of 12 against {len(reference)} of 12"
    assert row["diverged_runs"] == (counts if reference or setting else "")
    assert np.isnan(row["p"]) == np.isnan(row["p_holm"]) == (len(reference) != len(setting))
    assert row["n"] == 12 - len({*reference, *setting})
    assert row["ci_high"] < 0


def test_what_is_not_tested_costs_the_others_no_power():
    """The correction is over the comparisons that are tested."""
    base = np.linspace(0.5, 0.8, 12)
    values = {"none": base, "batch": base + 0.2 + np.tile([-0.1, 0.1], 6), "layer": np.array([*base[:-1], np.nan])}

    table = compared(*(measured(found, "test_accuracy", normalization=norm) for norm, found in values.items()))

    tested = table[table["p"].notna()]
    assert tested[["reference", "setting"]].to_numpy().tolist() == [["none", "batch"]]
    assert (tested["p_holm"] == tested["p"]).all()
    assert len(table) == 3


def test_divergence_is_compared_as_an_event_if_there_is_any():
    """By McNemar's test over all pairs, none of which is left out."""
    steady, wild = np.zeros(8), np.array([1, 1, 1, 1, 1, 1, 1, 0.0])

    (row,) = compared(
        measured(steady, "diverged", normalization="none"), measured(wild, "diverged", normalization="batch")
    ).to_dict("records")
    none = compared(
        measured(steady, "diverged", normalization="none"), measured(steady, "diverged", normalization="batch")
    )

    assert (row["of_reference"], row["of_setting"], row["n"]) == (0, 7 / 8, 8)
    assert row["p"] == 2 / 2**7
    assert row["verdict"] == "higher"
    assert none.empty


def test_only_the_selected_learning_rate_is_compared():
    """Rows of the others stand in the raw table too."""
    table = compared(
        measured(SHORT, normalization="none"),
        measured(LONG, normalization="none", rate=WILD, chosen=False),
        measured(LONG, normalization="batch", rate=GENTLE, chosen=False),
        measured(SHORT, normalization="batch", rate=WILD),
    )

    (row,) = table.to_dict("records")
    assert row["of_setting"] == row["of_reference"] == 5


def test_a_study_of_one_setting_has_nothing_to_compare():
    """An empty table, with its columns."""
    table = compared(measured(SHORT, normalization="none"))

    assert table.empty
    assert list(table.columns) == list(COLUMNS)


def test_the_tiny_study_compares_waits_and_accuracies(results_of):
    """Momentum and normalization and residual connections, each value against those before it."""
    results = results_of("tiny_digits")

    table = comparisons_table(results.measurements, results.summary)

    pairs = 6 + 3 * 4 + 6
    assert table.groupby("quantity").size().to_dict() == {
        "phase1_steps": pairs,
        "test_accuracy": pairs,
        "success": pairs,
    }
    assert set(table["axis"]) == {"momentum", "normalization", "residual"}
    assert table["p_holm"].dropna().between(0, 1).all()
