"""Cells: a key stands for all that a cell's numbers depend on, and for nothing else."""

from dataclasses import replace
from math import sqrt

import pytest

from suite.catalog.domain import Box
from suite.catalog.measures import MEASURES
from suite.catalog.measures.training import REPLICATES_A_CELL
from suite.catalog.precision import DRAWS_A_CELL
from suite.cells.sampling import cells_of
from tests.runs.conftest import LINE
from tests.runs.conftest import MEASURES as MEASURES_ALL

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


def test_scores_cost_more_the_more_points_they_look_at(study):
    """So that the longest cells start first; those of weights alone do not."""

    def costs(points):
        asked = "".join(f"[measure.{name}]\npoints = {points}\n" for name in ("grad_norm", "grasp", "ntk"))
        cells = cells_of(study(ONE, f"{asked}[measure.synflow]\n"))
        return {cell.name: cell.cost for cell in cells if cell.name != "landscape"}

    few, many = costs(8), costs(32)

    assert {name: many[name] / few[name] for name in few} == {"grad_norm": 4, "grasp": 4, "ntk": 4, "synflow": 1}
    assert few["grasp"] > few["grad_norm"] > few["synflow"]


def test_only_planes_have_landscapes(study):
    """Two inputs, whatever else is measured."""
    assert "landscape" in {cell.name for cell in cells_of(study(ONE, V3.format(draws=5)))}
    solid = study(ONE.replace("inputs = 2", "inputs = 3"), V3.format(draws=5))
    assert {cell.name for cell in cells_of(solid)} == {"v3"}


def by_name(study):
    """The keys of each measure's cells."""
    cells = cells_of(study)
    return {name: [cell.key for cell in cells if cell.name == name] for name in {cell.name for cell in cells}}


def changed(before, after):
    """Measures whose keys are others; of each of them all are."""
    names = {name for name in before if before[name] != after[name]}
    assert not any(set(before[name]) & set(after[name]) for name in names)
    return names


@pytest.mark.parametrize("edit", ["points = 16", "layers = 1"])
def test_what_looks_at_training_changes_the_trainings_key_and_no_other(study, edit):
    """It has no cell of its own: one training serves all of them."""
    before = by_name(study())
    after = by_name(study(measures=MEASURES_ALL.replace("points = 32", edit)))

    assert "feature_diversity" not in before
    assert "revival" not in before
    assert changed(before, after) == {"accuracy"}


def test_a_training_that_is_not_looked_at_has_another_key(study):
    """Its cell holds fewer numbers."""
    without = MEASURES_ALL.replace("[measure.revival]\n", "")

    assert changed(by_name(study()), by_name(study(measures=without))) == {"accuracy"}


def test_a_new_version_of_what_looks_at_training_has_new_keys(study, monkeypatch):
    """The training's."""
    before = by_name(study())
    entry = MEASURES["revival"]
    monkeypatch.setitem(MEASURES, "revival", replace(entry, version=entry.version + 1))

    assert changed(before, by_name(study())) == {"accuracy"}


def test_the_domain_changes_the_keys_of_what_is_sampled_on_it(study):
    """Not of training and its loss, nor of trainability, which looks at the task's own box."""
    measures = MEASURES_ALL.replace("step = 0.25\n", "")
    wide = f'{measures}[domain]\nkind = "box"\nhalf_width = 2.0\n'

    found = changed(by_name(study(measures=measures)), by_name(study(measures=wide)))

    assert found == {"landscape", "v3", "v3_limit", "collapse", "dead_neurons"}


def test_gradients_over_the_domain_change_with_it(study):
    """Where nothing is trained."""
    measures = "[measure.gradients]\ndraws = 5\n"

    found = changed(
        by_name(study(measures=measures)), by_name(study(measures=f'{measures}[domain]\nkind = "ball"\nradius = 2.0\n'))
    )

    assert found == {"landscape", "gradients"}


def test_the_number_of_lines_matters_where_there_are_lines(study):
    """On a plane's grid there are none; stencils in a disc are placed at random."""
    few, many = (f"[measure.v3]\ndraws = 5\nlines = {lines}\n" for lines in (8, 16))
    disc = '[domain]\nkind = "ball"\n'

    assert changed(by_name(study(measures=few)), by_name(study(measures=many))) == set()
    assert changed(by_name(study(measures=few + disc)), by_name(study(measures=many + disc))) == {"v3"}


TASKS = """
[measure.accuracy]
task = [
  { name = "absolute_value", train = 32, test = 16 },
  { name = "two_kinks", train = 32, test = 16 },
]
optimizer = { name = "sgd", learning_rate = 0.1, batch = 16 }
steps = 2
replicates = 3
"""


def test_trainability_is_looked_at_on_the_tasks_own_box(study):
    """[-sqrt 3, sqrt 3] for the regressions, at the spec's resolution, whatever the domain."""
    measures = f'{TASKS}[measure.trainability]\ndraws = 5\n[domain]\nkind = "box"\nhalf_width = 5.0\n'
    cells = [cell for cell in cells_of(study(LINE, measures)) if cell.name == "trainability"]

    assert [cell.task.name for cell in cells] == ["absolute_value", "two_kinks"]
    assert {cell.domain for cell in cells} == {Box(half_width=sqrt(3))}
    assert all(cell.sampled and cell.settings.step == pytest.approx(2 * sqrt(3) / 32) for cell in cells)
    assert len({cell.key for cell in cells}) == 2


def test_trainability_of_a_task_of_data_is_looked_at_on_its_training_points(study):
    """Digits lie in no box: step and domain are no matter."""
    family = 'width = 6\ninputs = 64\noutputs = 10\ndepth = 2\nactivation = "relu"'
    digits = TASKS[TASKS.index("optimizer") :]
    measures = (
        '[measure.accuracy]\ntask = { name = "digits", train = 32, test = 16 }\n'
        f"{digits}[measure.trainability]\ndraws = 5\nstep = "
    )
    fine, coarse = (by_name(study(family, f"{measures}{step}\n"))["trainability"] for step in (0.25, 0.5))

    (cell,) = [cell for cell in cells_of(study(family, f"{measures}0.25\n")) if cell.name == "trainability"]
    assert not cell.sampled
    assert cell.points == 32
    assert fine == coarse


def test_networks_that_depend_on_data_are_measured_once_a_task(study):
    """He's once in all: what is asked for the domain or pairs does not depend on the task."""
    family = LINE + '\ninitialization = ["he", "data_dependent"]'
    measures = f"{TASKS}[measure.collapse]\ndraws = 5\n[measure.jacobian]\ndraws = 5\n"

    cells = cells_of(study(family, measures))

    found = {}
    for cell in cells:
        if cell.name in ("collapse", "jacobian"):
            scheme = cell.member.initialization.scheme
            found.setdefault((scheme, cell.name), []).append(cell.task.name if cell.task else None)
    assert found == {
        ("he", "collapse"): [None],
        ("he", "jacobian"): [None],
        ("data_dependent", "collapse"): ["absolute_value", "two_kinks"],
        ("data_dependent", "jacobian"): ["absolute_value", "two_kinks"],
    }
    assert len({cell.key for cell in cells}) == len(cells)


@pytest.mark.parametrize("option", ['normalization = "batch"', 'normalization = "layer"', "residual = true"])
def test_options_of_the_architecture_change_the_keys(study, option):
    """All of them."""
    before, after = (by_name(study(f"{ONE}\n{line}", V3.format(draws=5))) for line in ("", option))

    assert changed(before, after) == set(before)
