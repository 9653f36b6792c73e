"""Test claims that a quantity of untrained networks predicts an outcome of training better than a baseline does."""

from dataclasses import replace

import numpy as np

from suite.analysis.evidence import NOTHING, Evidence, above, every
from suite.analysis.points import Tables
from suite.analysis.predictions import Prediction, predictions
from suite.analysis.ranking import Ranking
from suite.catalog.claims import Predicts
from suite.catalog.predict import Predict


def predicts(tables: Tables, claim: Predicts) -> Evidence:
    """Test that a predictor orders members by the outcome better than a baseline, under every training setting.

    The estimate is the gain in Spearman's rho, and its test is that of the predictor ranking: members, and the draws of
    each member, are resampled. Members with one hidden layer are left out, as in the ranking.
    """
    asked = Predict(
        outcome=(claim.outcome,), predictors=(claim.predictor,), statistic=claim.statistic, where=claim.where
    )
    return every([_gain(found, claim) for found in predictions(asked, tables)])


def _gain(prediction: Prediction, claim: Predicts) -> Evidence:
    values = {predictor.name: predictor.ordered for predictor in prediction.predictors}
    measured = [predictor.name for predictor in prediction.predictors if predictor.measure]
    if not measured or claim.baseline not in values:
        return NOTHING
    ranking = Ranking(prediction.result.ordered, values, [claim.baseline], [np.arange(len(prediction.members))])
    if not ranking.orders(measured[0])[0]:
        return NOTHING
    found = above(ranking.advantage(measured[0], claim.baseline), claim.margin, prediction.members)
    return replace(found, unit="members")
