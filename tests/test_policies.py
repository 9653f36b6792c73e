"""docs/policies.py: policies are played back from recorded trainings, and their regrets are what they should be."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import suite
from docs import policies
from docs.policies import Recorded
from suite.runs.halving import cost_of

STEPS = [0, 1, 40, 150, 600]


def _recorded(name: str = "board 2", configurations: int = 40, noise: float = 0.0) -> Recorded:
    """Return trainings of configurations of which later ones are better, at all steps from 40 on."""
    generator = np.random.default_rng(0)
    replicates = policies.SEEDS * policies.REPLICATES
    quality = np.linspace(0, 1, configurations)
    progress = np.array([0, 0, 0.5, 0.8, 1.0])
    scores = quality[:, None, None] * progress + noise * generator.normal(size=(configurations, replicates, 5))
    return Recorded(name, name.split(maxsplit=1)[0], STEPS, scores, quality, {"v3": quality, "naswot": -quality})


def _regret(tasks: list[Recorded], policy: policies.Choose, times: int = 1) -> float:
    return float(policies.regrets(tasks, policy, times).mean())


def test_policies_find_the_best_where_training_tells_it_early() -> None:
    task = _recorded()
    assert _regret([task], policies.train_all) == 0
    assert _regret([task], policies.train_all_twice) == 0
    assert _regret([task], policies.halve_by(None, 1.0)) == 0
    assert _regret([task], policies.halve_by("v3")) == 0
    assert _regret([task], policies.halve_by("naswot")) == pytest.approx(20 / 39)  # the worse half


def test_the_regret_of_random_search_is_that_of_the_best_of_a_sample() -> None:
    """The best of 6 of 40 equally spaced values is 34/7 places from the top in the mean; 2,000 samples, 4 sigma."""
    found = _regret([_recorded()], policies.search_randomly, 200)
    assert found == pytest.approx(34 / 7 / 39, abs=4 * 0.11 / 2000**0.5)


def test_halving_keeps_to_its_budget_at_recorded_steps() -> None:
    for configurations in (6, 20, 40, 72):
        task = _recorded(configurations=configurations)
        rungs = policies.rungs_of(task, configurations)
        assert {rung.steps for rung in rungs} <= set(STEPS)
        assert cost_of(rungs) <= max(policies.BUDGET * configurations, 1) * 600
        assert min(rung.configurations for rung in rungs) >= 1


def test_what_other_families_know_leaves_out_the_own_one() -> None:
    own, other = _recorded("board 4"), _recorded("rings 3")
    turned = Recorded("rings 3", "rings", STEPS, other.validation[::-1], other.test[::-1], other.predictors)
    assert _regret([own, turned], policies.know_other_tasks([own, turned])) == 1


def test_a_run_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "SEEDS", 2)
    monkeypatch.setattr(policies, "REPLICATES", 2)
    monkeypatch.setattr(policies, "JUDGES", 2)
    monkeypatch.setattr(policies, "PREDICTORS", ("v3",))
    spec = tmp_path / "policy_tiny.toml"
    spec.write_text("""title = "Tiny"
seed = 1
[family]
width = 4
depth = [1, 2]
activation = "relu"
[measure.v3]
draws = 4
step = 0.5
[measure.accuracy]
task = { name = "checkerboard", squares = [2, 4], train = 20, test = 20 }
optimizer = { name = "adam", learning_rate = [0.01, 0.1], batch = 10 }
steps = 90
replicates = 6
""")
    results: Any = suite.run(spec, results=tmp_path / "r", workers=1)
    tasks = list(policies.read_tasks(tmp_path / "r"))
    assert [(task.name, task.family) for task in tasks] == [
        ("checkerboard 2", "checkerboard"),
        ("checkerboard 4", "checkerboard"),
    ]
    rows = results.measurements
    last = rows[
        (rows["quantity"] == "test_accuracy") & (rows["squares"] == 4) & (rows["step"] == 90) & (rows["draw"] > 3)
    ]
    means = last.groupby(policies.CONFIGURATION, observed=True)["value"].mean()
    np.testing.assert_allclose(tasks[1].test, means.to_numpy())
    assert tasks[0].validation.shape == (4, 6, len(tasks[0].steps))
    v3 = rows[rows["quantity"] == "v3"].groupby("depth")["value"].mean()
    np.testing.assert_allclose(tasks[0].predictors["v3"], v3.loc[[1, 1, 2, 2]].to_numpy())
    monkeypatch.setattr("sys.argv", ["policies.py", str(tmp_path / "r")])
    policies.main()
