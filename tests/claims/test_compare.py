"""Two runs side by side: the same, of another seed, and of other networks."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suite.cli import app

SPEC = """title = "Twice"
seed = {seed}
[family]
parameters = 300
inputs = 3
depth = [1, 4]
activation = ["relu", "abs"]
initialization = {{ scheme = "critical", bias_std = 0.1 }}
[measure.v3]
draws = 256
step = {step}
lines = 8
[[claim]]
says = "The absolute value is more variable than ReLU."
test = "greater"
quantity = "v3"
axis = "activation"
value = "abs"
than = "relu"
margin = {margin}
"""


def ran(folder: Path, seed: int = 1, step: float = 0.25, margin: float = 0.0) -> Path:
    folder.mkdir()
    spec = folder / "twice.toml"
    spec.write_text(SPEC.format(seed=seed, step=step, margin=margin))
    done = CliRunner().invoke(app, ["run", str(spec), "--results", str(folder), "--workers", "1"])
    assert done.exit_code == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to compare others with."""
    return ran(tmp_path_factory.mktemp("compare") / "first")


def compared(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["compare", *map(str, arguments)])
    return done.exit_code, done.stdout + done.stderr


def test_a_run_and_itself_are_the_same(first: Path) -> None:
    """Every number; nothing else is told."""
    code, said = compared(first, first)

    assert code == 0
    assert said == "twice: 12 numbers, 12 the same, 0 different beyond chance\n"


def test_another_seed_differs_by_chance_alone(first: Path, tmp_path: Path) -> None:
    """No number is the same, and none is called different."""
    code, said = compared(first / "twice", ran(tmp_path / "other", seed=2) / "twice")

    assert code == 0
    assert said.splitlines() == [
        "twice: spec: seed: 1 and 2",
        "twice: 12 numbers, 0 the same, 0 different beyond chance",
    ]


def test_another_resolution_differs_beyond_chance_and_another_claim_has_another_verdict(
    first: Path, tmp_path: Path
) -> None:
    """Both are told, and a verdict that changed has an exit code."""
    code, said = compared(first, ran(tmp_path / "other", step=0.5, margin=1e3), "--json")

    (found,) = json.loads(said)
    assert code == 1
    assert found["spec"] == {"claim": found["spec"]["claim"], "measure.v3.step": [0.25, 0.5]}
    assert found["verdicts"] == {"The absolute value is more variable than ReLU.": ["holds", "fails"]}
    differing = {row["setting"]: row for row in found["beyond_chance"]}
    assert "v3 of relu, depth 1, critical(bias_std=0.1)" in differing
    assert all(row["p"] <= 0.05 and row["mean_first"] != row["mean_second"] for row in differing.values())
    assert len(differing) <= found["compared"] == 12


def test_damage_is_told_by_its_folder(first: Path, tmp_path: Path) -> None:
    """As are folders that have nothing in common."""
    other = ran(tmp_path / "other")
    (other / "twice" / "summary.parquet").write_bytes(b"x")

    code, said = compared(first, other)
    assert code == 2
    assert str(other) in said
    code, said = compared(first, tmp_path)
    assert code == 2
    assert "no study in common" in said
