"""The trainer's order of points, its independent networks, and what it records."""

from dataclasses import replace
from math import nan

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from suite.catalog.activations import Relu, Tanh
from suite.catalog.initializations import Critical
from suite.catalog.measures.training import AccuracySettings, recorded_steps
from suite.catalog.optimizers import Adam, Sgd
from suite.catalog.tasks import Checkerboard
from suite.nets.ensemble import Ensemble
from suite.nets.initialization import draw_parameters
from suite.theory.scaling import layer_variances
from suite.training.accuracy import Accuracy
from suite.training.observer import observe
from suite.training.tasks import make_data
from suite.training.trainer import draw_batches, train

WIDTHS = (2, 6, 5, 1)
TASK = Checkerboard(squares=2, train=50, test=40)


def networks(draws, activation=None, widths=WIDTHS, start=0, dtype=torch.float64):
    activation, scheme = activation or Tanh(), Critical(bias_std=0.1)
    variances = layer_variances(scheme, activation, widths)
    parameters = draw_parameters(scheme, widths, variances, 5, {"test": "training"}, start, start + draws)
    return Ensemble(widths, activation, variances, parameters.to(dtype))


def copies(ensemble, times):
    return ensemble[torch.arange(ensemble.draws).repeat(times)]


def trained(ensemble, data, rules, steps):
    for _ in train(ensemble, data, rules, [steps]):
        pass
    return ensemble.parameters


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_a_step_of_a_normalized_residual_network_is_autograds(normalization):
    """Statistics are those of the batch; gains and shifts move as weights and biases do."""
    plain, data = networks(1), make_data(TASK, 1, 0, 1, torch.float64)
    affine = plain.parameters.split([6 * 3, 5 * 7, 6], dim=1)
    parts = [affine[0], torch.ones(1, 6), torch.zeros(1, 6), affine[1], torch.ones(1, 5), torch.zeros(1, 5), affine[2]]
    ensemble = replace(plain, parameters=torch.cat(parts, dim=1), normalization=normalization, residual=True)
    free = ensemble.parameters.clone().requires_grad_()
    w1, b1, g1, s1, w2, b2, g2, s2, w3, b3 = free[0].split([12, 6, 6, 6, 30, 5, 5, 5, 5, 1])
    chosen, axis = next(draw_batches(1, 50, 16)), {"batch": 0, "layer": 1}[normalization]

    def normalized(z):
        return (z - z.mean(axis, keepdim=True)) / (z.var(axis, correction=0, keepdim=True) + 1e-5).sqrt()

    first = torch.tanh(normalized(data.train.inputs[0, :, chosen].T @ w1.view(6, 2).T + b1) * g1 + s1)
    second = torch.tanh(normalized(first @ w2.view(5, 6).T + b2) * g2 + s2) + first[:, :5]
    outputs = second @ w3.view(1, 5).T + b3
    binary_cross_entropy_with_logits(outputs, data.train.labels[0, :, chosen].T).backward()

    found = trained(ensemble, data, [Sgd(learning_rate=0.1, batch=16)], 1)

    torch.testing.assert_close(found, (free - 0.1 * free.grad).detach(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", [Adam, Sgd])
def test_learning_rates_do_not_disturb_each_other(kind):
    """Trained with others or alone, a learning rate leads to the same networks."""
    data = make_data(TASK, 1, 0, 3, torch.float64)
    slow, fast = (kind(learning_rate=rate, batch=16) for rate in (0.001, 0.1))

    both = trained(copies(networks(3), 2), data, [slow, fast], 12)

    torch.testing.assert_close(both[:3], trained(networks(3), data, [slow], 12), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(both[3:], trained(networks(3), data, [fast], 12), rtol=1e-12, atol=1e-12)
    assert (both[:3] != both[3:]).any()


def test_replicates_do_not_disturb_each_other():
    """Replicate 2 alone is replicate 2 of three."""
    rule = Adam(learning_rate=0.01, batch=16)
    whole = trained(networks(3), make_data(TASK, 1, 0, 3, torch.float64), [rule], 12)

    alone = trained(networks(1, start=2), make_data(TASK, 1, 2, 3, torch.float64), [rule], 12)

    torch.testing.assert_close(alone[0], whole[2], rtol=1e-12, atol=1e-12)


def test_pauses_change_nothing():
    """Stops at 0, 3 and 12 lead to the same networks as one at 12; at stop 0 nothing has moved."""
    data, rule, ensemble = make_data(TASK, 1, 0, 2, torch.float64), Adam(learning_rate=0.01, batch=16), networks(2)
    passed = {stop: ensemble.parameters.clone() for stop in train(ensemble, data, [rule], [0, 3, 12])}

    assert torch.equal(passed[0], networks(2).parameters)
    assert not torch.equal(passed[3], passed[0])
    assert torch.equal(passed[12], trained(networks(2), data, [rule], 12))


def test_every_epoch_visits_each_point_once_in_a_new_order():
    """50 points in batches of 16: three a epoch, two points left out; then another order."""
    batches = draw_batches(1, 50, 16)
    epochs = [[next(batches) for _ in range(3)] for _ in range(2)]

    for epoch in epochs:
        assert [len(batch) for batch in epoch] == [16, 16, 16]
        assert len(set(torch.cat(epoch).tolist())) == 48
    assert not torch.equal(torch.cat(epochs[0]), torch.cat(epochs[1]))


def settings(steps, rates=(0.01,), success=0.9, batch=16):
    rules = tuple(Adam(learning_rate=rate, batch=batch) for rate in rates)
    return AccuracySettings(task=(TASK,), optimizer=rules, steps=steps, replicates=2, success=success)


def accuracy(ensemble, data, training):
    return observe(ensemble, data, training, [(Accuracy, training)])


def test_a_board_of_2_by_2_is_learned():
    """Above 95% of 500 test points, for each of four replicates, from half of them at the start."""
    task = Checkerboard(squares=2, train=512, test=500)
    ensemble = networks(4, Relu(), (2, 24, 24, 1), dtype=torch.float32)

    found = accuracy(ensemble, make_data(task, 1, 0, 4), settings(400, batch=128))

    assert found["test_accuracy"][:, 0, -1].min() > 0.95
    assert found["test_accuracy"][:, 0, 0].max() < 0.8
    assert found["train_loss"][:, 0, -1].max() < 0.2
    assert found["success"].tolist() == [[1], [1], [1], [1]]
    assert found["landscape"].shape == (4, 1, 33 * 33, 5)


def test_training_leaves_the_drawn_networks_as_they_were():
    """Copies are trained: the draws serve other learning rates too."""
    ensemble = networks(2, dtype=torch.float32)
    before = ensemble.parameters.clone()

    accuracy(ensemble, make_data(TASK, 1, 0, 2), settings(5))

    assert torch.equal(ensemble.parameters, before)


def test_what_is_recorded_before_the_first_step_is_the_drawn_network():
    """Loss and accuracies by hand, on each set."""
    ensemble, data = networks(2, dtype=torch.float32), make_data(TASK, 1, 0, 2)
    found = accuracy(ensemble, data, settings(1, rates=(0.01, 0.1)))
    for name, part in (("train", data.train), ("validation", data.validation), ("test", data.test)):
        right = ((ensemble(part.inputs) > 0) == (part.labels > 0)).float().mean((1, 2))
        for rate in range(2):
            torch.testing.assert_close(found[f"{name}_accuracy"][:, rate, 0], right)
    losses = [
        binary_cross_entropy_with_logits(outputs, labels)
        for outputs, labels in zip(ensemble(data.train.inputs), data.train.labels, strict=True)
    ]
    torch.testing.assert_close(found["train_loss"][:, 0, 0], torch.stack(losses))


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_success_and_the_steps_to_it_follow_from_the_test_accuracies(threshold):
    """Success at the last step; the first recorded step at or above the threshold, nan where none is."""
    steps, count = recorded_steps(60), 6
    ensemble, data = networks(count, Relu(), dtype=torch.float32), make_data(TASK, 1, 0, count)

    found = accuracy(ensemble, data, settings(60, rates=(0.0003, 0.03), success=threshold))

    assert found["test_accuracy"].shape == (count, 2, len(steps))
    for rate in range(2):
        for draw in range(count):
            history = [round(40 * share) / 40 for share in found["test_accuracy"][draw, rate].tolist()]
            reached = [step for step, share in zip(steps, history, strict=True) if share >= threshold]
            waited = found["steps_to_success"][draw, rate].item()
            assert waited == pytest.approx(reached[0] if reached else nan, nan_ok=True)
            assert found["success"][draw, rate].item() == (history[-1] >= threshold)


def test_a_diverged_network_has_no_accuracy_and_harms_no_other():
    """It is not a network that is right nowhere: its accuracy and loss are missing, and it does not succeed."""
    ensemble = networks(2, dtype=torch.float32)
    ensemble.parameters[1].fill_(torch.nan)

    found = accuracy(ensemble, make_data(TASK, 1, 0, 2), settings(1, success=0.01))

    assert found["diverged"][:, 0].tolist() == [0, 1]
    for name in ("train_loss", "train_accuracy", "validation_accuracy", "test_accuracy"):
        assert found[name][0, 0].isfinite().all()
        assert found[name][1, 0].isnan().all()
    assert found["success"][:, 0].tolist() == [1, 0]
    assert found["steps_to_success"][1, 0].isnan()
