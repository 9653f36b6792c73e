"""Waits of which some did not end while they were watched: their curve, their median and a test of two groups."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suite.statistics.intervals import LEVEL, RESAMPLES, Array

_PERMUTATIONS = 20_000
"""Of the log-rank test; where there are no more in all, it takes every one."""

_SEED = 0x5EED
_VALUES_A_BATCH = 2**22

_Flags = NDArray[np.bool_]


class SurvivalCurve(NamedTuple):
    """The product-limit estimate: how large a share of waits goes on.

    Attributes:
        steps: times at which waits ended, each once, increasing.
        survival: share of waits that go on beyond each of them; before the first it is 1.
    """

    steps: Array
    survival: Array


class MedianWait(NamedTuple):
    """The median wait with the ends of its 95% interval, each nan where so many waits did not end."""

    median: float
    low: float
    high: float


class LogRank(NamedTuple):
    """A comparison of two groups' waits.

    Attributes:
        statistic: z, standard normal in large groups that do not differ; positive where the first group's
            waits are the shorter ones.
        p: two-sided.
    """

    statistic: float
    p: float


def kaplan_meier(times: Array, observed: _Flags) -> SurvivalCurve:
    """The product-limit estimate of a survival curve.

    Args:
        times: when each wait ended, or until when it was watched.
        observed: whether it ended; a wait censored at some time has outlasted those that ended then.

    Source: Kaplan & Meier 1958.
    """
    watched = _Watched(times, observed)
    return SurvivalCurve(watched.steps, watched.survival(np.ones((1, len(times))))[0])


def median_survival(times: Array, observed: _Flags) -> MedianWait:
    """The first time beyond which at most half of the waits go on, with a 95% interval.

    The interval is the percentile bootstrap over subjects, as `summarise` takes it for tables. Brookmeyer's
    and Crowley's rests on a normal law of the estimated curve, which small groups and the many ties of recorded
    steps keep it from; resampling takes both as they are.

    Args:
        times: when each wait ended, or until when it was watched.
        observed: whether it ended.
    """
    watched, n = _Watched(times, observed), len(times)
    if n == 0:
        return MedianWait(np.nan, np.nan, np.nan)
    median = watched.medians(np.ones((1, n)))[0]
    if n == 1:
        return MedianWait(_or_nan(median), np.nan, np.nan)
    generator = np.random.default_rng((_SEED, n))
    share = np.full(n, 1 / n)
    medians = [watched.medians(generator.multinomial(n, share, size).astype(float)) for size in _batches(RESAMPLES, n)]
    tails = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    low, high = np.quantile(np.concatenate(medians), tails, method="inverted_cdf")
    return MedianWait(*map(_or_nan, (median, low, high)))


def logrank(first_times: Array, first_observed: _Flags, second_times: Array, second_observed: _Flags) -> LogRank:
    """The log-rank test of whether two groups wait equally long, its p-value from permutations of the groups.

    Every subject has a score, 1 if its wait ended less the hazard that it was exposed to; the statistic is the
    sum of the first group's, its observed less its expected ends. Permutations count from the observed grouping
    on, so that p is never 0, and exact if all are taken. Like the test itself they suppose that the groups are
    censored alike, as runs of equal length are.

    Args:
        first_times: when each wait of the first group ended, or until when it was watched.
        first_observed: whether it ended.
        second_times: likewise of the second group.
        second_observed: likewise.

    Source: Mantel 1966; Peto & Peto 1972 for the scores.
    """
    members = len(first_times)
    watched = _Watched(np.concatenate([first_times, second_times]), np.concatenate([first_observed, second_observed]))
    ended, at_risk = watched.ended.sum(0), watched.at_risk.sum(0)
    share = watched.at_risk[:members].sum(0) / at_risk
    variance = (ended * share * (1 - share) * (at_risk - ended) / np.maximum(at_risk - 1, 1)).sum()
    scores = watched.ended.sum(1) - watched.at_risk @ (ended / at_risk)
    excess = scores[:members].sum()
    z = excess / np.sqrt(variance) if variance > 0 else 0.0
    return LogRank(float(z), _permutation_p(scores, members, abs(excess)))


def holm(p_values: Array) -> Array:
    """P-values adjusted for how many there are: those at or below a level have a family-wise error of that level.

    Args:
        p_values: one a hypothesis.

    Returns:
        Adjusted p-values in the same order, 1 at most.

    Raises:
        ValueError: a p-value lies outside 0 and 1, or is nan.

    Source: Holm 1979.
    """
    p = np.asarray(p_values, dtype=float)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p-values lie between 0 and 1, these are {p.tolist()}; leave out tests without one")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted


class _Watched:
    """Who was at risk and whose wait ended, at each time when one did.

    Attributes:
        steps: distinct times of ends, increasing.
        ended: (subjects, steps), 1 where the subject's wait ended at that time.
        at_risk: (subjects, steps), 1 where the subject was still watched and waiting just before.
    """

    def __init__(self, times: Array, observed: _Flags) -> None:
        if times.shape != observed.shape or np.isnan(times).any():
            raise ValueError(
                "every wait needs a time and whether it ended then; give those that did not the time they were watched"
            )
        self.steps = np.unique(times[observed])
        self.ended = ((times[:, None] == self.steps) & observed[:, None]).astype(float)
        self.at_risk = (times[:, None] >= self.steps).astype(float)

    def survival(self, counts: Array) -> Array:
        """Product-limit estimates, (samples, steps), of samples that have each subject so many times."""
        ended, at_risk = counts @ self.ended, counts @ self.at_risk
        hazard = np.divide(ended, at_risk, out=np.zeros_like(ended), where=at_risk > 0)
        return np.cumprod(1 - hazard, axis=1)

    def medians(self, counts: Array) -> Array:
        """First times at which at most half of each sample goes on; infinite where there is none."""
        # Exactly half, as a product of rounded factors, can end a little above.
        reached = self.survival(counts) <= 0.5 + 1e-12
        places = np.where(reached.any(1), reached.argmax(1) if self.steps.size else 0, len(self.steps))
        medians: Array = np.append(self.steps, np.inf)[places]
        return medians


def _or_nan(time: float) -> float:
    return float(time) if np.isfinite(time) else np.nan


def _batches(samples: int, values: int) -> Iterator[int]:
    """Sizes of batches of samples that keep memory bounded, for so many values a sample."""
    size = max(1, min(samples, _VALUES_A_BATCH // max(values, 1)))
    return (min(size, samples - start) for start in range(0, samples, size))


def _permutation_p(scores: Array, members: int, excess: float) -> float:
    """Share of groupings whose sum of scores is as far from 0, which is the scores' mean, as the observed one."""
    # All scores sum to 0, so that either group will do; sorted, they forget the order of groups and subjects.
    scores, smaller = np.sort(scores), min(members, len(scores) - members)
    threshold = excess * (1 - 1e-9) - 1e-9  # sums that are equal but for rounding count as equal
    if comb(len(scores), smaller) <= _PERMUTATIONS:
        return float((np.abs(scores[_groupings(len(scores), smaller)].sum(1)) >= threshold).mean())
    generator = np.random.default_rng((_SEED, len(scores), smaller))
    extreme = 1
    for size in _batches(_PERMUTATIONS, len(scores)):
        shuffled = generator.permuted(np.broadcast_to(scores, (size, len(scores))), axis=1)
        extreme += int((np.abs(shuffled[:, :smaller].sum(1)) >= threshold).sum())
    return extreme / (_PERMUTATIONS + 1)


@lru_cache(maxsize=4)
def _groupings(subjects: int, members: int) -> NDArray[np.intp]:
    """Every choice of a group's members, one a row."""
    choices = list(combinations(range(subjects), members))
    return np.array(choices, dtype=np.intp).reshape(len(choices), members)
