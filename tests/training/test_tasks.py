"""The tasks and their data: by hand, balanced, disjoint, and the same whatever else is drawn."""

from math import sqrt

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from scipy.stats import kstest

from suite.catalog.curves import Circles, Moons, Spirals
from suite.catalog.tasks import TASKS, AbsoluteValue, Checkerboard, Digits, TwoKinks
from suite.nets.losses import LOSSES
from suite.training.digits import FILE, PIXEL_DEVIATION, PIXEL_MEAN, digits
from suite.training.tasks import absolute_value, checkerboard, make_data, two_kinks

TASK = Checkerboard(squares=4, train=50, validation=30, test=20)
EVERY = [
    TASK,
    AbsoluteValue(train=50, validation=30, test=20),
    TwoKinks(train=50, validation=30, test=20),
    Spirals(turns=2, noise=0.1, label_noise=0.3, train=50, validation=30, test=20),
    Circles(rings=3, noise=0.1, label_noise=0.3, train=50, validation=30, test=20),
    Moons(noise=0.1, label_noise=0.3, train=50, validation=30, test=20),
    Digits(train=50, validation=30, test=20),
]
BOARD = [[-0.2881600, 0.1934731, -0.4643238], [0.7656782, 0.2604132, -0.9927019]]
REGRESSIONS = [(AbsoluteValue, absolute_value), (TwoKinks, two_kinks)]

over_every_task = pytest.mark.parametrize("task", EVERY, ids=lambda task: task.name)


def label(squares, *places):
    points = torch.tensor(places).T[None].float()
    return checkerboard(points, Checkerboard(squares=squares, train=1, test=1))[0, 0].tolist()


def test_labels_of_a_board_of_2_by_2():
    """0 below left and above right."""
    assert label(2, (-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)) == [0, 1, 1, 0]


def test_labels_of_a_board_of_4_by_4():
    """Squares of side 1/2: the lowest row is 0 1 0 1, the next 1 0 1 0."""
    across = (-0.75, -0.25, 0.25, 0.75)
    assert label(4, *[(x, -0.75) for x in across]) == [0, 1, 0, 1]
    assert label(4, *[(x, -0.25) for x in across]) == [1, 0, 1, 0]
    assert label(4, *[(-0.75, x) for x in across]) == [0, 1, 0, 1]


def test_labels_of_a_board_of_3_by_3():
    """Five squares of 0, four of 1."""
    across = (-2 / 3, 0, 2 / 3)
    assert label(3, *[(x, y) for y in across for x in across]) == [0, 1, 0, 1, 0, 1, 0, 1, 0]


def test_edges_belong_to_the_square_above():
    """The lower corner is the first square's; a line between two squares is the upper one's."""
    assert label(4, (-1, -1), (-0.5, -1), (0, 0), (-0.5000001, -1)) == [0, 1, 0, 0]


def test_labels_change_across_each_line_and_nowhere_else():
    """Along a row of a board of 8: 7 changes, at multiples of 1/4."""
    x = torch.linspace(-1, 0.9999, 4000)
    marks = torch.tensor(label(8, *[(place, 0.1) for place in x.tolist()]))
    changes = x[1:][marks.diff() != 0]

    torch.testing.assert_close(changes, torch.arange(-3, 4) / 4, rtol=0, atol=1e-3)


def test_points_are_uniform_and_labels_balanced():
    """On 40,000 points: Kolmogorov-Smirnov on each coordinate, and 5 standard deviations; false alarms below 3e-5."""
    data = make_data(Checkerboard(squares=4, train=10_000, test=1), 3, 0, 4)

    for axis in range(2):
        assert kstest(data.train.inputs[:, axis].flatten().numpy(), "uniform", args=(-1, 2)).pvalue > 1e-5
    assert abs(data.train.labels.mean() - 0.5) < 5 * 0.5 / 40_000**0.5
    assert set(data.train.labels.unique().tolist()) == {0, 1}


def test_sets_have_their_sizes_and_no_point_in_common():
    """Three separate draws; labels fit their points."""
    data = make_data(TASK, 3, 0, 2)
    parts = (data.train, data.validation, data.test)

    assert [part.inputs.shape for part in parts] == [(2, 2, 50), (2, 2, 30), (2, 2, 20)]
    for replicate in range(2):
        seen = [tuple(point) for part in parts for point in part.inputs[replicate].T.tolist()]
        assert len(set(seen)) == 100
    for part in parts:
        assert torch.equal(part.labels, checkerboard(part.inputs, TASK))


def test_validation_has_as_many_points_as_test_unless_given():
    """The catalog's default."""
    assert make_data(Checkerboard(squares=2, train=5, test=7), 0, 0, 1).validation.inputs.shape == (1, 2, 7)


@over_every_task
def test_training_sets_are_the_same_where_nothing_else_is_made(task):
    """Also from a replicate on; the other sets are empty then."""
    whole, alone = (make_data(task, 3, 2, 9, judged=judged) for judged in (True, False))

    assert torch.equal(alone.train.inputs, whole.train.inputs)
    assert torch.equal(alone.train.labels, whole.train.labels)
    assert [part.inputs.shape[2] for part in (whole.validation, whole.test)] == [30, 20]
    assert [part.labels.shape[2] for part in (alone.validation, alone.test)] == [0, 0]


@over_every_task
def test_a_replicates_data_are_the_same_in_whatever_range(task):
    """Across blocks of 64 too."""
    whole = make_data(task, 3, 0, 100)

    for start, stop in ((37, 61), (60, 70), (99, 100)):
        part = make_data(task, 3, start, stop)
        for name in ("train", "validation", "test"):
            assert torch.equal(getattr(part, name).inputs, getattr(whole, name).inputs[start:stop])
            assert torch.equal(getattr(part, name).labels, getattr(whole, name).labels[start:stop])


@over_every_task
def test_replicates_and_seeds_have_data_of_their_own(task):
    """Their sets differ; of what is drawn afresh, every point."""
    first, other = make_data(task, 3, 0, 2), make_data(task, 4, 0, 2)

    assert not torch.equal(first.train.inputs[0], first.train.inputs[1])
    assert not torch.equal(first.train.inputs, other.train.inputs)
    if task.available is None:
        assert (first.train.inputs[0] != first.train.inputs[1]).all()
        assert not set(first.train.inputs.flatten().tolist()) & set(other.train.inputs.flatten().tolist())


@pytest.mark.parametrize("squares", [2, 8])
def test_boards_of_other_sizes_share_their_points(squares):
    """Only the labels differ, so that boards are compared on the same points."""
    other = make_data(TASK.model_copy(update={"squares": squares}), 3, 0, 2)

    assert torch.equal(other.train.inputs, make_data(TASK, 3, 0, 2).train.inputs)
    assert not torch.equal(other.train.labels, make_data(TASK, 3, 0, 2).train.labels)


@over_every_task
def test_precisions_agree_on_points_and_labels(task):
    """Points are drawn and labeled in float32."""
    single, double = make_data(task, 3, 0, 2), make_data(task, 3, 0, 2, torch.float64)

    assert (single.train.inputs.dtype, double.train.inputs.dtype) == (torch.float32, torch.float64)
    assert torch.equal(double.train.inputs, single.train.inputs.double())
    assert torch.equal(double.train.labels, single.train.labels.double())


@over_every_task
def test_data_have_the_shapes_and_the_loss_that_the_catalog_states(task):
    """Inputs, outputs, sizes, kind of labels; nothing moves between a set and its labels."""
    assert TASKS[task.name] is type(task)

    data = make_data(task, 3, 0, 2)

    for part, size in zip((data.train, data.validation, data.test), task.points, strict=True):
        assert part.inputs.shape == (2, task.inputs, size)
        assert part.labels.shape == (2, task.outputs, size)
        assert part.inputs.is_contiguous()
        assert part.labels.is_contiguous()
    assert data.loss is LOSSES[task.loss]


def test_classes_of_every_task():
    """None in a regression, which has a threshold of its own."""
    assert {task.name: task.classes for task in EVERY} == {
        "checkerboard": 2,
        "absolute_value": 0,
        "two_kinks": 0,
        "spirals": 2,
        "circles": 2,
        "moons": 2,
        "digits": 10,
    }
    for task in EVERY:
        assert task.regression == (task.classes == 0) == (task.error is not None)


def test_the_checkerboards_numbers_stay_what_they_were():
    """Stored results depend on them."""
    found = make_data(TASK, 3, 5, 6).train

    torch.testing.assert_close(found.inputs[0, :, :3], torch.tensor(BOARD), rtol=0, atol=1e-7)


@pytest.mark.parametrize(("kind", "function"), REGRESSIONS)
def test_regressions_have_points_uniform_on_their_interval_with_their_values(kind, function):
    """On 20,000 points: Kolmogorov-Smirnov; false alarms once in 10^5."""
    part = make_data(kind(train=10_000, test=1), 3, 0, 2).train

    points = part.inputs.flatten().double().numpy()
    assert kstest(points, "uniform", args=(-sqrt(3), 2 * sqrt(3))).pvalue > 1e-5
    assert torch.equal(part.labels, function(part.inputs, kind(train=1, test=1)))


@pytest.mark.parametrize(
    ("kind", "values"),
    [(AbsoluteValue, [sqrt(3), 1, 0, 0.5, 1, sqrt(3)]), (TwoKinks, [sqrt(3), 1, 0, 0.5, 1, 0])],
)
def test_values_of_the_regressions_at_known_places(kind, values):
    """At the ends, at the kinks and between."""
    places = torch.tensor([-sqrt(3), -1, 0, 0.5, 1, sqrt(3)], dtype=torch.float64)[None, None]
    function = dict(REGRESSIONS)[kind]

    expected = torch.tensor(values, dtype=torch.float64)
    torch.testing.assert_close(function(places, kind(train=1, test=1))[0, 0], expected, rtol=0, atol=1e-15)


def least_errors(kind, places=241, points=4001):
    """Least mean squared errors of one ReLU unit and of two, over a lattice of kinks that open left or right.

    For given kinks the readout's weights and bias are linear least squares. A kink at an end of the interval
    makes the unit linear inside, as every kink beyond it does.
    """
    x = sqrt(3) * (2 * (np.arange(points) + 0.5) / points - 1)
    f = dict(REGRESSIONS)[kind](torch.from_numpy(x)[None, None], kind(train=1, test=1))[0, 0].numpy()
    kinks = np.linspace(-sqrt(3), sqrt(3), places)
    units = np.concatenate([np.maximum(side * (x - kinks[:, None]), 0) for side in (1, -1)])
    units, f = units - units.mean(1, keepdims=True), f - f.mean()  # the bias's part
    gram, moment, power = units @ units.T / points, units @ f / points, f @ f / points
    size = gram.diagonal()
    live = size > 1e-6 * size.max()  # a kink at the far end leaves nothing
    one = power - (moment[live] ** 2 / size[live]).max()
    explained = np.outer(moment**2, size) - np.outer(moment, moment) * gram
    explained = explained + explained.T
    area = np.outer(size, size) - gram**2
    apart = area > 1e-6 * np.outer(size, size).max()  # units all but alike are a single one, numerically
    return one, power - (explained[apart] / area[apart]).max()


def test_thresholds_are_half_of_what_too_few_neurons_reach():
    """By brute force over the kinks; the lattice finds the minima to 0.1%."""
    one = least_errors(AbsoluteValue)[0]
    assert one == pytest.approx(3 - 2 * sqrt(2), rel=1e-3)
    assert AbsoluteValue.neurons == 2
    assert AbsoluteValue.error == pytest.approx(one / 2, rel=1e-3)

    two = least_errors(TwoKinks)[1]
    assert two == pytest.approx(0.0258703, rel=1e-3)
    assert TwoKinks.neurons == 3
    assert TwoKinks.error == pytest.approx(two / 2, rel=1e-3)


def test_as_many_neurons_as_the_catalog_says_suffice():
    """Both functions written as sums of so many ReLU units."""
    x = torch.linspace(-sqrt(3), sqrt(3), 1001, dtype=torch.float64)[None, None]
    units = [torch.relu(x), torch.relu(-x), -sqrt(3) / (sqrt(3) - 1) * torch.relu(x - 1)]

    for kind, function in REGRESSIONS:
        sum_of_units = torch.stack(units[: kind.neurons]).sum(0)
        torch.testing.assert_close(sum_of_units, function(x, kind(train=1, test=1)), rtol=0, atol=1e-15)


def test_digits_are_scaled_by_the_whole_sets_constants():
    """Mean 0 and mean square 1 over all pixels of all images, which are as many as the catalog says."""
    pixels, labels = digits()

    assert pixels.shape == (Digits.inputs, Digits.available)
    assert pixels.double().mean().item() == pytest.approx(0, abs=1e-6)
    assert pixels.double().square().mean().item() == pytest.approx(1, abs=1e-6)
    assert labels.sum(1).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_digits_are_those_of_scikit_learn_bit_for_bit():
    """The same images and labels in the same order, and constants that are the mean and deviation of gray levels."""
    gray, shown = pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)
    pixels, labels = digits()

    assert (gray.mean(), gray.std()) == (
        pytest.approx(PIXEL_MEAN, rel=1e-14),
        pytest.approx(PIXEL_DEVIATION, rel=1e-14),
    )
    assert pixels.dtype == labels.dtype == torch.float32
    np.testing.assert_array_equal(pixels.numpy(), ((gray - PIXEL_MEAN) / PIXEL_DEVIATION).T.astype(np.float32))
    np.testing.assert_array_equal(labels.numpy(), np.eye(10, dtype=np.float32)[:, shown])


def test_the_file_of_digits_names_its_source_and_license():
    """CC BY 4.0 asks for the creators, the source, the license and whether the images were changed."""
    metadata = pq.read_schema(FILE).metadata

    assert b"Alpaydin" in metadata[b"creators"]
    assert b"10.24432/C50P49" in metadata[b"source"]
    assert b"CC BY 4.0" in metadata[b"license"]
    assert b"unchanged" in metadata[b"changes"]


def test_sets_of_digits_share_no_image():
    """When they take all of them, each replicate has every image once."""
    data = make_data(Digits(train=1000, validation=397, test=400), 3, 0, 3)
    everything = sorted(map(tuple, digits()[0].T.tolist()))
    assert len(set(everything)) == Digits.available

    for replicate in range(3):
        parts = (data.train, data.validation, data.test)
        assert sorted(tuple(image) for part in parts for image in part.inputs[replicate].T.tolist()) == everything


def test_digits_are_one_hot_of_all_classes():
    """In every set of every replicate."""
    data = make_data(Digits(train=600, test=300), 3, 0, 4)

    for part in (data.train, data.validation, data.test):
        assert set(part.labels.unique().tolist()) == {0, 1}
        assert (part.labels.sum(1) == 1).all()
        assert (part.labels.sum(2) > 0).all()


def test_labels_belong_to_their_images():
    """The nearest class mean of the train set names most test images; by chance it would be a tenth."""
    data = make_data(Digits(train=1000, test=300), 3, 0, 2)

    centers = torch.bmm(data.train.inputs, data.train.labels.mT) / data.train.labels.sum(2)[:, None]
    nearest = torch.cdist(data.test.inputs.mT, centers.mT).argmin(2)

    right = nearest == data.test.labels.argmax(1)
    assert (right.float().mean(1) > 0.8).all()


def test_digits_that_differ_in_train_alone_are_judged_on_the_same_images():
    """And the smaller train set is part of the larger."""
    small, large = (make_data(Digits(train=train, test=100), 3, 0, 2) for train in (50, 400))

    assert torch.equal(small.test.inputs, large.test.inputs)
    assert torch.equal(small.validation.labels, large.validation.labels)
    assert torch.equal(small.train.inputs, large.train.inputs[..., :50])


def test_more_digits_than_there_are_is_an_error():
    """Rather than an image in two sets."""
    with pytest.raises(ValueError, match="digits has 1,797 points, the sets need 1,798; reduce their sizes"):
        make_data(Digits(train=1000, validation=399, test=399), 0, 0, 1)


@pytest.mark.parametrize(
    "task", [AbsoluteValue(train=1, test=1), TwoKinks(train=1, test=1)], ids=lambda task: task.name
)
def test_a_constant_reaches_the_labels_variance(task: AbsoluteValue | TwoKinks) -> None:
    """On a fine grid of the interval."""
    points = torch.linspace(-task.half_width, task.half_width, 200_001, dtype=torch.float64)[None, None]
    labels = {"absolute_value": absolute_value, "two_kinks": two_kinks}[task.name](points, task)

    assert labels.var(correction=0).item() == pytest.approx(task.label_variance, rel=1e-4)
