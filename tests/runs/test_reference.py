"""The reference: of the shipped studies as they are, refreshed from results, and a measure that can fail."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from docs.reference import TABLES, outdated, refresh
from suite.cells.blocks import training_columns
from suite.cells.resources import Resources
from suite.cli import app
from suite.results.folder import Results
from suite.runs.run import compute_tables, run_study
from suite.spec.load import Study, load_studies
from suite.spec.members import member_axes
from tests.runs.tiny import with_tournament

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference"
PARTS = ROOT / "tests" / "specs" / "reference"

SPEC = """title = "A small study"
seed = 1
[family]
width = 4
inputs = 2
depth = [1, 2]
activation = ["relu", "tanh"]
[measure.correlation]
draws = 6
[measure.collapse]
draws = 6
[[claim]]
says = "Cosines rise with depth."
test = "monotone"
quantity = "correlation"
along = "depth"
direction = "rises"
"""


def study_of(folder: Path, text: str = SPEC, name: str = "small") -> Study:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(text)
    return next(study for study in load_studies([folder]) if study.spec.name == name)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Specs, results and their reference."""
    folder = tmp_path_factory.mktemp("reference")
    run_study(study_of(folder / "specs"), folder / "results", Resources(workers=1))
    refreshed(folder)
    return folder


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The spec and the results of a study with a tournament."""
    folder = tmp_path_factory.mktemp("ranked")
    study = study_of(folder, with_tournament("test_error"), "ranked")
    run_study(study, folder / "results", Resources(workers=1))
    return folder


@pytest.fixture
def project(done: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    shutil.copytree(done, tmp_path / "project")
    return tmp_path / "project"


def refreshed(project: Path) -> list[Path]:
    return refresh(project / "specs", project / "results", project / "results" / "reference")


def contents(reference: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in reference.glob("*/*")}


def compared(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["compare", *map(str, arguments)])
    return done.exit_code, done.stdout + done.stderr


def test_the_reference_is_of_the_shipped_studies_as_they_are() -> None:
    """Each has its folder, of its very spec but for the words; whoever changes one is told what to do."""
    assert outdated(load_studies([ROOT / "specs"]), REFERENCE) == []


def test_the_reference_holds_tables_for_reading_alone() -> None:
    """And a record of the run, without its list of cells; no table that no run writes any more."""
    for folder in REFERENCE.iterdir():
        names = {file.name for file in folder.iterdir()}
        assert {"run.json", "summary.csv", "members.csv"} <= names
        assert names <= {*TABLES, "run.json"}
        assert not {"cells", "asked"} & json.loads((folder / "run.json").read_text()).keys()


def departures(part: Study, whole: Study) -> Iterator[str]:
    """Where a part is none of its study: in what decides which networks are drawn, or in how settings are named."""
    for key in ("seed", "domain"):
        if getattr(part.spec, key) != getattr(whole.spec, key):
            yield key
    if not {member.name for member in part.members} <= {member.name for member in whole.members}:
        yield "family: members that the study has not"
    if set(member_axes(part.members)) != set(member_axes(whole.members)):
        yield "family: axes"
    trained = {"accuracy"} <= set(part.spec.measures) & set(whole.spec.measures)
    if trained and set(training_columns(part)) != set(training_columns(whole)):
        yield "measure.accuracy: axes of the training"
    for name, settings in part.spec.measures.items():
        if name not in whole.spec.measures:
            yield f"measure.{name}: the study has none"
            continue
        some, all_ = settings.model_dump(mode="json"), whole.spec.measures[name].model_dump(mode="json")
        for key, value in some.items():
            fewer = key in ("draws", "replicates") and value <= all_[key]
            chosen = (name, key) == ("accuracy", "optimizer") and all(one in all_[key] for one in value)
            if value != all_[key] and not fewer and not chosen:
                yield f"measure.{name}.{key}"


@pytest.mark.parametrize("file", sorted(PARTS.glob("*.toml")), ids=lambda file: file.stem)
def test_what_is_computed_anew_is_part_of_a_shipped_study(file: Path) -> None:
    """Same seed, domain, members and settings but for fewer draws and replicates; and settings have the same names."""
    of = f"specs/{file.name}"
    assert (ROOT / of).exists(), f"there is no {of} any more: remove tests/specs/reference/{file.name}"

    found = list(departures(load_studies([file])[0], load_studies([ROOT / of])[0]))

    assert not found, (
        f"tests/specs/reference/{file.name} is no part of {of} any more; take these over from it, "
        f"with fewer draws, replicates, members or optimizers at most: {'; '.join(found)}"
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("seed = 1", "seed = 2", "seed"),
        ("depth = [1, 2]", "depth = [1, 3]", "family: members that the study has not"),
        ("draws = 6", "draws = 7", "measure.correlation.draws"),
        ("[measure.collapse]", "[measure.collapse]\nthreshold = 0.2", "measure.collapse.threshold"),
        ("[measure.collapse]", "[measure.jacobian]", "measure.jacobian: the study has none"),
        ("depth = [1, 2]", "depth = [2, 1]", None),
        ("draws = 6", "draws = 5", None),
    ],
)
def test_what_departs_from_its_study_is_named(tmp_path: Path, old: str, new: str, told: str | None) -> None:
    """And fewer draws, or members in another order, depart from nothing."""
    assert old in SPEC
    whole, part = (
        study_of(tmp_path / name, text) for name, text in (("whole", SPEC), ("part", SPEC.replace(old, new, 1)))
    )

    assert list(departures(part, whole)) == ([told] if told else [])


def test_a_part_agrees_and_a_number_ten_standard_errors_off_does_not(tmp_path: Path) -> None:
    """As `tox -e reference` compares, on one part and on a copy of the reference that is changed in one place."""
    (part,) = load_studies([PARTS / "variability_hard.toml"])
    compute_tables(part, tmp_path / "results", Resources(workers=1))
    here, there = tmp_path / "results" / "variability_hard", tmp_path / "reference" / "variability_hard"

    code, said = compared(REFERENCE / "variability_hard", here, "--numbers-must-agree")
    assert code == 0
    assert " 0 differ beyond chance" in said
    shutil.copytree(REFERENCE / "variability_hard", there)
    summary = pd.read_csv(there / "summary.csv")
    row = summary.index[(summary["quantity"] == "v3") & (summary["depth"] == 4)][0]
    summary.loc[row, "mean"] += 10 * summary.loc[row, "std"] / summary.loc[row, "n"] ** 0.5
    summary.to_csv(there / "summary.csv", index=False)
    code, said = compared(there.parent, here.parent, "--numbers-must-agree")
    assert code == 1
    assert " 1 differ beyond chance" in said
    assert "variability_hard: v3 of relu, depth 4, critical(bias_std=0.1): " in said
    assert compared(there, here)[0] == 0


def test_a_run_and_its_reference_are_the_same(project: Path) -> None:
    """Fewer digits make no difference; all that is read is there, and verdicts too."""
    reference = project / "results" / "reference"

    code, said = compared(reference, project / "results", "--numbers-must-agree")

    assert code == 0
    number = len(pd.read_csv(project / "results" / "small" / "summary.csv"))
    assert (
        said
        == f"small: {number} numbers in both runs: {number} equal, 0 differ within chance, 0 differ beyond chance\n"
    )
    assert {file.name for file in (reference / "small").iterdir()} == {
        file.name for file in (project / "results" / "small").glob("*.csv")
    } | {"run.json"}
    assert outdated(load_studies([project / "specs"]), reference) == []


def test_refreshing_again_changes_nothing_and_what_is_no_more_goes(project: Path) -> None:
    """Byte by byte; a study without its spec has no reference."""
    reference = project / "results" / "reference"
    before = contents(reference)
    (reference / "gone").mkdir()
    (reference / "gone" / "run.json").write_text("{}")
    assert ["gone" in line for line in outdated(load_studies([project / "specs"]), reference)] == [True]

    assert refreshed(project) == [reference / "small"]

    assert contents(reference) == before


def test_what_no_run_writes_stays_out_of_the_reference(project: Path) -> None:
    """Neither an earlier version's table that was left in a results folder nor a user's own."""
    results, reference = (project / name / "small" for name in ("results", "results/reference"))
    (results / "standings.csv").write_text("predictor\n-depth\n")
    (results / "mine.csv").write_text("a\n1\n")
    (results / "bounds.csv").write_text("series\nrelu\n")

    refreshed(project)

    assert (reference / "bounds.csv").read_text() == "series\nrelu\n"
    assert not {"standings.csv", "mine.csv"} & {file.name for file in reference.iterdir()}


def test_tables_have_few_digits_and_no_seconds(project: Path) -> None:
    """Six digits, but for means, counts, words and what tells settings apart."""
    results, reference = (project / name / "small" for name in ("results", "results/reference"))
    (results / "predictors.csv").write_text(
        "predictor,members,spearman,seconds,note\n-depth,1234567,-0.123456789012,0.1234,of 0.123456789\nv3,8,,3.5,\n"
    )
    (results / "precision.csv").write_text("member,layer,half_width,draws,seconds\nrelu,,0.00123456789,20480,12.34\n")
    (results / "members.csv").write_text("widths,weight_variances\n2 1234567 1,0.1234567891 2.0 1e-12\n")
    (results / "summary.csv").write_text(
        "depth,learning_rate,n,mean,std,theory\n3,0.123456789012,1234567.0,0.1234567890123,0.123456789012,nan\n"
    )

    refreshed(project)

    assert {
        name: (reference / f"{name}.csv").read_text().splitlines()[1:]
        for name in ("predictors", "precision", "members", "summary")
    } == {
        "predictors": ["-depth,1234567,-0.123457,,of 0.123456789", "v3,8,,,"],
        "precision": ["relu,,0.00123457,20480,"],
        "members": ["2 1234567 1,0.123457 2 1e-12"],
        "summary": ["3,0.123456789012,1234567,0.12345678901,0.123457,nan"],
    }


def test_a_tournament_is_that_which_was_kept(project: Path, ranked: Path) -> None:
    """Though there are no cells to tell what it cost, and no raw values to hold it again; and empty where none was."""
    run = Results(Path(shutil.copytree(ranked / "results" / "ranked", project / "results" / "ranked")))
    shutil.copy(ranked / "ranked.toml", project / "specs")
    refreshed(project)
    reference = project / "results" / "reference"

    found, made = Results(reference / "ranked").predictors, run.predictors

    assert list(found.columns) == list(made.columns)
    assert len(found) > 0
    assert found["seconds"].isna().all()
    pd.testing.assert_frame_equal(
        found.drop(columns="seconds"), made.drop(columns="seconds"), check_dtype=False, rtol=1e-5
    )
    assert Results(reference / "small").predictors.empty
    assert compared(reference, project / "results", "--numbers-must-agree")[0] == 0
    assert compared(reference, reference)[0] == 0


@pytest.mark.parametrize("command", ["report", "claims"])
def test_what_needs_a_run_says_what_a_reference_is(project: Path, command: str) -> None:
    """And what to name in its place; nothing is written there."""
    reference = project / "results" / "reference"
    kept = contents(reference)

    done = CliRunner().invoke(app, [command, str(project / "specs"), "--results", str(reference)])

    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{reference / 'small'}: these are reference results without raw values, which only")
    assert "--results" in line
    assert contents(reference) == kept


def test_a_reference_has_no_raw_values_and_is_none_of_a_reference(project: Path) -> None:
    """Both are errors."""
    reference = project / "results" / "reference"
    found = Results(reference / "small")
    with pytest.raises(ValueError, match=r"small: these are reference results, .*; use the results of a run"):
        found.values_of(["correlation"])
    with pytest.raises(ValueError, match="reference results"):
        _ = found.measurements

    with pytest.raises(ValueError, match="small: a reference itself; name the results of a run"):
        refresh(project / "specs", reference, project / "another")

    assert not (project / "another").exists()


def test_every_table_that_a_run_writes_is_known_to_the_reference(ranked: Path) -> None:
    """Of a study with a tournament."""
    written = {file.name for file in (ranked / "results" / "ranked").glob("*.csv")}

    assert {"members.csv", "summary.csv", "predictors.csv"} <= written <= set(TABLES)


def test_a_spec_that_has_changed_makes_the_reference_stale_but_its_words_do_not(project: Path) -> None:
    """It is named with the cure; titles and findings may change."""
    reference = project / "results" / "reference"

    def told(text: str) -> list[str]:
        return outdated([study_of(project / "specs", text)], reference)

    assert told(SPEC.replace("A small study", "A study").replace("seed", 'findings = ["It is so."]\nseed', 1)) == []
    for old, new in (("seed = 1", "seed = 2"), ("draws = 6", "draws = 7"), ('"rises"', '"falls"')):
        (line,) = told(SPEC.replace(old, new, 1))
        assert line.startswith(f"{reference}: small: the spec has changed since; refresh it: python -m suite run specs")
    assert "another: not there" in outdated([study_of(project / "specs", SPEC, "another")], reference)[1]


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("summary.csv", b"", "summary.csv: damaged"),
        ("summary.csv", b"a,b\n1,2\n3\n", r"summary.csv: damaged \(row 3 is not"),
        ("verdicts.csv", b'claim\n"half', "verdicts.csv: damaged"),
        ("members.csv", b"\xff\xfe", "members.csv: damaged"),
        ("run.json", b"{", "run.json is damaged"),
        ("members.csv", None, "members.csv"),
    ],
)
def test_a_damaged_table_leaves_the_old_reference(project: Path, file: str, content: bytes | None, told: str) -> None:
    """Also of the studies before it, and nothing else beside it."""
    study_of(project / "specs", SPEC, "another")
    another = Path(shutil.copytree(project / "results" / "small", project / "results" / "another"))
    (another / "run.json").write_text((another / "run.json").read_text().replace('"small"', '"another"'))
    refreshed(project)
    kept = contents(project / "results" / "reference")
    damaged = project / "results" / "small" / file
    damaged.unlink()
    if content is not None:
        damaged.write_bytes(content)

    with pytest.raises((ValueError, OSError), match=told):
        refreshed(project)

    assert contents(project / "results" / "reference") == kept
    folders = {file.name for file in (project / "results").iterdir() if file.is_dir()}
    assert folders == {"another", "small", "reference"}


def test_a_swap_that_fails_puts_the_old_reference_back(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where an interruption comes between."""
    kept, rename = contents(project / "results" / "reference"), Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        refreshed(project)

    assert contents(project / "results" / "reference") == kept
    assert {file.name for file in (project / "results").iterdir() if file.is_dir()} == {"small", "reference"}


def test_a_faulty_spec_ends_the_command_as_elsewhere(project: Path) -> None:
    """With its line, and exit code 2; so do results that are lacking."""
    for text, told in (("title = 3\n", "specs/small.toml:1: title: "), (SPEC.replace("= 6", "= 7"), "has changed")):
        study = project / "specs" / "small.toml"
        study.write_text(text)

        done = subprocess.run(
            [sys.executable, str(ROOT / "docs" / "reference.py")],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 2
        assert told in done.stderr
        assert "Traceback" not in done.stderr


def test_nothing_is_refreshed_from_what_was_not_run_as_it_is(project: Path) -> None:
    """All that is lacking is told at once, and the old reference stays."""
    kept = contents(project / "results" / "reference")
    study_of(project / "specs", SPEC.replace("seed = 1", "seed = 2"))
    study_of(project / "specs", SPEC, "another")

    with pytest.raises(ValueError, match=r"no results of another.*\n.*small: the spec has changed since these tables"):
        refreshed(project)

    assert contents(project / "results" / "reference") == kept
