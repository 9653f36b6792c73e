"""Studies on boxes that are not centered, and on data: their cells, their landscapes, and the default step."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from suite.catalog.domain import Ball, Box, Region
from suite.cells.blocks import blocks_of
from suite.cells.cell import Cell
from suite.cells.compute import _networks, compute
from suite.cells.sampling import cells_of
from suite.nets.sample import sample_domain
from suite.runs.tables import landscapes_table
from suite.spec.load import load_studies
from suite.training.tasks import make_data

SPEC = """
title = "Boxes"
seed  = 5
{domain}

[family]
width      = 5
inputs     = {inputs}
depth      = 2
activation = {activation}

[measure.v3]
draws = 6
[measure.v3_limit]
draws = 6
[measure.collapse]
draws = 6
[measure.gradients]
draws = 6
[measure.grad_norm]
draws = 6
[measure.dead_neurons]
draws = 6
"""


def study_cells(folder: Path, domain: str, inputs: int = 2, activation: str = '"relu"') -> list[Cell]:
    """Return the cells of a study on a domain."""
    (folder / "boxes.toml").write_text(SPEC.format(domain=domain, inputs=inputs, activation=activation))
    (study,) = load_studies([folder])
    return cells_of(study)


def named(cells: list[Cell], name: str) -> Cell:
    (cell,) = (cell for cell in cells if cell.name == name)
    return cell


@pytest.mark.parametrize("inputs", [1, 2, 4])
def test_a_centered_box_is_the_same_in_both_forms(tmp_path: Path, inputs: int) -> None:
    """Its values agree to the last bit; its keys differ, since they state the box as the spec does."""
    by_ends = study_cells(tmp_path, 'domain = { kind = "box", low = -2, high = 2.0 }', inputs)
    by_width = study_cells(tmp_path, 'domain = { kind = "box", half_width = 2.0 }', inputs)

    for one, other in zip(by_ends, by_width, strict=True):
        assert one.key != other.key or not one.sampled
        found, expected = compute(one), compute(other)
        assert found.keys() == expected.keys()
        for quantity, values in found.items():
            np.testing.assert_array_equal(values, expected[quantity])


def test_gradients_and_scores_are_at_points_of_the_box(tmp_path: Path) -> None:
    """Those of mean f^2 / 2 over the very grid, by autograd."""
    cells = study_cells(tmp_path, 'domain = { kind = "box", low = [1.0, -3], high = [2.0, -2.5] }', activation='"tanh"')
    cell = named(cells, "gradients")
    domain = cell.domain
    points = sample_domain(2, cell.domain.default_step, 0, 0, domain).points()
    ensemble = _networks(cell, 0, 6, None).to(torch.float64)
    values = ensemble.parameters.clone().requires_grad_()
    last = type(ensemble)(ensemble.widths, ensemble.activation, ensemble.variances, values)
    h = points.expand(6, -1, -1)
    for index, layer in enumerate(last.layers):
        h = torch.baddbmm(layer.bias, layer.weight, h)
        h = h.tanh() if index < 2 else h
    (gradient,) = torch.autograd.grad((h.square().mean((1, 2)) / 2).sum(), values)

    found = compute(cell)["parameter_gradient"]

    np.testing.assert_allclose(np.sqrt((found**2).sum(1)), gradient.norm(dim=1).numpy(), rtol=1e-9)


@pytest.mark.parametrize(
    ("domain", "x1", "x2"),
    [
        ('domain = { kind = "box", low = [1.0, -3], high = [2.0, -2.5] }', (1, 2), (-3, -2.5)),
        ('domain = { kind = "box", low = 0.0, high = 3.0 }', (0, 3), (0, 3)),
        ('domain = { kind = "ball", radius = 2.0 }', (-2, 2), (-2, 2)),
    ],
    ids=["rectangle", "square", "ball"],
)
def test_landscapes_cover_the_box(
    tmp_path: Path, domain: str, x1: tuple[float, float], x2: tuple[float, float]
) -> None:
    """33 points along each side, wherever it lies, with the outputs at those points."""
    cell = named(study_cells(tmp_path, domain), "landscape")
    found = compute(cell)["landscape"]
    table = landscapes_table([cell], {cell.key: {"landscape": found.shape}}, lambda key, name: found, [], [])
    assert table is not None
    rows = table[table["draw"] == 1]
    points = torch.from_numpy(rows[["x1", "x2"]].to_numpy().T.copy())

    assert isinstance(rows, pd.DataFrame)
    assert len(rows) == 33**2
    for name, ends in (("x1", x1), ("x2", x2)):
        np.testing.assert_allclose(np.unique(rows[name].round(9)), np.linspace(*ends, 33), atol=1e-9)
    outputs = _networks(cell, 0, 3, None).to(torch.float64)(points)[1, 0]
    np.testing.assert_allclose(rows["value"], outputs.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("domain", "step"),
    [
        (Box(), 1 / 16),
        (Ball(radius=3.0), 6 / 32),
        (Box(low=0.0, high=1.0), 1 / 32),
        (Box(low=(0.0, 0.4), high=(0.3, 0.7)), 0.3 / 32),
        (Box(low=0.0, high=(1.0, 2.5)), 1 / 32),
        (Box(low=0.0, high=(1.0, 1.7)), 1 / 40),
        (Box(low=0.0, high=(1.0, 1.01)), 1 / 100),
        (Box(low=(0.0, -1.0, 2.0), high=5.0), 1 / 11),
        (Box(low=0.0, high=(1.0, 3**0.5)), 1 / 32),
    ],
    ids=lambda value: getattr(value, "label", f"{value}"),
)
def test_the_default_step_divides_all_sides_that_have_a_common_step(domain: Region, step: float) -> None:
    """It is the largest with 32 steps or more along the shortest side; sides of 1 and sqrt 3 have none."""
    assert domain.default_step == pytest.approx(step, rel=1e-12)
    assert domain.divides(domain.default_step) == (domain.sides()[-1] != 3**0.5)


ON_DATA = """
title = "On data"
seed  = 5
domain = {{ kind = "data" }}

[family]
width          = 5
depth          = 2
activation     = "{activation}"
initialization = "{initialization}"

[measure.v3]
draws = 70
{step}
[measure.v3_limit]
draws = 6
[measure.collapse]
draws = 6
[measure.gradients]
draws = 6
[measure.dead_neurons]
draws = 6
[measure.trainability]
draws = 6
[measure.accuracy]
task       = {task}
optimizer  = {{ name = "adam", learning_rate = 0.01, batch = 8 }}
steps      = 2
replicates = 3
"""
BOARD = '{ name = "checkerboard", squares = 2, train = 24, test = 8 }'
FILE = '{ name = "table", file = "own.csv", target = "y" }'


def cells_on_data(
    folder: Path, task: str, step: str = "", activation: str = "relu", initialization: str = "he"
) -> list[Cell]:
    """Return the cells of a study on the training points of a task; `own.csv` has two columns of unequal sizes."""
    values = np.random.default_rng(2).normal(size=(60, 2)) * [100.0, 0.01] + [5.0, 0.0]
    table = pd.DataFrame(values, columns=["a", "b"])
    table.assign(y=np.where(values[:, 0] > 0, "yes", "no")).to_csv(folder / "own.csv", index=False)
    text = ON_DATA.format(task=task, step=step, activation=activation, initialization=initialization)
    (folder / "data.toml").write_text(text)
    (study,) = load_studies([folder / "data.toml"])
    return cells_of(study)


@pytest.mark.parametrize("task", [BOARD, FILE], ids=["board", "file"])
@pytest.mark.parametrize(("step", "stated"), [("", None), ("step = 0.25", 0.25)], ids=["default", "stated"])
def test_networks_are_evaluated_at_the_training_points_of_replicate_0(
    tmp_path: Path, task: str, step: str, stated: float | None
) -> None:
    """V3 and collapse, by hand; a standardized file has steps of 1/16."""
    cells = cells_on_data(tmp_path, task, step)
    v3, collapse = named(cells, "v3"), named(cells, "collapse")
    assert v3.task is not None
    points = make_data(v3.task, 5, 0, 1, torch.float64).train.inputs[0]
    step_taken = stated or points.std(dim=1, correction=0).square().mean().sqrt().item() / 16
    ensemble = _networks(v3, 0, 70, None).to(torch.float64)
    thirds = []
    for axis in torch.eye(2, dtype=torch.float64)[:, :, None]:
        values = [ensemble(points + place * step_taken * axis) for place in (-1.5, -0.5, 0.5, 1.5)]
        thirds.append((values[3] - 3 * values[2] + 3 * values[1] - values[0]) / step_taken**3)

    np.testing.assert_allclose(compute(v3)["v3"], torch.cat(thirds, dim=2).abs().mean((1, 2)).numpy(), rtol=1e-7)
    outputs = ensemble(points)[:6, 0].std(1, correction=0)
    np.testing.assert_allclose(compute(collapse)["output_std"], outputs.numpy(), rtol=1e-9)
    if task == FILE and stated is None:
        assert step_taken == pytest.approx(1 / 16, rel=1e-6)


@pytest.mark.parametrize("initialization", ["he", "data_dependent"])
def test_draws_on_data_are_the_same_wherever_their_cell_starts(tmp_path: Path, initialization: str) -> None:
    """The points are those of replicate 0 for every draw, also where networks depend on their own replicate's."""
    cell = named(cells_on_data(tmp_path, BOARD, initialization=initialization), "v3")

    whole, late = compute(cell), compute(replace(cell, start=66))

    for quantity, values in late.items():
        np.testing.assert_allclose(values, whole[quantity][66:], rtol=1e-6, atol=10 * whole["v3_floor"].max())


def test_cells_on_data_have_keys_that_follow_from_the_task(tmp_path: Path) -> None:
    """And from the step of measures along stencils, which others do not have; landscapes are those of the box."""
    cells = cells_on_data(tmp_path, BOARD)
    other = cells_on_data(tmp_path, BOARD.replace("train = 24", "train = 25"))
    stepped = cells_on_data(tmp_path, BOARD, "step = 0.25")

    for cell, larger, own in zip(cells, other, stepped, strict=True):
        assert (cell.key != larger.key) == (cell.name != "landscape")
        assert (cell.key != own.key) == (cell.name in ("v3", "v3_limit"))
    by_name = {cell.name: cell for cell in cells}
    assert {name: cell.uses_replicates for name, cell in by_name.items()} == {
        name: name in ("gradients", "trainability", "accuracy") for name in by_name
    }
    assert by_name["v3"].points == 24 * (1 + 2 * 4)
    assert by_name["collapse"].points == 24


def test_tables_say_that_death_is_decided_at_training_points_and_have_no_theory(tmp_path: Path) -> None:
    """In the first layer, too."""
    cell = named(cells_on_data(tmp_path, BOARD), "dead_neurons")
    found = compute(cell)
    shapes = {cell.key: {name: values.shape for name, values in found.items()}}

    blocks = blocks_of([cell], shapes, lambda key, name: found[name], [])

    assert {method for block in blocks for method in block.methods} == {"training points"}
    assert all(block.theory is None for block in blocks)


def test_landscapes_of_a_study_on_data_are_on_the_box_of_its_task(tmp_path: Path) -> None:
    """A file has no box, and no landscapes."""
    board = named(cells_on_data(tmp_path, BOARD), "landscape")

    assert board.domain == Box(half_width=1.0)
    assert not [cell for cell in cells_on_data(tmp_path, FILE) if cell.name == "landscape"]


def test_trainability_stays_on_the_box_of_the_task(tmp_path: Path) -> None:
    """At the default resolution; for a file, at the training points of each replicate."""
    board, file = (named(cells_on_data(tmp_path, task), "trainability") for task in (BOARD, FILE))

    assert (board.domain, board.points) == (Box(half_width=1.0), 33**2)
    assert not file.sampled
    assert compute(file).keys() == {"trainability"}
