"""A training that is left after any step and taken up again ends with the very numbers of one that never was."""

import pytest
import torch

from suite.catalog.activations import Relu
from suite.catalog.initializations import Critical
from suite.catalog.measures.training import AccuracySettings, FeatureDiversitySettings, RevivalSettings
from suite.catalog.optimizers import OPTIMIZERS, Adam, AdamW, Sgd
from suite.catalog.tasks import AbsoluteValue, Checkerboard
from suite.native.build import TORCH, computing_with, library, reason
from suite.nets.compiled import CompiledTraining
from suite.nets.ensemble import Ensemble
from suite.nets.initialization import draw_parameters
from suite.theory.scaling import layer_variances
from suite.training.accuracy import Accuracy
from suite.training.features import FeatureDiversity
from suite.training.observer import ResumeState, observe
from suite.training.revival import Revival
from suite.training.tasks import make_data
from suite.training.trainer import train

BOARD, LINE = Checkerboard(squares=2, train=48, test=40), AbsoluteValue(train=48, test=40)
DRAWS, STEPS = 3, 21
MOMENTS = ("optimizer.", "first_moment", "second_moment")
"""Prefixes of an optimizer's own values in a state."""

RULES = {
    "Adam": [Adam(learning_rate=rate, batch=16) for rate in (0.003, 0.03)],
    "Adam with decay": [Adam(learning_rate=rate, batch=16, weight_decay=0.1) for rate in (0.003, 0.03, 0.3)],
    "SGD": [Sgd(learning_rate=0.1, batch=16)],
    "momentum": [Sgd(learning_rate=rate, batch=16, momentum=0.9, weight_decay=0.01) for rate in (0.1, 0.5)],
    "schedule": [
        AdamW(learning_rate=rate, batch=16, weight_decay=0.1, schedule="cosine", warmup=8, clip=0.1)
        for rate in (0.003, 0.03)
    ],
}


@pytest.fixture(params=["torch", "kernels"], autouse=True)
def trainer(request, monkeypatch):
    """Each way to train, with a state after every step."""
    if request.param == "torch":
        with computing_with(TORCH):
            yield
        return
    if library() is None:
        pytest.skip(reason())
    monkeypatch.setattr(CompiledTraining, "steps_at_once", 1)
    yield


def networks(task=BOARD, normalization="none"):
    scheme, widths = Critical(bias_std=0.1), (task.inputs, 6, 5, 1)
    variances = layer_variances(scheme, Relu(), widths)
    normalized = normalization != "none"
    parameters = draw_parameters(scheme, widths, variances, 5, {"test": "resume"}, 0, DRAWS, normalized=normalized)
    return Ensemble(widths, Relu(), variances, parameters, normalization)


class Keeper:
    """Keeps the state after every step."""

    def __init__(self):
        self.states = []

    def offer(self, state):
        self.states.append({name: values.clone() for name, values in state().items()})


def watched(rules, start=None, task=BOARD, normalization="none"):
    """What all observers that can look at such networks read, and the states on the way."""
    training = AccuracySettings(task=(task,), optimizer=tuple(rules), steps=STEPS, replicates=DRAWS)
    makers = [(Accuracy, training)]
    if not task.regression:
        makers.append((FeatureDiversity, FeatureDiversitySettings(layers=(1, 2), points=30)))
    if normalization == "none":
        makers.append((Revival, RevivalSettings()))
    keeper, data = Keeper(), make_data(task, 1, 0, DRAWS)
    found = observe(networks(task, normalization), data, training, makers, ResumeState(start, keeper.offer))
    return found, keeper.states


def expect_same(found, expected):
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert found[name].shape == values.shape
        assert found[name].numpy().tobytes() == values.numpy().tobytes(), name


@pytest.mark.parametrize("name", RULES)
def test_left_after_any_step_training_goes_on_to_the_same_numbers(name):
    """Bit for bit, whatever the optimizer gathers and the observers have seen; later states are the same, too."""
    expected, states = watched(RULES[name])
    assert [int(state["step"]) for state in states] == list(range(1, STEPS + 1))

    for place, start in enumerate(states):
        found, later = watched(RULES[name], start)

        expect_same(found, expected)
        assert len(later) == STEPS - place - 1
        for one, other in zip(later, states[place + 1 :], strict=True):
            expect_same(one, other)


@pytest.mark.parametrize(
    ("task", "normalization"),
    [(BOARD, "batch"), (BOARD, "layer"), (LINE, "none")],
    ids=["batch", "layer", "regression"],
)
def test_so_do_normalized_networks_and_regressions(task, normalization):
    """From the first, the middle and the last step."""
    expected, states = watched(RULES["Adam"], None, task, normalization)

    for start in (states[0], states[STEPS // 2], states[-1]):
        found, _ = watched(RULES["Adam"], start, task, normalization)
        expect_same(found, expected)


def test_whoever_looks_on_changes_nothing():
    """With a resume and without."""
    training = AccuracySettings(task=(BOARD,), optimizer=tuple(RULES["Adam"]), steps=STEPS, replicates=DRAWS)
    makers = [(Accuracy, training), (FeatureDiversity, FeatureDiversitySettings(layers=(1, 2), points=30))]
    makers.append((Revival, RevivalSettings()))

    alone = observe(networks(), make_data(BOARD, 1, 0, DRAWS), training, makers)

    expect_same(watched(RULES["Adam"])[0], alone)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_of_the_catalog_goes_on_from_plain_tensors(name):
    """With all its settings away from their defaults, so that it gathers what it can."""
    given = {"learning_rate": 0.05, "batch": 16, "schedule": "cosine", "warmup": 3, "weight_decay": 0.1, "clip": 0.1}
    given |= {"momentum": 0.1} if name == "sgd" else {}
    assert given.keys() == OPTIMIZERS[name].model_fields.keys() - {"name"}
    rule = OPTIMIZERS[name](**given)
    data = make_data(BOARD, 1, 0, DRAWS)
    whole, keeper = networks(), Keeper()
    list(train(whole, data, [rule], [9], offer=keeper.offer))
    assert all(isinstance(values, torch.Tensor) for state in keeper.states for values in state.values())

    resumed = networks()
    stops = list(train(resumed, data, [rule], [0, 3, 4, 9], start=keeper.states[3]))

    assert stops == [4, 9]
    assert torch.equal(resumed.parameters, whole.parameters)
    assert any(name.startswith(MOMENTS) for name in keeper.states[0])


def test_a_state_is_left_as_it_was_by_whoever_goes_on_from_it():
    """So that it serves twice."""
    _, states = watched(RULES["momentum"])
    before = {name: values.clone() for name, values in states[4].items()}

    watched(RULES["momentum"], states[4])

    expect_same(states[4], before)


def test_what_is_gathered_is_needed():
    """Without the optimizer's moments the numbers are others: the test above can fail."""
    expected, states = watched(RULES["Adam"])
    poorer = {name: values * (not name.startswith(MOMENTS)) for name, values in states[9].items()}

    found, _ = watched(RULES["Adam"], poorer)

    assert not torch.equal(found["train_loss"], expected["train_loss"])
