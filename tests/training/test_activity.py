"""Unit activity: networks by hand with known dead, dormant and saturated units, and definitions written out."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from suite.catalog.activations import ACTIVATIONS, Relu, Sigmoid, Tanh
from suite.catalog.linear_region import Htanh
from suite.catalog.measures.training import AccuracySettings, UnitActivitySettings, recorded_steps
from suite.catalog.optimizers import Sgd
from suite.catalog.tasks import AbsoluteValue, Checkerboard
from suite.nets import ensemble as ensembles
from suite.nets.ensemble import Ensemble
from suite.nets.losses import HALF_SQUARE
from suite.training.accuracy import Accuracy
from suite.training.activity import UnitActivity
from suite.training.observer import TrainingSetup, observe
from suite.training.tasks import Data, Points, make_data
from tests.catalog.instances import EVERY

TASK = AbsoluteValue(train=5, test=5)
NAMES = ("dead_share", "dormant_share", "saturated_share")


def setup_of(points, steps=4, rate=0.1):
    """A training on these points of one input, whose labels are 0."""
    inputs = torch.tensor([[points]])
    part = Points(inputs, torch.zeros_like(inputs))
    training = AccuracySettings(
        task=(TASK,), optimizer=(Sgd(learning_rate=rate, batch=len(points)),), steps=steps, replicates=1
    )
    return TrainingSetup(TASK, Data(1, HALF_SQUARE, part, part, part), training)


def shares_of(network, points, **given):
    """The shares of one network by layer, at one look."""
    observer = UnitActivity(network, setup_of(points), UnitActivitySettings(**given))
    observer.look(network, 0)
    return {name: values[0, :, 0].tolist() for name, values in observer.readings().items()}


def by_hand(activation, *rows):
    """One network of one hidden layer: pairs of a weight and a bias of its units, for one input."""
    weights, biases = zip(*rows, strict=True)
    numbers = torch.tensor([[*weights, *biases, *[1.0] * len(rows), 0.0]])
    return Ensemble((1, len(rows), 1), activation, ((1.0, 0.0),) * 2, numbers)


def test_dead_and_dormant_units_are_counted():
    """At x = -1, 0, 1 the units' means are 1/3, 0, 0.01/3 and 5: their average is 1.3358, and 0.025 of it 0.0334.

    relu(x) lives, relu(x - 2) is dead, relu(0.01 x) is dormant and not dead, relu(5) is constant: dead, not dormant.
    """
    network = by_hand(Relu(), (1.0, 0.0), (1.0, -2.0), (0.01, 0.0), (0.0, 5.0))

    assert shares_of(network, [-1.0, 0.0, 1.0]) == {"dead_share": [0.5], "dormant_share": [0.5]}
    assert shares_of(network, [-1.0, 0.0, 1.0], dormant_threshold=0.0)["dormant_share"] == [0.25]
    assert shares_of(network, [-1.0, 0.0, 1.0], dormant_threshold=0.249)["dormant_share"] == [0.5]
    assert shares_of(network, [-1.0, 0.0, 1.0], dormant_threshold=0.25)["dormant_share"] == [0.75]  # 0.333 < 0.334


def test_all_units_of_a_silent_layer_are_dead_and_dormant():
    """A layer of mean 0 has no scale; its units are at most 0 times anything."""
    network = by_hand(Relu(), (1.0, -2.0), (0.5, -3.0))

    assert shares_of(network, [-1.0, 1.0]) == {"dead_share": [1.0], "dormant_share": [1.0]}


@pytest.mark.parametrize(
    ("activation", "rows", "default", "wide"),
    [
        # sigmoid(2.2) = 0.9002, sigmoid(2.1) = 0.8909, sigmoid(-3) = 0.047, sigmoid(0.5) = 0.622
        (Sigmoid(), [(0.0, 2.2), (0.0, 2.1), (0.0, -3.0), (0.0, 0.5)], 0.5, 0.75),
        # tanh(1.1) = 0.8005, tanh(1.05) = 0.7818, tanh(-1.5) = -0.905, tanh(0.25) = 0.245: those of the sigmoid at 2 z
        (Tanh(), [(0.0, 1.1), (0.0, 1.05), (0.0, -1.5), (0.0, 0.25)], 0.5, 0.75),
        # within 0.4 of the bounds -2 and 2, and within 0.6
        (Htanh(linear_region=2.0), [(0.0, 1.7), (0.0, 1.5), (0.0, -3.0), (0.0, 0.0)], 0.5, 0.75),
    ],
    ids=lambda value: getattr(value, "label", None),
)
def test_saturated_activations_are_near_a_bound(activation, rows, default, wide):
    """Two of four units are within 0.1 of the distance of the bounds, three within 0.15."""
    network = by_hand(activation, *rows)

    assert shares_of(network, [-1.0, 1.0])["saturated_share"] == [default]
    assert shares_of(network, [-1.0, 1.0], saturation_margin=0.15)["saturated_share"] == [wide]


def test_saturation_is_a_share_of_points_and_units():
    """tanh(x) is saturated at two of five points, tanh(0) at none."""
    network = by_hand(Tanh(), (1.0, 0.0), (0.0, 0.0))

    assert shares_of(network, [-3.0, -1.0, 0.0, 1.0, 3.0])["saturated_share"] == pytest.approx([0.2])


def networks(activation, widths=(2, 6, 4, 5, 1), draws=3, normalization="none", residual=False):
    """Large weights, so that some units are dead, dormant or saturated."""
    normalized = normalization != "none"
    size = sum((a + 1) * b for a, b in pairwise(widths)) + 2 * normalized * sum(widths[1:-1])
    parameters = 2 * torch.randn(draws, size, generator=torch.Generator().manual_seed(8))
    return Ensemble(widths, activation, ((2.0, 0.1),) * (len(widths) - 1), parameters, normalization, residual)


@pytest.mark.parametrize(
    ("normalization", "residual"), [("none", False), ("none", True), ("batch", False), ("layer", True)]
)
@pytest.mark.parametrize("activation", [Relu(), Tanh(), Sigmoid()], ids=lambda value: value.name)
def test_shares_are_those_of_the_definitions(monkeypatch, activation, normalization, residual):
    """Unit by unit and point by point in numpy, while the observer takes the points in several chunks."""
    monkeypatch.setattr(ensembles, "TILE_BYTES", 1)
    task = Checkerboard(squares=2, train=150, test=4)
    ensemble, data = networks(activation, normalization=normalization, residual=residual), make_data(task, 1, 0, 3)
    training = AccuracySettings(task=(task,), optimizer=(Sgd(learning_rate=0.1, batch=8),), steps=1, replicates=3)
    observer = UnitActivity(ensemble, TrainingSetup(task, data, training), UnitActivitySettings())
    assert len(list(ensemble.chunks(150))) == (1 if normalization == "batch" else 3)

    observer.look(ensemble, 0)
    found = observer.readings()

    low, high = activation.bounds or (np.nan, np.nan)
    margin = 0.1 * (high - low)
    below: list[np.ndarray] = []
    for layer, values in enumerate(ensemble.walk(data.train.inputs)):
        if layer == ensemble.depth:
            break
        h = values.clone().numpy()
        own = h.copy()
        if residual and layer:
            shared = min(own.shape[1], below[-1].shape[1])
            own[:, :shared] -= below[-1][:, :shared]
        below.append(h)
        for draw in range(3):
            size = np.abs(own[draw]).mean(1)
            dead = [np.ptp(unit) < 1e-6 for unit in own[draw]]  # the subtraction rounds
            assert found["dead_share"][draw, layer, 0] == pytest.approx(np.mean(dead))
            assert found["dormant_share"][draw, layer, 0] == pytest.approx(np.mean(size <= 0.025 * size.mean() + 1e-7))
            if activation.bounds:
                near = (own[draw] < low + margin) | (own[draw] > high - margin)
                assert found["saturated_share"][draw, layer, 0] == pytest.approx(near.mean(), abs=1e-6)
    assert ("saturated_share" in found) == (activation.bounds is not None)


@pytest.mark.parametrize("activation", EVERY, ids=lambda value: value.label)
def test_bounds_are_the_limits_of_increasing_bounded_activations(activation):
    """And all such activations state them, since others oscillate, fall back, or grow without end."""
    z = np.linspace(-40, 40, 8001)
    phi = activation.phi(z)
    increasing = bool((np.diff(phi) >= 0).all())
    bounded = bool(np.abs(phi[-1] - phi[-801]) < 1e-6) and bool(np.abs(phi[0] - phi[800]) < 1e-6)

    assert (activation.bounds is not None) == (increasing and bounded)
    if activation.bounds:
        assert (phi[0], phi[-1]) == pytest.approx(activation.bounds, abs=1e-9)


def test_bounded_activations_by_name():
    """The four that saturate."""
    assert {activation.name for activation in EVERY if activation.bounds} == {"tanh", "erf", "sigmoid", "htanh"}
    assert set(ACTIVATIONS) >= {"tanh", "erf", "sigmoid", "htanh"}


def test_training_records_every_layer_at_every_recorded_step():
    """A network that learns zeros by large steps: the first kills every unit, and nothing revives one."""
    network = by_hand(Relu(), (1.0, 0.5), (1.0, 1.0), (2.0, 1.5))
    setup = setup_of([0.0, 0.5, 1.0, 1.5], steps=8, rate=0.5)
    makers = [(Accuracy, setup.training), (UnitActivity, UnitActivitySettings())]

    found = observe(network, setup.data, setup.training, makers)

    steps = len(recorded_steps(8))
    assert found["dead_share"].shape == found["dormant_share"].shape == (1, 1, 1, steps)
    assert found["diverged"].item() == 0
    assert (
        found["dead_share"].flatten().tolist()
        == found["dormant_share"].flatten().tolist()
        == [0.0, *[1.0] * (steps - 1)]
    )


def test_a_layer_that_is_not_finite_has_no_shares():
    """Nor do the layers above; no share is made up from comparisons with nan."""
    network = networks(Relu(), draws=2)
    network.layers[1].weight[1] = torch.inf
    task = Checkerboard(squares=2, train=10, test=4)
    training = AccuracySettings(task=(task,), optimizer=(Sgd(learning_rate=0.1, batch=8),), steps=1, replicates=2)
    observer = UnitActivity(network, TrainingSetup(task, make_data(task, 1, 0, 2), training), UnitActivitySettings())

    observer.look(network, 0)
    found = observer.readings()

    for name in NAMES[:2]:
        assert found[name][0].isfinite().all()
        assert found[name][1, :, 0].isfinite().tolist() == [True, False, False]
