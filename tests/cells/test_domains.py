"""Studies on boxes that are not centered: their cells, their landscapes, and the default step."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from suite.catalog.domain import Ball, Box, Domain
from suite.cells.cell import Cell
from suite.cells.compute import _networks, compute
from suite.cells.sampling import cells_of
from suite.nets.sample import sample_domain
from suite.runs.tables import landscapes_table
from suite.spec.load import load_studies

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
        (Box(low=0.0, high=(1.0, 3**0.5)), 1 / 32),
    ],
    ids=lambda value: getattr(value, "label", f"{value}"),
)
def test_the_default_step_divides_all_sides_that_have_a_common_step(domain: Domain, step: float) -> None:
    """It is the largest with 32 steps or more along the shortest side; sides of 1 and sqrt 3 have none."""
    assert domain.default_step == pytest.approx(step, rel=1e-12)
    assert domain.divides(domain.default_step) == (domain.sides()[-1] != 3**0.5)
