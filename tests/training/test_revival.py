"""Revival: tentatively dead neurons come back under plain gradient descent, permanently dead ones never do."""

import pytest
import torch

from suite.catalog.activations import Relu, Tanh
from suite.catalog.initializations import Sphere
from suite.catalog.measures.training import AccuracySettings, RevivalSettings, recorded_steps
from suite.catalog.optimizers import Adam, AdamW, Sgd
from suite.catalog.tasks import AbsoluteValue
from suite.nets.death import dead_on_points, find_tentative
from suite.nets.ensemble import Ensemble
from suite.nets.initialization import draw_parameters
from suite.nets.losses import HALF_SQUARE
from suite.theory.scaling import layer_variances
from suite.training.observer import TrainingSetup, observe
from suite.training.revival import Revival
from suite.training.tasks import Data, Points, make_data

TASK = AbsoluteValue(train=32, test=8)


def revivals(ensemble, data, rule, steps):
    training = AccuracySettings(task=(TASK,), optimizer=(rule,), steps=steps, replicates=ensemble.draws)
    found = observe(ensemble, data, training, [(Revival, RevivalSettings())])
    return {name: values[:, 0] for name, values in found.items()}


def zeros_to_learn(points=32):
    """Inputs over [-1, 1], with 0 as the value of each."""
    inputs = torch.linspace(-1, 1, points)[None, None]
    part = Points(inputs, torch.zeros_like(inputs))
    return Data(1, HALF_SQUARE, part, part, part)


def by_hand():
    """x -> (3 (x + 2))_+ times 3 and nothing more, with a dead neuron in either hidden layer.

    In the first the second neuron, (0.1 x - 5)_+, is dead for good. In the second layer the second neuron,
    (0.5 - h)_+ of the first layer's h = x + 2, is dead as long as h is above 0.5 at all points.
    """
    first = [1.0, 0.1, 2.0, -5.0]
    second = [3.0, 0.0, -1.0, 0.0, 0.0, 0.5]
    readout = [3.0, 1.0, 0.0]
    return Ensemble((1, 2, 2, 1), Relu(), ((2.0, 0.0),) * 3, torch.tensor([first + second + readout]))


def test_a_tentatively_dead_neuron_comes_back_under_plain_sgd():
    """Learning 0 pulls the first layer's live neuron down until the dead one above it wakes."""
    found = revivals(by_hand(), zeros_to_learn(), Sgd(learning_rate=0.003, batch=32), 200)

    assert found["revivable"].tolist() == [1]
    assert found["revived"][0, 0] == 0
    assert found["revived"][0, -1] == 1
    assert found["revived"].shape == (1, len(recorded_steps(200)))
    assert (found["revived_permanent"] == 0).all()


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize(
    "rule",
    [
        Sgd(learning_rate=0.05, batch=8),
        Sgd(learning_rate=0.05, batch=8, momentum=0.9),
        Adam(learning_rate=0.05, batch=8),
        AdamW(learning_rate=0.05, batch=8, weight_decay=0.0),
        Adam(learning_rate=0.05, batch=8, schedule="cosine", warmup=9, clip=0.1),
    ],
    ids=["plain SGD", "momentum", "Adam", "AdamW", "clipped Adam with a schedule"],
)
def test_no_permanently_dead_neuron_comes_back(depth, rule):
    """Of 300 narrow networks none, exactly: what was never given a gradient is not moved by moments either."""
    widths = (1, *[3] * depth, 1)
    variances = layer_variances(Sphere(), Relu(), widths)
    parameters = draw_parameters(Sphere(), widths, variances, 7, {"test": "revival"}, 0, 300)
    ensemble, data = Ensemble(widths, Relu(), variances, parameters), make_data(TASK, 7, 0, 300)
    dead = dead_on_points(ensemble, data.train.inputs)
    able = find_tentative(dead)

    found = revivals(ensemble, data, rule, 40)

    permanent = sum(int((layer & ~alive[:, None]).sum()) for layer, alive in zip(dead, able, strict=True))
    assert permanent > 100
    assert found["revived_permanent"].max() == 0
    assert found["revivable"].sum() == sum(layer.sum() for layer in dead) - permanent
    assert (found["revived"][:, -1].sum() > 0) == (depth > 1)
    assert (found["revived"] <= found["revivable"][:, None]).all()


@pytest.mark.parametrize("kind", [Sgd, AdamW])
def test_weight_decay_may_revive_a_permanently_dead_neuron(kind):
    """z = -h + 1 is below 0 at h = x + 3, which shrinks by a square where the bias shrinks once."""
    parameters = torch.tensor([[1.0, 3.0, -1.0, 1.0, 1.0, 0.0]])
    ensemble = Ensemble((1, 1, 1, 1), Relu(), ((2.0, 0.0),) * 3, parameters)
    still, decaying = (kind(learning_rate=0.001, batch=32, weight_decay=decay) for decay in (0.0, 20.0))

    kept = revivals(ensemble, zeros_to_learn(), still, 100)
    moved = revivals(ensemble, zeros_to_learn(), decaying, 100)

    assert kept["revivable"].tolist() == moved["revivable"].tolist() == [0]
    assert kept["revived_permanent"].max() == 0
    assert moved["revived_permanent"][0, -1] == 1


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
def test_a_network_that_diverged_has_revived_nobody_and_harms_no_other(broken):
    """Comparisons with nan say no, also to being dead; what it counted before stands."""
    networks = Ensemble((1, 2, 2, 1), Relu(), ((2.0, 0.0),) * 3, by_hand().parameters.repeat(2, 1))
    training = AccuracySettings(task=(TASK,), optimizer=(Sgd(learning_rate=0.1, batch=8),), steps=1, replicates=2)
    observer = Revival(networks, TrainingSetup(TASK, zeros_to_learn(), training), RevivalSettings())
    observer.look(networks, 0)
    networks.parameters[0] = broken
    networks.parameters[1, 9] = 99.0  # the bias of the neuron that can be revived
    observer.look(networks, 1)

    found = observer.readings()

    assert found["revivable"].tolist() == [1, 1]
    for name, later in (("revived", 1), ("revived_permanent", 0)):
        assert found[name][:, 0].tolist() == [0, 0]
        assert found[name][0, 1].isnan()
        assert found[name][1, 1] == later


def test_activations_without_a_flat_side_have_nothing_to_revive():
    """A hyperbolic tangent is never dead."""
    ensemble = Ensemble((1, 2, 2, 1), Tanh(), ((1.0, 0.0),) * 3, by_hand().parameters)

    found = revivals(ensemble, zeros_to_learn(), Sgd(learning_rate=0.01, batch=32), 4)

    assert all((values == 0).all() for values in found.values())
