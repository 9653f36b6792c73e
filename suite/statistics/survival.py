"""Survival analysis of censored times to event: curve, median and a test of two groups."""

from functools import lru_cache
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import CensoredData, ecdf

from suite.statistics.intervals import Array

_PERMUTATIONS = 20_000
"""Permutations of the log-rank test; if there are no more groupings than this, all are used."""

_SEED = 0x5EED
_VALUES_A_BATCH = 2**22

_Flags = NDArray[np.bool_]


class SurvivalCurve(NamedTuple):
    """A Kaplan-Meier estimate of a survival curve.

    Attributes:
        steps: Times at which events happened, each once, increasing.
        survival: Estimated probability that the event happens later than each of these times. It is 1 before the first.
    """

    steps: Array
    survival: Array


class LogRank(NamedTuple):
    """The result of a log-rank test that compares the times to event in two groups.

    Attributes:
        statistic: z, standard normal in large groups without a difference; positive if the first group's times are
            shorter.
        p: Two-sided p-value.
    """

    statistic: float
    p: float


def kaplan_meier(times: Array, observed: _Flags) -> SurvivalCurve:
    """Estimate the survival curve of censored times to an event.

    Args:
        times: Time of each subject's event, or of its censoring.
        observed: Whether the event happened. A subject censored at the time of another's event is still at risk then.

    Raises:
        ValueError: If a time is nan or infinite, or the arrays differ in length.

    Source: Kaplan & Meier 1958.
    """
    curve = ecdf(CensoredData.right_censored(times, ~observed)).sf
    steps = np.isin(curve.quantiles, times[observed])
    return SurvivalCurve(curve.quantiles[steps], curve.probabilities[steps])


def median_survival(times: Array, observed: _Flags) -> float:
    """Return the first time at which the survival curve is at or below one half, or nan if it never is.

    Args:
        times: Time of each subject's event, or of its censoring.
        observed: Whether the event happened.
    """
    curve = kaplan_meier(times, observed)
    # A product of rounded factors that is exactly one half can come out slightly larger.
    reached = curve.steps[curve.survival <= 0.5 + 1e-12]
    return float(reached[0]) if reached.size else np.nan


def logrank(first_times: Array, first_observed: _Flags, second_times: Array, second_observed: _Flags) -> LogRank:
    """Test by permutations of the log-rank test whether two groups have the same times to event.

    The score of a subject is 1 if its event was observed, minus the cumulative hazard up to its time. The statistic is
    the sum of the first group's scores: observed minus expected events. The observed grouping counts as one of the
    permutations, so that p is never 0; p is exact if all groupings are used. The test assumes that both groups have the
    same censoring, as runs of equal length do.

    Args:
        first_times: Time of each event, or of the censoring, in the first group.
        first_observed: Whether the event happened.
        second_times: Time of each event, or of the censoring, in the second group.
        second_observed: Whether the event happened.

    Raises:
        ValueError: If a time is nan, or the arrays of a group differ in length.

    Source: Mantel 1966; Peto & Peto 1972 for the scores.
    """
    members = len(first_times)
    times, observed = np.concatenate([first_times, second_times]), np.concatenate([first_observed, second_observed])
    if len(first_observed) != members or len(times) != len(observed) or np.isnan(times).any():
        raise ValueError("expected one time and one flag per subject, without nan; use the censoring time if no event")
    steps = np.unique(times[observed])
    has_event = ((times[:, None] == steps) & observed[:, None]).astype(float)
    is_at_risk = (times[:, None] >= steps).astype(float)

    events, at_risk = has_event.sum(0), is_at_risk.sum(0)
    share = is_at_risk[:members].sum(0) / at_risk
    variance = (events * share * (1 - share) * (at_risk - events) / np.maximum(at_risk - 1, 1)).sum()
    scores = has_event.sum(1) - is_at_risk @ (events / at_risk)
    excess = scores[:members].sum()
    z = excess / np.sqrt(variance) if variance > 0 else 0.0
    return LogRank(float(z), _permutation_p(scores, members, abs(excess)))


def _permutation_p(scores: Array, members: int, excess: float) -> float:
    """Return the share of groupings whose sum of scores is at least as far from 0 as the observed one.

    The mean of the sum over all groupings is 0.
    """
    # All scores sum to 0, so the smaller group suffices. Sorting removes the dependence on the order of the subjects.
    scores, smaller = np.sort(scores), min(members, len(scores) - members)
    threshold = excess * (1 - 1e-9) - 1e-9  # sums that are equal except for rounding count as equal
    if comb(len(scores), smaller) <= _PERMUTATIONS:
        return float((np.abs(scores[_groupings(len(scores), smaller)].sum(1)) >= threshold).mean())
    generator = np.random.default_rng((_SEED, len(scores), smaller))
    extreme = 1
    batch = max(1, _VALUES_A_BATCH // len(scores))  # bounds the memory
    for start in range(0, _PERMUTATIONS, batch):
        size = min(batch, _PERMUTATIONS - start)
        shuffled = generator.permuted(np.broadcast_to(scores, (size, len(scores))), axis=1)
        extreme += int((np.abs(shuffled[:, :smaller].sum(1)) >= threshold).sum())
    return extreme / (_PERMUTATIONS + 1)


@lru_cache(maxsize=4)
def _groupings(subjects: int, members: int) -> NDArray[np.intp]:
    """Return every choice of a group's members, one per row."""
    choices = list(combinations(range(subjects), members))
    return np.array(choices, dtype=np.intp).reshape(len(choices), members)
