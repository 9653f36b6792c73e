"""The checkerboard and its data: by hand, balanced, disjoint, and the same whatever else is drawn."""

import pytest
import torch
from scipy.stats import kstest

from suite.catalog.tasks import Checkerboard
from suite.training.tasks import checkerboard, make_data

TASK = Checkerboard(squares=4, train=50, validation=30, test=20)


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


def test_a_replicates_data_are_the_same_in_whatever_range():
    """Across blocks of 64 too."""
    whole = make_data(TASK, 3, 0, 100)

    for start, stop in ((37, 61), (60, 70), (99, 100)):
        part = make_data(TASK, 3, start, stop)
        assert torch.equal(part.train.inputs, whole.train.inputs[start:stop])
        assert torch.equal(part.test.labels, whole.test.labels[start:stop])


def test_replicates_and_seeds_have_data_of_their_own():
    """No point in common."""
    first, other = make_data(TASK, 3, 0, 2), make_data(TASK, 4, 0, 2)

    assert (first.train.inputs[0] != first.train.inputs[1]).all()
    assert not set(first.train.inputs.flatten().tolist()) & set(other.train.inputs.flatten().tolist())


@pytest.mark.parametrize("squares", [2, 8])
def test_boards_of_other_sizes_share_their_points(squares):
    """Only the labels differ, so that boards are compared on the same points."""
    other = make_data(TASK.model_copy(update={"squares": squares}), 3, 0, 2)

    assert torch.equal(other.train.inputs, make_data(TASK, 3, 0, 2).train.inputs)
    assert not torch.equal(other.train.labels, make_data(TASK, 3, 0, 2).train.labels)


def test_precisions_agree_on_points_and_labels():
    """Points are drawn and labelled in float32."""
    single, double = make_data(TASK, 3, 0, 2), make_data(TASK, 3, 0, 2, torch.float64)

    assert double.train.inputs.dtype == torch.float64
    assert torch.equal(double.train.inputs, single.train.inputs.double())
    assert torch.equal(double.train.labels, single.train.labels.double())
