"""What enters a tournament: the right members, the right way round, baselines and all."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from suite.analysis.points import Tables
from suite.analysis.predictions import Prediction, predictions
from suite.catalog.predict import Predict
from tests.analysis.fields import study


def only(predict: Predict, made: Tables) -> Prediction:
    """Of a study with one prediction."""
    (found,) = predictions(predict, made)
    return found


ACCURACY = {"test_accuracy": lambda depth, _: [0.9 - depth / 100, 0.8 - depth / 100]}


def test_one_hidden_layer_stays_out() -> None:
    """Its activation ratio is an outlier: seven depths, six of them deep enough, two activations."""
    found = only(Predict(outcome=("test_accuracy",)), study(ACCURACY))

    assert len(found.axes) == 12
    assert min(axes["depth"] for axes in found.axes) == 2


def test_baselines_are_what_the_architecture_alone_tells() -> None:
    """Depth, nearness to the middle depth, mean width of hidden layers, hidden activations per parameter."""
    found = only(Predict(outcome=("test_accuracy",)), study(ACCURACY, depths=(2, 3, 4, 6, 8), activations=("relu",)))

    values = {one.name: (one.sign * one.ordered[:, 0]).tolist() for one in found.predictors if one.measure is None}

    assert values["-depth"] == [2, 3, 4, 6, 8]
    assert found.predictors[0].sign == -1
    assert values["middle_depth"] == pytest.approx([-np.log(2), -np.log(4 / 3), 0, -np.log(6 / 4), -np.log(2)])
    assert values["width"] == [30, 20, 15, 10, 7]
    assert values["activation_ratio"] == [
        units / (1000 + d) for units, d in ((60, 2), (60, 3), (60, 4), (60, 6), (56, 8))
    ]
    assert "parameters" not in values


def test_sizes_are_a_baseline_where_they_differ() -> None:
    """By more than the rounding within one budget."""
    tables = study(ACCURACY, activations=("relu",))
    members = tables.members.assign(parameters=100 * tables.members["depth"])
    found = only(Predict(outcome=("test_accuracy",)), replace(tables, members=members))

    (sizes,) = [one for one in found.predictors if one.name == "parameters"]
    assert sizes.ordered[:, 0].tolist() == [200, 300, 400, 600, 800, 1200]


def test_each_quantity_points_the_way_that_the_catalog_says() -> None:
    """Collapse is bad, variability good; a frequency is ordered by its mean."""
    quantities = {"v3": lambda depth, _: [1.0, 2.0, depth], "collapsed_relative": lambda depth, _: [0.0, 1.0, 1.0]}
    found = only(Predict(outcome=("test_accuracy",)), study(ACCURACY | quantities))

    shown = {one.name: one for one in found.predictors}

    assert shown["v3"].ordered[1, 0] == 2
    assert shown["-collapsed_relative"].ordered[1, 0] == pytest.approx(-2 / 3)
    assert (shown["v3"].sign, shown["-collapsed_relative"].sign) == (1, -1)
    assert (shown["v3"].statistic, shown["-collapsed_relative"].statistic) == ("median", "mean")
    assert (shown["v3"].measure, shown["-collapsed_relative"].measure) == ("v3", "collapse")


def test_predictors_can_be_chosen() -> None:
    """Baselines are there whether asked for or not."""
    quantities = {"v3": lambda *_: [1.0], "output_rms": lambda *_: [1.0]}
    found = only(Predict(outcome=("test_accuracy",), predictors=("output_rms",)), study(ACCURACY | quantities))

    assert [one.name for one in found.predictors if one.measure] == ["output_rms"]


def test_what_rounding_makes_is_no_predictor() -> None:
    """v3_floor says how far v3 can be trusted, nothing of networks."""
    found = only(Predict(outcome=("test_accuracy",)), study(ACCURACY | {"v3_floor": lambda *_: [1.0]}))

    assert all(one.measure is None for one in found.predictors)


def test_what_is_known_after_training_alone_is_no_predictor() -> None:
    """Training accuracy would tell test accuracy well."""
    found = only(Predict(outcome=("test_accuracy",)), study(ACCURACY | {"train_accuracy": lambda *_: [0.5]}))

    assert all(one.measure is None for one in found.predictors)


@pytest.mark.parametrize("outcome", ["train_loss", "steps_to_success"])
def test_lost_runs_are_the_worst_of_an_outcome_that_should_be_small(outcome: str) -> None:
    """A run that diverged, or never got there, counts as the largest."""
    found = only(Predict(outcome=(outcome,)), study({outcome: lambda *_: [3.0, np.nan, 1.0]}))

    assert (found.result.name, found.result.sign, found.result.statistic) == (f"-{outcome}", -1, "median")
    assert found.result.draws[0].values.tolist() == [3, np.inf, 1]
    assert found.result.ordered[0, 0] == -3


def test_diverged_runs_are_the_worst_of_an_outcome_that_should_be_large() -> None:
    """All members are then ordered by medians, since a mean over survivors would favor those that lost most runs."""

    def accuracies(depth: int, _: str) -> list[float]:
        return [np.nan, np.nan, 0.99] if depth == 12 else [0.5, 0.6, 0.9]

    found = only(Predict(outcome=("test_accuracy",)), study({"test_accuracy": accuracies}, activations=("relu",)))

    assert (found.result.name, found.result.sign, found.result.statistic) == ("test_accuracy", 1, "median")
    assert found.result.ordered[:, 0].tolist() == [0.6] * 5 + [-np.inf]
    assert found.result.draws[-1].values.tolist() == [-np.inf, -np.inf, 0.99]


def test_without_diverged_runs_an_outcome_that_should_be_large_is_averaged() -> None:
    """As a member's accuracy is stated elsewhere."""
    found = only(Predict(outcome=("test_accuracy",)), study(ACCURACY))

    assert found.result.statistic == "mean"
    assert found.result.ordered[0, 0] == pytest.approx(0.83)


def test_each_setting_of_the_training_is_a_contest_of_its_own() -> None:
    """What is measured before training enters all of them."""
    made = study(ACCURACY | {"v3": lambda depth, _: [depth]}, training=({"squares": 2.0}, {"squares": 8.0}))

    found = list(predictions(Predict(outcome=("test_accuracy",)), made))

    assert [prediction.training for prediction in found] == [{"squares": 2.0}, {"squares": 8.0}]
    assert all(prediction.predictors[-1].ordered[:, 0].tolist()[:2] == [2, 3] for prediction in found)
    (one,) = predictions(Predict(outcome=("test_accuracy",), where={"squares": (8,)}), made)
    assert one.training["squares"] == 8
    assert one.predictors[-1].ordered[:, 0].tolist()[:2] == [2, 3]


def test_what_looks_at_the_task_tells_that_task_alone() -> None:
    """A gradient on one board says nothing of another."""
    settings = ({"squares": 2.0}, {"squares": 8.0})
    made = study({"test_accuracy": ACCURACY["test_accuracy"]}, training=settings)
    gradients = study({"test_accuracy": lambda depth, _: [depth * 1.0]}, training=settings)
    summary = gradients.summary.assign(quantity="grad_norm", mean=gradients.summary["squares"])
    values = gradients.values_of(["test_accuracy"])
    values = values.assign(quantity="grad_norm", value=values["squares"])

    joined = replace(
        made,
        summary=pd.concat([made.summary, summary]),
        values_of=lambda names: values if "grad_norm" in names else made.values_of(names),
    )
    found = list(predictions(Predict(outcome=("test_accuracy",)), joined))

    assert [prediction.predictors[-1].ordered[0, 0] for prediction in found] == [2.0, 8.0]


def test_only_draws_that_are_trained_are_kept_one_by_one() -> None:
    """The others are in the statistic, and counted."""
    quantities = {"v3": lambda depth, _: [1.0, np.nan, *[5.0] * 100]}
    found = only(Predict(outcome=("test_accuracy",)), study(ACCURACY | quantities))

    draws = found.predictors[-1].draws[0]

    assert draws.numbers.tolist() == [0, 1]
    assert draws.values.tolist()[0] == 1
    assert (draws.size, draws.lost) == (102, 1)
    assert found.predictors[-1].ordered[0, 0] == 5


def test_a_ratio_of_means_has_no_draws() -> None:
    """Its members' numbers are taken for exact."""
    tables = study(ACCURACY | {"v3": lambda depth, _: [depth, depth + 1.0]})
    summary = tables.summary.assign(quantity=tables.summary["quantity"].replace("v3", "jacobian_ratio"))
    found = only(Predict(outcome=("test_accuracy",)), replace(tables, summary=summary))

    ratio = found.predictors[-1]

    assert (ratio.name, ratio.statistic) == ("-jacobian_ratio", "ratio of means")
    assert (ratio.ordered == ratio.ordered[:, :1]).all()
    assert ratio.ordered[0, 0] == -2.5
