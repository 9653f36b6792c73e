"""Diagnoses from end to end: findings, what was tried, severities, the page, the command and its errors."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import suite
from suite.cli import app
from suite.diagnosis.findings import FINDINGS
from suite.diagnosis.judgment import REMEDIES
from suite.diagnosis.severity import SEVERITIES
from suite.report.diagnosis import LAYER_COLUMNS, Diagnosis
from tests.diagnosis.networks import classes, mlp, seeded

COLUMNS = ["finding", "severity", "layer", "value", "expected", "evidence", "remedy"]


@pytest.fixture(scope="module")
def failing() -> Diagnosis:
    """Twelve layers of sigmoids in PyTorch's default initialization, which do not train."""
    x, y = classes(400)
    return suite.diagnose(mlp(12, 16, activation=nn.Sigmoid), x, y, steps=150, replicates=3)


def test_what_is_wrong_comes_first_and_a_remedy_helps(failing: Diagnosis) -> None:
    findings, tried = failing.findings, failing.tried
    assert list(findings.columns) == COLUMNS
    assert findings.loc[0, "finding"] == "initialization"
    assert findings.loc[0, "severity"] == "high"
    assert "sigma_w^2 is 0.28" in findings.loc[0, "evidence"]
    order = [SEVERITIES.index(each) for each in findings["severity"]]
    assert order == sorted(order)
    assert set(findings["finding"]) <= set(FINDINGS)
    before = tried.loc[0]
    assert before["remedy"] == "as it is"
    best = tried.set_index("remedy").loc[failing.best]
    assert best["test"] > before["test"] + 0.2
    assert best["gain"] == pytest.approx(best["test"] - before["test"])
    assert best["ci_low"] <= best["gain"] <= best["ci_high"]
    assert "suite.initialize_(net" in best["code"]


def test_an_interval_that_contains_0_is_said() -> None:
    columns = ["remedy", "learning_rate", "validation", "test", "gain", "ci_low", "ci_high", "findings", "code"]
    before = ("as it is", 0.01, 0.5, 0.5, None, None, None, "depth, width", "")
    findings, layers = pd.DataFrame(columns=COLUMNS), pd.DataFrame(columns=list(LAYER_COLUMNS))

    def printed(ci_low: float, remaining: str) -> str:
        rows = [before, ("other", 0.01, 0.9, 0.9, 0.4, ci_low, 0.9, remaining, "code")]
        return str(Diagnosis(findings, pd.DataFrame(rows, columns=columns), layers, [], "accuracy", "other"))

    unsure, sure = printed(-0.1, ""), printed(0.2, "width")
    assert "Recommended: other. The 95% interval of its gain contains 0. No finding remains." in unsure
    assert "Recommended: other. Findings that remain: width.\n" in sure


def test_layers_are_listed_beside_theory(failing: Diagnosis) -> None:
    """Of a stack of sigmoids, whose gradients shrink by sigma_w E[phi'^2]^(1/2), about 1/7, per layer."""
    layers = failing.layers
    assert list(layers.columns) == list(LAYER_COLUMNS)
    assert list(layers["layer"]) == [str(place) for place in range(1, 25, 2)]
    steps = layers["gradient_theory"][1:].to_numpy() / layers["gradient_theory"][:-1].to_numpy()
    assert steps == pytest.approx(7, rel=0.15)
    assert layers.loc[11, "gradient_theory"] == layers.loc[11, "gradient"]
    assert (layers["cosine"].iloc[2:] > 0.99).all()
    assert layers["cosine_theory"].to_numpy()[2:] == pytest.approx(layers["cosine"].to_numpy()[2:], abs=0.01)


def test_a_network_is_measured_again_with_each_remedy(failing: Diagnosis) -> None:
    """Weights by another scheme remove what follows from the initialization."""
    before, *after = failing.tried["findings"]
    assert before.split(", ") == [name for name in FINDINGS if name in set(failing.findings["finding"])]
    assert all(len(names.split(", ")) < len(before.split(", ")) for names in after)
    again = failing.tried.set_index("remedy").loc["initialize by variance_preserving", "findings"].split(", ")
    assert "initialization" not in again
    for row in failing.findings.to_dict("records"):
        follows = row["finding"] not in (*again, "initialization", "depth", "width")
        assert ("It follows from the initialization" in row["evidence"]) == follows


def test_the_network_and_random_numbers_are_left_alone() -> None:
    """And the same seed gives the same numbers."""
    x, y = classes(100)
    net = mlp(2, 8)
    before = [values.detach().clone() for values in net.parameters()]
    first, second = (suite.diagnose(net, x, y, steps=5, replicates=2) for _ in range(2))
    assert all(map(torch.equal, before, net.parameters()))
    pd.testing.assert_frame_equal(first.tried, second.tried)
    assert not first.tried.equals(suite.diagnose(net, x, y, steps=5, replicates=2, seed=1).tried)


@pytest.mark.parametrize("activation", [nn.Tanh, nn.Mish])
def test_numbers_do_not_depend_on_the_number_of_threads(activation: Callable[[], nn.Module]) -> None:
    """Neither of networks that the suite's own trainer can train, nor of others."""
    x, y = classes(100)
    net, before = mlp(3, 8, activation=activation), torch.get_num_threads()
    found = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(suite.diagnose(net, x, y, steps=20, replicates=2, learning_rate=0.01))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    pd.testing.assert_frame_equal(found[0].tried, found[1].tried)
    pd.testing.assert_frame_equal(found[0].findings, found[1].findings)
    assert found[0].tried.loc[1, "remedy"].startswith("learning rate ")


def test_a_healthy_network_has_no_severe_finding() -> None:
    x, y = classes(600)
    net = suite.initialize_(mlp(2, 32), seed=0)
    found = suite.diagnose(net, x, y, steps=200, replicates=3)
    assert not set(found.findings["severity"]) & {"high", "medium"}
    assert found.best == ""
    assert "No remedy is recommended." in str(found)


def test_inputs_that_are_not_standardized_are_the_cause() -> None:
    """What is gone with standardized inputs is information."""
    x, y = classes(400)
    found = suite.diagnose(mlp(2, 16, activation=nn.Tanh), 1000 + x, y, steps=150, replicates=3)
    assert found.findings.loc[0, "finding"] == "input_scale"
    assert found.best.startswith("standardize inputs")
    gone = found.findings[found.findings["evidence"].str.contains("disappears once inputs are standardized")]
    assert set(gone["severity"]) <= {"info"}


def test_targets_of_another_size_are_standardized() -> None:
    x, _ = classes(400)
    found = suite.diagnose(mlp(2, 16, outputs=1), x, 5000 + 1000 * x[:, 0], steps=150, replicates=3)
    assert found.findings.loc[0, "finding"] == "output_scale"
    assert found.best == "standardize targets"
    assert found.score == "R^2"
    assert "y_train = (y_train - y_train.mean(axis=0))" in found.tried.set_index("remedy").loc[found.best, "code"]


@pytest.mark.parametrize("seed", range(4))
def test_labels_without_meaning_are_reported(seed: int) -> None:
    """And nothing is recommended, or of high severity, because of chance."""
    x, _ = classes(100)
    labels = np.random.default_rng(seed).permutation(np.arange(100) % 2)
    found = suite.diagnose(mlp(4, 16, outputs=2), x, labels, steps=60, replicates=3)
    assert "labels" in set(found.findings["finding"])
    assert "high" not in set(found.findings["severity"])
    assert found.best == ""


def test_the_summary_says_what_is_unusual() -> None:
    x, y = classes(100)
    x[:, 2] = 7.0
    found = suite.diagnose(mlp(1, 8, outputs=5).insert(2, nn.Dropout(0.9)), x, y, steps=2, replicates=2)
    assert "the network has 5 outputs, and there are 3 classes" in found.summary
    assert "columns with the same value in all rows: 2" in found.summary
    assert "Dropout is off in all trainings; if yours fails, try it without Dropout, too" in found.summary


def test_targets_of_another_size_are_not_blamed_on_weights() -> None:
    x, _ = classes(200)
    net = mlp(12, 8, outputs=1)
    found = suite.diagnose(net, x, 5000 + 100 * x[:, 0], steps=5, replicates=2).findings.set_index("finding")
    assert "initialization" in found.index
    assert "It follows from" not in found.loc["output_scale", "evidence"]


def test_a_learning_rate_is_used_and_others_are_tried() -> None:
    x, y = classes(300)
    found = suite.diagnose(mlp(2, 16), x, y, learning_rate=1e-7, steps=100, replicates=3)
    rows = found.tried.set_index("remedy")
    assert rows.loc["as it is", "learning_rate"] == 1e-7
    name = next(name for name in rows.index if name.startswith("learning rate "))
    assert rows.loc[name, "test"] > rows.loc["as it is", "test"] + 0.1
    assert found.best == name
    assert rows.loc[name, "code"].endswith(f"lr={float(name.split()[-1]):g})")
    assert set(found.findings["severity"]) <= {"info"}


def test_remedies_get_no_credit_for_the_learning_rate() -> None:
    """Of a network that trains as well without them at another learning rate."""
    x, y = classes(300)
    with seeded():
        net = suite.initialize_(mlp(5, 5, activation=nn.Tanh), "critical", seed=0)
    found = suite.diagnose(net, x, y, learning_rate=1e-5, steps=300, replicates=3)
    assert found.best.startswith("learning rate ")
    width = found.findings.set_index("finding").loc["width"]
    assert (width["severity"], width["remedy"]) == ("info", "none needed at another learning rate")


def test_without_trainings_severities_are_those_of_the_study() -> None:
    x, y = classes(100)
    found = suite.diagnose(mlp(12, 16, activation=nn.Sigmoid), x, y, try_remedies=False)
    assert found.tried.empty
    assert "high" in set(found.findings["severity"])
    assert (found.findings["remedy"] == "").all()


def test_arrays_are_networks_too() -> None:
    x, y = classes(100)
    net = mlp(2, 8)
    linears = [part for part in net if isinstance(part, nn.Linear)]
    layers = [
        (part.weight.detach().numpy().T, part.bias.detach().numpy(), "relu" if place < 2 else None)
        for place, part in enumerate(linears)
    ]
    first, second = (suite.diagnose(each, x, y, steps=10, replicates=2) for each in (net, layers))
    pd.testing.assert_frame_equal(first.tried, second.tried)


def test_every_finding_has_remedies_that_exist() -> None:
    from suite.diagnosis.remedies import possible_remedies
    from suite.nets.tracing import trace_module

    possible = set(possible_remedies(trace_module(mlp(9, 3, activation=nn.Tanh)), frozenset({"inputs", "targets"})))
    assert set(REMEDIES) == set(FINDINGS)
    assert {key for keys in REMEDIES.values() for key in keys} == possible


def test_the_page_says_what_the_frames_say(failing: Diagnosis, tmp_path: Path) -> None:
    page = failing.report(tmp_path / "page.html").read_text(encoding="utf-8")
    for row in failing.findings.to_dict("records"):
        assert row["finding"].replace("_", " ") in page
        assert row["severity"] in page
    for row in failing.tried.to_dict("records"):
        assert f"{row['test']:.3f}" in page
    assert f"Recommended: {failing.best}." in page
    printed = str(failing)
    assert printed.splitlines()[0].startswith("12 hidden layers, 4-16-...-16-3, Sigmoid")
    assert "high: initialization in layer " in printed


MODEL = """import torch
from torch import nn

from helper import WIDTH

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 3))


def make():
    return net


def build(width):
    return net


number = 3
class Random(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.last(nn.functional.dropout(self.first(x).relu(), training=self.training))


random = Random()
wide = nn.Sequential(nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 3))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a network and its data."""
    x, y = classes(120)
    frame = pd.DataFrame(x, columns=list("abcd")).assign(label=np.array(["u", "v", "w"])[y])
    frame.to_csv(tmp_path / "data.csv", index=False)
    frame.assign(name=[f"row {row}" for row in range(120)]).to_csv(tmp_path / "names.csv", index=False)
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "ends.py").write_text("import argparse\nargparse.ArgumentParser().parse_args(['--unknown'])\n")
    (tmp_path / "helper.py").write_text("WIDTH = 8\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _diagnose(*words: str) -> tuple[int, str]:
    with seeded():
        done = CliRunner().invoke(app, ["diagnose", *words, "--steps", "5"])
    return done.exit_code, done.output


@pytest.mark.parametrize("name", ["net", "make"])
def test_the_command_prints_findings_and_writes_them(name: str, folder: Path) -> None:
    code, printed = _diagnose(f"model.py:{name}", "--data", "data.csv", "--target", "label", "--standardize")
    assert code == 0, printed
    assert "1 hidden layers, 4-8-3, ReLU" in printed or "1 hidden layer, 4-8-3, ReLU" in printed
    results = folder / "results" / f"diagnose-model-{name}"
    assert list(pd.read_csv(results / "findings.csv").columns) == COLUMNS
    assert (results / "diagnosis.html").exists()
    assert "as it is" in (results / "tried.csv").read_text()
    assert list(pd.read_csv(results / "layers.csv").columns) == list(LAYER_COLUMNS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model.py", "--data", "data.csv"], "model.py: expected FILE.py:NAME, such as model.py:net"),
        (["none.py:net", "--data", "data.csv"], "none.py: no such file; check the path"),
        (["model.py:nothing", "--data", "data.csv"], "model.py: has no nothing"),
        (["ends.py:net", "--data", "data.csv"], "ends.py: ends the program when it is run; put what it does under"),
        (["model.py:build", "--data", "data.csv"], "model.py: build needs arguments (missing a required argument: 'w"),
        (["model.py:number", "--data", "data.csv"], "model.py: number is int, expected a torch.nn.Module"),
        (["model.py:random", "--data", "data.csv"], "dropout in the forward method is random in training mode"),
        (["model.py:wide", "--data", "data.csv"], "X has 4 features, and the network has 9 inputs"),
        (["model.py:net", "--data", "none.csv"], "none.csv"),
        (["model.py:net", "--data", "names.csv"], "leave it out with --ignore, or name it with --categories"),
        (
            ["model.py:net", "--data", "names.csv", "--ignore", "nam"],
            "--ignore: there is no column 'nam'; did you mean",
        ),
        (["model.py:net", "--data", "data.csv", "--learning-rate", "0"], "learning_rate: expected a number > 0"),
    ],
)
def test_wrong_arguments_give_errors(words: list[str], message: str, folder: Path) -> None:
    code, printed = _diagnose(*words, "--target", "label")
    assert code == 2
    assert message in printed
    assert "Traceback" not in printed
    assert not list(folder.glob("results/diagnose-*"))


def test_a_column_may_be_constant(folder: Path) -> None:
    """Unlike in a spec: the network has an input for it."""
    frame = pd.read_csv("data.csv")
    frame.assign(d=1.0).to_csv("constant.csv", index=False)
    code, printed = _diagnose("model.py:net", "--data", "constant.csv", "--target", "label")
    assert code == 0, printed


def test_code_that_fails_is_reported(folder: Path) -> None:
    (folder / "model.py").write_text("import nowhere\n")
    code, printed = _diagnose("model.py:net", "--data", "data.csv", "--target", "label")
    assert code == 2
    assert "model.py: cannot be run (ModuleNotFoundError: No module named 'nowhere'); correct it" in printed


def test_batch_normalization_is_that_of_training() -> None:
    """In eval mode too, whose running statistics an untrained network does not have."""
    x, y = classes(200)
    with seeded():
        net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)).eval()
    first = suite.diagnose(net, x, y, steps=20, replicates=2)
    net[3] = nn.Dropout(0.0)
    pd.testing.assert_frame_equal(first.tried, suite.diagnose(net.train(), x, y, steps=20, replicates=2).tried)


def test_dropout_layers_are_off_and_stay_as_they_are() -> None:
    x, y = classes(200)
    with seeded():
        net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
    first = suite.diagnose(net, x, y, steps=20, replicates=2)
    assert net[2].training
    pd.testing.assert_frame_equal(first.tried, suite.diagnose(net.eval(), x, y, steps=20, replicates=2).tried)


class Doubled(nn.Module):
    """A network whose forward method passes a tensor by a keyword."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs."""
        found: torch.Tensor = self.last(torch.mul(torch.tanh(self.first(x)), other=x))
        return found


class InPlace(Doubled):
    """A network that changes a value in place and uses it again."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs."""
        h = self.first(x)
        found: torch.Tensor = self.last(torch.relu_(h) + h)
        return found


@pytest.mark.parametrize("kind", [Doubled, InPlace])
def test_networks_that_cannot_be_followed_are_refused(kind: type[nn.Module]) -> None:
    x, y = classes(100)
    with seeded():
        net = kind()
    with pytest.raises(ValueError, match=r"takes a tensor by a keyword|computes something else"):
        suite.diagnose(net, x, y)
    with pytest.raises(ValueError, match=r"takes a tensor by a keyword|computes something else"):
        suite.initialize_(net)


def test_a_final_function_is_kept_unless_the_loss_has_it() -> None:
    """A final ReLU that is dead does not train; Sigmoid cannot predict numbers above 1, and suits two classes."""
    x, y = classes(300)
    net = mlp(2, 16).append(nn.ReLU())
    with torch.no_grad():
        net[4].bias.fill_(-50)
    found = suite.diagnose(net, x, y, steps=60, replicates=2)
    assert found.tried.loc[0, "test"] < 0.5
    bounded = suite.diagnose(mlp(2, 16, outputs=1).append(nn.Sigmoid()), x, 5 * x[:, 0], steps=150, replicates=2)
    assert bounded.tried.loc[0, "test"] < 0.7
    binary = suite.diagnose(mlp(2, 16, outputs=1).append(nn.Sigmoid()), x, x[:, 0] > 0, steps=150, replicates=2)
    assert binary.tried.loc[0, "test"] > 0.9
    assert "the final Sigmoid is left out" in str(binary)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate: expected a number > 0, got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate: expected a number > 0, got nan"),
        ({"steps": 0}, "steps: expected an integer >= 1, got 0"),
        ({"replicates": 1}, "replicates: expected an integer >= 2, got 1"),
    ],
)
def test_wrong_numbers_give_errors(keys: dict[str, float], message: str) -> None:
    x, y = classes(100)
    with pytest.raises(ValueError, match=message):
        suite.diagnose(mlp(1, 4), x, y, **keys)  # type: ignore[arg-type]


def test_frozen_parameters_are_refused() -> None:
    """But for measuring alone."""
    x, y = classes(100)
    net = mlp(1, 4)
    net[2].bias.requires_grad_(False)
    with pytest.raises(ValueError, match=r"parameter 2\.bias is frozen"):
        suite.diagnose(net, x, y)
    assert suite.diagnose(net, x, y, try_remedies=False).tried.empty


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (None, r"expected a torch\.nn\.Module or a list of \(weights, biases, activation\), got NoneType"),
        (nn.Linear, r"expected a network, got the class Linear; did you mean Linear\(\)\?"),
    ],
)
def test_what_is_no_network_is_refused(net: object, message: str) -> None:
    x, y = classes(100)
    with pytest.raises(ValueError, match=message):
        suite.diagnose(net, x, y)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(4, 3),
        lambda: nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3), nn.Softmax(dim=1)),
        lambda: _scaled_up(mlp(3, 8), 1e60),
        lambda: _scaled_up(mlp(3, 8), 1e200),
        lambda: _scaled_up(mlp(6, 8, activation=nn.Softplus), 1e40),
    ],
    ids=["linear", "softmax", "large", "overflow", "softplus"],
)
def test_networks_without_hidden_layers_and_those_that_overflow_are_diagnosed(make: Callable[[], nn.Module]) -> None:
    x, y = classes(100)
    with seeded():
        net = make().double()
    found = suite.diagnose(net, x, y, steps=2, replicates=2)
    names = set(found.findings["finding"])
    assert "vanishing_signal" not in names
    assert ("exploding_signal" in names) == (len(found.layers) > 1)
    assert str(found)


def _scaled_up(net: nn.Module, factor: float) -> nn.Module:
    net = net.double()
    with torch.no_grad():
        for part in net.modules():
            if isinstance(part, nn.Linear):
                part.weight *= factor
    return net


def test_constant_targets_are_not_trained_on() -> None:
    x, _ = classes(100)
    found = suite.diagnose(mlp(1, 4, outputs=1), x, np.full(100, 0.5), loss="half_square")
    assert found.findings.loc[0, "finding"] == "labels"
    assert found.tried.empty


def test_a_softmax_does_not_suit_a_regression() -> None:
    x, _ = classes(100)
    with pytest.raises(ValueError, match="the final Softmax does not suit a regression"):
        suite.diagnose(mlp(1, 4).append(nn.Softmax(dim=1)), x, x[:, :3], loss="half_square")


def test_code_of_remedies_runs_on_the_network_that_was_diagnosed() -> None:
    """With Dropout in training mode, derived weights, one squeezed output, and a column that is constant."""
    x, y = classes(200)
    x[:, 3] = 7.0
    x[:, 0] *= 1000
    with seeded():
        dropped = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
        derived = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 8)), nn.ReLU(), nn.Linear(8, 3))
        squeezed = nn.Sequential(*mlp(5, 4, outputs=1), nn.Flatten(0))
        normed = Postnorm()
    for net, labels in ((dropped, y), (derived, y), (squeezed, y > 0), (normed, y)):
        found = suite.diagnose(net, x, labels, steps=2, replicates=2)
        for row in found.tried.to_dict("records")[1:]:
            names = {"net": net, "X_train": x}
            with seeded():
                exec(row["code"], names)  # the project's own text
                inputs = torch.as_tensor(names["X_train"]).float()
                outputs = names["net"].eval()(inputs)
            assert inputs.isfinite().all()
            assert outputs.shape == net.eval()(inputs).shape
            assert outputs.isfinite().all()


class Postnorm(nn.Module):
    """A network of residual sums with the activation after the sum."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 3)
        self.inner = nn.ModuleList(nn.Linear(8, 8) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs."""
        h = torch.relu(self.first(x))
        for linear in self.inner:
            h = torch.relu(h + linear(h))
        found: torch.Tensor = self.last(h)
        return found


def test_a_final_sigmoid_stays_in_remedies() -> None:
    """Of a network with two outputs, whose readout keeps the variance 1 when it is drawn again."""
    x, _ = classes(200)
    y = 1 / (1 + np.exp(-x[:, :2]))
    found = suite.diagnose(mlp(8, 6, outputs=2).append(nn.Sigmoid()), x, y, loss="half_square", steps=5, replicates=2)
    codes = found.tried["code"][1:]
    assert all("nn.Sigmoid()" in code for code in codes if "nn.Sequential" in code)


def test_buffers_of_spectral_normalization_are_left_alone() -> None:
    x, y = classes(100)
    with seeded():
        net = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 8)), nn.ReLU(), nn.Linear(8, 3))
    before = {name: values.clone() for name, values in net.named_buffers()}
    suite.diagnose(net, x, y, steps=2, replicates=2)
    assert all(torch.equal(values, before[name]) for name, values in net.named_buffers())
