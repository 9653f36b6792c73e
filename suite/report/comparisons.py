"""One setting against another: what changes when a single axis of the study does."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from suite.report.series import MEMBER_AXES, in_words, selected, training_axes
from suite.statistics.intervals import Interval, bootstrap_mean
from suite.statistics.survival import holm, logrank, median_survival

WAITS = ("phase1_steps",)
OUTCOMES = ("test_accuracy", "test_error", "success")
ALPHA = 0.05

COLUMNS = (
    "quantity",
    "axis",
    "reference",
    "setting",
    "at",
    "of_reference",
    "of_setting",
    "difference",
    "ci_low",
    "ci_high",
    "n",
    "censored",
    "p",
    "p_holm",
    "verdict",
)

APART = ("inputs", "outputs", "depth", "width", "budget", "task", "train", "validation", "test", "squares")
"""Axes along which nothing is compared: sizes, which charts show as trends, and tasks, whose outcomes differ."""


def comparisons_table(measurements: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Every setting against those listed before it on one axis, all else alike: waits, and what training ends at.

    Waits that training did not end are
    censored at its last step and compared by their medians (Kaplan-Meier) and the log-rank test by permutation;
    what training ends at by the mean difference over replicates, which share their data and so are pairs, with
    its bootstrap interval. Tests of one quantity are corrected together (Holm).

    Args:
        measurements: raw values.
        summary: says which learning rate was selected.

    Returns:
        A row a comparison; `at` names the other axes, `verdict` is shorter, longer, higher, lower or undecided.
    """
    rows: list[dict[str, object]] = []
    for quantity in (*WAITS, *OUTCOMES):
        groups = _groups(measurements, summary, quantity)
        if not groups:
            continue
        end = float(summary["step"].max())
        compare = _compare_waits if quantity in WAITS else _compare_means
        found = [
            {"quantity": quantity, **pair, **compare(groups[first], groups[second], end)}
            for pair, first, second in _pairs(groups)
        ]
        if found and quantity in WAITS:
            for row, adjusted in zip(found, holm(np.array([row["p"] for row in found], dtype=float)), strict=True):
                row["p_holm"] = float(adjusted)
                if adjusted > ALPHA:
                    row["verdict"] = "undecided"
        rows += found
    return pd.DataFrame(rows, columns=list(COLUMNS))


Setting = tuple[tuple[str, str], ...]
"""Axes with their values in words, in the order of the tables."""


def _groups(measurements: pd.DataFrame, summary: pd.DataFrame, quantity: str) -> "dict[Setting, pd.Series[float]]":
    """The draws of each setting at the selected learning rate, after the last step, by draw."""
    if not (measurements["quantity"] == quantity).any():
        return {}
    raw = selected(measurements, summary, quantity)
    if raw["step"].notna().any():
        raw = raw[raw["step"] == raw["step"].max()]
    axes = [axis for axis in (*MEMBER_AXES, *training_axes(summary)) if axis in raw.columns]
    varied = [axis for axis in axes if raw[axis].nunique(dropna=False) > 1]
    words = raw[varied].astype(object).where(raw[varied].notna(), "none").astype(str)
    found: dict[Setting, pd.Series[float]] = {}
    for values, part in words.groupby(varied, sort=False, observed=True) if varied else []:
        group = raw.loc[part.index]
        found[tuple(zip(varied, map(str, values), strict=True))] = group.set_index("draw")["value"].astype(float)
    return found


def _pairs(groups: "dict[Setting, pd.Series[float]]") -> Iterator[tuple[dict[str, str], Setting, Setting]]:
    """Settings that differ in one axis alone; the one whose value is listed first is the reference."""
    listed: dict[str, list[str]] = {}
    for setting in groups:
        for axis, value in setting:
            values = listed.setdefault(axis, [])
            values += [] if value in values else [value]
    for setting in groups:
        for axis, value in setting:
            before = listed[axis][: listed[axis].index(value)] if axis not in APART else []
            for earlier in before:
                reference = tuple((name, earlier if name == axis else other) for name, other in setting)
                if reference in groups:
                    others = in_words([(name, other) for name, other in setting if name != axis])
                    yield {"axis": axis, "reference": earlier, "setting": value, "at": others}, reference, setting


def _compare_waits(reference: "pd.Series[float]", setting: "pd.Series[float]", end: float) -> dict[str, object]:
    waits = [group.to_numpy(dtype=float) for group in (reference, setting)]
    ended = [~np.isnan(values) for values in waits]
    times = [np.where(done, values, end) for values, done in zip(waits, ended, strict=True)]
    test = logrank(times[1], ended[1], times[0], ended[0])
    medians = [median_survival(values, done).median for values, done in zip(times, ended, strict=True)]
    return {
        "of_reference": medians[0],
        "of_setting": medians[1],
        "difference": medians[1] - medians[0],
        "ci_low": np.nan,
        "ci_high": np.nan,
        "n": len(waits[1]),
        "censored": int((~ended[0]).sum() + (~ended[1]).sum()),
        "p": test.p,
        "p_holm": test.p,
        "verdict": "shorter" if test.statistic > 0 else "longer",
    }


def _compare_means(reference: "pd.Series[float]", setting: "pd.Series[float]", end: float) -> dict[str, object]:
    pairs = pd.concat([reference, setting], axis=1, join="inner").to_numpy(dtype=float)
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    difference = pairs[:, 1] - pairs[:, 0]
    gap = np.array([np.nan])
    low, high = bootstrap_mean(difference[:, None]) if len(pairs) > 1 else Interval(gap, gap)
    verdict = "higher" if low[0] > 0 else "lower" if high[0] < 0 else "undecided"
    return {
        "of_reference": pairs[:, 0].mean() if len(pairs) else np.nan,
        "of_setting": pairs[:, 1].mean() if len(pairs) else np.nan,
        "difference": difference.mean() if len(pairs) else np.nan,
        "ci_low": float(low[0]),
        "ci_high": float(high[0]),
        "n": len(pairs),
        "censored": 0,
        "p": np.nan,
        "p_holm": np.nan,
        "verdict": verdict,
    }
