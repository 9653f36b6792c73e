"""The one place where draws become numbers for a table: mean, spread, quantiles and an interval."""

from typing import Literal

import numpy as np

from suite.statistics.intervals import Array, bootstrap_mean, bootstrap_median, wilson

STATISTICS = ("n", "mean", "std", "median", "q05", "q95", "ci_low", "ci_high")

Kind = Literal["value", "frequency", "time"]


def summarise(values: Array, kind: Kind) -> dict[str, Array]:
    """Summary statistics over draws, one a column.

    The interval is at 95%: of the mean by the bootstrap over draws; of a frequency by Wilson; of the median
    for waiting times, where nan means that the wait did not end. Such censored draws count as longer than
    all others: they enter n and the quantiles, and leave no mean. Elsewhere draws that are nan or infinite
    (a training run that diverged) are left out, and n says how many remain.

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
            for name, numbers in _of_values(chosen, kind).items():
                columns[name][group] = numbers
        else:
            columns["n"][group] = 0
    return columns


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
