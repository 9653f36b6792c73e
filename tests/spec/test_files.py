"""Which files are specs, and that no name leads out of the results folder."""

from pathlib import Path

import pytest

import suite
from suite.cells.sampling import cells_of
from suite.spec.files import RESERVED_NAMES, spec_files
from suite.spec.load import load_studies
from suite.spec.problems import Problem, SpecError
from tests.spec.broken import VALID

SMALL = """\
title = "One small network"
seed = 7

[family]
width = 2
inputs = 3
depth = 1
activation = "relu"

[measure.activation_ratio]
"""


def refused(*paths: Path | str) -> str:
    """What is said of paths that cannot be loaded: a line each fault."""
    with pytest.raises(SpecError) as caught:
        load_studies(paths)
    assert all(line.isprintable() for line in str(caught.value).split("\n"))
    return str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        *(f"{name}.toml" for name in RESERVED_NAMES),
        *("..toml", "...toml", "....toml", " .toml", "study .toml", "stu dy.toml", "study..toml", "-study.toml"),
        *("~.toml", "a\nb.toml", "\x1b[31m.toml", "\u202etxt.toml", "\u0430bc.toml", "a:b.toml", "a\\b.toml", "*.toml"),
        *("%2e%2e.toml", "$(id).toml", "nul.toml", "Con.toml", "com7.toml", "aux.x.toml", "CONIN$.toml"),
    ],
)
def test_a_file_whose_name_would_make_no_plain_folder_is_refused(name: str, tmp_path: Path) -> None:
    """By its name alone: what it holds is sound."""
    file = tmp_path / name
    file.write_text(VALID)

    assert refused(file).count("\n") == 0


@pytest.mark.parametrize("stem", ["study", "index", "null", "con1", "common", "a.b", "2021-v3_x", "x" * 100, "STUDY"])
def test_a_plain_name_is_the_studys(stem: str, tmp_path: Path) -> None:
    """Letters, digits and three signs."""
    file = tmp_path / f"{stem}.toml"
    file.write_text(VALID)

    assert load_studies([file])[0].spec.name == stem


def test_a_way_around_leads_to_the_same_name(tmp_path: Path) -> None:
    """`a/../study.toml` is study, once."""
    (tmp_path / "a").mkdir()
    (tmp_path / "study.toml").write_text(VALID)

    studies = load_studies([tmp_path / "a" / ".." / "study.toml", tmp_path / "study.toml"])

    assert [study.spec.name for study in studies] == ["study"]


@pytest.mark.parametrize(
    "path", ["a\0b.toml", "\0", "../../../../nowhere.toml", "/nowhere/../x.toml", "x" * 5000, "é\udcff"]
)
def test_a_path_to_nothing_is_told_in_a_line(path: str) -> None:
    """Also one that no system could have."""
    assert refused(path).count("\n") == 0


def test_a_link_is_a_study_of_its_own_name(tmp_path: Path) -> None:
    """Two names for one file are two studies; the same link twice is one."""
    (tmp_path / "study.toml").write_text(VALID)
    (tmp_path / "again.toml").symlink_to(tmp_path / "study.toml")

    studies = load_studies([tmp_path, tmp_path / "again.toml"])

    assert [study.spec.name for study in studies] == ["again", "study"]
    assert studies[0].members == studies[1].members


def test_a_link_to_a_link_that_leads_back_is_no_file(tmp_path: Path) -> None:
    """A circle of links ends in a line."""
    (tmp_path / "one.toml").symlink_to(tmp_path / "two.toml")
    (tmp_path / "two.toml").symlink_to(tmp_path / "one.toml")

    assert "check the path" in refused(tmp_path / "one.toml")


def test_a_file_among_specs_that_cannot_be_decoded_is_named_readably(tmp_path: Path) -> None:
    """Names of files are bytes, some of which are no text."""
    (tmp_path / "study.toml").write_text(VALID)
    (tmp_path / "\udcff.toml").write_text(VALID)

    assert r"\udcff" in refused(tmp_path)


def test_many_faults_are_told_up_to_a_number(tmp_path: Path) -> None:
    """Ten thousand unknown keys are a fault made often."""
    file = tmp_path / "study.toml"
    file.write_text("".join(f"key{number} = 1\n" for number in range(10_000)) + VALID)

    lines = refused(file).split("\n")

    assert len(lines) == 201
    assert lines[-1].endswith("more problems follow; fix these first")


def test_a_file_of_many_keys_and_brackets_is_read_without_delay(tmp_path: Path) -> None:
    """Near the limit of a file's size: lists in lists, dots in keys, quotes that open nothing, a list without end."""
    file = tmp_path / "study.toml"
    for content in ("[" * 190_000, f"a{'.a' * 95_000} = 1", '"' * 190_000, "'" * 190_000, f"a = [{'1,' * 95_000}]"):
        file.write_text(content)
        assert refused(file)


def test_a_run_in_a_notebook_writes_in_the_results_folder_alone(tmp_path: Path) -> None:
    """Whatever the spec says: all its files come to be under the study's own name, and an index above them."""
    (tmp_path / "specs").mkdir()
    file = tmp_path / "specs" / "study.toml"
    file.write_text(SMALL.replace("One small network", "../../evil"))

    found = suite.run(suite.load(file), results=tmp_path / "results", workers=1)

    assert found.folder == tmp_path / "results" / "study"
    assert {path.name for path in tmp_path.iterdir()} == {"specs", "results"}
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"study", "index.html"}
    assert [path.name for path in (tmp_path / "specs").iterdir()] == ["study.toml"]


def test_no_text_of_a_spec_names_a_cell_or_a_member(tmp_path: Path) -> None:
    """Their names follow from numbers and from the catalog's names."""
    plain, changed = tmp_path / "plain.toml", tmp_path / "changed.toml"
    plain.write_text(SMALL)
    changed.write_text(SMALL.replace('"One small network"', '"../../evil"\nsource = "/etc"\nclaims = "../"'))

    keys = [[cell.key for cell in cells_of(study)] for study in load_studies([plain, changed])]

    assert keys[0] == keys[1]


def test_a_path_that_leads_nowhere_offers_the_nearest_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Beside it, or in specs/, for who gives a study's name alone or mistypes it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "variability.toml").write_text("")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "collapse.toml").write_text("")

    def told(path: str) -> str:
        problems: list[Problem] = []
        assert spec_files([path], problems) == []
        return problems[0].message

    assert told("variability") == "no such file or folder; did you mean specs/variability.toml?"
    assert told("specs/varability.toml") == "no such file or folder; did you mean specs/variability.toml?"
    assert told("other/colapse.toml") == "no such file or folder; did you mean other/collapse.toml?"
    assert told("nowhere/else.toml") == "no such file or folder; check the path"
