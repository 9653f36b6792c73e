"""Two runs side by side: the same, of another seed, and of other networks."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from suite.analysis.compare import changed
from suite.analysis.numbers import numbers_of
from suite.cli import app

SPEC = """title = "Twice"
seed = {seed}
[family]
parameters = 300
inputs = 3
depth = {depth}
activation = ["relu", "abs"]
initialization = {{ scheme = "critical", bias_std = 0.1 }}
[measure.v3]
draws = {draws}
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


def ran(
    folder: Path, seed: int = 1, step: float = 0.25, margin: float = 0.0, draws: int = 256, depth: str = "[1, 4]"
) -> Path:
    folder.mkdir()
    spec = folder / "twice.toml"
    spec.write_text(SPEC.format(seed=seed, step=step, margin=margin, draws=draws, depth=depth))
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
    assert said == "twice: 12 numbers in both runs: 12 equal, 0 differ within chance, 0 differ beyond chance\n"


def test_another_seed_differs_by_chance_alone(first: Path, tmp_path: Path) -> None:
    """No number is the same, and none is called different."""
    code, said = compared(first / "twice", ran(tmp_path / "other", seed=2) / "twice")

    assert code == 0
    assert said.splitlines() == [
        "twice: spec: seed: 1 and 2",
        "twice: 12 numbers in both runs: 0 equal, 12 differ within chance, 0 differ beyond chance",
    ]


def test_another_resolution_differs_beyond_chance_and_another_claim_has_another_verdict(
    first: Path, tmp_path: Path
) -> None:
    """Both are told, and a verdict that changed has an exit code."""
    code, said = compared(first, ran(tmp_path / "other", step=0.5, margin=1e3), "--json")

    (found,) = json.loads(said)
    assert code == 1
    assert found["spec"] == {"claim.0.margin": [0.0, 1e3], "measure.v3.step": [0.25, 0.5]}
    assert found["verdicts"] == {"The absolute value is more variable than ReLU.": ["holds", "fails"]}
    differing = {row["setting"]: row for row in found["beyond_chance"]}
    assert "v3 of relu, depth 1, critical(bias_std=0.1)" in differing
    assert all(row["p"] <= 0.05 and row["mean_first"] != row["mean_second"] for row in differing.values())
    assert len(differing) <= found["compared"] == 12


def test_a_claim_that_one_run_makes_is_told_and_is_no_change(first: Path, tmp_path: Path) -> None:
    """A reworded claim has no verdict to compare, which must not look like agreement."""
    other = tmp_path / "other"
    shutil.copytree(first, other)
    table = other / "twice" / "verdicts.csv"
    table.write_text(table.read_text().replace("more variable than ReLU", "the more variable one"))

    code, said = compared(first, other)

    assert code == 0
    assert said.splitlines()[1:] == [
        "twice: claim only in the first run: The absolute value is more variable than ReLU.",
        "twice: claim only in the second run: The absolute value is the more variable one.",
    ]
    (found,) = json.loads(compared(first, other, "--json")[1])
    assert found["claims_only_second"] == ["The absolute value is the more variable one."]


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


def test_a_folder_that_is_not_there_is_told_by_its_name(first: Path, tmp_path: Path) -> None:
    """Whichever of the two it is."""
    for folders in ((tmp_path / "nosuch", first), (first, tmp_path / "nosuch")):
        code, said = compared(*folders)

        assert code == 2
        assert said.startswith(f"{tmp_path / 'nosuch'}: no such folder; ")


def test_fewer_draws_are_compared_without_alarm(first: Path, tmp_path: Path) -> None:
    """Means of the first draws alone, and verdicts that want draws, are told, and are no change."""
    few = tmp_path / "few"
    code, said = compared(first, ran(few, draws=4), "--numbers-must-agree")

    assert code == 0
    assert "twice: 12 numbers in both runs: 0 equal, 12 differ within chance, 0 differ beyond chance" in said
    assert "twice: fewer draws or members: holds, then undecided: The absolute value" in said
    assert "verdict changed" not in said
    code, said = compared(few, first, "--numbers-must-agree", "--json")
    (found,) = json.loads(said)
    assert code == 0
    assert found["verdicts"] == {}
    assert list(found["undecided"].values()) == [["undecided", "holds"]]


def test_undecided_is_a_change_where_nothing_is_wanting() -> None:
    """Of as many draws and members; and a verdict against another is one in any case."""
    held = {"claim": "It is so.", "verdict": "holds", "draws": 64, "members": 4}

    assert changed([held], [held]) == ({}, {})
    assert changed([held], [held | {"verdict": "undecided"}])[0] == {"It is so.": ("holds", "undecided")}
    assert changed([held], [held | {"verdict": "fails", "draws": 8}])[0] == {"It is so.": ("holds", "fails")}
    assert changed([held], [held | {"verdict": "undecided", "members": 2}])[1] == {"It is so.": ("holds", "undecided")}
    assert changed([held], [held | {"claim": "Another."}]) == ({}, {})


def test_numbers_must_agree_where_that_is_asked(first: Path, tmp_path: Path) -> None:
    """Numbers of another resolution have an exit code then, with all verdicts the same."""
    other = ran(tmp_path / "other", step=0.5)

    assert compared(first, other)[0] == 0
    assert compared(first, other, "--numbers-must-agree")[0] == 1


def test_nothing_in_common_is_no_agreement(first: Path, tmp_path: Path) -> None:
    """A study of other networks by the same name."""
    other = ran(tmp_path / "other", depth="[2, 3]")

    code, said = compared(first, other, "--numbers-must-agree")

    assert code == 1
    assert "0 differ beyond chance; 12 only in the first run; 12 only in the second run" in said


def rows(quantity: str, mean: float, std: float, n: int, **axes: object) -> dict[str, object]:
    setting = {"member": "m", "depth": 2, "activation": "relu", "initialization": "he", "layer": 1, **axes}
    return {**setting, "quantity": quantity, "n": n, "mean": mean, "std": std}


def test_each_kind_of_number_has_its_test() -> None:
    """Exact numbers differ if they are not the same; rare events that a few draws lack do not; single draws cannot."""
    nothing = float("nan")
    first = [
        rows("activation_ratio", 0.25, nothing, 1),
        rows("born_dead", 0.05, 0.2, 1024),
        rows("test_accuracy", 0.9, nothing, 1),
        rows("v3", 1.0, 0.1, 100),
        rows("phase1_steps", nothing, nothing, 16),
    ]
    second = [
        rows("activation_ratio", 0.26, nothing, 1),
        rows("born_dead", 0.0, 0.0, 16),
        rows("test_accuracy", 0.8, nothing, 1),
        rows("v3", 1.1, 0.1, 100),
        rows("phase1_steps", 12.0, 3.0, 16),
    ]

    found = numbers_of(pd.DataFrame(first), pd.DataFrame(second))

    assert (found.compared, found.identical, found.only_first, found.only_second) == (4, 0, 0, 1)
    assert [setting.split()[0] for setting in found.beyond_chance["setting"]] == ["activation_ratio", "v3"]


def test_settings_are_the_same_whichever_types_their_columns_have() -> None:
    """Gaps make a CSV's whole numbers broken ones, and one study's whole numbers are broken in another."""
    first, second = (
        pd.DataFrame([rows("v3", 1.0, 0.1, 4, layer=kind(3), weight_decay=kind(0))]) for kind in (int, float)
    )

    found = numbers_of(first, second)

    assert (found.compared, found.identical) == (1, 1)


def test_a_frequency_of_a_plug_in_that_is_not_here_is_compared_as_one() -> None:
    """None of ten against eight of ten: Fisher's p, not that of Student's t, which is for values."""
    from suite.statistics.intervals import wilson

    def summary(events: int, quantity: str) -> pd.DataFrame:
        mean, n = events / 10, 10.0
        low, high = wilson(np.array([float(events)]), np.array([n]))
        row = {"member": "m", "depth": 1, "activation": "relu", "initialization": "he", "quantity": quantity, "n": n}
        row |= {"mean": mean, "std": (mean * (1 - mean) / 0.9) ** 0.5, "ci_low": low[0], "ci_high": high[0]}
        return pd.DataFrame([row])

    p = []
    for quantity in ("collapsed_relative", "strange"):
        found = numbers_of(summary(0, quantity), summary(8, quantity))
        p += [found.beyond_chance["p"].iloc[0]]

    assert p[0] == p[1] == pytest.approx(2 * 45 / 125970)
