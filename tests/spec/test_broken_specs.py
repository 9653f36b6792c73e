"""Whatever is wrong with a spec is reported with its file, line and key, and with a hint."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.spec.load import load_studies
from suite.spec.problems import SpecError
from tests.spec.broken import CASES, VALID, Case


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Path]:
    """The valid spec that the broken ones are edited from."""
    file = tmp_path / "study.toml"
    file.write_text(VALID)
    return file


def faults(*paths: Path) -> list[str]:
    """What is reported of specs, one line a fault."""
    with pytest.raises(SpecError) as caught:
        load_studies(paths)
    return str(caught.value).split("\n")


def test_the_spec_that_the_cases_break_is_valid(study: Path):
    """Each case is broken by its edit alone."""
    (loaded,) = load_studies([study])

    assert loaded.spec.name == "study"
    assert loaded.warnings == ()
    assert [member.depth for member in loaded.members] == [1, 2, 3]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_fault_is_reported_at_its_line_and_key_with_a_cure(case: Case, tmp_path: Path):
    """The message reads `file:line: key: what is wrong; what to do`."""
    paths = case.write(tmp_path)

    found = faults(*paths)

    place = f"{paths[-1]}{case.place}" + (f"{case.key}: " if case.key else "")
    here = [line.removeprefix(place) for line in found if line.startswith(place)]
    assert [line for line in here if case.fragment in line], f"expected {place}... {case.fragment} in {found}"


def test_no_two_cases_have_the_same_name():
    """A case can be picked by its id."""
    names = [case.id for case in CASES]

    assert len(set(names)) == len(names)


def test_faults_of_several_files_are_reported_at_once(tmp_path: Path):
    """Every fault of every file comes in one error, by file and line, and a sound file adds none."""
    first, second, sound = tmp_path / "first.toml", tmp_path / "second.toml", tmp_path / "sound.toml"
    first.write_text(VALID.replace("seed = 7", "seed = -7").replace("draws = 16", "draws = 0\nlinez = 3"))
    second.write_text(VALID.replace('"relu"', '"rellu"').replace("batch = 32", "batch = 0"))
    sound.write_text(VALID)

    found = faults(tmp_path)

    assert [line.split(": ")[:2] for line in found] == [
        [f"{first}:2", "seed"],
        [f"{first}:12", "measure.v3.draws"],
        [f"{first}:13", "measure.v3.linez"],
        [f"{second}:8", "family.activation"],
        [f"{second}:17", "measure.accuracy.optimizer.batch"],
    ]


def test_faults_of_members_and_of_the_machine_are_reported_at_once(study: Path):
    """A depth that cannot meet its budget does not hide draws that no memory holds."""
    study.write_text(VALID.replace("[1, 2, 3]", "[1, 400]").replace("draws = 16", "draws = 1_000_000_000_000"))

    assert [line.split(": ")[:2] for line in faults(study)] == [
        [f"{study}:7", "family.depth"],
        [f"{study}:12", "measure.v3.draws"],
    ]


def test_a_name_problem_and_a_faulty_content_are_reported_at_once(tmp_path: Path):
    """A reserved name does not keep the file from being checked."""
    file = tmp_path / "asv.toml"
    file.write_text(VALID.replace("steps = 10", "steps = 0"))

    assert [line.split(": ")[0] for line in faults(file)] == [f"{file}:1", f"{file}:18"]


def test_the_same_fault_of_several_members_is_reported_once(study: Path):
    """Softplus has no edge of chaos, whatever the depth."""
    study.write_text(VALID.replace('"relu"', '"softplus"'))

    assert len(faults(study)) == 1


def test_the_memory_that_is_asked_for_is_named(study: Path):
    """10^12 parameters in four float64 copies are 29.1 TiB."""
    study.write_text(VALID.replace("500", "1_000_000_000_000"))

    (fault,) = faults(study)

    assert "needs 29.1 TiB of memory" in fault


def test_an_unreachable_depth_is_named_with_the_nearest_counts(study: Path):
    """400 layers of one unit are the smallest network: 2 + 1 and 399 x 2 and 2 parameters."""
    study.write_text(VALID.replace("[1, 2, 3]", "[1, 400]"))

    (fault,) = faults(study)

    assert "depth 400" in fault
    assert "within 0.5% of 500" in fault
    assert "nearest: 803" in fault


def test_a_file_that_may_not_be_read_is_reported(study: Path, monkeypatch: pytest.MonkeyPatch):
    """The system's own reason is passed on."""

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)

    assert faults(study) == [f"{study}:1: cannot be read (Permission denied); check its permissions"]


def test_lines_are_those_of_the_file_where_lines_end_in_carriage_returns(study: Path):
    """A file of another system is counted as its editor counts it."""
    study.write_bytes(VALID.replace("steps = 10", "steps = 0").replace("\n", "\r\n").encode())

    (fault,) = faults(study)

    assert fault.startswith(f"{study}:18: measure.accuracy.steps: ")


def test_a_spec_with_carriage_returns_is_the_same_spec(study: Path):
    """Line ends are no part of a study."""
    (plain,) = load_studies([study])
    study.write_bytes(VALID.replace("\n", "\r\n").encode())
    (carried,) = load_studies([study])

    assert carried == plain


def test_a_file_named_twice_is_loaded_once(study: Path):
    """By itself and through its folder."""
    assert len(load_studies([study, study.parent, str(study)])) == 1


def test_a_folder_stands_for_its_specs_by_name_and_not_for_those_further_down(study: Path):
    """Subfolders, and files that are no specs, are left alone."""
    study.with_name("another.toml").write_text(VALID)
    study.with_name("notes.txt").write_text("not a spec")
    (study.parent / "later").mkdir()
    (study.parent / "later" / "idea.toml").write_text("not a spec")

    assert [loaded.spec.name for loaded in load_studies([study.parent])] == ["another", "study"]


def test_faults_of_a_file_come_in_the_order_of_its_lines(study: Path):
    """An unknown key, which validation meets last, comes before a wrong value further down."""
    study.write_text(VALID.replace("seed = 7", "seed = 7\nsauce = 1").replace("inputs = 2", "inputs = 0"))

    assert [line.split(": ")[:2] for line in faults(study)] == [
        [f"{study}:3", "sauce"],
        [f"{study}:7", "family.inputs"],
    ]


def test_a_fault_of_a_table_that_stands_for_several_entries_is_reported_once(study: Path):
    """The unknown key is written once, however many learning rates there are."""
    study.write_text(VALID.replace("learning_rate = 0.01", "learning_rate = [0.01, 0.1, 1.0], beta = 2"))

    (fault,) = faults(study)

    assert fault.startswith(f"{study}:17: measure.accuracy.optimizer.beta: unknown key")


def test_claims_are_not_told_of_where_no_member_can_be_made(tmp_path: Path):
    """The budget that nothing reaches is the one fault; without members there is no axis to name."""
    file = tmp_path / "study.toml"
    file.write_text(
        VALID.replace("parameters = 500", "parameters = 3").replace("depth = [1, 2, 3]", "depth = [2, 3]")
        + '[[claim]]\nsays = "So."\ntest = "greater"\nquantity = "v3"\naxis = "activation"\nvalue = "relu"\n'
        'than = "tanh"\nwhere = { depth = 2 }\n[predict]\noutcome = "train_loss"\nwhere = { depth = 2 }\n'
    )

    assert {line.split(": ")[1] for line in faults(file)} == {"family.depth"}
