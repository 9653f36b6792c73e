"""Recommendations: successive halving, the leaderboard, its intervals, and the code and network that come out."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import suite
from suite.cli import app
from suite.nets.export import training_code
from suite.nets.losses import HALF_SQUARE
from suite.report.recommendation import LinearScore, format_leaderboard
from suite.runs.halving import Configuration, Rung, cost_of, default_budget, halve, plan_rungs
from suite.runs.recommend import recommend_network, study_of_file, task_of
from suite.runs.scoring import fit_linear_until, mean_over_splits, score_on_test
from suite.spec import data_files
from suite.spec.data_files import read_rows
from suite.spec.load import Study, load_studies
from suite.spec.recommendation import DataOptions
from suite.training.accuracy import score_points
from suite.training.datasets import choose_rows
from suite.training.networks import draw_networks
from suite.training.tasks import make_data

SPEC = """title = "Mine"
seed = 3
[family]
width = 8
depth = [1, 2]
activation = {activation}
initialization = {initialization}
[measure.accuracy]
task = {{ name = "table", file = "{file}", target = "label", fixed_test = true }}
optimizer = {{ name = "adam", learning_rate = [0.01, 0.1], batch = 16 }}
steps = 200
replicates = 3
"""


def _frame(rows: int = 240, seed: int = 0) -> pd.DataFrame:
    """Return points of a disc and of a ring around it, and a column without meaning."""
    generator = np.random.default_rng(seed)
    inside = np.arange(rows) % 2 == 0
    radius, angle = np.where(inside, 0.5, 2.0) + 0.2 * generator.normal(size=rows), generator.uniform(0, 6.28, rows)
    frame = pd.DataFrame({"a": 10 + 3 * radius * np.cos(angle), "b": radius * np.sin(angle)})
    return frame.assign(noise=generator.normal(size=rows), label=np.where(inside, "in", "out"))


def _study(
    folder: Path, frame: pd.DataFrame, activation: str = '["relu", "tanh"]', initialization: str = '"pytorch"'
) -> Study:
    frame.to_csv(folder / "private.csv", index=False)
    spec = folder / "mine.toml"
    spec.write_text(SPEC.format(activation=activation, initialization=initialization, file="private.csv"))
    (study,) = load_studies([spec])
    return study


@pytest.mark.parametrize("number", [1, 5, 36, 108, 1000])
@pytest.mark.parametrize("steps", [10, 60, 600, 3000])
@pytest.mark.parametrize("share", [0.05, 0.15, 0.5, 1.0])
def test_rungs_keep_to_the_budget(number: int, steps: int, share: float) -> None:
    budget = max(1.0, share * number)
    rungs = plan_rungs(number, steps, budget)
    assert cost_of(rungs) <= budget * steps + 1e-6
    assert rungs[-1].steps == steps
    assert [rung.steps for rung in rungs] == sorted({rung.steps for rung in rungs})
    assert rungs[0].steps >= min(40, steps)
    default = default_budget(number)
    assert cost_of(plan_rungs(number, steps, default)) <= default * steps + 1e-6
    sizes = [rung.configurations for rung in rungs]
    assert sizes == sorted(sizes, reverse=True)
    assert number >= sizes[0] >= sizes[-1] >= 1


def test_all_configurations_of_a_small_study_take_part_by_default() -> None:
    assert [plan_rungs(number, 600, default_budget(number))[0].configurations for number in (1, 6, 36)] == [1, 6, 36]


def test_training_in_rungs_is_the_training_at_once(tmp_path: Path) -> None:
    study = _study(tmp_path, _frame())
    training = study.spec.training
    assert training is not None
    data = make_data(task_of(study), study.spec.seed, 0, 3)
    found = []
    for rungs in ([Rung(1, 60)], [Rung(1, 7), Rung(1, 20), Rung(1, 60)]):
        each = Configuration(study.members[0], training.optimizer[0])
        assert halve([each], data, rungs, study.spec.seed)
        found.append(each)
    assert torch.equal(found[0].trained.parameters, found[1].trained.parameters)
    assert (found[0].validation == found[1].validation).all()


def test_halving_keeps_those_that_validate_best(tmp_path: Path) -> None:
    study = _study(tmp_path, _frame())
    found = recommend_network(study, trainings=4)
    board = found.leaderboard
    assert found.finished
    assert list(board["steps"]) == sorted(board["steps"], reverse=True)
    for _, rows in board.groupby("steps"):
        assert list(rows["validation_accuracy"]) == sorted(rows["validation_accuracy"], reverse=True)
    assert found.steps <= 4 * 200
    assert found.full_steps == 8 * 200
    assert board["test_accuracy"].notna().sum() == found.rungs[-1].configurations
    assert board.loc[0, "test_accuracy"] > 0.9
    assert board.loc[0, "tied_with_best"]
    assert found.best.member.name == board.loc[0, "member"]


def test_test_labels_do_not_affect_the_choice(tmp_path: Path) -> None:
    frame = _frame()
    study = _study(tmp_path, frame)
    task = task_of(study)
    rows = choose_rows(task, read_rows(task), study.spec.seed, 0, 1)[0]
    test = rows[-task.points[2] :]
    wrong = frame.assign(part="train")
    validation = rows[task.points[0] : -task.points[2]]
    wrong.loc[validation, "part"], wrong.loc[test, "part"] = "validation", "test"
    boards = []
    swapped = frame["label"].map({"in": "out", "out": "in"})
    for labels in (frame["label"], frame["label"].where(~frame.index.isin(test), swapped)):
        wrong.assign(label=labels).to_csv(tmp_path / "split.csv", index=False)
        spec = tmp_path / "split.toml"
        text = (tmp_path / "mine.toml").read_text().replace("private.csv", "split.csv")
        spec.write_text(text.replace("fixed_test = true", 'split = "part"'))
        boards.append(recommend_network(*load_studies([spec]), trainings=3).leaderboard)
    chosen = ["member", "learning_rate", "validation_accuracy", "steps"]
    pd.testing.assert_frame_equal(boards[0][chosen], boards[1][chosen])
    assert boards[0].loc[0, "test_accuracy"] > boards[1].loc[0, "test_accuracy"] + 0.3


def test_the_network_takes_the_columns_of_the_file(tmp_path: Path) -> None:
    """Its accuracy on the raw test rows is that of its replicate."""
    study = _study(tmp_path, _frame())
    found = recommend_network(study, trainings=3)
    task = task_of(study)
    replicate = int(np.argmax(found.best.validation))
    rows = read_rows(task)
    chosen = choose_rows(task, rows, study.spec.seed, replicate, replicate + 1)[0]
    data = make_data(task, study.spec.seed, replicate, replicate + 1)
    networks = found.best.trained[replicate : replicate + 1]
    expected = networks(data.test.inputs)[0, 0]
    with torch.no_grad():
        outputs = found.network()(torch.from_numpy(rows.inputs[chosen[-task.points[2] :]]).float())[:, 0]
    torch.testing.assert_close(outputs, expected, rtol=1e-4, atol=1e-4)


def test_a_regression_returns_targets_in_their_own_units(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 2))
    y = 1000 + 50 * (x[:, 0] + np.abs(x[:, 1]))
    found = suite.recommend(x, y, parameters=300, trainings=4, results=tmp_path)
    board = found.leaderboard
    assert board.loc[0, "test_r2"] > 0.9
    assert (board["ci_high"].dropna() >= board["test_r2"].dropna()).all()
    with torch.no_grad():
        outputs = found.network()(torch.from_numpy(x).float())[:, 0].double().numpy()
    assert 1 - ((outputs - y) ** 2).mean() / y.var() > 0.9


@pytest.mark.parametrize(
    ("initialization", "reason", "depths"),
    [
        ('{ scheme = "variance", weight_variance = 1e6 }', "have outputs above 10000", [2]),
        ('{ scheme = "variance", weight_variance = 1e-12, bias_variance = 4.0 }', "have a constant output", [2]),
    ],
)
def test_members_that_cannot_train_are_dropped_with_the_reason(
    initialization: str, reason: str, depths: list[int], tmp_path: Path
) -> None:
    study = _study(tmp_path, _frame(), '"relu"', f'["pytorch", {initialization}]')
    found = recommend_network(study, trainings=3)
    assert list(found.dropped["depth"]) == depths
    assert found.dropped["reason"].str.contains(reason).all()
    assert not set(found.leaderboard["member"]) & set(found.dropped["member"])
    assert any("dropped before training" in line for line in found.summary)


def test_a_study_of_dead_networks_is_an_error(tmp_path: Path) -> None:
    _study(tmp_path, _frame(), '"relu"', '"he"')
    spec = tmp_path / "mine.toml"
    spec.write_text(spec.read_text().replace("depth = [1, 2]", "depth = 60").replace("width = 8", "width = 1"))
    with pytest.raises(ValueError, match="no member can train: 3 of 3 networks have a constant output"):
        recommend_network(*load_studies([spec]))


def test_a_diverged_network_is_not_tied_with_the_best(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(200, 2))
    study = suite.recommend(x, x[:, 0] ** 2, parameters=200, trainings=3, results=tmp_path).study
    training = study.spec.training
    assert training is not None
    data = make_data(task_of(study), study.spec.seed, 0, training.replicates)
    good, bad = (Configuration(study.members[0], training.optimizer[0]) for _ in range(2))
    halve([good, bad], data, [Rung(2, 40)], study.spec.seed)
    assert bad.state is not None
    bad.state["parameters"].fill_(torch.nan)
    scores = score_on_test([good, bad], data)
    assert scores[0].tied
    assert not scores[1].tied


def test_labels_that_are_all_the_same_do_not_divide_by_a_rounding_error() -> None:
    """The variance of 0.1, seven times, is 2e-34 in floating-point numbers; the squared error counts as it is."""
    labels = torch.full((1, 1, 7), 0.1)
    scores = score_points(labels + 0.5, labels, HALF_SQUARE)
    torch.testing.assert_close(scores, torch.full((1, 7), 0.75, dtype=torch.float64), rtol=0, atol=1e-6)


def test_a_file_is_read_once_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the new spec, the study and its training."""
    _frame().to_csv(tmp_path / "private.csv", index=False)
    read: list[Path] = []
    original = data_files._read_frame

    def count(path: Path, *others: Any) -> pd.DataFrame:
        read.append(path)
        return original(path, *others)

    monkeypatch.setattr(data_files, "_read_frame", count)
    suite.recommend(tmp_path / "private.csv", target="label", parameters=200, trainings=3, results=tmp_path / "r")
    assert len(read) == 1


def test_trainings_that_all_diverge_are_an_error(tmp_path: Path) -> None:
    study = _study(tmp_path, _frame(), '"relu"', '"he"')
    spec = tmp_path / "mine.toml"
    spec.write_text(spec.read_text().replace("[0.01, 0.1]", "[1e30]").replace('"adam"', '"sgd"'))
    (study,) = load_studies([spec])
    with pytest.raises(ValueError, match="all trainings diverged; lower the learning rates"):
        recommend_network(study, trainings=2)


def test_a_data_dependent_initialization_is_the_one_that_a_study_trains(tmp_path: Path) -> None:
    study = _study(tmp_path, _frame(), '"relu"', '"data_dependent"')
    data = make_data(task_of(study), study.spec.seed, 0, 3)
    training = study.spec.training
    assert training is not None
    networks = Configuration(study.members[0], training.optimizer[0]).networks(study.spec.seed, data)
    active = networks.layers[0].weight @ data.train.inputs + networks.layers[0].bias > 0
    assert active.any(2).all()  # each neuron of the first layer at a training point
    results = suite.run(study, results=tmp_path / "r", workers=1).measurements
    losses = results[(results["quantity"] == "train_loss") & (results["step"] == 0)]
    own = losses[losses["member"] == study.members[0].name].drop_duplicates("draw").sort_values("draw")["value"]
    found = data.loss.value(networks(data.train.inputs), data.train.labels)
    np.testing.assert_allclose(found.numpy(), own.to_numpy(), rtol=1e-6)


def test_the_time_ends_a_training_between_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock says that the time is over at the second look, after 50 steps."""
    study = _study(tmp_path, _frame())
    data = make_data(task_of(study), study.spec.seed, 0, 3)
    training = study.spec.training
    assert training is not None
    each = Configuration(study.members[0], training.optimizer[0])
    looks = iter([0.0, 2.0])
    monkeypatch.setattr("suite.runs.halving.time.monotonic", lambda: next(looks, 2.0))
    assert not halve([each], data, [Rung(1, 200)], study.spec.seed, until=1.0)
    assert each.steps == 50
    assert np.isfinite(each.validation).all()


def test_replicates_with_different_test_sets_are_refused(tmp_path: Path) -> None:
    _study(tmp_path, _frame())
    spec = tmp_path / "mine.toml"
    spec.write_text(spec.read_text().replace(", fixed_test = true", ""))
    with pytest.raises(ValueError, match="set fixed_test = true"):
        recommend_network(*load_studies([spec]))


def test_time_that_is_over_is_reported(tmp_path: Path) -> None:
    study = _study(tmp_path, _frame())
    with pytest.raises(ValueError, match="allow more seconds"):
        recommend_network(study, seconds=0)
    found = recommend_network(study, trainings=8, seconds=1e6)
    assert found.finished


def test_intervals_cover_the_mean_over_test_points_and_splits() -> None:
    """Independent replicates and points: 400 intervals cover 95%, and at least 91%, which chance alone undercuts in
    about 1 of 2,000 times.
    """
    generator = np.random.default_rng(5)
    covered = 0
    for _ in range(400):
        points, replicates = generator.normal(size=60), 0.1 * generator.normal(size=(5, 1))
        scores = 0.3 + points + replicates + 0.2 * generator.normal(size=(5, 60))
        mean, half = mean_over_splits(scores, 1 / 3)
        covered += abs(mean - 0.3) <= half
    assert covered >= 0.91 * 400
    assert mean_over_splits(np.ones((5, 9)), 0.5) == (1.0, 0.0)


def test_equal_networks_are_mostly_tied() -> None:
    """Two procedures of the same accuracy at every point differ by chance alone: of 400 intervals of the difference,
    between 1% and 8% exclude 0, which chance alone exceeds in about 1 of 1,000 times at a true rate of 5%.
    """
    generator = np.random.default_rng(6)
    excluded = 0
    for _ in range(400):
        share = generator.beta(4, 1, size=200)
        one, other = (generator.random((5, 200)) < share for _ in range(2))
        mean, half = mean_over_splits(one * 1.0 - other * 1.0, 1 / 3)
        excluded += abs(mean) > half
    assert 0.01 * 400 <= excluded <= 0.085 * 400


def test_intervals_of_accuracies_stay_between_0_and_1(tmp_path: Path) -> None:
    """A study of 12 test rows with a perfect score has Wilson's interval of 12 of 12."""
    frame = _frame(60)
    board = recommend_network(_study(tmp_path, frame), trainings=4).leaderboard
    tested = board[board["test_accuracy"].notna()]
    assert ((tested["ci_low"] >= 0) & (tested["ci_high"] <= 1)).all()
    perfect = tested[tested["test_accuracy"] == 1]
    assert len(perfect)
    assert perfect["ci_low"].to_numpy() == pytest.approx(12 / (12 + 1.959963984540054**2))


def test_the_correction_widens_intervals_by_the_share_of_validation() -> None:
    """One test point leaves the variance over replicates alone: s^2 (1 / n + share), with n - 1 degrees of freedom."""
    scores = np.array([[0.0], [1.0], [2.0], [3.0]])
    mean, half = mean_over_splits(scores, 0.25)
    assert mean == 1.5
    assert half == pytest.approx(3.182446305284263 * np.sqrt(5 / 3 * (1 / 4 + 0.25)))


def test_the_best_is_compared_with_a_linear_model_on_the_same_rows(tmp_path: Path) -> None:
    """No line separates a disc from a ring. A line is all that a linear regression needs."""
    found = recommend_network(_study(tmp_path, _frame()), trainings=8)
    linear, best = found.linear, found.leaderboard.iloc[0]
    assert linear is not None
    assert 0 < linear.ci_low < linear.test < linear.ci_high < 0.9
    assert linear.gain == pytest.approx(best["test_accuracy"] - linear.test)
    assert 0.1 < linear.gain_low < linear.gain < linear.gain_high
    frame = _frame().assign(label=lambda rows: 3 * rows["a"] - rows["b"] + 0.1 * rows["noise"])
    other = recommend_network(_study(tmp_path, frame), trainings=4).linear
    assert other is not None
    assert other.validation > 0.999
    assert 1 >= other.ci_high > other.test > 0.999
    assert other.gain < 0


def test_there_is_no_linear_model_without_time_for_it(tmp_path: Path) -> None:
    data = make_data(task_of(_study(tmp_path, _frame())), 0, 0, 2)
    assert fit_linear_until(data, until=0) is None
    assert fit_linear_until(data, until=np.inf) is not None


def test_the_linear_model_has_its_own_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that stops early is compared with it, too."""
    monkeypatch.setattr("suite.runs.recommend.halve", partial(_halve_until_now, halve))
    found = recommend_network(_study(tmp_path, _frame()), trainings=4, seconds=1e6)
    assert not found.finished
    assert found.linear is not None


def _halve_until_now(original: Callable[..., bool], *arguments: Any, **keys: Any) -> bool:
    """Train all rungs, and report that the time is over."""
    original(*arguments, **keys)
    return False


@pytest.mark.parametrize(
    ("gain", "sentence"),
    [
        ((0.1, 0.05, 0.15), "The best network is better by 0.100, 95% CI [0.050, 0.150]."),
        ((0.1, -0.05, 0.25), "The best network is not shown to be better: its gain is 0.100, 95% CI [-0.050, 0.250]."),
        ((-0.1, -0.15, -0.05), "The best network is worse by 0.100, 95% CI [0.050, 0.150]."),
        ((0.1, 0.0004, 0.2), "The best network is not shown to be better: its gain is 0.100, 95% CI [0.000, 0.200]."),
        ((3e9, 1e9, 5e9), "The best network is better by 3e+09, 95% CI [1e+09, 5e+09]."),
        ((-np.inf, -np.inf, np.nan), "The best network diverged in some replicates."),
    ],
)
def test_the_comparison_with_a_linear_model_is_a_sentence(gain: tuple[float, float, float], sentence: str) -> None:
    row = {"activation": "relu", "depth": 1, "widths": "2-8-1", "parameters": 33, "initialization": "he"}
    scores = {"learning_rate": 0.1, "validation_r2": 0.4, "test_r2": 0.5, "ci_low": 0.4, "ci_high": 0.6}
    board = pd.DataFrame([row | scores | {"tied_with_best": True, "steps": 100}])
    *_, last, _ = format_leaderboard(board, LinearScore(0.3, 0.4, 0.35, 0.45, *gain), [])
    assert last == f"A linear model has a test R^2 of 0.400, 95% CI [0.350, 0.450]. {sentence}"
    *_, last, _ = format_leaderboard(board, None, [])
    assert last == "There was no time for a linear model, with which to compare the networks."


@pytest.mark.parametrize("initialization", ['"pytorch"', '"variance_preserving"', '"orthogonal"', '"he"'])
def test_the_code_builds_and_trains_the_network(initialization: str, tmp_path: Path) -> None:
    study = _study(tmp_path, _frame(), '"tanh"' if initialization != '"he"' else '"relu"', initialization)
    found = recommend_network(study, trainings=4)
    frame = _frame(seed=9)
    x = torch.tensor(frame[["a", "b", "noise"]].to_numpy()).float()
    names: dict[str, object] = {"x": (x - x.mean(0)) / x.std(0), "y": torch.tensor(frame["label"] == "out").float()}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        exec(found.code(), names)
    network = names["network"]
    assert isinstance(network, torch.nn.Sequential)
    assert sum(values.numel() for values in network.parameters()) == found.best.member.parameters
    right = ((network(names["x"])[:, 0] > 0).float() == names["y"]).float().mean()
    assert right > 0.9


def test_every_name_of_a_file_gives_a_folder_of_its_own(tmp_path: Path) -> None:
    """In other scripts and with spaces too, where names of studies cannot follow."""
    names = ["данные.csv", "δεδομένα.csv", "my data.csv", "my-data.csv", f"{'long' * 50}.csv"]
    for name in names:
        _frame().to_csv(tmp_path / name, index=False)
        study_of_file(tmp_path / name, DataOptions(("label",)), 200, None, tmp_path / "results")
    assert len(list((tmp_path / "results").iterdir())) == len(names)
    assert (tmp_path / "results" / "recommend-my-data").is_dir()


def test_the_command_prints_and_writes_the_leaderboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _frame().to_csv("private.csv", index=False)
    command = ["recommend", "private.csv", "--target", "label", "--parameters", "200", "--trainings", "4"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "validation accuracy" in done.stdout
    assert "A linear model has a test accuracy of 0." in done.stdout
    folder = tmp_path / "results" / "recommend-private"
    board = pd.read_csv(folder / "leaderboard.csv")
    assert f"{board.loc[0, 'test_accuracy']:.3f}" in done.stdout
    assert "<table>" in (folder / "recommendation.html").read_text()
    assert f"accuracy of {pd.read_csv(folder / 'linear.csv').loc[0, 'test']:.3f}, 95% CI" in done.stdout
    compile((folder / "train.py").read_text(), "train.py", "exec")
    spec = ["--spec", str(folder / "recommend-private.toml")]
    again = CliRunner().invoke(app, ["recommend", "private.csv", "--trainings", "4", *spec])
    assert again.exit_code == 0, again.output
    (folder / "recommend-private.toml").write_text("changed")
    third = CliRunner().invoke(app, command)
    assert third.exit_code == 2
    assert "exists and was edited; use --spec" in third.stderr


def test_a_spec_that_was_not_edited_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _frame().to_csv("private.csv", index=False)
    options = DataOptions(("label",))
    study_of_file(Path("private.csv"), options, 200, None, tmp_path)
    again = study_of_file(Path("private.csv"), DataOptions(("label",), ignore=("noise",)), 200, None, tmp_path)
    assert task_of(again).facts.inputs == ("a", "b")
    written = tmp_path / "recommend-private" / "recommend-private.toml"
    written.write_text(written.read_text().replace("seed = 1", "seed = 2"))
    with pytest.raises(ValueError, match="was edited"):
        study_of_file(Path("private.csv"), options, 200, None, tmp_path)


def test_a_spec_keeps_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With that of the data, if it is another file."""
    monkeypatch.chdir(tmp_path)
    _study(tmp_path, _frame())
    _frame(seed=1).to_csv("other.csv", index=False)
    for file, name in (("private.csv", "mine"), ("other.csv", "mine-other")):
        assert study_of_file(Path(file), DataOptions(), None, tmp_path / "mine.toml", tmp_path).spec.name == name


def test_a_constant_output_is_a_baseline(tmp_path: Path) -> None:
    """Of labels that do not depend on the inputs, two thirds of which are the same."""
    frame = _frame().assign(label=np.where(np.arange(240) % 3 == 0, "rare", "common"))
    summary = recommend_network(_study(tmp_path, frame), trainings=2).summary
    assert summary[0] == "2 classes of label from 3 inputs; a constant output has an accuracy of 0.667"
    assert "the best network is no better than a constant output on the test set" in summary


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.csv", "--target", "label"], "No such file or directory"),
        (["private.csv"], "--target: the option is missing; name the column to predict"),
        (["private.csv", "--target", "labl"], "did you mean label?"),
        (["private.csv", "--target", "label", "--ignore", "q"], "there is no column 'q'"),
        (["private.csv", "--target", "label", "--parameters", "3"], "use more parameters"),
        (["private.csv", "--target", "label", "--trainings", "0"], "Invalid value for '--trainings'"),
    ],
)
def test_wrong_arguments_give_errors(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _frame().to_csv("private.csv", index=False)
    done = CliRunner().invoke(app, ["recommend", *arguments])
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "results").exists()


def test_arguments_of_the_function(tmp_path: Path) -> None:
    frame = _frame()
    with pytest.raises(ValueError, match="y is missing"):
        suite.recommend(frame)
    with pytest.raises(ValueError, match="y is given with a path"):
        suite.recommend("private.csv", frame["label"])
    found = suite.recommend(
        frame.drop(columns="label"), frame["label"], ignore=["noise"], parameters=200, trainings=3, results=tmp_path
    )
    assert (found.inputs, found.classes) == (["a", "b"], ["in", "out"])
    assert found.report(tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")


def test_a_spec_must_name_one_table(tmp_path: Path) -> None:
    spec = tmp_path / "other.toml"
    text = SPEC.format(activation='"relu"', initialization='"pytorch"', file="private.csv")
    table = 'name = "table", file = "private.csv", target = "label", fixed_test = true'
    spec.write_text(text.replace(table, 'name = "digits", train = 900, test = 200'))
    with pytest.raises(ValueError, match="expected one task that names a file"):
        study_of_file(tmp_path / "private.csv", DataOptions(), None, spec, tmp_path)
    with pytest.raises(ValueError, match="it names the columns and the networks"):
        study_of_file(tmp_path / "private.csv", DataOptions(("label",)), None, spec, tmp_path)
    with pytest.raises(ValueError, match="it names the columns and the networks"):
        study_of_file(tmp_path / "private.csv", DataOptions(), 100, spec, tmp_path)


def test_the_code_draws_the_weights_of_the_suite(tmp_path: Path) -> None:
    """The standard deviations of weights and biases of each layer agree over 40 networks."""
    for initialization in ("pytorch", "variance_preserving", "orthogonal", "critical", "lecun"):
        study = _study(tmp_path, _frame(), '"tanh"', f'"{initialization}"')
        member, training = study.members[-1], study.spec.training
        assert training is not None
        code = training_code(member, training.optimizer[0], task_of(study), 0)
        ours = draw_networks(member, 0, 0, 40).layers
        with torch.random.fork_rng():
            torch.manual_seed(0)
            theirs = []
            for _ in range(40):
                names: dict[str, Any] = {"x": torch.zeros(1, 3), "y": torch.zeros(1)}
                exec(code, names)
                theirs.append(names["layers"])
        for number, layer in enumerate(ours):
            weights = torch.stack([layers[number].weight.detach() for layers in theirs])
            assert float(weights.std()) == pytest.approx(float(layer.weight.std()), rel=0.12), initialization
            biases = torch.stack([layers[number].bias.detach() for layers in theirs])
            assert float(biases.std()) == pytest.approx(float(layer.bias.std()), rel=0.25), initialization
