"""Summary statistics of draws for all tables: mean, spread, quantiles and a confidence interval."""

from typing import Literal

import numpy as np

from suite.statistics.intervals import Array, bootstrap_mean, bootstrap_median, wilson

STATISTICS = ("n", "mean", "std", "median", "q05", "q95", "ci_low", "ci_high")

_ROUNDING = 1e-6
"""Draws with a relative spread at or below this differ by rounding alone, so that z is undefined."""

_ZERO = 1e-12
"""Theoretical values with an absolute value up to this are 0 except for rounding."""

Kind = Literal["value", "frequency", "time", "ratio"]


def summarize(values: Array, kind: Kind) -> dict[str, Array]:
    """Compute summary statistics over draws, one value per column.

    The interval is a 95% confidence interval, which depends on the kind:

    - "value": Bootstrap interval of the mean over draws.
    - "frequency": Wilson's interval.
    - "time": Bootstrap interval of the median. Draws that are nan are censored, since their event did not happen. They
      count as longer than all others: they enter n and the quantiles, and the mean and std are nan.
    - "ratio": Bootstrap interval of the mean. A ratio of means is given as one linearized value per draw; quantiles of
      these have no meaning and are nan.

    For all kinds but "time", draws that are nan or infinite (a training run that diverged) are left out, and n is the
    number of the others.

    Args:
        values: (draws, columns).
        kind: Kind of the quantity, as in the catalog.

    Returns:
        The statistics by name, each with one number per column; nan where there is none.
    """
    if kind == "time":
        return _summarize_times(np.where(np.isnan(values), np.inf, values))
    complete = np.isfinite(values).all(axis=0)
    columns = {name: np.full(values.shape[1], np.nan) for name in STATISTICS}
    groups = [np.flatnonzero(complete), *np.flatnonzero(~complete)[:, None]]
    for group in groups:
        chosen = values[:, group]
        chosen = chosen[np.isfinite(chosen).all(axis=1)]
        if chosen.size:
            with np.errstate(over="ignore", invalid="ignore"):  # values near the largest float overflow
                statistics = _summarize_values(chosen, kind)
            for name, numbers in statistics.items():
                columns[name][group] = numbers
        else:
            columns["n"][group] = 0
    if kind == "ratio":
        columns |= {name: np.full(values.shape[1], np.nan) for name in ("median", "q05", "q95")}
    return columns


def deviation(summary: dict[str, Array], theory: Array, spread: Array | None = None) -> tuple[Array, Array]:
    """Compute how far means lie from their theoretical values, as z-scores and as relative differences.

    Args:
        summary: Statistics over draws, from `summarize`.
        theory: Theoretical value, one per column; nan where there is none.
        spread: Standard deviation of a draw, if theory gives it as well; otherwise it is estimated from the draws.

    Returns:
        z and mean / theory - 1, nan where undefined. With an estimated spread, z is undefined where draws differ by
        rounding alone; this also happens if all variance comes from rare events that no draw has shown. With a known
        spread of 0, z is infinite where the mean differs from the theoretical value. The relative difference is
        undefined where the theoretical value is 0, except for rounding.
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


def _summarize_values(values: Array, kind: Kind) -> dict[str, Array]:
    """Compute the statistics of finite values, (draws, columns)."""
    n = len(values)
    missing = np.full(values.shape[1], np.nan)
    if kind == "frequency":
        low, high = wilson(values.sum(axis=0), np.full(values.shape[1], float(n)))
    else:
        low, high = bootstrap_mean(values) if n > 1 else (missing, missing)
    median, q05, q95 = np.quantile(values, (0.5, 0.05, 0.95), axis=0)
    return {
        "n": np.full(values.shape[1], float(n)),
        "mean": values.mean(axis=0),
        "std": values.std(axis=0, ddof=1) if n > 1 else missing,
        "median": median,
        "q05": q05,
        "q95": q95,
        "ci_low": low,
        "ci_high": high,
    }


def _summarize_times(values: Array) -> dict[str, Array]:
    """Compute the statistics of times to event, (draws, columns), where censored times are infinite."""
    n = len(values)
    missing = np.full(values.shape[1], np.nan)
    uncensored = np.isfinite(values).all(axis=0)
    safe = np.where(np.isfinite(values), values, 0.0)
    median, q05, q95 = np.quantile(values, (0.5, 0.05, 0.95), axis=0, method="inverted_cdf")
    low, high = bootstrap_median(values) if n > 1 else (missing, missing)
    spread = safe.std(axis=0, ddof=1) if n > 1 else missing
    statistics = {
        "mean": np.where(uncensored, safe.mean(axis=0), np.nan),
        "std": np.where(uncensored, spread, np.nan),
        "median": median,
        "q05": q05,
        "q95": q95,
        "ci_low": low,
        "ci_high": high,
    }
    return {"n": np.full(values.shape[1], float(n))} | {
        name: np.where(np.isfinite(numbers), numbers, np.nan) for name, numbers in statistics.items()
    }
