"""Blocks of draws: what their columns stand for, how death was decided, and ratios of means."""

import numpy as np
import pytest

from suite.cells.blocks import training_columns
from suite.cells.compute import compute
from suite.cells.sampling import cells_of
from tests.runs.conftest import LINE, blocks_in_memory

ONE = 'width = 6\ninputs = 2\ndepth = {depth}\nactivation = "relu"'
JACOBIAN = "[measure.jacobian]\ndraws = {draws}\n"


def blocks(study):
    """Every block of a study, by quantity; of one member and setting."""
    cells = cells_of(study)
    readings = {cell.key: compute(cell) for cell in cells}
    found = blocks_in_memory(cells, readings, training_columns(study))
    return {block.quantity: block for block in found}


def made_up(study, moments):
    """Blocks of a study that measures the Jacobian alone, its moments as given."""
    cells = [cell for cell in cells_of(study) if cell.name == "jacobian"]
    readings = {cell.key: {name: values[cell.start : cell.stop] for name, values in moments.items()} for cell in cells}
    return {block.quantity: block for block in blocks_in_memory(cells, readings, [])}


def test_a_ratio_of_means_is_a_ratio_of_means(study):
    """E m_2 / (E m_1)^2 over all cells' draws, not the mean of the draws' own ratios."""
    generator = np.random.default_rng(1)
    first = generator.lognormal(sigma=0.5, size=(300, 2))
    second = first**2 * generator.lognormal(sigma=0.7, size=(300, 2))
    moments = {"jacobian_mean": first, "jacobian_second": second, "jacobian_max": first}

    found = made_up(study(ONE.format(depth=3), JACOBIAN.format(draws=300)), moments)

    expected = second.mean(0) / first.mean(0) ** 2
    np.testing.assert_allclose(found["jacobian_ratio"].values.mean(0), expected, rtol=1e-12)
    assert (np.abs((second / first**2).mean(0) / expected - 1) > 0.1).all()
    assert list(found) == ["jacobian_mean", "jacobian_second", "jacobian_ratio", "jacobian_max"]


def test_a_ratios_standard_error_is_that_of_the_bootstrap(study):
    """To 10%, over 4,000 resamples of draws that keep m_1 and m_2 together."""
    generator = np.random.default_rng(2)
    first = generator.lognormal(sigma=0.4, size=(500, 1))
    second = first**2 * generator.lognormal(sigma=0.3, size=(500, 1))
    moments = {"jacobian_mean": first, "jacobian_second": second, "jacobian_max": first}

    values = made_up(study(ONE.format(depth=2), JACOBIAN.format(draws=500)), moments)["jacobian_ratio"].values[:, 0]

    picks = generator.integers(0, 500, (4000, 500))
    resampled = second[picks, 0].mean(1) / first[picks, 0].mean(1) ** 2
    error = values.std(ddof=1) / np.sqrt(500)
    assert error == pytest.approx(resampled.std(), rel=0.1)
    alone = second.std(ddof=1) / first.mean() ** 2 / np.sqrt(500)
    assert abs(alone / error - 1) > 0.3, "the two means move together, which alone would be missed"


def test_a_ratio_of_nothing_is_no_number(study):
    """Networks whose every derivative is 0, without a warning."""
    zeros = np.zeros((5, 1))
    moments = {"jacobian_mean": zeros, "jacobian_second": zeros, "jacobian_max": zeros}

    found = made_up(study(ONE.format(depth=2), JACOBIAN.format(draws=5)), moments)

    assert np.isnan(found["jacobian_ratio"].values).all()


def test_a_ratio_is_of_the_draws_whose_moments_are_both_numbers(study):
    """A draw that overflowed in either moment counts in neither mean, and has no value of its own."""
    generator = np.random.default_rng(3)
    first = generator.lognormal(sigma=0.5, size=(40, 1))
    second = first**2 * generator.lognormal(sigma=0.7, size=(40, 1))
    whole = {"jacobian_mean": first[4:], "jacobian_second": second[4:], "jacobian_max": first[4:]}
    first[0], second[1], second[2] = np.nan, np.inf, np.nan
    first[3] = second[3] = np.inf
    broken = {"jacobian_mean": first, "jacobian_second": second, "jacobian_max": first}

    found = made_up(study(ONE.format(depth=2), JACOBIAN.format(draws=40)), broken)["jacobian_ratio"].values
    sound = made_up(study(ONE.format(depth=2), JACOBIAN.format(draws=36)), whole)["jacobian_ratio"].values

    assert np.isnan(found[:4]).all()
    np.testing.assert_allclose(found[4:], sound, rtol=1e-12)


def test_columns_stand_for_layers_and_recorded_steps(study):
    """The Jacobian's from the second hidden layer on, gradients' up to the readout, features' in rising order."""
    measures = (
        "[measure.gradients]\ndraws = 3\n[measure.correlation]\ndraws = 3\n[measure.jacobian]\ndraws = 3\n"
        "[measure.accuracy]\nreplicates = 3\nsteps = 3\n"
        'task = { name = "checkerboard", squares = 2, train = 16, test = 8 }\n'
        'optimizer = { name = "sgd", learning_rate = 0.1, batch = 8 }\n'
        "[measure.feature_diversity]\nlayers = [3, 1]\n"
    )

    places = {
        name: {index: list(at) for index, at in block.places.items()}
        for name, block in blocks(study(ONE.format(depth=3), measures)).items()
    }

    assert places["correlation"] == {"layer": [1, 2, 3]}
    assert places["jacobian_max"] == places["jacobian_ratio"] == {"layer": [2, 3]}
    assert places["parameter_gradient"] == {"layer": [1, 2, 3, 4]}
    assert places["train_loss"] == {"step": [0, 1, 2, 3]}
    assert places["leading_share"] == {"layer": [1, 1, 1, 1, 3, 3, 3, 3], "step": [0, 1, 2, 3] * 2}
    assert places["phase1_steps"] == places["success"] == {}


def test_what_stands_under_a_layer_is_that_layers(study):
    """Features of layers = [3, 1] have under layer 1 what is there when it is asked for alone, and so has layer 3."""

    def features(layers):
        training = (
            "[measure.accuracy]\nreplicates = 3\nsteps = 3\n"
            'task = { name = "checkerboard", squares = 2, train = 16, test = 8 }\n'
            'optimizer = { name = "sgd", learning_rate = 0.1, batch = 8 }\n'
            f"[measure.feature_diversity]\nlayers = {layers}\n"
        )
        return blocks(study(ONE.format(depth=3), training))

    both = features([3, 1])

    for layer in (1, 3):
        for name, block in features(layer).items():
            places = both[name].places
            columns = np.equal(places["layer"], layer) if "layer" in places else slice(None)
            np.testing.assert_array_equal(both[name].values[:, columns], block.values)


DEAD = "[measure.dead_neurons]\ndraws = 3\n"


@pytest.mark.parametrize(
    ("family", "by_layer", "whole"),
    [
        (LINE, ["exact", "exact"], "exact"),
        (ONE.format(depth=1), ["exact"], "exact"),
        (ONE.format(depth=3), ["exact", "sampled", "sampled"], "sampled"),
        (ONE.format(depth=3).replace("relu", "tanh"), ["exact"] * 3, "exact"),
    ],
    ids=["one input", "one layer", "deep", "no flat side"],
)
def test_tables_say_how_death_was_decided(study, family, by_layer, whole):
    """Exactly in the first layer, with one input, and where nothing can die; at sample points elsewhere."""
    found = blocks(study(family, DEAD))

    assert found["dead_fraction"].methods == by_layer
    assert found["born_dead"].methods == [whole]


def test_quantities_that_are_not_decided_have_no_method(study):
    """Correlation is a number, not a verdict."""
    found = blocks(study(ONE.format(depth=2), "[measure.correlation]\ndraws = 3\n"))

    assert found["correlation"].methods == [None, None]


def test_trainability_on_data_is_decided_at_training_points(study):
    """Digits lie in no box."""
    family = 'width = 6\ninputs = 64\noutputs = 10\ndepth = 1\nactivation = "relu"'
    measures = (
        "[measure.trainability]\ndraws = 3\n[measure.accuracy]\nreplicates = 1\nsteps = 1\n"
        'task = { name = "digits", train = 16, test = 8 }\n'
        'optimizer = { name = "sgd", learning_rate = 0.1, batch = 8 }\n'
    )

    assert blocks(study(family, measures))["trainability"].methods == ["training points"]
