"""Trainability: how often random networks have the live neurons that their task needs, against the binomial law."""

from math import sqrt

import pytest
import torch
from scipy.stats import binomtest

from suite.catalog.activations import Abs, Relu, Tanh
from suite.catalog.domain import Box
from suite.catalog.initializations import He, Sphere
from suite.catalog.measures.death import DeadNeuronsSettings, TrainabilitySettings
from suite.catalog.tasks import AbsoluteValue, Checkerboard, Digits, TwoKinks
from suite.measures.dead_neurons import dead_neurons
from suite.measures.trainability import TaskAt, trainability
from suite.nets.sample import sample_domain
from suite.theory.relu_death import at_least
from tests.theory.boxes import dead_probability_on_square

SETTINGS = TrainabilitySettings()
ABSOLUTE, KINKS, BOARD = (
    AbsoluteValue(train=8, test=8),
    TwoKinks(train=8, test=8),
    Checkerboard(squares=2, train=8, test=8),
)


def box_of(task):
    return sample_domain(task.inputs, task.half_width / 4, 1, 0, Box(half_width=task.half_width))


def able(ensemble, task):
    return trainability(ensemble, TaskAt(task, box_of(task)), SETTINGS)["trainability"]


@pytest.mark.parametrize("task", [ABSOLUTE, KINKS], ids=lambda task: task.name)
@pytest.mark.parametrize("width", range(2, 9))
def test_one_hidden_layer_is_trainable_as_often_as_theory_says(networks, task, width):
    """P(at least m* of n neurons are active), each dead with p = 1/6; the sphere's scheme on [-sqrt 3, sqrt 3].

    The exact binomial test, since misses are rare in wide layers, at |z| < 4 or 6e-5 a test: 9e-4 in all 14.
    """
    found = able(networks((1, width, 1), Relu(), 4000, Sphere()), task)
    dead = dead_probability_on_square(1, sqrt(3))
    expected = at_least(task.neurons, width, dead)

    assert dead == pytest.approx(1 / 6, rel=1e-12)
    assert binomtest(int(found.sum()), 4000, expected).pvalue > 6e-5
    if width < task.neurons:
        assert not found.any()


@pytest.mark.parametrize("scheme", [Sphere(), He(bias_std=0.0), He(bias_std=0.5)], ids=lambda scheme: scheme.label)
@pytest.mark.parametrize("task", [ABSOLUTE, KINKS, BOARD], ids=lambda task: task.name)
def test_a_deeper_network_is_trainable_unless_it_is_born_dead(networks, task, scheme):
    """Draw by draw, however few live neurons its layers have."""
    ensemble = networks((task.inputs, 3, 2, 3, 1), Relu(), 500, scheme)

    found = able(ensemble, task)

    born_dead = dead_neurons(ensemble, box_of(task), DeadNeuronsSettings())["born_dead"]
    assert torch.equal(found, 1 - born_dead)
    assert 0 < born_dead.mean() < 1


def test_what_is_needed_depends_on_the_task(by_hand):
    """Two live neurons are enough for |x|, not for two kinks; a single one will do for a classification."""
    both = by_hand((1, 3, 1), Relu(), [1, -1, 1, 0, 0, -9, 1, 1, 1, 0])
    single = by_hand((1, 3, 1), Relu(), [1, -1, 1, 0, -9, -9, 1, 1, 1, 0])
    plane = by_hand((2, 2, 1), Relu(), [1, 0, 0, 1, -9, 0, 1, 1, 0])

    assert [able(both, task).item() for task in (ABSOLUTE, KINKS)] == [1, 0]
    assert able(single, ABSOLUTE).item() == 0
    assert able(plane, BOARD).item() == 1


def test_neurons_are_counted_of_rectifiers_alone(by_hand):
    """One unit of abs is |x|, and is not dead: it can learn |x|, for which rectifiers need two."""
    one = [1.0, 0, 1, 0]

    assert able(by_hand((1, 1, 1), Abs(), one), ABSOLUTE).item() == 1
    assert able(by_hand((1, 1, 1), Tanh(), one), KINKS).item() == 1
    assert able(by_hand((1, 1, 1), Relu(), one), ABSOLUTE).item() == 0


def test_life_counts_on_the_tasks_inputs(by_hand):
    """relu(x - 1.5) lives on [-sqrt 3, sqrt 3], though not on [-1, 1]."""
    ensemble = by_hand((1, 2, 1), Relu(), [1, -1, -1.5, 0, 1, 1, 0])
    narrow = TaskAt(ABSOLUTE, sample_domain(1, 0.25, 1, 0))

    assert able(ensemble, ABSOLUTE).item() == 1
    assert trainability(ensemble, narrow, SETTINGS)["trainability"].item() == 0


def test_where_inputs_are_data_each_draws_training_points_decide(by_hand):
    """Digits need one live neuron; the first draw's points are on its side, the second's are not."""
    ensemble = by_hand((1, 1, 1), Relu(), [1.0, 0, 1, 0], [1.0, 0, 1, 0])
    points = torch.tensor([[[-1.0, 2.0]], [[-1.0, -2.0]]], dtype=torch.float64)

    found = trainability(ensemble, TaskAt(Digits(train=2, test=2), points), SETTINGS)

    assert found["trainability"].tolist() == [1, 0]
