"""Trends: the shape of curves whose truth is known, and how often a flat one gets another.

No test of a shape may be wrong in more than 5 of 100 repetitions. Of 25 repetitions, or 200 in the slow tests, or 1,000
with `--many`, a number is allowed that is not seen less often than once in 200 tests at that rate, by the binomial law:
the 99% Monte Carlo interval reaches 5%.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from suite.analysis.points import Tables
from suite.analysis.trends import trends_table
from suite.results.schema import DIFFERS, DIPS, FALLS, FLAT, NONE, PEAKS, RISES
from suite.statistics.multiple_tests import ALPHA
from tests.analysis.simulated import Row, member, tables_of
from tests.analysis.test_error_rates import heavy, repetitions, skewed

__all__ = ["repetitions"]

DEPTHS = (1, 2, 3, 4, 6, 8, 12, 16)
PEAKED = (1.0, 1.3, 1.6, 2.0, 2.2, 1.8, 1.2, 0.8)
Draw = Callable[[np.random.Generator], np.ndarray]


def normal(generator: np.random.Generator) -> np.ndarray:
    return generator.normal(size=64)


def trends_of(rows: Sequence[Row]) -> pd.DataFrame:
    """The table of trends of members of one activation and initialization."""
    tables: Tables = tables_of(rows)
    return trends_table(
        tables.summary.assign(parameters=100).astype({"layer": "Int64", "step": "Int64"}), tables.values_of
    )


def curve(quantity: str, draws: Sequence[np.ndarray], **axes: Any) -> list[Row]:
    """Draws of one quantity by depth."""
    return [
        member(quantity, values, depth=depth, **{"activation": "relu", "initialization": "he"} | axes)
        for depth, values in zip(DEPTHS, draws, strict=False)
    ]


def shape_of(quantity: str, draws: Sequence[np.ndarray]) -> "pd.Series[Any]":
    (row,) = trends_of(curve(quantity, draws)).to_dict("records")
    return pd.Series(row)


def around(centers: Sequence[float], error: float = 0.1) -> list[np.ndarray]:
    generator = np.random.default_rng(3)
    return [generator.normal(center, error, 64) for center in centers]


@pytest.mark.parametrize(
    ("centers", "shape"),
    [
        ((1, 2, 3, 4), RISES),
        ((4, 3, 2, 1), FALLS),
        ((1, 3, 4, 2), PEAKS),
        ((3, 1, 2, 4), DIPS),
        ((4, 3, 3.5, 1), FALLS),
        ((50, 50, 50, 50), FLAT),
        ((0, 0, 0, 0), NONE),
    ],
)
def test_a_curve_has_the_shape_that_its_means_have(centers: Sequence[float], shape: str) -> None:
    """A step in the other direction between the ends is no peak; what is not shown to be flat is left open."""
    assert shape_of("v3", around(centers))["shape"] == shape


def test_the_numbers_of_a_peak_are_those_of_the_summary() -> None:
    """The value at its place, with the interval that charts draw, and the change from the higher end."""
    draws = around((1, 3, 4, 2))
    row, summary = shape_of("v3", draws), tables_of(curve("v3", draws)).summary

    assert (row["first_at"], row["extreme_at"], row["last_at"]) == ("1", "3", "4")
    for name, place in (("first", 0), ("extreme", 2), ("last", 3)):
        assert [row[name], row[f"{name}_low"], row[f"{name}_high"]] == list(
            summary.loc[place, ["mean", "ci_low", "ci_high"]]
        )
    assert row["change"] == pytest.approx(draws[2].mean() - draws[3].mean())
    assert row["change_low"] < row["change"] < row["change_high"]
    assert (row["extreme_from"], row["extreme_to"]) == ("3", "3")


def test_frequencies_near_0_and_1_are_compared_and_flat_ones_said_to_be_so() -> None:
    """Their changes stay between -1 and 1."""
    rare, often = np.repeat([0.0, 1.0], [1000, 24]), np.ones(1024)

    rising, same = shape_of("born_dead", [rare, often]), shape_of("born_dead", [rare, rare])

    assert (rising["shape"], rising["change"]) == (RISES, pytest.approx(1000 / 1024))
    assert rising["change_high"] <= 1
    assert same["shape"] == FLAT


@pytest.mark.parametrize(
    ("quantity", "value"), [("v3", 0.0), ("success", 0.0), ("success", 1.0), ("steps_to_success", np.nan)]
)
def test_equal_draws_are_flat_if_they_are_many(quantity: str, value: float) -> None:
    """A few do not show that other values are rare, be it of frequencies, values or times that are not reached."""
    few, many = (shape_of(quantity, [np.full(draws, value)] * 4) for draws in (8, 128))

    assert (few["shape"], many["shape"]) == (NONE, FLAT)
    assert few["first"] == many["last"]
    assert np.isnan(many["change_low"]) == (quantity != "success")


def test_what_the_architecture_determines_is_compared_directly() -> None:
    """One number a member has no error."""
    row = shape_of("activation_ratio", [np.array([value]) for value in (0.2, 0.1, 0.3)])

    assert (row["shape"], row["extreme_at"], row["change"]) == (DIPS, "2", pytest.approx(-0.1))
    assert shape_of("v3", [np.array([value]) for value in (0.2, 0.1, 0.3)])["shape"] == NONE


def test_times_are_compared_with_censored_ones_the_longest() -> None:
    """A median that is not reached is infinite."""
    row = shape_of("steps_to_success", [np.repeat([8.0, 16.0], 8), np.full(16, 32.0), np.full(16, np.nan)])

    assert (row["shape"], row["statistic"], row["first"], row["last"]) == (RISES, "median", 8.0, np.inf)


def test_times_rise_where_fewer_runs_reach_the_event() -> None:
    """Though no median is reached."""
    times = [np.repeat([8.0, np.nan], [events, 60 - events]) for events in (28, 10, 2)]

    rising, falling = shape_of("steps_to_success", times), shape_of("steps_to_success", times[::-1])

    assert (rising["shape"], rising["first"], rising["last"]) == (RISES, np.inf, np.inf)
    assert falling["shape"] == FALLS


def test_the_extreme_is_one_that_the_test_establishes() -> None:
    """A larger value with a large error is not."""
    noise = np.repeat([-1.0, 1.0], 32)
    draws = [center + error * noise for center, error in ((0, 0.8), (2, 0.8), (3, 40), (0, 0.8))]

    row = shape_of("v3", draws)

    assert (row["shape"], row["extreme_at"], row["change_low"] > 0) == (PEAKS, "2", True)
    assert (row["change"], row["extreme"]) == (pytest.approx(2.0), pytest.approx(2.0))


def test_settings_are_compared_where_a_study_has_one_size() -> None:
    """One row with the two that differ most."""
    rows = [
        row
        for activation, center in (("relu", 2.0), ("abs", 1.0), ("tanh", 4.0))
        for row in curve("v3", around([center]), activation=activation)
    ]

    (found,) = trends_of(rows).to_dict("records")

    assert (found["shape"], found["axis"], found["first_at"], found["last_at"]) == (DIFFERS, "series", "abs", "tanh")


def test_numbers_of_neurons_are_shares_of_layers_whose_widths_alternate() -> None:
    """Half of each layer is active, so that nothing changes, though the number does."""
    tables = tables_of(curve("active", around([3.0, 4.0, 3.0], 0.05)))
    layers = tables.summary.assign(parameters=100, depth=3, member="one", layer=[1, 2, 3], layer_width=[6.0, 8.0, 6.0])

    (row,) = trends_table(layers.astype({"layer": "Int64", "step": "Int64"}), tables.values_of).to_dict("records")

    assert (row["axis"], row["statistic"], row["shape"]) == ("layer", "share", FLAT)
    assert row["first"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("draw", [normal, heavy, skewed])
def test_a_flat_curve_rarely_gets_another_shape(draw: Draw, repetitions: int) -> None:
    """Of normal, heavy-tailed and skewed draws, at eight depths."""
    generator = np.random.default_rng(7)
    found = Counter(shape_of("v3", [draw(generator) for _ in DEPTHS])["shape"] for _ in range(repetitions))

    wrong = repetitions - found[NONE] - found[FLAT]
    assert binom.sf(wrong - 1, repetitions, ALPHA) > 0.005, found


@pytest.mark.parametrize("few", [8, 32])
def test_unequal_numbers_of_skewed_draws_rarely_rise_or_fall(few: int, repetitions: int) -> None:
    """Log-normal ones, which few draws show too small a mean and error of."""
    generator = np.random.default_rng(10)
    found = Counter(
        shape_of("v3", [np.exp(generator.normal(size=draws)) for draws in (few, 512)])["shape"]
        for _ in range(repetitions)
    )

    assert binom.sf(found[RISES] + found[FALLS] - 1, repetitions, ALPHA) > 0.005, found


def test_of_several_flat_curves_one_alone_rarely_gets_another_shape(repetitions: int) -> None:
    """The error rate is that of all series of a quantity together."""
    generator = np.random.default_rng(8)
    wrong = 0
    for _ in range(repetitions):
        rows = [
            row
            for activation in ("relu", "abs", "tanh", "sin")
            for row in curve("v3", [normal(generator) for _ in DEPTHS], activation=activation)
        ]
        wrong += bool(set(trends_of(rows)["shape"]) - {NONE, FLAT})

    assert binom.sf(wrong - 1, repetitions, ALPHA) > 0.005, wrong


@pytest.mark.parametrize(("draw", "size"), [(normal, 1.0), (skewed, 1.0)])
def test_a_peak_is_usually_found_at_its_place_or_next_to_it(draw: Draw, size: float, repetitions: int) -> None:
    """Where it exceeds the ends by one standard deviation of the draws and more."""
    generator = np.random.default_rng(9)
    rows = [shape_of("v3", [draw(generator) + size * center for center in PEAKED]) for _ in range(repetitions)]

    near = [row for row in rows if row["shape"] == PEAKS and row["extreme_at"] in ("4", "6", "8")]
    assert len(near) > 0.9 * repetitions
    covered = sum(float(row["extreme_from"]) <= 6 <= float(row["extreme_to"]) for row in near)
    assert binom.cdf(covered, len(near), 0.95) > 0.005
    inside = sum(row["change_low"] <= size * (PEAKED[4] - PEAKED[0]) <= row["change_high"] for row in near)
    assert binom.cdf(inside, len(near), 0.95) > 0.005
