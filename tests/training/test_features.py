"""Feature diversity against sums written out: pairs of samples, directions of change, the end of phase 1."""

from itertools import combinations, pairwise
from math import log, nan

import numpy as np
import pytest
import torch

from suite.catalog.activations import Relu
from suite.catalog.measures.training import AccuracySettings, FeatureDiversitySettings, fine_steps, recorded_steps
from suite.catalog.optimizers import Adam, AdamW, Sgd
from suite.catalog.tasks import Checkerboard, Digits
from suite.nets.ensemble import Ensemble
from suite.training.features import FeatureDiversity
from suite.training.observer import TrainingSetup
from suite.training.tasks import Data, Points, make_data
from tests.training.plain_loop import OPTIMIZERS, schedule_of

BOARD = Checkerboard(squares=2, train=24, test=10)
DIGITS = Digits(train=40, test=10)
COSINES = ("feature_cosine", "feature_cosine_within", "feature_cosine_between")


def networks(widths, draws=4, normalization="none", seed=3):
    """Gaussian parameters; narrow layers are silent at many points."""
    normalized = normalization != "none"
    size = sum((a + 1) * b for a, b in pairwise(widths)) + 2 * normalized * sum(widths[1:-1])
    parameters = torch.randn(draws, size, generator=torch.Generator().manual_seed(seed))
    return Ensemble(widths, Relu(), ((2.0, 0.1),) * (len(widths) - 1), parameters, normalization)


def watch(ensemble, task=BOARD, steps=4, data=None, rule=None, **given):
    rule = rule or Sgd(learning_rate=0.1, batch=8)
    training = AccuracySettings(task=(task,), optimizer=(rule,), steps=steps, replicates=2)
    setup = TrainingSetup(task, data or make_data(task, 1, 0, ensemble.draws), training)
    return FeatureDiversity(ensemble, setup, FeatureDiversitySettings(**given))


def noise_like(ensemble):
    return torch.randn(ensemble.parameters.shape, generator=torch.Generator().manual_seed(9))


def mean(values):
    return float(np.mean(values)) if values else nan


def by_pairs(features, classes):
    """Mean cosines over all pairs, pairs of one class and pairs of two; silent samples have none."""
    every, within, between = [], [], []
    for one, two in combinations(range(features.shape[1]), 2):
        a, b = features[:, one], features[:, two]
        if not (a.any() and b.any()):
            continue
        cosine = a @ b / np.sqrt((a @ a) * (b @ b))
        every.append(cosine)
        (within if classes[one] == classes[two] else between).append(cosine)
    return mean(every), mean(within), mean(between)


@pytest.mark.parametrize(
    ("task", "widths"), [(BOARD, (2, 3, 2, 1)), (DIGITS, (64, 3, 2, 10))], ids=["two classes", "ten classes"]
)
def test_cosines_are_means_over_pairs_of_samples(task, widths):
    """Each pair once, in every layer that is asked for; a sample whose features are all 0 is in none."""
    ensemble = networks(widths)
    observer = watch(ensemble, task, layers=(1, 2), points=24)
    observer.look(ensemble, 0)

    found = observer.readings()

    train = make_data(task, 1, 0, 4).train
    labels = train.labels[:, :, :24].numpy()
    classes = labels.argmax(1) if task.outputs > 1 else labels[:, 0]
    silent = 0
    for place, layer in enumerate(ensemble.walk(train.inputs[..., :24])):
        for draw, features in enumerate(layer.double().numpy() if place < 2 else ()):
            silent += int((~features.any(0)).sum())
            expected = by_pairs(features, classes[draw])
            assert [found[name][draw, place, 0].item() for name in COSINES] == pytest.approx(
                expected, rel=1e-4, abs=1e-5, nan_ok=True
            )
    assert silent > 0


def test_features_are_of_the_last_hidden_layer_unless_others_are_named():
    """One layer, as if its number had been written."""
    ensemble = networks((2, 5, 4, 1))
    silent, stated = watch(ensemble), watch(ensemble, layers=(2,))
    for observer in (silent, stated):
        observer.look(ensemble, 0)

    assert silent.readings()["feature_cosine"].shape == (4, 1, 1)
    torch.testing.assert_close(silent.readings()["feature_cosine"], stated.readings()["feature_cosine"], equal_nan=True)


def test_layers_are_looked_at_in_rising_order_however_they_are_written():
    """What stands first for layers = [3, 1] is layer 1's, as if it had been asked for alone."""
    ensemble = networks((2, 5, 4, 3, 1))
    both, first, third = (watch(ensemble, layers=layers) for layers in ((3, 1), (1,), (3,)))
    for observer in (both, first, third):
        observer.look(ensemble, 0)
    ensemble.parameters.add_(noise_like(ensemble), alpha=0.1)
    for observer in (both, first, third):
        observer.look(ensemble, 1)

    found, *alone = (observer.readings() for observer in (both, first, third))

    assert FeatureDiversitySettings(layers=(3, 1)).layers == (1, 3)
    for name in (*COSINES, "leading_share"):
        for place, layer in enumerate(alone):
            torch.testing.assert_close(found[name][:, place], layer[name][:, 0], rtol=0, atol=0, equal_nan=True)
    assert not torch.equal(alone[0]["feature_cosine"], alone[1]["feature_cosine"])


def test_batch_normalization_takes_its_statistics_over_the_compared_samples():
    """The first 10 training points alone: what the others are is no matter."""
    ensemble, data = networks((2, 6, 1), normalization="batch"), make_data(BOARD, 1, 0, 4)
    moved = Points(data.train.inputs.clone(), data.train.labels)
    moved.inputs[..., 10:] += 7
    other = Data(data.seed, data.loss, moved, data.validation, data.test)
    found = []
    for setup in (data, other):
        observer = watch(ensemble, data=setup, points=10)
        observer.look(ensemble, 0)
        found.append(observer.readings()["feature_cosine"])

    torch.testing.assert_close(*found)


def test_where_no_pair_is_left_there_is_no_cosine():
    """All samples silent: none at all. One class alone: none between classes."""
    silent = networks((2, 3, 1))
    silent.parameters.fill_(-1.0)
    silent.parameters[:, :6] = 0.0
    observer = watch(silent)
    observer.look(silent, 0)
    assert all(observer.readings()[name].isnan().all() for name in COSINES)

    data = make_data(BOARD, 1, 0, 4)
    data.train.labels.fill_(1.0)
    alive = networks((2, 5, 1))
    observer = watch(alive, data=data)
    observer.look(alive, 0)
    found = observer.readings()
    assert found["feature_cosine_between"].isnan().all()
    torch.testing.assert_close(found["feature_cosine"], found["feature_cosine_within"])


def test_the_leading_share_is_that_of_numpys_singular_values():
    """sigma_1^2 over the sum of all, of the change since the start; before any change there is none."""
    ensemble = networks((2, 6, 5, 1))
    start = [layer.weight.clone().double().numpy() for layer in ensemble.layers]
    observer = watch(ensemble, layers=(1, 2))
    observer.look(ensemble, 0)
    ensemble.parameters.add_(noise_like(ensemble), alpha=0.1)
    observer.look(ensemble, 1)

    share = observer.readings()["leading_share"]

    assert share[..., 0].isnan().all()
    for place in range(2):
        change = ensemble.layers[place].weight.double().numpy() - start[place]
        sigma = np.linalg.svd(change, compute_uv=False)
        np.testing.assert_allclose(share[:, place, 1], sigma[:, 0] ** 2 / (sigma**2).sum(1), rtol=1e-4)
        assert ((sigma[:, 0] ** 2 / (sigma**2).sum(1)) < 0.999).all()


@pytest.mark.parametrize(("schedule", "warmup"), [("constant", 0), ("constant", 3), ("cosine", 0), ("cosine", 3)])
@pytest.mark.parametrize(
    "rule",
    [Sgd(learning_rate=0.1, batch=8, weight_decay=0.5, clip=0.1), AdamW(learning_rate=0.1, batch=8, weight_decay=0.5)],
    ids=lambda rule: rule.name,
)
def test_decay_is_no_change_of_the_weights(rule, schedule, warmup):
    """Weights that torch's optimizer decays for seven steps, and a change of rank one, have a share of 1."""
    rule, ensemble = rule.model_copy(update={"schedule": schedule, "warmup": warmup}), networks((2, 6, 5, 1))
    observer = watch(ensemble, steps=8, rule=rule, layers=(2,))
    decaying = torch.nn.Parameter(ensemble.parameters.clone())
    optimizer = OPTIMIZERS[rule.name]([decaying], lr=rule.learning_rate, **rule.keywords)
    decays = schedule_of(optimizer, rule, 8)
    for _ in range(7):
        decaying.grad = torch.zeros_like(decaying)
        optimizer.step()
        decays.step()
    ensemble.parameters.copy_(decaying.detach())
    ensemble.layers[1].weight.add_(torch.outer(torch.arange(5.0), torch.arange(6.0)), alpha=0.01)
    observer.recorded = [7]
    observer.look(ensemble, 7)

    assert observer.readings()["leading_share"].flatten().tolist() == pytest.approx([1.0] * 4)


@pytest.mark.parametrize(
    ("rule", "known"),
    [
        (Adam(learning_rate=0.1, batch=8, weight_decay=0.5), False),
        (Sgd(learning_rate=0.1, batch=8, momentum=0.9, weight_decay=0.5), False),
        (Adam(learning_rate=0.1, batch=8), True),
        (AdamW(learning_rate=0.1, batch=8), True),
    ],
    ids=["Adam with decay", "momentum with decay", "Adam", "AdamW"],
)
def test_decay_that_is_part_of_the_gradient_leaves_no_leading_share(rule, known):
    """What Adam's moments do to it cannot be separated."""
    ensemble = networks((2, 6, 1))
    observer = watch(ensemble, rule=rule)
    ensemble.parameters.add_(noise_like(ensemble))
    observer.look(ensemble, 1)

    assert (observer.readings()["leading_share"].isfinite() == known).all()


def test_a_diverged_network_has_no_leading_share_and_harms_no_other():
    """Weights that are no numbers, or infinite, are that network's alone."""
    ensemble = networks((2, 6, 1))
    observer = watch(ensemble)
    ensemble.parameters.add_(noise_like(ensemble))
    ensemble.parameters[1, 0], ensemble.parameters[2, 3] = torch.nan, torch.inf
    observer.look(ensemble, 1)

    share = observer.readings()["leading_share"][:, 0, 0]

    assert share.isnan().tolist() == [False, True, True, False]


@pytest.mark.parametrize(("task", "widths"), [(BOARD, (2, 3, 1)), (DIGITS, (64, 3, 10))], ids=["two", "ten"])
def test_phase_1_ends_at_the_first_step_below_nine_tenths_of_chance(task, widths, monkeypatch):
    """Found by its first fall, not lost by a later rise; a run that never leaves, or diverges, is censored."""
    chance = log(task.outputs if task.outputs > 1 else 2)
    above, below = 0.901 * chance, 0.899 * chance
    paths = [lambda step: below if step >= 5 else above]
    paths += [lambda step: below if step == 3 else above]
    paths += [lambda step: above, lambda step: nan if step else above]
    ensemble = networks(widths)
    observer = watch(ensemble, task, steps=20)
    now = 0
    monkeypatch.setattr("suite.training.features.train_loss", lambda *_: torch.tensor([path(now) for path in paths]))

    for now in observer.stops:
        observer.look(ensemble, now)

    assert observer.readings()["phase1_steps"].tolist() == pytest.approx([5, 3, nan, nan], nan_ok=True)


def test_waits_are_watched_more_finely_than_features():
    """Steps grow by 2^(1/8), and hold those that are recorded."""
    observer = watch(networks((2, 3, 1)), steps=1000)

    assert observer.stops == fine_steps(1000)
    assert set(recorded_steps(1000)) < set(observer.stops)
    gaps = [late / early for early, late in zip(observer.stops[20:], observer.stops[21:], strict=False)]
    assert max(gaps) < 1.11  # 1.09 but for rounding to whole steps


def test_features_change_in_phase_1_and_after_it_network_by_network(monkeypatch):
    """One leaves at step 5, between recorded steps; one at step 2; one never, whose every step is in phase 1."""
    curves = [
        [0.5, 0.6, 0.7, 0.8, 0.9, 0.4, 0.3],
        [0.5, 0.6, 0.8, 0.4, 0.2, 0.2, 0.1],
        [0.5, 0.5, 0.5, 0.5, 0.5, 0.6, 0.7],
    ]
    ends = [5, 2, 99]
    steps = recorded_steps(8)
    assert steps == [0, 1, 2, 3, 4, 6, 8]
    ensemble = networks((2, 3, 1), draws=3)
    observer = watch(ensemble, steps=8)
    now = 0
    losses = "suite.training.features.train_loss"
    monkeypatch.setattr(losses, lambda *_: torch.tensor([0.1 if now >= end else log(2) for end in ends]))
    seen = torch.tensor(curves)
    monkeypatch.setattr(observer, "_cosines", lambda _: (seen[:, steps.index(now)],) * 3)

    for now in observer.stops:
        observer.look(ensemble, now)
    found = observer.readings()

    assert found["feature_change_phase1"][:, 0].tolist() == pytest.approx([0.4, 0.3, 0.2])
    assert found["feature_change_phase2"][:, 0].tolist() == pytest.approx([-0.6, -0.7, nan], nan_ok=True)
