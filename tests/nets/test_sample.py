"""Where networks are looked at: grids, random lines, and third differences along them."""

from math import sqrt

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp, kstest

from suite.catalog.domain import Ball, Box
from suite.nets.sample import Grid, sample_domain

STEP = 1 / 16


def axes_of(sample):
    """The axis along which each line of a sample runs, if the lines are all of one length."""
    (lines,) = sample.lines
    return lines.directions.argmax(1)


def test_a_plane_is_sampled_on_33_points_a_side():
    """Row by row, the second coordinate running fastest, at exact coordinates."""
    points = sample_domain(2, STEP, 0, 0).points()

    side = torch.arange(33, dtype=torch.float64) / 16 - 1
    assert points.dtype == torch.float64
    assert torch.equal(points[0], side.repeat_interleave(33))
    assert torch.equal(points[1], side.repeat(33))


def test_a_segment_is_sampled_on_33_points():
    """With one input there is one line."""
    sample = sample_domain(1, STEP, 0, 0)

    assert torch.equal(sample.points(), torch.arange(33, dtype=torch.float64)[None] / 16 - 1)
    assert len(sample.lines[0].starts) == 1


def test_the_grids_lines_are_its_rows_and_columns():
    """33 lines along each axis, from the lower side."""
    sample = sample_domain(2, STEP, 0, 0)

    assert axes_of(sample).tolist() == [0] * 33 + [1] * 33
    assert (sample.lines[0].starts[:33, 0] == -1).all()
    assert (sample.lines[0].starts[33:, 1] == -1).all()
    assert (
        sample.lines[0].starts[:33, 1].tolist()
        == sample.lines[0].starts[33:, 0].tolist()
        == [k / 16 - 1 for k in range(33)]
    )


@pytest.mark.parametrize("step", [2 / 3, 0.5, 0.1, 2 / 33])
def test_any_step_that_divides_the_side_reaches_both_ends(step):
    """The ends exactly, equal distances in between."""
    sample = sample_domain(2, step, 0, 0)
    side = sample.points()[1, : sample.lines[0].points_a_line]

    assert sample.lines[0].points_a_line == round(2 / step) + 1
    assert (side[0], side[-1]) == (-1, 1)
    torch.testing.assert_close(side.diff(), torch.full_like(side[1:], step), rtol=0, atol=1e-15)


def test_third_differences_of_a_cube_are_6_along_its_axis_and_0_across():
    """x1^3 on the plane: half of the stencils run along each axis, so the mean is 3."""
    sample = sample_domain(2, STEP, 0, 0)

    (thirds,) = sample.third_differences(sample.points()[0] ** 3)

    assert thirds.shape == (2 * 30 * 33,)
    torch.testing.assert_close(thirds[:990], torch.full((990,), 6.0).double(), rtol=0, atol=1e-9)
    torch.testing.assert_close(thirds[990:], torch.zeros(990).double(), rtol=0, atol=1e-9)
    assert thirds.abs().mean().item() == pytest.approx(3, abs=1e-9)


def test_third_differences_of_a_sum_of_cubes_are_6_everywhere():
    """x1^3 + x2^3, and x^3 on a segment."""
    for inputs in (1, 2):
        sample = sample_domain(inputs, STEP, 0, 0)
        (thirds,) = sample.third_differences((sample.points() ** 3).sum(0))
        torch.testing.assert_close(thirds, torch.full_like(thirds, 6.0), rtol=0, atol=1e-9)


@pytest.mark.parametrize("inputs", [1, 2, 3, 10])
def test_third_differences_of_quadratics_are_0(inputs):
    """To rounding: 8 eps / h^3 = 7e-12 for values of size 1."""
    sample = sample_domain(inputs, STEP, 8, 0)
    points = sample.points()

    (thirds,) = sample.third_differences(points.mean(0) ** 2 + points[0] - 0.5)
    assert thirds.abs().max() < 2e-11


@pytest.mark.parametrize("inputs", [3, 10])
def test_third_differences_along_random_lines_are_those_of_each_lines_axis(inputs):
    """6 times the coefficient of the axis' own cube."""
    sample = sample_domain(inputs, STEP, 16, 0)
    weights = torch.arange(1, inputs + 1, dtype=torch.float64)

    (thirds,) = sample.third_differences((weights[:, None] * sample.points() ** 3).sum(0))

    torch.testing.assert_close(
        thirds.view(16, 30), (6 * weights[axes_of(sample)])[:, None].expand(-1, 30), rtol=0, atol=1e-7
    )


def test_third_differences_keep_the_leading_axes():
    """Draws and outputs come along."""
    sample = sample_domain(2, STEP, 0, 0)
    values = torch.stack([sample.points()[0] ** 3, sample.points()[1] ** 3]).expand(4, 2, -1)

    (thirds,) = sample.third_differences(values)

    assert thirds.shape == (4, 2, 1980)
    torch.testing.assert_close(thirds[0, 0, :990], thirds[3, 1, 990:], rtol=0, atol=1e-9)


@pytest.mark.parametrize("inputs", [3, 10])
def test_random_lines_run_along_an_axis_from_side_to_side(inputs):
    """One coordinate runs over the side, the others stay where they are, inside the cube."""
    sample = sample_domain(inputs, STEP, 40, 0)
    lines = sample.points().unflatten(1, (40, 33))
    side = torch.arange(33, dtype=torch.float64) / 16 - 1

    assert lines.abs().max() <= 1
    for line, axis in enumerate(axes_of(sample).tolist()):
        torch.testing.assert_close(lines[axis, line], side, rtol=0, atol=1e-15)
        others = [other for other in range(inputs) if other != axis]
        assert (lines[others, line] == lines[others, line, :1]).all()


@pytest.mark.parametrize("inputs", [3, 10])
def test_random_lines_cover_the_cube_uniformly(inputs):
    """Kolmogorov-Smirnov on the coordinates across, chi-square-like z on the axes; false-alarm rate 2e-5 each."""
    sample = sample_domain(inputs, STEP, 3000, 0)
    across = torch.ones(3000, inputs, dtype=torch.bool)
    across[torch.arange(3000), axes_of(sample)] = False

    assert kstest(sample.lines[0].starts[across].numpy(), "uniform", args=(-1, 2)).pvalue > 2e-5
    share, expected = np.bincount(axes_of(sample).numpy(), minlength=inputs) / 3000, 1 / inputs
    assert (np.abs(share - expected) / np.sqrt(expected * (1 - expected) / 3000)).max() < 5


def test_random_lines_follow_from_the_seed():
    """The same for every measure; others for another seed."""
    first = sample_domain(3, STEP, 4, 1)

    assert torch.equal(sample_domain(3, STEP, 4, 1).lines[0].starts, first.lines[0].starts)
    assert not torch.equal(sample_domain(3, STEP, 4, 2).lines[0].starts, first.lines[0].starts)


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_stencil_centers_are_the_means_of_the_stencils_points(inputs):
    """In the order of the third differences: line after line."""
    sample = sample_domain(inputs, STEP, 5, 0)
    starts, directions = sample.lines[0].starts, sample.lines[0].directions
    expected = torch.stack(
        [
            start + direction * np.mean([place + k for k in range(4)]) * STEP
            for start, direction in zip(starts, directions, strict=True)
            for place in range(30)
        ],
        dim=1,
    )

    torch.testing.assert_close(sample.lines[0].stencil_centers(), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("inputs", "domain", "number"),
    [(1, Box(), 9), (2, Box(), 81), (3, Box(), 2 * 9), (2, Ball(radius=1.0), 9 * 4)],
    ids=["segment", "plane", "cube", "disc"],
)
def test_a_coarser_sample_is_some_of_the_points(inputs, domain, number):
    """Nine a side or line, from end to end; of 16 random lines every eighth, and of the disc's 66 stencils."""
    sample = sample_domain(inputs, STEP, 8 if isinstance(domain, Ball) else 16, 3, domain)

    few = sample.coarse_points()

    assert few.shape == (inputs, number)
    assert {tuple(point) for point in few.T.tolist()} <= {tuple(point) for point in sample.points().T.tolist()}
    if isinstance(sample, Grid):
        assert few.amin(1).tolist() == [-1] * inputs
        assert few.amax(1).tolist() == [1] * inputs


def test_a_sample_of_few_points_has_no_coarser_one():
    """Eight intervals a side are as few as it gets."""
    sample = sample_domain(2, 0.25, 0, 0)

    assert torch.equal(sample.coarse_points(), sample.points())


def test_directions_are_the_axes_unit_vectors():
    """One row a line."""
    sample = sample_domain(3, STEP, 6, 0)

    assert torch.equal(sample.lines[0].directions, torch.eye(3, dtype=torch.float64)[axes_of(sample)])


def test_a_sample_in_float32_keeps_its_shape_and_step():
    """Only the coordinates' precision changes."""
    sample = sample_domain(2, STEP, 0, 0).to(torch.float32, "cpu")

    assert sample.points().dtype == torch.float32
    assert (sample.step, sample.lines[0].points_a_line) == (STEP, 33)


@pytest.mark.parametrize("half_width", [0.5, sqrt(3), 3.0])
@pytest.mark.parametrize("inputs", [1, 2])
def test_a_box_of_another_half_width_is_sampled_from_end_to_end(inputs, half_width):
    """33 points a side, and the same third differences of cubes."""
    sample = sample_domain(inputs, half_width / 16, 0, 0, Box(half_width=half_width))
    points = sample.points()
    side = torch.linspace(-half_width, half_width, 33, dtype=torch.float64)
    (thirds,) = sample.third_differences((points**3).sum(0))

    assert points.shape == (inputs, 33**inputs)
    for coordinate in points:
        torch.testing.assert_close(coordinate.unique_consecutive().unique(), side, rtol=0, atol=1e-15)
    torch.testing.assert_close(thirds, torch.full_like(thirds, 6.0), rtol=0, atol=1e-9)


def test_random_lines_cover_a_box_of_another_half_width():
    """From side to side, uniform across; Kolmogorov-Smirnov at a false-alarm rate of 2e-5."""
    half_width = 2.5
    sample = sample_domain(3, half_width / 16, 2000, 0, Box(half_width=half_width))
    points = sample.points()
    across = torch.ones(2000, 3, dtype=torch.bool)
    across[torch.arange(2000), axes_of(sample)] = False
    (thirds,) = sample.third_differences((points**3).sum(0))

    assert points.abs().max() <= half_width
    assert sample.lines[0].length == 2 * half_width
    assert kstest(sample.lines[0].starts[across].numpy(), "uniform", args=(-half_width, 2 * half_width)).pvalue > 2e-5
    torch.testing.assert_close(thirds, torch.full_like(thirds, 6.0), rtol=0, atol=1e-9)


def test_with_one_input_the_ball_is_the_interval():
    """The grid of the box of the same extent."""
    ball = sample_domain(1, 0.125, 7, 3, Ball(radius=1.5))
    box = sample_domain(1, 0.125, 7, 3, Box(half_width=1.5))

    assert isinstance(ball, Grid)
    assert torch.equal(ball.points(), box.points())
    assert torch.equal(ball.lines[0].starts, box.lines[0].starts)


@pytest.mark.parametrize("radius", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("intervals", [4, 32])
@pytest.mark.parametrize("inputs", [2, 3, 10])
def test_every_point_of_a_balls_stencils_lies_in_the_ball(inputs, intervals, radius):
    """To the last bit; also where a stencil is three quarters of the diameter."""
    domain, step = Ball(radius=radius), 2 * radius / intervals
    sample = sample_domain(inputs, step, 64, 0, domain)
    points = sample.points()

    assert points.norm(dim=0).max() <= radius * (1 + 1e-14)
    assert (sample.lines[0].points_a_line, sample.step) == (4, step)
    assert sample.lines[0].length == pytest.approx(3 * step, rel=1e-15)
    assert points.shape == (inputs, 4 * (64 * (intervals + 1) // 4))
    assert 0 <= domain.points(inputs, step, 64) - points.shape[1] < 4


@pytest.mark.parametrize("inputs", [2, 3, 10])
def test_a_balls_stencils_have_one_third_difference_each(inputs):
    """6 times the coefficient of the axis' own cube."""
    sample = sample_domain(inputs, STEP, 8, 0, Ball())
    weights = torch.arange(1, inputs + 1, dtype=torch.float64)

    (thirds,) = sample.third_differences((weights[:, None] * sample.points() ** 3).sum(0))

    torch.testing.assert_close(thirds, 6 * weights[axes_of(sample)], rtol=0, atol=1e-7)


@pytest.mark.parametrize("intervals", [5, 64])
@pytest.mark.parametrize("inputs", [2, 3])
def test_a_balls_stencils_are_uniform_among_those_that_fit(inputs, intervals):
    """Against middles thrown into the box, kept where both ends lie in the ball.

    Of each stencil the middle's norm, its place along the stencil's axis and across it. Three two-sample
    Kolmogorov-Smirnov tests, and the axes' shares at |z| < 5: a false-alarm rate below 4e-5 a case.
    """
    step = 2 / intervals
    sample = sample_domain(inputs, step, 4 * 4000 // (intervals + 1), 0, Ball())
    middles = sample.lines[0].stencil_centers().T.numpy()
    axes, along = axes_of(sample).numpy(), np.arange(len(middles))
    thrown = np.random.default_rng(5).uniform(-1, 1, (200_000, inputs))
    half = 1.5 * step * np.eye(inputs)[0]
    fits = (np.linalg.norm(thrown - half, axis=1) <= 1) & (np.linalg.norm(thrown + half, axis=1) <= 1)
    expected = thrown[fits]

    def unlikely(found, other):
        return ks_2samp(found, other, method="asymp").pvalue < 1e-5

    assert not unlikely(np.linalg.norm(middles, axis=1), np.linalg.norm(expected, axis=1))
    assert not unlikely(middles[along, axes], expected[:, 0])
    assert not unlikely(middles[along, (axes + 1) % inputs], expected[:, 1])
    share = np.bincount(axes, minlength=inputs) / len(axes)
    assert (np.abs(share - 1 / inputs) * np.sqrt(len(axes) * inputs)).max() < 5


def test_a_balls_stencils_follow_from_the_seed():
    """The same for every measure; others for another seed."""
    first = sample_domain(3, STEP, 4, 1, Ball())
    again = sample_domain(3, STEP, 4, 1, Ball())

    assert torch.equal(again.lines[0].starts, first.lines[0].starts)
    assert torch.equal(axes_of(again), axes_of(first))
    assert not torch.equal(sample_domain(3, STEP, 4, 2, Ball()).lines[0].starts, first.lines[0].starts)


@pytest.mark.parametrize("intervals", [4, 32])
def test_a_ball_of_many_dimensions_is_sampled(intervals):
    """In 784, where hardly any point of the box around it lies in the ball, within about a second."""
    sample = sample_domain(784, 2 / intervals, 16, 0, Ball())

    assert sample.points().norm(dim=0).max() <= 1 + 1e-14
    assert len(axes_of(sample).unique()) > 1


@pytest.mark.parametrize(
    ("inputs", "domain"), [(1, Box()), (2, Box()), (2, Ball()), (5, Box()), (5, Ball(radius=2.0))], ids=str
)
@pytest.mark.parametrize("number", [2, 7, 20, 33])
def test_some_points_of_a_sample_are_distinct_and_spread_over_it(inputs, domain, number):
    """One from each of as many stretches; all, in order, where no more are there."""
    sample = sample_domain(inputs, STEP, 9, 1, domain)
    points = sample.points()

    some = sample.some(number)

    places = [torch.nonzero((points == column[:, None]).all(0))[0].item() for column in some.T]
    total = points.shape[1]
    assert all(i * total // number <= place < (i + 1) * total // number for i, place in enumerate(places))
    assert torch.equal(sample.some(10 * total), points)


def test_some_points_of_a_plane_do_not_line_up():
    """64 of a grid of 33 a side: no column or row of it holds more than 5, half of them lie on either side."""
    some = sample_domain(2, STEP, 0, 0).some(64)

    for coordinate in some:
        _, counts = coordinate.unique(return_counts=True)
        assert counts.max() <= 5
        assert len(counts) > 20
        assert abs((coordinate > 0).double().mean() - 0.5) < 0.05
    assert torch.linalg.svdvals(some).min() > 0.5 * torch.linalg.svdvals(some).max()


def test_some_points_of_random_lines_are_not_all_at_their_ends():
    """64 lines of 33 points, 64 of which are asked for: one a line, at 20 places along or more."""
    sample = sample_domain(5, STEP, 64, 1)

    some = sample.some(64)

    along = some[axes_of(sample), torch.arange(64)]
    assert len(along.unique()) >= 20
