"""Short trainings: beside a plain PyTorch loop, in both ways to compute them, and their intervals."""

import numpy as np
import pytest
import torch
from torch import nn

from suite.diagnosis import trial as trials
from suite.diagnosis.initialize import draw_again
from suite.diagnosis.remedies import with_normalization, with_residual
from suite.diagnosis.samples import make_samples
from suite.diagnosis.trial import Trial, difference, trainable_ensemble
from suite.nets.tracing import trace_module
from suite.training.trainer import draw_batches
from tests.diagnosis.networks import Residual, classes, mlp, seeded


def test_training_is_that_of_a_plain_loop() -> None:
    """Adam on the same rows in the same order: the same share of test rows is right."""
    x, y = classes()
    samples = make_samples(x, y, 3)
    trial = Trial(samples, seed=3, steps=60, replicates=2, rates=(0.01,))
    outcome = trial.run(trace_module(mlp(2, 8)))
    for replicate in range(2):
        order = trial.order[replicate]
        inputs, labels = torch.tensor(x).float()[order], torch.tensor(y)[order]
        net = mlp(2, 8)
        rule = torch.optim.Adam(net.parameters(), 0.01)
        for _, chosen in zip(range(60), draw_batches(3, 180, 64), strict=False):
            rule.zero_grad()
            nn.functional.cross_entropy(net(inputs[:180][chosen]), labels[:180][chosen]).backward()
            rule.step()
        right = (net(inputs[240:]).argmax(1) == labels[240:]).double().mean().item()
        assert outcome.test[replicate] == pytest.approx(right, abs=1.01 / 60)


@pytest.mark.parametrize("form", ["plain", "normalized", "residual"])
def test_both_ways_to_compute_agree(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ensemble trains as the traced network does; scores differ by a row of 60 at most, by rounding."""
    x, y = classes()
    network = trace_module(mlp(3, 8, activation=nn.Tanh))
    if form != "plain":
        network = with_normalization(network)
    if form == "residual":
        changed = with_residual(network)
        assert changed is not None
        network = changed
    assert trainable_ensemble(network, network.parameters) is not None
    run = lambda: Trial(make_samples(x, y, 3), steps=50, replicates=3, rates=(0.003,)).run(network)  # noqa: E731
    fast = run()
    monkeypatch.setattr(trials, "trainable_ensemble", lambda network, parameters: None)
    np.testing.assert_allclose(run().test, fast.test, atol=1.01 / 60)


def test_what_an_ensemble_cannot_hold_is_not_one() -> None:
    with seeded():
        mixed = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))
        half = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
        own = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), Residual(8), nn.Linear(8, 3))
        eps = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8, eps=0.1), nn.ReLU(), nn.Linear(8, 3))
        shared = nn.Linear(4, 4)
        tied = nn.Sequential(shared, nn.ReLU(), shared, nn.ReLU(), nn.Linear(4, 3))
        bare = nn.Sequential(nn.Linear(4, 8, bias=False), nn.ReLU(), nn.Linear(8, 3))
    for net in (mixed, half, own, eps, tied, bare):
        network = trace_module(net)
        assert trainable_ensemble(network, network.parameters) is None
        x, y = classes(100)
        assert Trial(make_samples(x, y, 3), steps=3, replicates=2).run(network).test.shape == (2,)


def test_moments_are_those_of_the_training_rows() -> None:
    """Of each replicate; the rows of other sets do not count."""
    x, _ = classes()
    trial = Trial(make_samples(1000 + 50 * x, 1000 * x[:, 0], 1), replicates=2)
    for inputs, labels in trial._parts(frozenset({"inputs", "targets"}))[:1]:
        torch.testing.assert_close(inputs.mean(2), torch.zeros(2, 4), rtol=0, atol=1e-5)
        torch.testing.assert_close(labels.std(2, correction=0), torch.ones(2, 1), rtol=0, atol=1e-5)
    assert trial._parts(frozenset())[1][0].mean() > 900


def test_replicates_start_alike_unless_weights_are_drawn() -> None:
    x, y = classes(100)
    network = trace_module(mlp(2, 6))
    trial = Trial(make_samples(x, y, 3), steps=1, replicates=3, rates=(1e-12,))
    drawn = draw_again(network.repeat(3), "he", torch.Generator().manual_seed(0))
    assert not torch.equal(drawn[0][0], drawn[0][1])
    outcome = trial.run(network)
    expected = [
        (network(torch.tensor(x).T[:, order[80:]])[0].argmax(0) == torch.tensor(y)[order[80:]]).double().mean().item()
        for order in trial.order
    ]
    assert outcome.test.tolist() == pytest.approx(expected)


def test_intervals_are_corrected_for_overlapping_training_sets() -> None:
    """Nadeau and Bengio: the variance times 1 / n + test / train."""
    after, before = np.array([0.9, 0.8, 0.85, 0.95, 0.9]), np.full(5, 0.7)
    mean, low, high = difference(after, before)
    half = 2.776445 * after.std(ddof=1) * (1 / 5 + 1 / 3) ** 0.5
    assert (mean, low, high) == (pytest.approx(0.18), pytest.approx(0.18 - half), pytest.approx(0.18 + half))
