"""Computing a cell: the same numbers however its draws are cut into tiles."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from suite.catalog.measures import LANDSCAPE, MEASURES
from suite.catalog.quantities import QUANTITIES
from suite.cells.compute import _compute_draws, _networks, compute
from suite.cells.sampling import cells_of
from suite.nets.backward import loss_gradient
from suite.nets.losses import HALF_SQUARE, LossAt
from suite.nets.sample import sample_domain
from tests.runs.conftest import LINE, REGRESSION

WATCHERS = ("feature_diversity", "revival", "unit_activity")
"""They look at the training that accuracy's cells do."""

NAMES = [*(name for name in MEASURES if name not in WATCHERS), "landscape"]


def cells_named(study, name):
    return [cell for cell in cells_of(study()) if cell.name == name]


def cells_with(study, name):
    """Of regressions too, which have other scores."""
    both = [*cells_of(study()), *(cells_of(study(LINE, REGRESSION)) if name == "accuracy" else [])]
    return [cell for cell in both if name in dict(cell.taken)]


OTHERS = [
    'inputs = 4\noutputs = 2\nwidth = 5\ndepth = 3\nactivation = "tanh"',
    'inputs = 4\nwidth = 5\ndepth = 2\nactivation = "relu"\nnormalization = ["batch", "layer"]\nresidual = true',
    'inputs = 3\nwidth = 1\ndepth = 1\nactivation = "relu"',
]


@pytest.mark.parametrize("family", OTHERS, ids=["outputs", "normalized and residual", "one unit"])
@pytest.mark.parametrize("name", ["grad_norm", "snip", "grasp", "fisher", "jacobian_covariance", "naswot", "ntk"])
def test_scores_of_other_networks_do_not_hang_on_tiles(study, name, family):
    """Of points of the domain, where nothing is trained."""
    for cell in cells_of(study(family, f"[measure.{name}]\ndraws = 9\npoints = 5\n")):
        whole, parts = compute(cell, tile=64), compute(cell, tile=2)
        for quantity, values in whole.items():
            np.testing.assert_allclose(parts[quantity], values, rtol=1e-6, atol=1e-12, err_msg=quantity)
            assert values.shape == (9,)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tile", [pytest.param(1, marks=pytest.mark.slow), 7])
def test_tiles_of_any_size_give_the_same_values(study, name, tile):
    """To 1e-6 relative, or the rounding floor of V3; to 1e-4 after ten steps of training in float32."""
    for cell in cells_named(study, name):
        whole, parts = compute(cell, tile=64), compute(cell, tile=tile)
        assert parts.keys() == whole.keys()
        for quantity, values in whole.items():
            rtol = 1e-4 if name == "accuracy" else 1e-6
            atol = {"accuracy": 1e-4, "landscape": 1e-6}.get(name, 1e-12)
            if quantity in ("v3", "v3_over_rms"):
                atol = 10 * whole["v3_floor"].max()
            if quantity == "v3_exact":
                atol = 1e-9
            np.testing.assert_allclose(parts[quantity], values, rtol=rtol, atol=atol, err_msg=quantity)


@pytest.mark.parametrize("name", [*MEASURES, "landscape"])
def test_a_measure_returns_the_quantities_that_the_catalog_says(study, name):
    """With the draws first; learning rates after them in training; none twice, none unknown.

    Ratios of means over draws are no draw's own: the tables make them.
    """
    measure = LANDSCAPE if name == "landscape" else MEASURES[name]
    seen = set()
    for cell in cells_with(study, name):
        readings = compute(cell)
        seen |= set(readings)
        for quantity, values in readings.items():
            lead = (20, 2) if cell.trains else (cell.stop - cell.start,)
            assert values.shape[: len(lead)] == lead
            index = QUANTITIES[quantity].index if quantity in QUANTITIES else ("place", *["step"] * cell.trains)
            assert values.ndim == len(lead) + len(index)
    others = {
        quantity
        for other in (*WATCHERS, "accuracy")
        if measure.inputs == "training" and other != name
        for quantity in MEASURES[other].quantities
    }
    elsewhere = {quantity for quantity in measure.quantities if QUANTITIES[quantity].kind == "ratio"}
    elsewhere |= {"landscape", "validation_r2", "test_r2"}  # the last two are of files
    assert seen - {"landscape"} - others == set(measure.quantities) - elsewhere


@pytest.mark.parametrize(
    "name",
    [name for name in MEASURES if name not in (*WATCHERS, "activation_ratio")],
)
def test_draws_are_the_same_wherever_their_cell_starts(study, name):
    """Draws 13 to 20 alone are those of the cell from 0 to 20."""
    cell = cells_named(study, name)[1]

    whole, late = compute(cell), compute(replace(cell, start=13))

    for quantity, values in late.items():
        expected = whole[quantity][13:20]
        atol = 10 * whole["v3_floor"].max() if name == "v3" else 1e-4 if name == "accuracy" else 1e-12
        np.testing.assert_allclose(values, expected, rtol=1e-4 if name == "accuracy" else 1e-6, atol=atol)


def test_a_score_looks_at_the_first_training_points(study):
    """Whose data are the training's: 64 or more of 64 are all of them, which the gradients' norms by layer are of."""
    (gradients, *_) = cells_named(study, "gradients")
    (score, *_) = cells_named(study, "grad_norm")
    fewer = replace(score, settings=score.settings.model_copy(update={"points": 16}))
    all_points, by_layer = compute(score)["grad_norm"], compute(gradients)["parameter_gradient"]

    np.testing.assert_allclose(all_points, np.sqrt((by_layer**2).sum(1)), rtol=1e-9)
    apart = np.abs(compute(fewer)["grad_norm"] / all_points - 1)
    assert apart.min() > 1e-6
    assert np.median(apart) > 0.1


def test_a_score_without_training_looks_at_points_of_the_domain(study):
    """As many as it is asked to, of half the mean square."""
    cells = cells_of(study(measures="[measure.grad_norm]\ndraws = 5\npoints = 9\n[measure.gradients]\ndraws = 5\n"))
    (score, *_), (gradients, *_) = ([c for c in cells if c.name == name] for name in ("grad_norm", "gradients"))
    points = sample_domain(2, score.settings.step, 1, 1).some(9)
    at = LossAt(HALF_SQUARE, points, torch.zeros(1, 9).double())
    ensemble = _networks(score, 0, 5, None).to(torch.float64)

    np.testing.assert_allclose(compute(score)["grad_norm"], loss_gradient(ensemble, at).norm(dim=1), rtol=1e-12)
    whole = replace(score, settings=score.settings.model_copy(update={"points": 10_000}))
    by_layer = compute(gradients)["parameter_gradient"]
    np.testing.assert_allclose(compute(whole)["grad_norm"], np.sqrt((by_layer**2).sum(1)), rtol=1e-9)


def test_a_draw_is_one_network_in_every_measure_and_at_the_start_of_training(study):
    """Landscape, gradients' first step and training at step 0 agree on the outputs of draw i."""
    (landscape, *_), (v3, *_), (collapse, *_) = (cells_named(study, name) for name in ("landscape", "v3", "collapse"))
    outputs = compute(landscape)["landscape"]

    # 33 points a side against collapse's: v3's step of 0.25, every fourth of the landscape's.
    coarse = outputs.reshape(3, 33, 33)[:, ::4, ::4].reshape(3, -1)
    found = compute(collapse)

    np.testing.assert_allclose(found["output_std"][:3], coarse.std(axis=1), rtol=1e-5)
    np.testing.assert_allclose(found["output_rms"][:3], np.sqrt((coarse**2).mean(axis=1)), rtol=1e-5)
    measured = compute(v3)
    np.testing.assert_allclose(measured["v3"] / measured["v3_over_rms"], found["output_rms"], rtol=1e-9)


def test_autocast_of_the_caller_changes_nothing(study):
    """Training is in float32, which autocast would lower to bfloat16."""
    (cell,) = cells_named(study, "accuracy")[:1]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = compute(cell)
        assert torch.is_autocast_enabled("cpu")
    for quantity, values in compute(cell).items():
        np.testing.assert_array_equal(found[quantity], values, err_msg=quantity)


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_can_be_computed_in_another_precision(study, name):
    """Whatever its settings say: what no spec can ask for in float32, or train in float64, then differs by rounding."""
    differs = False
    for cell in cells_named(study, name):
        exact, rounded = compute(cell, dtype=torch.float64), compute(cell, dtype=torch.float32)
        usual = compute(cell)
        own = rounded if name == "accuracy" else exact
        assert exact.keys() == rounded.keys() == usual.keys()
        for quantity, values in usual.items():
            np.testing.assert_array_equal(own[quantity], values, err_msg=quantity)
            differs |= not np.array_equal(exact[quantity], rounded[quantity], equal_nan=True)
    assert differs or name not in ("v3", "v3_limit", "synflow", "correlation", "jacobian", "accuracy", "landscape")


def test_float32_measures_look_at_the_same_networks(study):
    """Outputs agree to single precision."""
    single = study(measures='[measure.collapse]\ndraws = 8\ndtype = "float32"')
    double = study(measures="[measure.collapse]\ndraws = 8")
    for one, two in zip(cells_of(single), cells_of(double), strict=True):
        if one.name == "collapse":
            np.testing.assert_allclose(compute(one)["output_rms"], compute(two)["output_rms"], rtol=1e-5)
            assert compute(one)["output_rms"].dtype == np.float32


RAN_OUT = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
    MemoryError("Unable to allocate 2.00 GiB for an array"),
]


def scarce(monkeypatch, most, error):
    """From now on, more than so many draws at a time do not fit; gets the sizes that were tried."""
    tried = []

    def take(cell, ensemble, *rest):
        tried.append(ensemble.draws)
        if ensemble.draws > most:
            raise error
        return _compute_draws(cell, ensemble, *rest)

    monkeypatch.setattr("suite.cells.compute._compute_draws", take)
    return tried


@pytest.mark.parametrize("error", RAN_OUT, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("name", ["collapse", pytest.param("accuracy", marks=pytest.mark.slow)])
def test_where_memory_runs_out_tiles_are_halved_and_nothing_is_lost(study, name, error, monkeypatch):
    """20 draws of which 3 fit: 20, 10, 5, then tiles of 2; every draw is there, in order."""
    cell = cells_named(study, name)[0]
    whole = compute(cell, tile=64)
    tried = scarce(monkeypatch, 3, error)

    found = compute(cell, tile=64)

    assert tried == [20, 10, 5, *[2] * 10]
    for quantity, values in whole.items():
        rtol = 1e-4 if name == "accuracy" else 1e-6
        np.testing.assert_allclose(found[quantity], values, rtol=rtol, atol=rtol, err_msg=quantity)


@pytest.mark.parametrize("error", RAN_OUT, ids=lambda error: type(error).__name__)
def test_a_draw_that_does_not_fit_into_memory_is_an_error_with_a_hint(study, error, monkeypatch):
    """The error names the measure and the member, besides the message of the allocator."""
    cell = cells_named(study, "collapse")[0]
    tried = scarce(monkeypatch, 0, error)

    with pytest.raises(
        MemoryError, match=rf"collapse of {re.escape(cell.member.name)}: one draw does not fit .* use smaller networks"
    ):
        compute(cell, tile=4)

    assert tried == [4, 2, 1]


def test_networks_that_cannot_even_be_drawn_are_named_too(study, monkeypatch):
    """There is no tile to halve yet."""
    cell = cells_named(study, "collapse")[0]

    def fail(*arguments):
        raise RAN_OUT[1]

    monkeypatch.setattr("suite.cells.compute._networks", fail)

    with pytest.raises(MemoryError, match="collapse of "):
        compute(cell)


def test_other_errors_are_not_taken_for_a_lack_of_memory(study, monkeypatch):
    """They are raised as they are, at once."""
    tried = scarce(monkeypatch, 0, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))

    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        compute(cells_named(study, "collapse")[0], tile=64)

    assert tried == [20]
