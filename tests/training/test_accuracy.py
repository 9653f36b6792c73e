"""The measure of training: what counts as right, as an error and as success, and by whose statistics."""

from dataclasses import replace
from itertools import pairwise
from math import isnan, nan, sqrt

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import r2_score

from suite.catalog.activations import Relu
from suite.catalog.datasets import Table
from suite.catalog.measures.training import AccuracySettings, pictured_steps
from suite.catalog.optimizers import Sgd
from suite.catalog.tasks import AbsoluteValue, Checkerboard, Digits, TwoKinks
from suite.nets.ensemble import Ensemble
from suite.spec.data_files import read_facts
from suite.training.accuracy import Accuracy, accuracy_of, error_of, outputs_on, r2_of, train_loss
from suite.training.observer import TrainingSetup
from suite.training.tasks import Points, make_data

LINE = AbsoluteValue(train=20, test=30)
BOARD = Checkerboard(squares=2, train=20, test=30)


def settings(task, steps=4, **given):
    rule = Sgd(learning_rate=0.1, batch=10)
    return AccuracySettings(task=(task,), optimizer=(rule,), steps=steps, replicates=2, **given)


def random_networks(widths, draws=3, normalization="none", seed=0):
    """Gaussian parameters, nothing of them 0."""
    normalized = normalization != "none"
    size = sum((a + 1) * b for a, b in pairwise(widths)) + 2 * normalized * sum(widths[1:-1])
    parameters = torch.randn(draws, size, generator=torch.Generator().manual_seed(seed))
    return Ensemble(widths, Relu(), ((2.0, 0.1),) * (len(widths) - 1), parameters, normalization)


def lines(*rows):
    """One-input networks of two units: (w1, w2, b1, b2, v1, v2, c) a row."""
    return Ensemble((1, 2, 1), Relu(), ((2.0, 0.0), (1.0, 0.0)), torch.tensor(rows))


MODULUS = (1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 0.0)
ZERO = (1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
DIVERGED = (nan,) * 7


def looked_at(networks, task, data=None, steps=4, **given):
    """The readings of networks that stay as they are."""
    training = settings(task, steps, **given)
    observer = Accuracy(
        networks, TrainingSetup(task, data or make_data(task, 1, 0, networks.draws), training), training
    )
    for step in observer.stops:
        observer.look(networks, step)
    return observer.readings()


def test_two_classes_are_told_apart_by_the_outputs_sign():
    """0 itself is the first class; an output that is not finite is in neither."""
    outputs = torch.tensor([[[0.3, -0.2, 0.0, 0.0, nan, nan, float("inf"), -float("inf")]]])
    labels = torch.tensor([[[1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0]]])

    assert accuracy_of(outputs, labels).item() == pytest.approx(3 / 8)


def test_ten_classes_are_told_apart_by_the_largest_output():
    """Against numpy, image by image; an image with an output that is no number is wrong."""
    generator = torch.Generator().manual_seed(1)
    outputs = torch.randn(3, 10, 40, generator=generator)
    shown = torch.randint(10, (3, 40), generator=generator)
    outputs.scatter_add_(1, shown[:, None], torch.full((3, 1, 40), 1.5))
    labels = torch.nn.functional.one_hot(shown, 10).transpose(1, 2).float()

    right = outputs.numpy().argmax(1) == shown.numpy()
    np.testing.assert_allclose(accuracy_of(outputs, labels), right.mean(1), rtol=1e-6)

    outputs[:, 3, :10] = nan
    right[:, :10] = False
    np.testing.assert_allclose(accuracy_of(outputs, labels), right.mean(1), rtol=1e-6)


def test_digits_are_scored_by_accuracy():
    """The observer's own scores are those of the networks' outputs on each set."""
    task = Digits(train=50, validation=40, test=30)
    networks, data = random_networks((64, 5, 10), draws=2), make_data(task, 1, 0, 2)

    found = looked_at(networks, task, data)

    for name, part in (("train", data.train), ("validation", data.validation), ("test", data.test)):
        right = networks(part.inputs).argmax(1) == part.labels.argmax(1)
        torch.testing.assert_close(found[f"{name}_accuracy"][:, 0], right.float().mean(1))
    torch.testing.assert_close(found["train_loss"][:, 0], train_loss(networks, data))
    assert not [name for name in found if name.endswith("error") or name == "landscape"]


def test_a_regression_is_scored_by_its_mean_squared_error():
    """The modulus itself has none, the zero function has the mean square of the points; there is no accuracy."""
    data = make_data(LINE, 1, 0, 2)

    found = looked_at(lines(MODULUS, ZERO), LINE, data)

    square = (data.test.inputs[1] ** 2).mean()
    torch.testing.assert_close(found["test_error"][:, -1], torch.tensor([0.0, square]))
    torch.testing.assert_close(found["validation_error"][1, -1], (data.validation.inputs[1] ** 2).mean())
    torch.testing.assert_close(found["train_loss"][1, -1], (data.train.inputs[1] ** 2).mean() / 2)
    assert not [name for name in found if name.endswith("accuracy") or name == "landscape"]


@pytest.mark.parametrize("task", [AbsoluteValue, TwoKinks])
def test_a_regression_succeeds_up_to_the_tasks_own_error(task):
    """An error just below it counts, one just above does not."""
    task = task(train=20, test=4000)
    data = make_data(task, 1, 0, 2)
    close, far = (sqrt(share * task.error) for share in (0.99, 1.01))
    for part in (data.train, data.validation, data.test):
        part.labels.copy_(part.inputs.abs())

    found = looked_at(lines((*MODULUS[:6], close), (*MODULUS[:6], far)), task, data)

    assert found["success"].tolist() == [1, 0]
    assert found["steps_to_success"][0] == 0
    assert found["steps_to_success"][1].isnan()


def test_max_error_takes_the_place_of_the_tasks_own():
    """Both ways: what was too far succeeds, what was close enough no longer does."""
    near, far = (*MODULUS[:6], 0.1), (*MODULUS[:6], 0.5)

    assert looked_at(lines(near, far), LINE)["success"].tolist() == [1, 0]
    assert looked_at(lines(near, far), LINE, max_error=0.3)["success"].tolist() == [1, 1]
    assert looked_at(lines(near, far), LINE, max_error=0.005)["success"].tolist() == [0, 0]


def test_a_diverged_regression_never_succeeds():
    """Its error is no number, which is not below any threshold."""
    found = looked_at(lines(DIVERGED, MODULUS), LINE, max_error=1e9)

    assert found["test_error"][0].isnan().all()
    assert found["success"].tolist() == [0, 1]
    assert found["steps_to_success"][0].isnan()


def test_success_is_judged_after_the_last_step_and_its_wait_from_the_first():
    """A network that gets there at step 1 and leaves again has waited 1 step and fails."""
    training = settings(LINE)
    observer = Accuracy(lines(ZERO), TrainingSetup(LINE, make_data(LINE, 1, 0, 1), training), training)
    assert observer.stops == [0, 1, 2, 3, 4]
    for step in observer.stops:
        observer.look(lines(MODULUS if step in (1, 2) else ZERO), step)

    found = observer.readings()

    assert found["success"].tolist() == [0]
    assert found["steps_to_success"].tolist() == [1]


def found_after(*states, task=LINE, data=None, **given):
    """The readings of networks whose parameters are those of `states` at the recorded steps 0, 1, 2, ..."""
    first = states[0]
    training = settings(task, len(states) - 1, **given)
    data = data or make_data(task, 1, 0, first.draws)
    observer = Accuracy(first, TrainingSetup(task, data, training), training)
    assert observer.stops == list(range(len(states)))
    for step, networks in enumerate(states):
        observer.look(networks, step)
    return observer.readings()


def off_by(*distances):
    """Networks that compute |x| + c, one per distance c: their loss is c^2 / 2."""
    return lines(*((*MODULUS[:6], distance) for distance in distances))


def test_training_diverged_if_the_last_loss_exceeds_ten_times_the_first():
    """All losses are finite; one in between may be as large as it likes."""
    growth = [sqrt(share) for share in (9.9, 10.1, 0.5, 1e6)]
    start, between = off_by(*[0.1] * 4), off_by(*[100.0] * 4)

    found = found_after(start, between, off_by(*(0.1 * factor for factor in growth)))

    assert found["diverged"].tolist() == [0, 1, 0, 1]
    assert found["train_loss"].isfinite().all()


def test_a_diverged_network_does_not_succeed_however_small_its_error():
    """From 0.01 to 0.05 the loss grows by 25; both errors would be a success, which it was from the start."""
    found = found_after(off_by(0.01, 0.05), off_by(0.05, 0.05))

    assert (found["test_error"] < LINE.error).all()
    assert found["diverged"].tolist() == [1, 0]
    assert found["success"].tolist() == [0, 1]
    assert found["steps_to_success"].tolist() == [0, 0]


@pytest.mark.parametrize("step", [0, 1, 2])
@pytest.mark.parametrize("infinite", [float("inf"), -float("inf"), nan])
def test_training_diverged_if_an_output_is_not_finite_at_any_recorded_step(step, infinite):
    """Also if later outputs are finite again."""
    states = [lines(MODULUS, MODULUS) for _ in range(3)]
    states[step] = lines((*MODULUS[:6], infinite), MODULUS)

    assert found_after(*states)["diverged"].tolist() == [1, 0]


def test_one_infinite_output_on_the_test_set_is_enough():
    """The loss, the parameters and all other outputs are finite; an infinite output of the right sign is no success."""
    data = make_data(BOARD, 1, 0, 2)
    for part in (data.train, data.validation, data.test):
        part.labels.fill_(1.0)
    data.test.inputs[:, :, 0] = 1e30
    parameters = torch.tensor([[1.0, 1.0, 0.0, 1e30, 1.0], [1.0, 1.0, 0.0, 1.0, 1.0]])
    networks = Ensemble((2, 1, 1), Relu(), ((2.0, 0.0), (1.0, 0.0)), parameters)

    found = found_after(networks, networks, task=BOARD, data=data)

    assert found["train_loss"].isfinite().all()
    assert found["diverged"].tolist() == [1, 0]
    assert found["test_accuracy"][:, -1].tolist() == pytest.approx([29 / 30, 1])
    assert found["success"].tolist() == [0, 1]
    assert found["steps_to_success"].tolist() == pytest.approx([nan, 0], nan_ok=True)


def test_an_infinite_parameter_of_finite_outputs_is_enough():
    """The neuron of bias -inf is dead, and nothing else shows it."""
    sound, broken = lines(MODULUS), lines((*MODULUS[:2], -float("inf"), *MODULUS[3:]))

    found = found_after(lines(ZERO), broken)

    assert torch.cat(outputs_on(broken, make_data(LINE, 1, 0, 1)), dim=2).isfinite().all()
    assert found["train_loss"].isfinite().all()
    assert found["diverged"].tolist() == [1]
    assert found_after(lines(ZERO), sound)["diverged"].tolist() == [0]


def test_what_was_learned_of_a_plane_is_kept_as_a_landscape():
    """33 by 33 points of the task's box, by rows, at every pictured step."""
    networks = random_networks((2, 4, 1), draws=2)

    board = looked_at(networks, BOARD)["landscape"].unflatten(1, (33, 33))

    corner = torch.tensor([[-1.0], [1.0]])
    for look in range(len(pictured_steps(4))):
        torch.testing.assert_close(board[:, 0, 32, look], networks(corner)[:, 0, 0])


def test_several_outputs_have_no_landscape():
    """The first of three would not tell what is learned of three classes."""
    data = make_data(BOARD, 1, 0, 2)
    train, validation, test = (
        Points(part.inputs, torch.nn.functional.one_hot(part.labels[:, 0].long(), 3).mT.float())
        for part in (data.train, data.validation, data.test)
    )
    three = replace(data, train=train, validation=validation, test=test)

    assert "landscape" not in looked_at(random_networks((2, 4, 3), draws=2), BOARD, three)


@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
def test_a_points_output_does_not_depend_on_the_points_it_is_judged_with(normalization):
    """Alone, or among others, on which batch normalization would have other statistics."""
    networks, data = random_networks((2, 6, 5, 1), normalization=normalization), make_data(BOARD, 1, 0, 3)
    strange = 50 + data.test.inputs

    _, together = outputs_on(networks, data, [torch.cat([data.test.inputs, strange], dim=2)])
    train, validation, alone = outputs_on(networks, data, [data.validation.inputs, data.test.inputs[..., :1]])

    torch.testing.assert_close(together[..., :1], alone, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(train, networks(data.train.inputs), rtol=1e-4, atol=1e-4)
    assert validation.shape == (3, 1, 30)


def test_batch_normalization_judges_by_the_training_sets_mean_and_variance():
    """One hidden layer written out: test points are standardized by what the training points give."""
    networks, data = random_networks((2, 3, 1), normalization="batch", draws=2), make_data(BOARD, 1, 0, 2)

    _, found = outputs_on(networks, data, [data.test.inputs])

    for row, train, test, outputs in zip(
        networks.parameters.double(),
        data.train.inputs.double(),
        data.test.inputs.double(),
        found.double(),
        strict=True,
    ):
        weight, bias, gain, shift, readout, last = row.split([6, 3, 3, 3, 3, 1])
        z, seen = (weight.view(3, 2) @ points + bias[:, None] for points in (test, train))
        mean, variance = seen.mean(1, keepdim=True), seen.var(1, correction=0, keepdim=True)
        h = (gain[:, None] * (z - mean) / (variance + 1e-5).sqrt() + shift[:, None]).relu()
        torch.testing.assert_close(outputs[0], readout @ h + last, rtol=1e-4, atol=1e-4)


def test_errors_are_means_over_points_and_outputs():
    """(1 + 4 + 9 + 16) / 4."""
    outputs = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])

    assert error_of(outputs, torch.zeros(1, 2, 2)).item() == 7.5


def test_r2_by_hand():
    """Labels 1 and 3 have variance 1, labels 0 and 4 variance 4: errors of 0.25 and 2 are 0.25 and 0.5 of these."""
    labels = torch.tensor([[[1.0, 3.0], [0.0, 4.0]]])
    outputs = torch.tensor([[[1.5, 2.5], [2.0, 4.0]]])

    assert r2_of(outputs, labels).item() == ((1 - 0.25) + (1 - 0.5)) / 2
    assert r2_of(labels, labels).item() == 1
    assert r2_of(labels.mean(2, keepdim=True).expand(-1, -1, 2), labels).item() == 0
    assert r2_of(-labels, labels).item() == ((1 - 20) + (1 - 32 / 4)) / 2


def test_r2_is_that_of_scikit_learn():
    """Which averages over outputs in the same way."""
    generator = torch.Generator().manual_seed(4)
    outputs, labels = (torch.randn(3, 2, 40, generator=generator) for _ in range(2))

    expected = [r2_score(label.T, output.T) for output, label in zip(outputs, labels, strict=True)]

    assert r2_of(outputs, labels).tolist() == pytest.approx(expected, rel=1e-6)


def test_r2_does_not_depend_on_the_units_of_the_labels():
    """Nor on their mean, even if that is large against their spread."""
    generator = torch.Generator().manual_seed(5)
    outputs, labels = (torch.randn(2, 1, 30, generator=generator) for _ in range(2))

    torch.testing.assert_close(
        r2_of(1000 + 8 * outputs, 1000 + 8 * labels), r2_of(outputs, labels), rtol=1e-3, atol=1e-3
    )


def test_constant_labels_have_no_r2():
    """Their variance is 0, also where their mean is rounded; the other networks keep theirs."""
    labels = torch.stack([torch.full((1, 3), 0.1), torch.tensor([[0.1, 0.2, 0.3]])])

    one, other = r2_of(labels + 0.1, labels).tolist()

    assert isnan(one)
    assert other == pytest.approx(1 - 0.01 / (0.02 / 3), rel=1e-5)


def regression_of(folder, targets):
    """The regression of a file of 50 rows, of which 20 are for training."""
    generator = np.random.default_rng(6)
    frame = pd.DataFrame({"x": generator.normal(size=50)})
    for number, target in enumerate(targets):
        frame[target] = 10**number * (frame["x"] + 0.3 * generator.normal(size=50))
    frame.to_csv(folder / "data.csv", index=False)
    split = {"train": 20, "validation": 15, "test": 15}
    task = Table(file="data.csv", target=tuple(targets), target_type="regression", split=split)
    return task.with_facts(read_facts(task, folder))


def test_a_regression_on_a_file_has_r2_by_its_sets_own_labels(tmp_path):
    """Of two targets in different units, each network by itself; a diverged one has neither error nor R^2."""
    task = regression_of(tmp_path, ["a", "b"])
    networks, data = random_networks((1, 5, 2)), make_data(task, 1, 0, 3)
    networks.parameters[2, 0] = torch.nan

    found = looked_at(networks, task, data)

    for name, part in (("validation", data.validation), ("test", data.test)):
        for place in range(2):
            expected = r2_score(part.labels[place].T, networks(part.inputs)[place].T)
            assert found[f"{name}_r2"][place, 0].item() == pytest.approx(expected, rel=1e-4)
        assert found[f"{name}_r2"][2].isnan().all()


@pytest.mark.parametrize("task", [LINE, BOARD], ids=lambda task: task.name)
def test_other_tasks_have_no_r2(task):
    """Classes have an accuracy; trainings of functions were cached before there was an R^2."""
    found = looked_at(random_networks((task.inputs, 4, 1), draws=2), task, make_data(task, 1, 0, 2))

    assert not [name for name in found if name.endswith("r2")]
