"""Points on spirals, circles and half circles: by their formulas, by known values, and with noise as stated."""

from math import pi
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import kstest

import suite
from suite.catalog.curves import Circles, Curves, Moons, Spirals
from suite.training.curves import circles, moons, spirals
from suite.training.tasks import Points, make_data

MANY: Any = {"train": 10_000, "test": 1}
EVERY = [Spirals(turns=1.5, **MANY), Circles(rings=3, **MANY), Moons(**MANY)]

over_every_task = pytest.mark.parametrize("task", EVERY, ids=lambda task: task.name)


def _with(task: Curves, **keys: float) -> Curves:
    """Return the task with other keys, which are checked."""
    return type(task).model_validate({**task.model_dump(), **keys})


def _training_set(task: Curves, replicates: int = 4) -> Points:
    return make_data(task, 3, 0, replicates, judged=False).train


def _by_class(task: Curves) -> list[NDArray[np.float64]]:
    """Return the coordinates of the points of each class, (points, 2)."""
    part = _training_set(task, 1)
    points, labels = part.inputs[0].double().T, part.labels[0, 0]
    return [points[labels == label].numpy() for label in (0, 1)]


def test_moons_are_on_two_half_circles() -> None:
    """They have radius 1 and centers (-1/2, -1/4) and (1/2, 1/4). One is above its center, the other below."""
    above, below = _by_class(Moons(**MANY))

    for points, side in ((above, 1), (below, -1)):
        x, y = points.T + side * np.array([[1 / 2], [1 / 4]])
        np.testing.assert_allclose(np.hypot(x, y), 1, rtol=0, atol=1e-6)
        assert (side * y >= -1e-6).all()


def test_moons_and_circles_are_those_of_scikit_learn() -> None:
    """At the same places of the curves: its moons less (1/2, 1/4), and its circles of factor 1/2."""
    sets = pytest.importorskip("sklearn.datasets")
    numbers = np.repeat([0, 1], 50)

    points, labels = sets.make_moons(100, shuffle=False, noise=None)
    found = moons(np.tile(np.linspace(0, 1, 50), 2)[None], numbers, Moons(train=1, test=1))[0]
    np.testing.assert_allclose(found.T, points - [1 / 2, 1 / 4], rtol=0, atol=1e-14)
    np.testing.assert_array_equal(labels, numbers)

    points, labels = sets.make_circles(100, shuffle=False, noise=None, factor=0.5)
    found = circles(np.tile(np.arange(50) / 50, 2)[None], numbers, Circles(rings=2, train=1, test=1))[0]
    np.testing.assert_allclose(found.T, points, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(labels, numbers)


def test_spirals_of_three_turns_are_those_of_lang_and_witbrock() -> None:
    """Their points: radius 6.5 (104 - i) / 104 and angle i pi / 16 from the second axis, i = 0 to 96."""
    i = np.arange(97)
    radius, angle = 6.5 * (104 - i) / 104, i * pi / 16
    x, y = radius * np.sin(angle), radius * np.cos(angle)

    places = 1 - i / 96
    for number, sign in ((0, 1), (1, -1)):
        found = spirals(places[None], np.full(97, number), Spirals(turns=3, train=1, test=1))[0]
        turned = np.stack([-found[1], found[0]])
        np.testing.assert_allclose(6.5 * turned, sign * np.stack([x, y]), rtol=0, atol=1e-13)


@pytest.mark.parametrize("turns", [0.5, 1, 3, 7.25])
def test_spirals_have_the_stated_number_of_turns(turns: float) -> None:
    """From the inner end, at radius 1/13, to the outer one, at 1; the second is the first, turned by half a turn."""
    for label, points in enumerate(_by_class(Spirals(turns=turns, **MANY))):
        radius = np.hypot(*points.T)
        order = radius.argsort()
        assert (radius.min(), radius.max()) == (pytest.approx(1 / 13, abs=1e-3), pytest.approx(1, abs=1e-3))
        angle = np.unwrap(np.arctan2(*points[order].T[::-1]))
        assert (angle[-1] - angle[0]) / (2 * pi) == pytest.approx(turns, rel=2e-3)
        ahead = np.exp(1j * (angle - 2 * pi * turns * (13 * radius[order] - 1) / 12))
        np.testing.assert_allclose(ahead, 1 - 2 * label, rtol=0, atol=1e-4)


@pytest.mark.parametrize("rings", [2, 3, 6])
def test_circles_have_evenly_spaced_radii_and_classes_that_alternate(rings: int) -> None:
    """Class 0 has the outermost circle, and each class has as many points on each of its circles."""
    for label, points in enumerate(_by_class(Circles(rings=rings, **MANY))):
        radii = np.hypot(*points.T) * rings
        circle = radii.round()
        np.testing.assert_allclose(radii, circle, rtol=0, atol=1e-5)
        found, points_on = np.unique(circle, return_counts=True)
        assert found.tolist() == sorted(range(rings - label, 0, -2))
        assert np.ptp(points_on) <= 1


def test_places_along_the_curves_are_uniform() -> None:
    """Kolmogorov-Smirnov tests of 10,000 points each; a false alarm has a probability of 3e-5."""
    (first, _), (outer, _), (above, _) = map(_by_class, (EVERY[0], Circles(rings=2, **MANY), EVERY[2]))
    places = [
        (13 * np.hypot(*first.T) - 1) / 12,
        np.arctan2(*outer.T) / (2 * pi) + 0.5,
        np.arctan2(above[:, 1] + 0.25, above[:, 0] + 0.5) / pi,
    ]

    for found in places:
        assert kstest(found, "uniform").pvalue > 1e-5


@over_every_task
def test_means_and_mean_squares_of_the_inputs(task: Curves) -> None:
    """They are as the catalog says. 40,000 points, 6 standard errors: false alarms below 1e-7."""
    expected = {
        "spirals": [13 / 72 * (1 - 13**-3)] * 2,
        "circles": [((1 + 1 / 9) / 2 + 4 / 9) / 4] * 2,  # half of the points are on the middle one of 3 circles
        "moons": [3 / 4, 9 / 16 - 1 / pi],
    }
    points = _training_set(task).inputs.double().transpose(0, 1).flatten(1)
    error = 6 * points.square().std(1) / points.shape[1] ** 0.5
    found = points.square().mean(1)

    assert (points.mean(1).abs() < 6 * points.std(1) / points.shape[1] ** 0.5).all()
    if task.name == "spirals":  # of one input it depends on where the turns end
        found, error = found.mean(0, keepdim=True), error.mean(0, keepdim=True)
    assert ((found - torch.tensor(expected[task.name][: len(found)])).abs() < error).all()


@over_every_task
@pytest.mark.parametrize("size", [8, 9])
def test_classes_have_equal_shares(task: Curves, size: int) -> None:
    """In every set of every replicate; class 0 has one point more if the size is odd."""
    data = make_data(task.model_copy(update={"train": size, "validation": size - 4, "test": 2 * size}), 3, 0, 5)

    for part in (data.train, data.validation, data.test):
        number = part.labels.shape[2]
        assert (part.labels.sum((1, 2)) == number // 2).all()


@over_every_task
def test_noise_is_gaussian_with_the_stated_standard_deviation(task: Curves) -> None:
    """It is added to the points of the task without noise: 10,000 points, false alarms below 2e-5 for each task."""
    clean, noisy = (make_data(_with(task, noise=noise), 3, 0, 1) for noise in (0.0, 0.25))
    added = (noisy.train.inputs - clean.train.inputs)[0].double() / 0.25

    for axis in range(2):
        assert kstest(added[axis].numpy(), "norm").pvalue > 1e-5
    assert abs(np.corrcoef(added.numpy())[0, 1]) < 5 / 100  # 5 standard errors
    assert torch.equal(clean.train.labels, noisy.train.labels)
    assert not torch.equal(clean.test.inputs, noisy.test.inputs)


@over_every_task
def test_labels_are_wrong_with_the_stated_probability_and_in_training_alone(task: Curves) -> None:
    """Of 40,000 labels of each class, within 5 standard deviations: false alarms below 2e-6 for each task."""
    clean, noisy = (make_data(_with(task, label_noise=share), 3, 0, 8) for share in (0.0, 0.2))

    for label in (0, 1):
        own = noisy.train.labels[clean.train.labels == label]
        assert abs((own != label).double().mean() - 0.2) < 5 * (0.2 * 0.8 / len(own)) ** 0.5
    assert set(noisy.train.labels.unique().tolist()) == {0, 1}
    assert torch.equal(noisy.train.inputs, clean.train.inputs)
    for part in ("validation", "test"):
        assert torch.equal(getattr(noisy, part).labels, getattr(clean, part).labels)


@over_every_task
def test_less_label_noise_leaves_more_labels_as_they_are(task: Curves) -> None:
    """The labels that it replaces are among those that more noise replaces."""
    clean, less, more = (_training_set(_with(task, label_noise=share)).labels for share in (0.0, 0.1, 0.3))

    assert ((less != clean) & (more == clean)).sum() == 0
    assert (less != clean).sum() < (more != clean).sum()


def test_tasks_that_differ_in_turns_or_rings_have_points_at_the_same_places() -> None:
    """So that they are compared on the same random numbers."""
    few, more = (_by_class(Spirals(turns=turns, **MANY))[0] for turns in (1, 2))
    np.testing.assert_allclose(np.hypot(*few.T), np.hypot(*more.T), rtol=0, atol=1e-6)

    few, more = (_by_class(Circles(rings=rings, **MANY))[0] for rings in (2, 4))
    np.testing.assert_allclose(np.arctan2(*few.T), np.arctan2(*more.T), rtol=0, atol=1e-5)


SPEC = """
title = "Moons"
seed = 1
[family]
width = 16
depth = 1
activation = "relu"
[measure.accuracy]
task = { name = "moons", noise = [0.0, 0.25], train = 64, test = 64 }
optimizer = { name = "adam", learning_rate = 0.03, batch = 32 }
steps = 200
replicates = 2
"""


def test_what_was_learned_is_pictured_where_the_points_are(tmp_path: Path) -> None:
    """Up to the largest coordinate of the curves, and two standard deviations of the noise beyond it."""
    (tmp_path / "moons.toml").write_text(SPEC)
    results = suite.run(tmp_path / "moons.toml", results=tmp_path / "results", workers=1)

    boards = results.landscapes
    assert boards is not None
    trained = boards[boards["state"] == "trained"]
    assert trained.groupby("noise")["x1"].max().to_dict() == {0.0: 1.5, 0.25: 2.0}
    assert boards[boards["state"] == "random"]["x2"].abs().max() == 1
    last = trained[(trained["noise"] == 0) & (trained["step"] == 200)]
    left = last[(last["x1"] == -0.75) & (last["x2"] == 0.75)]["value"]
    right = last[(last["x1"] == 0.75) & (last["x2"] == -0.75)]["value"]
    assert len(left) == len(right) == 1
    assert (left < 0).all()  # within the half circle of class 0
    assert (right > 0).all()
