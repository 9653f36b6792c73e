"""Whole runs of a small study: the same numbers every time, nothing computed twice, damage mended."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import suite
from suite.catalog.quantities import QUANTITIES
from suite.cells.resources import Resources
from suite.results.folder import Results
from suite.runs.run import compute_tables
from suite.spec.load import load_studies
from tests.runs.tiny import BRIEF, NAMES, SPECS, TABLES, assert_same_as_undisturbed, ran, tiny_with

TINY = SPECS / "tiny.toml"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The tiny study, run once in this process."""
    return ran("tiny", tmp_path_factory)


@pytest.fixture(scope="module")
def death(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Regressions of one input by small ReLU networks."""
    return ran("tiny_death", tmp_path_factory)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Normalized and residual networks on digits."""
    return ran("tiny_digits", tmp_path_factory)


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Zero-cost scores of networks of three inputs."""
    return ran("tiny_scores", tmp_path_factory)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_two_runs_in_fresh_folders_give_identical_tables(
    name: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Same spec, same tables to the byte, also with two worker processes."""
    first = ran(name, tmp_path_factory)

    again = compute_tables(load_studies([SPECS / f"{name}.toml"])[0], tmp_path, Resources(workers=2))

    written = {file.name for file in again.folder.iterdir()} & set(TABLES)
    assert set(TABLES) - written == (set() if name == "tiny" else {"landscapes.parquet"})
    for table in written:
        assert (again.folder / table).read_bytes() == (first.folder / table).read_bytes(), table


@pytest.mark.parametrize("name", NAMES)
def test_a_second_run_computes_nothing(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Finished cells are kept; the run only hears that nothing is missing."""
    results = ran(name, tmp_path_factory)
    missing = []

    compute_tables(
        load_studies([SPECS / f"{name}.toml"])[0],
        results.folder.parent,
        Resources(workers=1),
        announce=lambda study, cells, left: missing.append(len(left)) or (lambda *_: None),
    )

    assert missing == [0]


def test_a_damaged_cell_is_computed_anew(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A truncated and a bit-flipped file are noticed, and the tables come out the same."""
    study = load_studies([BRIEF])[0]
    results = compute_tables(study, tmp_path, Resources(workers=1))
    first, second, *_ = sorted((results.folder / "cells").iterdir())
    first.write_bytes(first.read_bytes()[:100])
    content = bytearray(second.read_bytes())
    middle = slice(len(content) // 2, len(content) // 2 + 256)  # long enough to reach beyond any header
    content[middle] = bytes(byte ^ 1 for byte in content[middle])
    second.write_bytes(content)
    finished = []

    compute_tables(study, tmp_path, Resources(workers=1), announce=lambda *_: lambda cell, _: finished.append(cell))

    assert len(finished) == 2
    assert_same_as_undisturbed(tmp_path, tmp_path_factory)


def test_another_activation_changes_no_other_members_numbers(tmp_path: Path) -> None:
    """Members' numbers follow from their own content, not from their place in a list."""
    text = tiny_with("v3", "correlation", "accuracy")
    (tmp_path / "three.toml").write_text(text)
    (tmp_path / "four.toml").write_text(text.replace('["relu", "tanh",', '["abs", "relu", "tanh",'))

    three, more = (
        compute_tables(load_studies([tmp_path / f"{name}.toml"])[0], tmp_path / "results", Resources(workers=1))
        for name in ("three", "four")
    )

    kept = more.measurements[more.measurements["activation"] != "abs"].reset_index(drop=True)
    assert len(more.members) == len(three.members) + 3
    key = ["member", "quantity", "learning_rate", "draw", "layer", "step"]
    left, right = (
        table.astype({"member": str, "quantity": str}).sort_values(key) for table in (kept, three.measurements)
    )
    np.testing.assert_array_equal(left["value"].to_numpy(), right["value"].to_numpy())


def test_an_axis_in_the_training_has_rows_of_its_own(tmp_path: Path) -> None:
    """Lists in task and optimizer multiply the rows; the rate is chosen for each setting."""
    spec = tmp_path / "axes.toml"
    text = tiny_with("gradients", "accuracy")
    for old, new in (("squares = 2", "squares = [2, 3]"), ("batch = 32", "batch = [16, 32]"), ("[1, 2, 4]", "[1, 2]")):
        text = text.replace(old, new)
    spec.write_text(text)

    results = compute_tables(load_studies([spec])[0], tmp_path / "results", Resources(workers=1))

    trained = results.measurements[results.measurements["quantity"] == "success"]
    assert len(trained) == 6 * 2 * 2 * 2 * 4
    chosen = results.summary[results.summary["quantity"] == "success"]
    assert len(chosen) == 6 * 2 * 2
    assert not chosen.duplicated(["member", "squares", "batch"]).any()
    gradients = results.measurements[results.measurements["quantity"] == "input_gradient"]
    assert set(gradients["squares"].unique()) == {2, 3}
    assert gradients["batch"].isna().all()


def test_the_summary_selects_by_validation_and_not_by_test(tiny: Results) -> None:
    """The kept rate has the best mean validation accuracy after the last step, for every member."""
    values = tiny.measurements.astype({"member": str})
    last = values[(values["quantity"] == "validation_accuracy") & (values["step"] == 24)]
    scores = last.groupby(["member", "learning_rate"])["value"].mean().unstack()
    expected = scores.apply(lambda row: min(rate for rate in row.index if row[rate] == row.max()), axis=1)

    kept = tiny.summary[tiny.summary["quantity"] == "success"].astype({"member": str}).set_index("member")

    pd.testing.assert_series_equal(kept["learning_rate"].sort_index(), expected.sort_index(), check_names=False)
    assert scores.nunique(axis=1).gt(1).any()


def test_the_summary_agrees_with_the_raw_values(tiny: Results) -> None:
    """Mean, median and n of a quantity are those of its raw rows."""
    raw = tiny.measurements.astype({"member": str})
    raw = raw[raw["quantity"] == "v3"].groupby("member")["value"].agg(["mean", "median", "count"])

    rows = tiny.summary[tiny.summary["quantity"] == "v3"].astype({"member": str}).set_index("member")

    np.testing.assert_allclose(rows["mean"], raw.loc[rows.index, "mean"], rtol=1e-12)
    np.testing.assert_allclose(rows["median"], raw.loc[rows.index, "median"], rtol=1e-12)
    assert (rows["n"] == raw.loc[rows.index, "count"]).all()
    assert ((rows["ci_low"] <= rows["mean"]) & (rows["mean"] <= rows["ci_high"])).all()


def test_summaries_survive_scores_that_are_no_numbers(scores: Results) -> None:
    """Tables keep -inf and infinity; `n` says how many draws of six the statistics are of, all of them numbers."""
    raw = scores.measurements.astype({"member": str}).groupby(["member", "quantity"])["value"]
    kept = raw.agg(lambda values: np.isfinite(values).sum())
    summary = scores.summary.astype({"member": str}).set_index(["member", "quantity"])

    assert (summary["n"] == kept.reindex(summary.index)).all()
    assert np.isneginf(scores.measurements["value"]).any()
    assert not np.isinf(summary[["mean", "std", "median", "ci_low", "ci_high"]]).to_numpy().any()
    assert (summary.loc[summary["n"] > 0, "mean"].notna()).all()


def test_tables_hold_every_quantity_where_it_applies(tiny: Results, death: Results, scores: Results) -> None:
    """All quantities of the catalog turn up, errors where there is a regression, ratios of means in the summary only.

    Exact V3 is of smooth members only, breakpoints of the others.
    """
    table = tiny.measurements
    ratios = {name for name, quantity in QUANTITIES.items() if quantity.kind == "ratio"}
    errors = {"validation_error", "test_error"}
    scored = set(scores.measurements["quantity"].unique())
    assert scored == set(scores.summary["quantity"].unique())
    elsewhere = errors | {"validation_r2", "test_r2"} | scored
    assert set(tiny.summary["quantity"].unique()) == set(QUANTITIES) - elsewhere
    assert set(table["quantity"].unique()) == set(QUANTITIES) - elsewhere - ratios
    assert errors < set(death.measurements["quantity"].unique())
    assert not {name for name in death.measurements["quantity"].unique() if name.endswith("accuracy")}
    assert set(table.loc[table["quantity"] == "v3_exact", "activation"].unique()) == {"tanh"}
    assert set(table.loc[table["quantity"] == "breakpoints", "activation"].unique()) == {
        "relu",
        "leaky_relu(slope=0.1)",
    }
    gradient = table[table["quantity"] == "parameter_gradient"]
    assert (
        gradient.groupby("member", observed=True)["layer"].max()
        == gradient.groupby("member", observed=True)["depth"].first() + 1
    ).all()
    assert table.loc[table["quantity"] == "activation_ratio", "draw"].isna().all()
    assert table.loc[table["quantity"] == "v3", ["layer", "step", "learning_rate"]].isna().all().all()
    assert not table.duplicated([name for name in table.columns if name != "value"]).any()


def test_trainability_has_rows_by_task_with_the_closed_form_beside(death: Results) -> None:
    """Of one hidden layer the law is exact; two neurons cannot learn a task that needs three."""
    rows = death.summary[death.summary["quantity"] == "trainability"]
    assert len(rows) == 12 * 2
    assert set(rows["task"].unique()) == {"absolute_value", "two_kinks"}
    assert not rows.duplicated(["member", "task"]).any()
    shallow = rows["depth"] == 1
    assert rows.loc[shallow, ["theory", "z"]].notna().all(axis=None)
    assert rows.loc[~shallow, "theory"].isna().all()
    assert (rows.loc[shallow, "z"].abs() < 5).all()  # fails once in 10^5 seeds
    few = rows[shallow & (rows["width"] == 2) & (rows["task"] == "two_kinks")]
    assert (few[["mean", "theory"]] == 0).all(axis=None)
    able = rows[shallow & (rows["task"] == "absolute_value")].set_index(["width", "initialization"])["theory"]
    assert able[2, "data_dependent"] == able[4, "data_dependent"] == 1
    assert 0 < able[2, "sphere"] < able[4, "sphere"] < 1
    success = death.summary[death.summary["quantity"] == "success"]
    assert len(success) == 12 * 2
    assert success["learning_rate"].isin([0.03, 0.1]).all()


def test_what_depends_on_data_has_rows_by_task_and_what_does_not_has_one(death: Results) -> None:
    """Data-dependent networks are others for each task; He's are the same."""
    rows = death.summary[death.summary["quantity"] == "born_dead"]
    tasks = rows.groupby("initialization", observed=True)["task"]
    assert tasks.count().to_dict() == {"he": 0, "sphere": 0, "data_dependent": 8}
    assert tasks.size().to_dict() == {"he": 4, "sphere": 4, "data_dependent": 8}


def test_tables_say_how_death_was_decided(tiny: Results, death: Results) -> None:
    """Exactly with one input; with two in the first layer; for all else at the domain's points."""
    decided = {name for name, quantity in QUANTITIES.items() if quantity.decided}
    for results in (tiny, death):
        for table in (results.summary, results.measurements):
            has = table["method"].notna()
            assert set(table.loc[has, "quantity"].unique()) == decided
            assert not table.loc[~has, "quantity"].isin(decided).any()
    assert set(death.summary["method"].dropna().unique()) == {"exact"}
    relu = tiny.summary[(tiny.summary["quantity"] == "dead_fraction") & (tiny.summary["activation"] == "relu")]
    assert ((relu["method"] == "exact") == (relu["layer"] == 1)).all()


def test_a_wait_that_did_not_end_is_an_empty_row_of_its_replicate(digits: Results) -> None:
    """Phase 1 of every replicate and setting, of which some are censored."""
    raw = digits.measurements[digits.measurements["quantity"] == "phase1_steps"]
    assert len(raw) == 6 * 2 * 2 * 2
    assert raw["value"].isna().any()
    assert raw["value"].dropna().between(0, 8).all()
    rows = digits.summary[digits.summary["quantity"] == "phase1_steps"]
    assert len(rows) == 6 * 2
    assert (rows["n"] == 2).all()


def test_features_have_rows_by_layer_and_step(digits: Results) -> None:
    """Both layers at 0, 1, 2, 3, 4, 6 and 8 steps, each setting of momentum, in every member."""
    for quantity in ("feature_cosine", "feature_cosine_within", "feature_cosine_between", "leading_share"):
        rows = digits.summary[digits.summary["quantity"] == quantity]
        assert len(rows) == 6 * 2 * 2 * 7
        assert not rows.duplicated(["member", "momentum", "layer", "step"]).any()
        started = rows["step"] > 0
        assert (rows.loc[started, "n"] == 2).all()
        assert rows.loc[started, "mean"].between(-1, 1.000001).all()
        assert (rows.loc[~started, "n"] == (0 if quantity == "leading_share" else 2)).all()
    for quantity in ("feature_change_phase1", "feature_change_phase2"):
        rows = digits.summary[digits.summary["quantity"] == quantity]
        assert len(rows) == 6 * 2 * 2
        assert rows["step"].isna().all()


def test_options_of_the_architecture_are_columns(digits: Results) -> None:
    """Each member by its normalization and residual connections; the exact size counts gains and shifts."""
    sizes = digits.members.set_index(["normalization", "residual"])["parameters"]
    affine = 64 * 8 + 8 + 8 * 8 + 8 + 8 * 10 + 10
    assert len(sizes) == 6
    assert (sizes.loc["none"] == affine).all()
    assert (sizes.loc[["batch", "layer"]] == affine + 4 * 8).all()
    assert set(digits.measurements["residual"].unique()) == {"no", "yes"}
    assert digits.summary["theory"].isna().all()


def test_members_say_exact_sizes_and_variances(tiny: Results) -> None:
    """Counts are those of the widths, within 0.5% of the budget; variances are those of the scheme."""
    for row in tiny.members.to_dict("records"):
        widths = [int(width) for width in row["widths"].split()]
        assert row["parameters"] == sum((a + 1) * b for a, b in pairwise(widths))
        assert abs(row["parameters"] - 300) <= 1.5
        assert row["bias_variance"] == pytest.approx(0.01)
        assert row["weight_variances"].split()[-1] == "1"
    relu = tiny.members.set_index("activation").loc["relu"]
    assert (relu["weight_variance"] == 2).all()
    assert relu["fixed_point"].isna().all()
    assert (tiny.members.set_index("activation").loc["tanh", "stability"] < 1).all()


def test_run_json_says_how_it_came_about(tiny: Results) -> None:
    """Spec, seed, versions and each cell's time, device and threads."""
    run = json.loads((tiny.folder / "run.json").read_text())
    assert run["seed"] == 1
    assert run["spec"]["title"] == "Every measure on very small networks"
    assert run["environment"]["packages"]["torch"]
    assert len(run["cells"]) == len(list((tiny.folder / "cells").iterdir()))
    assert all(cell["seconds"] > 0 and cell["device"] == "cpu" and cell["threads"] == 1 for cell in run["cells"])


def test_more_than_two_inputs_are_measured_on_random_lines(tmp_path: Path) -> None:
    """Studies without a plane have no landscapes, and everything else."""
    spec = tmp_path / "lines.toml"
    text = TINY.read_text().replace("inputs         = 2", "inputs         = 5").replace("= 300", "= 400")
    spec.write_text(text[: text.index("[measure.accuracy]")])

    results = compute_tables(load_studies([spec])[0], tmp_path / "results", Resources(workers=1))

    assert results.landscapes is None
    v3 = results.measurements[results.measurements["quantity"] == "v3"]
    assert (v3["value"] > 0).all()


def test_the_notebook_way_gives_frames_and_charts(tmp_path: Path) -> None:
    """load, run, then tables as pandas frames and charts as Altair charts."""
    import altair as alt

    spec = suite.load(BRIEF)
    results = suite.run(spec, results=tmp_path, workers=1)

    assert isinstance(results.members, pd.DataFrame)
    assert isinstance(results.measurements, pd.DataFrame)
    assert isinstance(results.summary, pd.DataFrame)
    assert {"gradients", "learning_curves", "accuracy"} <= set(results.charts)
    assert all(isinstance(chart, alt.TopLevelMixin) for chart in results.charts.values())
    assert (tmp_path / BRIEF.stem / "report.html").exists()
    with pytest.raises(suite.SpecError):
        suite.load(tmp_path / "none.toml")
    assert list(results.verdicts.columns)[:4] == ["claim", "source", "test", "verdict"]
    assert results.verdicts.empty


def test_a_path_is_run_and_its_verdicts_are_a_frame(tmp_path: Path) -> None:
    """`suite.run` loads what it is given the path of; claims read as the spec says them, with the table's numbers."""
    file = tmp_path / "claimed.toml"
    file.write_text(
        """
        title = "Activations per parameter"
        seed = 1
        [family]
        parameters = 300
        inputs = 2
        depth = [2, 4]
        activation = "relu"
        [measure.activation_ratio]
        [[claim]]
        says = "- it rises with depth"
        test = "monotone"
        quantity = "activation_ratio"
        along = "depth"
        direction = "rises"
        """
    )

    verdicts = suite.run(str(file), results=tmp_path / "results", workers=1).verdicts

    assert verdicts[["claim", "verdict", "expected"]].to_numpy().tolist() == [["- it rises with depth", "holds", ""]]
    assert verdicts["members"].tolist() == [2]
    assert verdicts["estimate"].item() > 0
    with pytest.raises(suite.SpecError):
        suite.run(tmp_path / "none.toml", results=tmp_path / "results")
