"""The one place where draws become numbers for a table: mean, spread, quantiles and an interval."""

from typing import Literal

import numpy as np

from suite.statistics.intervals import Array, bootstrap_mean, bootstrap_median, wilson

STATISTICS = ("n", "mean", "std", "median", "q05", "q95", "ci_low", "ci_high")

_ROUNDING = 1e-6
"""A relative spread over draws below this says nothing of their distribution."""

_ZERO = 1e-12
"""Theories below this are 0 but for rounding."""

Kind = Literal["value", "frequency", "time", "ratio"]


def summarize(values: Array, kind: Kind) -> dict[str, Array]:
    """Summary statistics over draws, one a column.

    The interval is at 95%: of the mean by the bootstrap over draws; of a frequency by Wilson; of the median
    for waiting times, where nan means that the wait did not end. Such censored draws count as longer than
    all others: they enter n and the quantiles, and leave no mean. Elsewhere draws that are nan or infinite
    (a training run that diverged) are left out, and n says how many remain. A ratio of means comes as one
    linearized value a draw, whose quantiles mean nothing and are left empty.

    Args:
        values: (draws, columns).
        kind: as in the catalog of quantities.

    Returns:
        The statistics by name, each with one number a column; nan where there is none.
    """
    if kind == "time":
        return _of_times(np.where(np.isnan(values), np.inf, values))
    complete = np.isfinite(values).all(axis=0)
    columns = {name: np.full(values.shape[1], np.nan) for name in STATISTICS}
    groups = [np.flatnonzero(complete), *np.flatnonzero(~complete)[:, None]]
    for group in groups:
        chosen = values[:, group]
        chosen = chosen[np.isfinite(chosen).all(axis=1)]
        if chosen.size:
            with np.errstate(over="ignore", invalid="ignore"):  # values near the largest number have no spread
                statistics = _of_values(chosen, kind)
            for name, numbers in statistics.items():
                columns[name][group] = numbers
        else:
            columns["n"][group] = 0
    if kind == "ratio":
        columns |= {name: np.full(values.shape[1], np.nan) for name in ("median", "q05", "q95")}
    return columns


def deviation(summary: dict[str, Array], theory: Array, spread: Array | None = None) -> tuple[Array, Array]:
    """How far means lie from their theory: in standard errors, and relatively.

    Args:
        summary: statistics over draws, from `summarize`.
        theory: one number a column; nan where there is none.
        spread: standard deviation of a draw, where theory knows that too; else it is estimated from the draws.

    Returns:
        z and mean / theory - 1, nan where undefined. With an estimated spread z is undefined where draws differ
        by rounding alone, as where all spread comes from rare events that none of them saw; with a known one
        it is infinite where theory leaves no room for a difference. The relative difference from 0, or from
        what rounding made of it, is undefined.
    """
    mean, n = summary["mean"], summary["n"]
    with np.errstate(divide="ignore", invalid="ignore"):
        error = (summary["std"] if spread is None else spread) / np.sqrt(n)
        z = (mean - theory) / error
        if spread is None:
            z = np.where(error * np.sqrt(n) > _ROUNDING * np.abs(mean), z, np.nan)
        z = np.where(mean == theory, 0.0, z)
        relative = np.where(np.abs(theory) > _ZERO, mean / theory - 1, np.nan)
    return z, relative


def _of_values(values: Array, kind: Kind) -> dict[str, Array]:
    n = len(values)
    gap = np.full(values.shape[1], np.nan)
    if kind == "frequency":
        low, high = wilson(values.sum(axis=0), np.full(values.shape[1], float(n)))
    else:
        low, high = bootstrap_mean(values) if n > 1 else (gap, gap)
    median, q05, q95 = np.quantile(values, (0.5, 0.05, 0.95), axis=0)
    return {
        "n": np.full(values.shape[1], float(n)),
        "mean": values.mean(axis=0),
        "std": values.std(axis=0, ddof=1) if n > 1 else gap,
        "median": median,
        "q05": q05,
        "q95": q95,
        "ci_low": low,
        "ci_high": high,
    }


def _of_times(values: Array) -> dict[str, Array]:
    n = len(values)
    gap = np.full(values.shape[1], np.nan)
    ended = np.isfinite(values).all(axis=0)
    safe = np.where(np.isfinite(values), values, 0.0)
    median, q05, q95 = np.quantile(values, (0.5, 0.05, 0.95), axis=0, method="inverted_cdf")
    low, high = bootstrap_median(values) if n > 1 else (gap, gap)
    spread = safe.std(axis=0, ddof=1) if n > 1 else gap
    statistics = {
        "mean": np.where(ended, safe.mean(axis=0), np.nan),
        "std": np.where(ended, spread, np.nan),
        "median": median,
        "q05": q05,
        "q95": q95,
        "ci_low": low,
        "ci_high": high,
    }
    return {"n": np.full(values.shape[1], float(n))} | {
        name: np.where(np.isfinite(numbers), numbers, np.nan) for name, numbers in statistics.items()
    }
