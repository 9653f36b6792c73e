"""Tables: which learning rate is kept, and how sampled values stand beside their laws."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from suite.catalog.tasks import AbsoluteValue
from suite.cells.blocks import Block, in_memory, training_columns
from suite.cells.compute import compute
from suite.cells.sampling import cells_of
from suite.runs.tables import count_trained, measurements_tables, members_table, select_rates, summary_table
from suite.spec.members import member_axes
from tests.runs.conftest import LINE, REGRESSION, blocks_in_memory
from tests.runs.tiny import NAMES, ran


@pytest.fixture
def scored(study):
    """(quantity, {rate: final scores}) -> blocks of a training that ended so."""

    def build(quantity, scores):
        (cell,) = (cell for cell in cells_of(study(LINE, REGRESSION)) if cell.name == "accuracy")
        blocks = []
        for rate, values in scores.items():
            history = np.stack([np.full(len(values), 0.5), np.array(values, dtype=float)], axis=1)
            steps = {"step": np.array([0, 10])}
            block = Block(cell, cell.settings, {"learning_rate": rate}, quantity, in_memory(history), steps, True)
            blocks += [block, replace(block, quantity="success", draws=in_memory(history[:, -1:]), places={})]
        return blocks

    return build


def rates(blocks):
    return sorted({block.training["learning_rate"] for block in blocks})


def test_of_regressions_the_rate_with_the_smallest_validation_error_is_kept(scored):
    """In the mean over replicates, after the last step."""
    kept = select_rates(scored("validation_error", {0.1: [0.2, 0.4], 0.01: [0.1, 0.3], 0.001: [0.25, 0.25]}))

    assert rates(kept) == [0.01]
    assert {block.quantity for block in kept} == {"validation_error", "success"}


def test_of_classes_the_rate_with_the_largest_validation_accuracy_is_kept(scored):
    """The other way round."""
    assert rates(select_rates(scored("validation_accuracy", {0.1: [0.2, 0.4], 0.01: [0.1, 0.3]}))) == [0.1]


@pytest.mark.parametrize("diverged", [np.nan, np.inf, 1e6])
def test_a_run_that_diverged_counts_as_a_constant(scored, diverged):
    """One lost run among good ones does not outweigh what the others learned; one among poor ones does."""
    variance = AbsoluteValue.label_variance
    good = scored("validation_error", {0.1: [0.0, 0.0, diverged], 0.01: [variance / 2] * 3})
    poor = scored("validation_error", {0.1: [0.9 * variance, 0.9 * variance, diverged], 0.01: [0.9 * variance] * 3})

    assert rates(select_rates(good)) == [0.1]
    assert rates(select_rates(poor)) == [0.01]


def test_of_equal_scores_the_smaller_rate_wins(scored):
    """Also where every rate diverged."""
    assert rates(select_rates(scored("validation_error", {0.1: [0.3], 0.01: [0.3]}))) == [0.01]
    assert rates(select_rates(scored("validation_error", {0.1: [np.nan], 0.01: [np.inf]}))) == [0.01]


@pytest.mark.parametrize("name", NAMES)
def test_a_law_has_a_z_score_or_a_relative_difference_beside_it(name, tmp_path_factory):
    """Never both; neither where there is no law, and no relative difference from a law of 0."""
    summary = ran(name, tmp_path_factory).summary

    law, z, relative = (summary[column].notna() for column in ("theory", "z", "relative_difference"))
    assert not (z & relative).any()
    assert not ((z | relative) & ~law).any()
    zero = summary["theory"] == 0
    assert (z | relative)[law & ~zero & (summary["n"] > 0)].all()
    assert law.any() == (name not in ("tiny_digits", "tiny_scores", "tiny_table"))


def table_of(study):
    return summary_table(blocks_of(study), member_axes(study.members), training_columns(study))


def blocks_of(study):
    cells = cells_of(study)
    return blocks_in_memory(cells, {cell.key: compute(cell) for cell in cells}, training_columns(study))


def test_infinite_width_is_compared_by_z_in_networks_ten_times_wider_than_deep(study):
    """Width 20 at depth 2 is; width 19 is not, and has the relative difference instead."""
    family = 'width = [19, 20]\ninputs = 2\ndepth = 2\nactivation = "tanh"'
    table = table_of(study(family, "[measure.correlation]\ndraws = 30\n"))

    by_width = table.set_index("width")
    assert by_width.loc[20, "z"].notna().all()
    assert by_width.loc[20, "relative_difference"].isna().all()
    assert by_width.loc[19, "z"].isna().all()
    np.testing.assert_allclose(
        by_width.loc[19, "relative_difference"], by_width.loc[19, "mean"] / by_width.loc[19, "theory"] - 1
    )


def test_an_exact_law_is_compared_by_z_at_any_width(study):
    """One neuron of two inputs; the standard error of its frequency is the law's own."""
    family = 'width = 1\ninputs = 2\ndepth = 1\nactivation = "relu"\ninitialization = "sphere"'
    table = table_of(study(family, '[measure.dead_neurons]\ndraws = 400\n[domain]\nkind = "ball"\n'))

    row = table.set_index("quantity").loc["born_dead"]
    law = row["theory"]
    assert 0 < law < 1
    assert row["z"] == pytest.approx((row["mean"] - law) / np.sqrt(law * (1 - law) / 400))
    assert abs(row["z"]) < 5  # fails once in 1.7 million seeds


def test_members_that_are_not_plain_have_no_mean_field_facts(study):
    """Their signals do not follow the variance map."""
    family = 'width = 6\ninputs = 2\ndepth = 2\nactivation = "tanh"'
    family += '\ninitialization = { scheme = "critical", bias_std = 0.1 }'
    loaded = study(
        f'{family}\nnormalization = ["none", "batch"]\nresidual = [false, true]', "[measure.activation_ratio]"
    )

    table = members_table(loaded.members, member_axes(loaded.members))

    facts = table[["fixed_point", "stability", "chi", "correlation_fixed_point", "xi_q"]]
    plain = (table["normalization"] == "none") & (table["residual"] == "no")
    assert plain.sum() == 1
    assert facts[plain].notna().all(axis=None)
    assert facts[~plain].isna().all(axis=None)
    assert table.loc[plain, "chi"].item() == pytest.approx(1, abs=1e-6)


@pytest.fixture
def everything(study):
    """All blocks of a study of many kinds of quantities, its axes and its training settings."""
    loaded = study()
    cells, columns = cells_of(loaded), training_columns(loaded)
    blocks = blocks_in_memory(cells, {cell.key: compute(cell) for cell in cells}, columns)
    return blocks, member_axes(loaded.members), columns


@pytest.mark.parametrize("rows", [1, 100, 1000])
def test_raw_values_are_the_same_however_many_are_written_together(everything, rows, monkeypatch):
    """In every column's values, type and categories, although a piece may hold one member or quantity alone."""
    whole = pd.concat(list(measurements_tables(*everything)), ignore_index=True)
    monkeypatch.setattr("suite.runs.tables.ROWS_AT_A_TIME", rows)

    pieces = list(measurements_tables(*everything))

    assert len(pieces) > len(whole) // (20 * rows + 1000)
    for piece in pieces:
        pd.testing.assert_series_equal(piece.dtypes, whole.dtypes)
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), whole, check_exact=True)


def test_summaries_are_the_same_a_few_columns_at_a_time(everything, monkeypatch):
    """To rounding; ratios of means too."""
    whole = summary_table(*everything)
    monkeypatch.setattr("suite.cells.blocks.VALUES_AT_A_TIME", 45)

    pd.testing.assert_frame_equal(summary_table(*everything), whole, rtol=1e-12, atol=1e-15)


WILD = """
[measure.accuracy]
task       = { name = "checkerboard", squares = 2, train = 64, test = 64 }
optimizer  = { name = "sgd", learning_rate = RATES, batch = 16 }
steps      = 60
replicates = 4
"""


@pytest.mark.parametrize(
    ("rates", "kept", "lost", "all_lost"),
    [("[0.1, 1e3]", 0.1, 0, 4), ("[1e4, 1e3]", 1e3, 4, 8), ("[1e3]", 1e3, 4, 4)],
    ids=["one rate diverges", "both diverge", "the only one diverges"],
)
def test_diverged_runs_lose_the_choice_of_a_rate_and_have_no_accuracy(study, rates, kept, lost, all_lost):
    """If every rate diverges, the smaller one stands, with its runs counted as diverged and nothing else."""
    family = 'width = 10\ninputs = 2\ndepth = 4\nactivation = "relu"'
    wild = study(family, WILD.replace("RATES", rates))
    summary, blocks = table_of(wild), blocks_of(wild)

    counts = count_trained(blocks, summary)
    assert counts["lost"] == all_lost
    assert counts["runs"] == 4 * (1 + rates.count(","))
    assert (counts["selected_runs"], counts["selected_lost"]) == (4, lost)
    rows = summary[summary["step"].isna() | (summary["step"] == 60)].set_index("quantity")
    assert set(summary["learning_rate"]) == {kept}
    assert rows.loc["diverged", "mean"] == lost / 4
    assert rows.loc["diverged", "n"] == rows.loc["success", "n"] == 4
    for name in ("train_loss", "train_accuracy", "validation_accuracy", "test_accuracy"):
        assert rows.loc[name, "n"] == 4 - lost
        assert rows.loc[name, ["mean", "median", "ci_low", "ci_high"]].isna().all() == (lost == 4)
    assert rows.loc["success", "mean"] == 0 or not lost
