"""Changes to a spec from the command line: what they may be, where they lead, and what the changed study is called."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from suite.spec.changes import parse_changes
from suite.spec.files import spec_files
from suite.spec.load import Study, load_studies
from suite.spec.problems import Problem, SpecError
from tests.spec.broken import VALID

CLAIMS = """
[[claim]]
says = "one"
test = "level"
quantity = "v3"
at_least = 0.1

[[claim]]
says = "two"
test = "level"
quantity = "v3"
at_least = 0.2
where = { depth = [1, 3] }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A valid spec with two claims."""
    file = tmp_path / "study.toml"
    file.write_text(VALID + CLAIMS)
    return file


def changed(file: Path, *texts: str) -> Study:
    """The study with changes made."""
    (study,) = load_studies([file], parse_changes(texts))
    return study


def faults(file: Path, *texts: str) -> list[str]:
    """What is wrong with the changed study, a line each, without the file's name."""
    with pytest.raises(SpecError) as caught:
        changed(file, *texts)
    return [line.removeprefix(str(file)) for line in str(caught.value).split("\n")]


def test_values_are_set_wherever_they_stand(file: Path):
    """In tables, in repeated tables, in lists, and where the file says nothing."""
    spec = changed(
        file,
        "family.parameters=600",
        "family.depth.1=4",
        "claim.1.at_least = 0.3",
        'domain={ kind = "ball", radius = 2.0 }',
        "measure.collapse.draws=32",
        "measure.accuracy.optimizer.learning_rate=[0.01, 0.1]",
    ).spec

    assert spec.family[0].parameters == (600,)
    assert spec.family[0].depth == (1, 4, 3)
    assert [claim.at_least for claim in spec.claim] == [0.1, 0.3]
    assert spec.domain.radius == 2.0
    assert spec.measures["collapse"].draws == 32
    assert [each.learning_rate for each in spec.measures["accuracy"].optimizer] == [0.01, 0.1]


def test_a_key_without_a_value_is_taken_out(file: Path):
    """So that something else may take its place."""
    spec = changed(file, "family.parameters=", "family.width=8", "claim=").spec

    assert spec.family[0].parameters is None
    assert spec.family[0].width == (8,)
    assert spec.claim == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("parameters", "expected KEY=VALUE"),
        ("=3", "expected KEY=VALUE"),
        ("family..depth=3", "expected KEY=VALUE"),
        ("family.activation=tanh", "--set 'family.activation=\"tanh\"'"),
        ("family.depth=[1,", "is not valid TOML"),
        ("family.depth=1\nseed = 2", "more than one value"),
        ("family.depth=" + "[" * 5000, "shorten it"),
        ("family.depth=" + "9" * 5000, "shorten it"),
        ("family.\x1b[31m=", "expected KEY=VALUE"),
    ],
)
def test_invalid_changes_are_rejected_with_a_hint(text: str, why: str):
    """The error is raised before files are read, in one line without control characters."""
    with pytest.raises(ValueError, match="--set") as caught:
        parse_changes([text])

    assert why in str(caught.value)
    assert str(caught.value).isprintable()


def test_two_changes_of_one_place_are_refused():
    """It would depend on their order what they come to."""
    with pytest.raises(ValueError, match=r"--set family.depth.0 and --set family.depth set the same key"):
        parse_changes(["family.depth.0=3", "seed=2", "family.depth=[1,2]"])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("family.depth=0", " --set family.depth: family.depth: expected a number >= 1, got 0"),
        ("famly.depth=3", " --set famly.depth: famly: unknown key; did you mean [family]?"),
        ("family.deph=3", " --set family.deph: family.deph: unknown key; did you mean depth?"),
        (
            'family.activation={name="elu",alpha=0}',
            " --set family.activation: family.activation.alpha: expected a number > 0, got 0",
        ),
        ("title=", " --set title: title: title is missing; add it"),
        ("family.0.depth=3", " --set family.0.depth: family is a table, not a list; remove the index 0"),
        (
            "claim.at_least=3",
            " --set claim.at_least: claim is a list; use one of claim.0 to claim.1",
        ),
        ("claim.2.at_least=3", " --set claim.2.at_least: there is no claim.2; use one of claim.0 to claim.1"),
        ("seed.x=3", " --set seed.x: seed is 7, not a table or a list; set seed itself"),
        ("family.depth=[]", " --set family.depth: family.depth: the list is empty; add at least one value"),
        ("claim.0=", " --set claim.0: items of a list cannot be removed one by one; set the whole list"),
        ("family.width=", " --set family.width: there is no such key to remove"),
        ("family.parameters=1_000_000_000_000", " --set family.parameters: family.parameters: one network of"),
    ],
)
def test_a_fault_is_told_at_the_change_that_it_comes_from(file: Path, text: str, fault: str):
    """In place of a line."""
    assert [line for line in faults(file, text) if line.startswith(fault)]


def test_a_fault_of_the_file_keeps_its_line_and_comes_first(file: Path):
    """Changes do not move the file's lines."""
    file.write_text(file.read_text().replace("seed = 7", "seed = -7"))

    found = faults(file, "family.depth=0")

    assert [line.partition(": ")[0] for line in found] == [":2", " --set family.depth"]


def test_claims_about_what_was_changed_away_may_be_left_out(file: Path):
    """The message says how, and it works."""
    found = faults(file, "family.depth=[3,4]")

    assert found[0].startswith(":32: claim.where.depth: no member has depth = 1")
    assert found[-1] == " --set family.depth: to remove claim from the changed study, add --set claim="
    assert changed(file, "family.depth=[3,4]", "claim=").spec.claim == ()


def test_the_same_changes_have_one_name_and_others_another(file: Path):
    """However they are ordered and spelt: it is the name of a folder of results."""

    def name(*texts: str) -> str:
        return changed(file, *texts).spec.name

    assert name() == "study"
    first = name("family.parameters=600", "seed=8")
    assert first == name("seed = 8", "family.parameters=6_00")
    assert len({first, name("seed=8"), name("seed=9"), name("family.parameters=600"), name("claim=")}) == 5
    assert name("seed=8").startswith("study-set-seed-8-")


@pytest.mark.parametrize("text", ["title='../../x'", "title='" + "long " * 60 + "'", "title='ü \U0001f600'"])
def test_a_changed_study_has_the_name_of_a_folder(file: Path, text: str):
    """Whatever the value is."""
    name = changed(file, text).spec.name
    problems: list[Problem] = []
    (file.parent / f"{name}.toml").write_text("")

    spec_files([file.parent / f"{name}.toml"], problems)

    assert problems == []


def test_a_changed_study_says_so_and_claims_no_findings(tmp_path: Path):
    """Findings are of the whole, unless they are what is set."""
    file = tmp_path / "study.toml"
    file.write_text('findings = ["It peaks."]\n' + VALID)

    study = changed(file, "seed=8", "family.activation='tanh'")

    assert study.spec.title == "A study of small networks (set: family.activation = 'tanh', seed = 8)"
    assert study.spec.findings == ()
    assert study.base == "study"
    assert changed(file, "findings='It does not.'").spec.findings == ("It does not.",)
    assert changed(file).spec.findings == ("It peaks.",)
    assert changed(file).base == ""


@pytest.mark.parametrize("texts", [["family.parameters=600"], []])
def test_changes_are_made_in_every_file(file: Path, texts: Sequence[str]):
    """Of all that are named."""
    other = file.with_name("other.toml")
    other.write_text(VALID)

    studies = load_studies([file, other], parse_changes(texts))

    assert [study.spec.family[0].parameters for study in studies] == [(600,) if texts else (500,)] * 2
    assert len({study.spec.name for study in studies}) == 2
