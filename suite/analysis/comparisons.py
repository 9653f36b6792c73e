"""Compare settings that differ in a single axis of the study."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from suite.analysis.evidence import two_sided
from suite.analysis.series import MEMBER_AXES, in_words, selected, training_axes
from suite.catalog.charts.facts import COMPARED_OUTCOMES, COMPARED_TIMES
from suite.catalog.measures.training import DIVERGED
from suite.catalog.quantities import QUANTITIES
from suite.results.schema import COMPARISON_COLUMNS
from suite.statistics.multiple_tests import ALPHA, holm
from suite.statistics.paired import paired_events, paired_means
from suite.statistics.survival import logrank, median_survival

_SIZES = ("inputs", "outputs", "depth", "width", "budget", "train", "validation", "test")

_TABLES = ("file", "target", "features", "ignore", "categories", "split", "standardize")

APART = (*_SIZES, *_TABLES, "task", "squares", "turns", "rings", "noise")
"""Axes whose values are not compared: sizes, which charts show as trends, and tasks, whose outcomes differ."""


def comparisons_table(measurements: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Compare every setting with those listed before it on one axis, where all other axes are equal.

    Times to an event that training did not reach are censored at its last step. They are compared by their medians
    (Kaplan-Meier) and the log-rank test by permutation. Outcomes of training are compared by the mean difference over
    replicates. Replicates share their data, so they are pairs: the tests are Student's t, and for successes McNemar's
    exact test with Tango's interval. Claims about every pair use the same tests. The p-values of one quantity are
    corrected together (Holm). With fewer than `FEWEST_PAIRS` pairs there is neither interval nor p-value.

    Runs that diverged are not in the means of accuracies and errors. If their numbers differ between two settings, the
    means are of selected runs, which are not tested, and the verdict is undecided. Compare `success`, where these runs
    are failures, and `diverged`, which is compared if any run diverged.

    Args:
        measurements: Raw values.
        summary: Summary of all quantities, which contains the selected learning rates.

    Returns:
        One row per comparison. `at` names the other axes, and `verdict` is shorter, longer, higher, lower or undecided.
        `censored` counts the censored times, or the runs that diverged, on both sides; `diverged_runs` has the
        numbers of the latter.
    """
    rows: list[dict[str, object]] = []
    for quantity in (*COMPARED_TIMES, *COMPARED_OUTCOMES):
        groups = _groups(measurements, summary, quantity)
        if not groups or (quantity == DIVERGED and not any(values.any() for values in groups.values())):
            continue
        end = float(summary["step"].max())
        compare = _compare_times if quantity in COMPARED_TIMES else _compare_means
        found = [
            {"quantity": quantity, **pair, **compare(quantity, groups[first], groups[second], end)}
            for pair, first, second in _pairs(groups)
        ]
        p_values = np.array([row["p"] for row in found], dtype=float)
        tested = [row for row, p in zip(found, p_values, strict=True) if np.isfinite(p)]
        for row, adjusted in zip(tested, holm(p_values[np.isfinite(p_values)]), strict=True):
            row["p_holm"] = float(adjusted)
        for row in found:
            if not row["p_holm"] <= ALPHA:  # type: ignore[operator]  # a number, or nan
                row["verdict"] = "undecided"
        rows += found
    return pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))


def count_comparisons(table: pd.DataFrame) -> pd.DataFrame:
    """Count the verdicts of one quantity's comparisons and average their differences, over all other axes.

    Args:
        table: The rows of one quantity in the table of comparisons.

    Returns:
        One row per axis, setting and reference, with the number of each verdict, the number of comparisons with
        `diverged_runs`, and the mean `difference`.
    """
    rows = []
    for (axis, setting, reference), found in table.groupby(["axis", "setting", "reference"], sort=False):
        verdicts = found["verdict"].value_counts()
        counts = {verdict: int(verdicts.get(verdict, 0)) for verdict in ("higher", "lower", "undecided")}
        counts["diverged_runs"] = int((found["diverged_runs"] != "").sum())
        place = {"axis": str(axis), "setting": setting, "reference": reference}
        rows.append({**place, **counts, "difference": found["difference"].mean()})
    return pd.DataFrame(rows)


_Setting = tuple[tuple[str, str], ...]
"""Axes with their values as text, in the order of the tables."""


def _groups(measurements: pd.DataFrame, summary: pd.DataFrame, quantity: str) -> "dict[_Setting, pd.Series[float]]":
    """Return each setting's values at the selected learning rate after the last step, by draw."""
    if not (measurements["quantity"] == quantity).any():
        return {}
    raw = selected(measurements, summary, quantity)
    if raw["step"].notna().any():
        raw = raw[raw["step"] == raw["step"].max()]
    axes = [axis for axis in (*MEMBER_AXES, *training_axes(summary)) if axis in raw.columns]
    varied = [axis for axis in axes if raw[axis].nunique(dropna=False) > 1]
    words = raw[varied].astype(object).where(raw[varied].notna(), "none").astype(str)
    found: dict[_Setting, pd.Series[float]] = {}
    for values, part in words.groupby(varied, sort=False, observed=True) if varied else []:
        group = raw.loc[part.index]
        found[tuple(zip(varied, map(str, values), strict=True))] = group.set_index("draw")["value"].astype(float)
    return found


def _pairs(groups: "dict[_Setting, pd.Series[float]]") -> Iterator[tuple[dict[str, str], _Setting, _Setting]]:
    """Yield pairs of settings that differ in one axis alone: their columns, the reference and the setting.

    The reference is the one whose value of that axis is listed first.
    """
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


def _compare_times(
    quantity: str, reference: "pd.Series[float]", setting: "pd.Series[float]", end: float
) -> dict[str, object]:
    """Compare times to an event by the log-rank test; the difference is that of the medians."""
    values = [group.to_numpy(dtype=float) for group in (reference, setting)]
    observed = [~np.isnan(group) for group in values]
    times = [np.where(happened, group, end) for group, happened in zip(values, observed, strict=True)]
    test = logrank(times[1], observed[1], times[0], observed[0])
    medians = [median_survival(*group) for group in zip(times, observed, strict=True)]
    return {
        "of_reference": medians[0],
        "of_setting": medians[1],
        "difference": medians[1] - medians[0],
        "ci_low": np.nan,
        "ci_high": np.nan,
        "n": len(values[1]),
        "censored": int((~observed[0]).sum() + (~observed[1]).sum()),
        "diverged_runs": "",
        "p": test.p,
        "p_holm": test.p,
        "verdict": "shorter" if test.statistic > 0 else "longer",
    }


def _compare_means(
    quantity: str, reference: "pd.Series[float]", setting: "pd.Series[float]", end: float
) -> dict[str, object]:
    """Compare paired means; a pair is left out if either run diverged."""
    pairs = pd.concat([reference, setting], axis=1, join="inner").to_numpy(dtype=float)
    lost, runs = (~np.isfinite(pairs)).sum(axis=0), len(pairs)
    one, other = pairs[np.isfinite(pairs).all(axis=1)].T
    test = paired_events(one, other) if QUANTITIES[quantity].kind == "frequency" else paired_means(one, other)
    smallest, largest = QUANTITIES[quantity].range
    low, high = np.clip(test.interval, smallest - largest, largest - smallest)
    # If one side lost more runs, those that remain are a biased selection, which is not tested. Without an error, equal
    # differences other than 0 say nothing.
    is_tested = lost[0] == lost[1] and len(one) > 0 and (np.isfinite(test.error) or test.value == 0)
    p = two_sided(test.above(), test.below()) if is_tested else np.nan
    return {
        "of_reference": one.mean() if len(one) else np.nan,
        "of_setting": other.mean() if len(one) else np.nan,
        "difference": test.value,
        "ci_low": low,
        "ci_high": high,
        "n": len(one),
        "censored": int(lost.sum()),
        "diverged_runs": f"{lost[1]} of {runs} against {lost[0]} of {runs}" if lost.any() else "",
        "p": p,
        "p_holm": p,
        "verdict": "higher" if test.value > 0 else "lower",
    }
