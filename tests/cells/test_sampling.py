"""Precision: draws are added until an interval is tight, the same number whoever computes them, and no further."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from suite.catalog.precision import DRAWS_A_CELL
from suite.cells.cache import Cache, CachedCell, CellResult
from suite.cells.cell import Cell
from suite.cells.resources import Resources
from suite.cells.sampling import SamplingRounds, cells_of
from suite.cells.worker import compute_and_save
from suite.cli.formatting import missed_targets
from suite.results.folder import Results
from suite.runs.run import compute_tables
from suite.runs.tables import precision_table
from suite.spec.load import load_studies
from tests.runs.tiny import assert_same_tables

FAMILY = 'width = 6\ninputs = 2\ndepth = [1, 3]\nactivation = ["relu", "tanh"]'
SPEC = f"""
title = "as precise as asked"
seed = 1
[family]
{FAMILY}
[measure.v3]
step = 0.25
{{v3}}
[measure.collapse]
{{collapse}}
[measure.correlation]
precision = 0.06
[measure.jacobian]
precision = 0.1
precision_of = "jacobian_ratio"
"""
ONE = 'width = 6\ninputs = 2\ndepth = 2\nactivation = "relu"'


def ran(
    folder: Path, v3: str = "precision = 0.1", collapse: str = "precision = 0.01", workers: int = 1, announce=None
) -> Results:
    """The study, run in a folder."""
    folder.mkdir(exist_ok=True)
    spec = folder / "precise.toml"
    spec.write_text(SPEC.format(v3=v3, collapse=collapse))
    return compute_tables(load_studies([spec])[0], folder / "results", Resources(workers=workers), announce)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Run once in this process; to be looked at, not to be changed."""
    return ran(tmp_path_factory.mktemp("precise"))


def effort(results: Results) -> pd.DataFrame:
    """The precision table without the time it took."""
    assert results.precision is not None
    return results.precision.drop(columns="seconds")


def test_every_interval_becomes_as_tight_as_asked(results: Results) -> None:
    """Each quantity's in every layer, by the summary's own interval; the draws are whole blocks of differing number."""
    table = effort(results)
    have = table[table["half_width"].notna()]

    assert (have["reached"] == "yes").all()
    assert (have["half_width"] <= have["precision"]).all()
    assert (table["draws"] % DRAWS_A_CELL == 0).all()
    assert have.groupby("measure")["draws"].nunique().max() > 1
    summary = results.summary.astype({"member": str, "quantity": str})
    stated = have.merge(summary, on=["member", "quantity", "layer"])
    assert len(stated) == len(have)
    assert (stated["n"] <= stated["draws"]).all()  # a layer that is dead has no cosine
    assert (stated["n"] > stated["draws"] - DRAWS_A_CELL).all()
    half = (
        (stated["ci_high"] - stated["ci_low"]) / 2 / stated["mean"].abs().where(stated["statistic"] != "frequency", 1)
    )
    np.testing.assert_allclose(half, stated["half_width"], rtol=0.15)  # the bootstrap's own error is 2%
    assert (half <= 1.05 * stated["precision"]).all()


def test_what_networks_do_not_have_is_not_waited_for(results: Results) -> None:
    """A Jacobian from the first hidden layer on, of one hidden layer."""
    table = effort(results)
    lacking = table[table["reached"] == "no"]

    assert set(lacking["quantity"]) == {"jacobian_ratio"}
    assert (lacking["draws"] == DRAWS_A_CELL).all()
    assert set(lacking["note"]) == {"not defined for these networks"}
    assert len(missed_targets(results)) == len(lacking) == 2


@pytest.mark.slow
def test_two_processes_take_as_many_draws(results: Results, tmp_path: Path) -> None:
    """And come to the same tables, to the byte."""
    again = ran(tmp_path, workers=2)

    pd.testing.assert_frame_equal(effort(again), effort(results))
    assert_same_tables(again.folder, results.folder)


def test_a_second_run_computes_nothing_and_an_interrupted_one_goes_on(results: Results, tmp_path: Path) -> None:
    """From any part of the cells to the same tables; totals grow while more is wanted."""
    first = ran(tmp_path)
    before = (first.folder / "precision.csv").read_bytes()
    heard: list[tuple[int, int]] = []

    def announce(study, cells, missing):
        heard.append((len(cells), len(missing)))
        return lambda *_: None

    ran(tmp_path, announce=announce)

    assert [missing for _, missing in heard] == [0]
    assert (first.folder / "precision.csv").read_bytes() == before
    for file in sorted((first.folder / "cells").iterdir())[::3]:
        file.unlink()
    heard.clear()

    again = ran(tmp_path, announce=announce)

    pd.testing.assert_frame_equal(effort(again), effort(results))
    totals = [total for total, _ in heard]
    assert totals == sorted(totals)
    assert len(set(totals)) > 1


def test_a_finer_precision_computes_new_draws_only(tmp_path: Path) -> None:
    """A coarser one nothing at all; neither does the number of draws that it came to."""
    computed: list[Cell] = []
    ran(tmp_path, v3="precision = 0.1", announce=lambda *_: lambda cell, _: computed.append(cell))
    blocks = {(cell.name, cell.member.name, cell.start) for cell in computed}
    computed.clear()

    fine = ran(tmp_path, v3="precision = 0.06", announce=lambda *_: lambda cell, _: computed.append(cell))
    assert {cell.name for cell in computed} == {"v3"}
    assert not {(cell.name, cell.member.name, cell.start) for cell in computed} & blocks
    assert effort(fine)["draws"].max() > DRAWS_A_CELL
    computed.clear()

    ran(tmp_path, v3="precision = 0.2", announce=lambda *_: lambda cell, _: computed.append(cell))
    ran(tmp_path, v3=f"draws = {DRAWS_A_CELL}", announce=lambda *_: lambda cell, _: computed.append(cell))
    assert computed == []


def test_a_table_of_a_precision_that_is_no_longer_asked_for_is_taken_away(tmp_path: Path, study) -> None:
    """It would speak of other draws."""
    precise, counted = "[measure.collapse]\nprecision = 0.1\n", "[measure.collapse]\ndraws = 256\n"
    found = compute_tables(study(ONE, precise), tmp_path / "results", Resources(workers=1))
    assert found.precision is not None

    found = compute_tables(study(ONE, counted), tmp_path / "results", Resources(workers=1))

    assert found.precision is None
    assert missed_targets(found) == []
    assert not (found.folder / "precision.csv").exists()


def test_what_cannot_be_reached_ends_at_max_draws_and_says_so(tmp_path: Path, study) -> None:
    """Uncorrelated inputs have a mean cosine near 0, which has hardly a relative width."""
    found = compute_tables(
        study(ONE, "[measure.correlation]\nprecision = 0.001\nmax_draws = 768\ncosine = 0.0\n"),
        tmp_path,
        Resources(workers=1),
    )

    table = effort(found)
    assert (table["draws"] == 768).all()
    assert (table["looks"] == 3).all()
    assert (table["reached"] == "no").all()
    assert table["note"].str.contains("draws needed").all()
    assert all("after 768 draws, target 0.001" in line for line in missed_targets(found))


def test_what_is_measured_for_each_task_has_draws_of_its_own(tmp_path: Path, study) -> None:
    """Trainability of a task that two neurons can learn and of one that they cannot."""
    family = 'width = 2\ninputs = 1\ndepth = 1\nactivation = "relu"\ninitialization = "sphere"'
    measures = """
[measure.trainability]
precision = 0.02
[measure.accuracy]
task = [{ name = "absolute_value", train = 8, test = 8 }, { name = "two_kinks", train = 8, test = 8 }]
optimizer = { name = "sgd", learning_rate = 0.1, batch = 8 }
steps = 1
replicates = 1
"""
    table = effort(compute_tables(study(family, measures), tmp_path, Resources(workers=1))).set_index("task")

    assert table.loc["absolute_value", "draws"] > table.loc["two_kinks", "draws"] == DRAWS_A_CELL
    assert set(table["reached"]) == {"yes"}
    assert set(table["statistic"]) == {"frequency"}


@pytest.fixture
def stored(tmp_path: Path, study):
    """(values of a draw's number) -> the precision table of a study whose v3 comes out so."""

    def build(value, settings: str = "precision = 0.05\nmax_draws = 2048"):
        loaded, store = study(ONE, f"[measure.v3]\n{settings}\n"), Cache(tmp_path / "cells")
        rounds, done = SamplingRounds(loaded), dict[str, CachedCell]()
        for _ in range(20):
            for cell in rounds.cells:
                draws = np.arange(cell.start, cell.stop, dtype=float)
                store.save(cell.key, CellResult({"v3": value(draws)}, {"seconds": 0.5}))
                done[cell.key] = store.check(cell.key)
            if not rounds.advance(done):
                break
        assert all(aim.done for aim in rounds.targets)
        return precision_table(rounds.targets).iloc[0]

    return build


@pytest.mark.parametrize(
    ("value", "draws", "reached", "note"),
    [
        (
            lambda draws: np.full_like(draws, 3.0),
            1024,
            "yes",
            "all draws are equal; rare other values may exist",
        ),
        (np.zeros_like, 2048, "no", "relative half-width undefined: the mean is 0 or too large"),
        (lambda draws: np.full_like(draws, np.nan), 256, "no", "no draw is finite"),
        (lambda draws: np.full_like(draws, np.inf), 256, "no", "no draw is finite"),
        (lambda draws: (-1.0) ** draws, 2048, "no", "relative half-width undefined: the mean is 0 or too large"),
        (lambda draws: np.where(draws % 2, np.nan, 1 + draws % 3), 768, "yes", ""),
        (
            lambda draws: 1e300 * (1 + draws % 2),
            2048,
            "no",
            "relative half-width undefined: the mean is 0 or too large",
        ),
    ],
    ids=["a constant", "zeros", "nan", "infinite", "mean 0", "half nan", "huge"],
)
def test_what_has_no_tight_interval_ends_all_the_same(stored, value, draws, reached, note) -> None:
    """At once where more draws would not help, at the limit where they might have."""
    row = stored(value)

    assert (row["draws"], row["reached"], row["note"]) == (draws, reached, note)
    assert row["seconds"] == 0.5 * draws / DRAWS_A_CELL


def test_a_note_warns_of_means_that_depend_on_few_draws(stored) -> None:
    """One draw in 1,000 is as large as all others together."""
    row = stored(lambda draws: np.where(draws % 1000 == 7, 1000.0, 1.0), "precision = 0.9\nmax_draws = 4096")

    assert row["draws"] >= 1024
    assert "the mean depends on few draws" in row["note"]


def test_looks_are_after_one_cell_and_grow(study, tmp_path: Path) -> None:
    """A study that asks for a precision starts with one cell a member, and adds whole ones behind it."""
    loaded, store = study(ONE, '[measure.collapse]\nprecision = 0.02\nprecision_of = "output_rms"\n'), Cache(tmp_path)
    rounds = SamplingRounds(loaded)
    assert rounds.cells == cells_of(loaded)
    stops = []
    stored: dict[str, CachedCell] = {}
    while True:
        new = [cell for cell in rounds.cells if cell.key not in stored]
        for cell in new:
            compute_and_save([cell], tmp_path, "cpu")
            stored[cell.key] = store.check(cell.key)
        own = [cell for cell in rounds.cells if cell.name == "collapse"]
        stops.append(own[-1].stop)
        if not rounds.advance(stored):
            break

    assert stops[0] == DRAWS_A_CELL
    assert all(after <= 2 * before for before, after in pairwise(stops))
    assert [cell.start for cell in own] == list(range(0, own[-1].stop, DRAWS_A_CELL))
    assert len(stops) == rounds.targets[0].looks < 12
