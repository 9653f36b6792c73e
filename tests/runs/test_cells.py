"""Cells: a key stands for all that a cell's numbers depend on, and for nothing else."""

from dataclasses import replace

import pytest

from suite.catalog.measures import MEASURES
from suite.runs.cells import DRAWS_A_CELL, REPLICATES_A_CELL, cells_of

V3 = "[measure.v3]\ndraws = {draws}"
ONE = 'width = 6\ninputs = 2\ndepth = 2\nactivation = "relu"'


def keys(study, name=None):
    return [cell.key for cell in cells_of(study) if name in (None, cell.name)]


def test_a_study_loaded_twice_has_the_same_keys(study):
    """And no two cells share one."""
    first = keys(study())

    assert keys(study()) == first
    assert len(set(first)) == len(first)


def test_the_title_is_no_matter(study):
    """Words change no number."""
    assert keys(study(title="another")) == keys(study())


def test_more_members_leave_the_keys_of_those_there_were(study):
    """Another activation, another depth, in front."""
    more = 'width = 6\ninputs = 2\ndepth = [2, 1, 3]\nactivation = ["abs", "relu", "tanh"]'

    assert set(keys(study())) < set(keys(study(more)))


def test_a_members_keys_do_not_depend_on_how_its_family_says_it(study):
    """A budget that happens to give the same widths."""
    by_width = keys(study(ONE, V3.format(draws=5)))
    by_budget = keys(study(ONE.replace("width = 6", "parameters = 67"), V3.format(draws=5)))

    assert by_budget == by_width


def test_more_draws_leave_the_keys_of_whole_blocks(study):
    """From 300 to 600: the first 256 are not computed anew, the started block is."""
    few = [cell for cell in cells_of(study(ONE, V3.format(draws=300))) if cell.name == "v3"]
    many = [cell for cell in cells_of(study(ONE, V3.format(draws=600))) if cell.name == "v3"]

    assert [(cell.start, cell.stop) for cell in few] == [(0, 256), (256, 300)]
    assert [(cell.start, cell.stop) for cell in many] == [(0, 256), (256, 512), (512, 600)]
    assert {cell.key for cell in few} & {cell.key for cell in many} == {few[0].key}


@pytest.mark.parametrize(
    ("written", "instead"),
    [("step = 0.25", "step = 0.5"), ("seed", ""), ("width = 6", "width = 7")],
    ids=["settings", "seed", "member"],
)
def test_what_numbers_depend_on_changes_the_key(study, written, instead):
    """Settings, seed and member."""
    measures = "[measure.v3]\ndraws = 5\nstep = 0.25"
    first = keys(study(ONE, measures), "v3")
    if written == "seed":
        second = keys(study(ONE, measures, seed=2), "v3")
    else:
        second = keys(study(ONE.replace(written, instead), measures.replace(written, instead)), "v3")

    assert not set(first) & set(second)


def test_settings_that_say_the_default_are_the_default(study):
    """A step that is written out, v3's or its own."""
    silent = keys(study(ONE, "[measure.v3]\ndraws = 5\n[measure.collapse]\ndraws = 5"))
    stated = keys(study(ONE, "[measure.v3]\nstep = 0.0625\ndraws = 5\n[measure.collapse]\nstep = 0.0625\ndraws = 5"))

    assert stated == silent


def test_a_new_version_of_a_measure_has_new_keys(study, monkeypatch):
    """Only that measure's."""
    before = {name: keys(study(), name) for name in MEASURES}
    monkeypatch.setitem(MEASURES, "v3", replace(MEASURES["v3"], version=MEASURES["v3"].version + 1))

    after = {name: keys(study(), name) for name in MEASURES}

    assert not set(before.pop("v3")) & set(after.pop("v3"))
    assert after == before


def test_cells_cover_every_draw_of_every_measure_once(study):
    """Up to the size of a block; of training, up to 64 replicates."""
    measures = (
        "[measure.collapse]\ndraws = 600\n[measure.accuracy]\nreplicates = 150\nsteps = 1\n"
        'task = { name = "checkerboard", squares = 2, train = 8, test = 8 }\n'
        'optimizer = { name = "sgd", learning_rate = 0.1, batch = 8 }'
    )
    cells = cells_of(study(ONE, measures))
    for name, draws, size in (("collapse", 600, DRAWS_A_CELL), ("accuracy", 150, REPLICATES_A_CELL)):
        own = [cell for cell in cells if cell.name == name]
        assert [draw for cell in own for draw in range(cell.start, cell.stop)] == list(range(draws))
        assert all(cell.start % size == 0 and cell.stop - cell.start <= size for cell in own)


def test_learning_rates_share_a_cell_and_other_axes_of_training_do_not(study):
    """Two boards times two momenta, each with both rates, lowest first."""
    measures = (
        "[measure.accuracy]\nreplicates = 2\nsteps = 1\n"
        'task = { name = "checkerboard", squares = [2, 4], train = 8, test = 8 }\n'
        'optimizer = { name = "sgd", learning_rate = [0.1, 0.01], momentum = [0.0, 0.9], batch = 8 }'
    )
    cells = [cell for cell in cells_of(study(ONE, measures)) if cell.name == "accuracy"]

    found = []
    for cell in cells:
        rules = cell.settings.optimizer
        found.append((cell.task.squares, rules[0].momentum, [rule.learning_rate for rule in rules]))
    assert found == [(board, momentum, [0.01, 0.1]) for board in (2, 4) for momentum in (0.0, 0.9)]


def test_gradients_are_of_the_loss_that_the_study_trains(study):
    """One cell a task; over the domain where there is none."""
    assert {cell.task.name for cell in cells_of(study()) if cell.name == "gradients"} == {"checkerboard"}
    alone = cells_of(study(ONE, "[measure.gradients]\ndraws = 5"))
    assert {cell.task for cell in alone if cell.name == "gradients"} == {None}


def test_only_planes_have_landscapes(study):
    """Two inputs, whatever else is measured."""
    assert "landscape" in {cell.name for cell in cells_of(study(ONE, V3.format(draws=5)))}
    solid = study(ONE.replace("inputs = 2", "inputs = 3"), V3.format(draws=5))
    assert {cell.name for cell in cells_of(solid)} == {"v3"}
