"""Test scores of a recommendation with their confidence intervals: of networks, and of a linear model."""

import time
from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student
from torch import Tensor

from suite.nets.losses import HALF_SQUARE, Loss
from suite.report.recommendation import LinearScore
from suite.runs.halving import Configuration
from suite.statistics.intervals import NORMAL_QUANTILE, wilson
from suite.training.accuracy import outputs_on, score_points
from suite.training.linear import fit_linear, linear_outputs
from suite.training.tasks import Data


class Score(NamedTuple):
    """A test score with its 95% confidence interval, and whether it can be told apart from that of the best."""

    test: float
    ci_low: float
    ci_high: float
    tied: bool


def score_on_test(trained: Sequence[Configuration], data: Data) -> dict[int, Score]:
    """Return the test scores of the configurations that were trained for the most steps, by their place.

    The first one is the best. It was chosen by validation.
    """
    tested = [_test_scores(each, data) for each in trained if each.steps == trained[0].steps]
    share = _share(data)
    found = {}
    for place, own in enumerate(tested):
        difference, margin = mean_over_splits(tested[0] - own, share)
        tied = place == 0 or (bool(np.isfinite(difference)) and abs(difference) <= margin)
        found[place] = Score(*_interval(own, share, data.loss), tied)
    return found


def fit_linear_until(data: Data, until: float) -> Tensor | None:
    """Return the linear models of all replicates, or None if they are not fitted by a time of `time.monotonic`."""

    def check_time() -> None:
        if time.monotonic() > until:
            raise TimeoutError

    try:
        return fit_linear(data, check_time)
    except TimeoutError:
        return None


def score_linear(models: Tensor, best: Configuration, data: Data) -> LinearScore:
    """Return the scores of linear models, compared with the best configuration on the same test points.

    Args:
        models: The model of each replicate.
        best: The best configuration, trained.
        data: The data of all replicates.
    """
    validation, test = (
        score_points(linear_outputs(models, part.inputs), part.labels, data.loss).numpy()
        for part in (data.validation, data.test)
    )
    score, low, high = _interval(test, _share(data), data.loss)
    gain, margin = mean_over_splits(_test_scores(best, data) - test, _share(data))
    most = np.inf if data.loss is HALF_SQUARE else 1.0
    return LinearScore(
        validation=float(validation.mean()),
        test=score,
        ci_low=low,
        ci_high=high,
        gain=gain,
        gain_low=max(gain - margin, -most),
        gain_high=min(gain + margin, most),
    )


def _test_scores(trained: Configuration, data: Data) -> NDArray[np.float64]:
    """Return the score of each replicate at each test point."""
    _, outputs = outputs_on(trained.trained, data, [data.test.inputs])
    return score_points(outputs, data.test.labels, data.loss).numpy()


def _share(data: Data) -> float:
    """Return the size of a validation set divided by that of a training set."""
    return data.validation.inputs.shape[2] / data.train.inputs.shape[2]


def mean_over_splits(scores: NDArray[np.float64], share: float) -> tuple[float, float]:
    """Return a mean over replicates and test points, and the half-width of its 95% confidence interval.

    The variance has two parts: that over test points, of their means over replicates, and that over replicates beyond
    what the test points explain, from the residuals of a two-way table. Replicates have overlapping training sets, for
    which the second part is enlarged as Nadeau and Bengio do for overlapping test sets, from 1 / n to
    1 / n + validation / train (our operational definition).

    Args:
        scores: (replicates, test points); the test points are the same in all replicates.
        share: The size of a validation set divided by that of a training set.

    Source: Nadeau & Bengio 2003, Inference for the generalization error; Welch 1947 for the degrees of freedom.
    """
    replicates, points = scores.shape
    mean = float(scores.mean())
    if not np.isfinite(scores).all():
        return mean, float("inf")
    by_point, by_replicate = scores.mean(axis=0), scores.mean(axis=1)
    over_points = by_point.var(ddof=1) / points if points > 1 else 0.0
    over_replicates = 0.0
    if replicates > 1:
        residual = scores - by_point - by_replicate[:, None] + mean
        within = (residual**2).sum() / ((replicates - 1) * max(1, points - 1)) / points
        over_replicates = max(0.0, by_replicate.var(ddof=1) - within) * (1 / replicates + share)
    variance = over_points + over_replicates
    if variance == 0:
        return mean, 0.0
    parts = [(over_points, points - 1), (over_replicates, replicates - 1)]
    freedom = variance**2 / sum(part**2 / number for part, number in parts if number)
    return mean, float(student.ppf(0.975, freedom) * sqrt(variance))


def _interval(scores: NDArray[np.float64], share: float, loss: Loss) -> tuple[float, float, float]:
    """Return a mean with its 95% confidence interval; for accuracies Wilson's, which stays between 0 and 1.

    The interval of an R^2 ends at 1 at the latest. Wilson's interval is for as many independent points as have the
    variance of the mean, at most the test points.
    """
    mean, half = mean_over_splits(scores, share)
    if loss is HALF_SQUARE:
        return mean, mean - half, min(mean + half, 1.0)
    variance, points = (half / NORMAL_QUANTILE) ** 2, scores.shape[1]
    trials = np.array([points if variance * points <= mean * (1 - mean) else mean * (1 - mean) / variance])
    low, high = wilson(mean * trials, trials)
    return mean, float(low[0]), float(high[0])
