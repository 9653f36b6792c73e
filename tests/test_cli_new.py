"""`new`: a spec to start from, which runs as it is, explains itself and overwrites nothing."""

import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from suite.catalog.measures.training import AccuracySettings
from suite.cli import app
from suite.spec.files import shipped_specs
from suite.spec.load import load_studies
from suite.spec.model import Family, SpecFile
from suite.spec.starting import copied_text, fresh_text

ROOT = Path(__file__).parents[1]
LEFT_OUT = re.compile(r"^# (\w+) *= ")


def new(folder: Path, *arguments: str) -> Result:
    """The command, writing into a folder."""
    return CliRunner().invoke(app, ["new", *arguments, "--folder", str(folder)])


@pytest.mark.slow
def test_a_new_spec_runs_as_it_is(tmp_path: Path) -> None:
    """Without a warning, from end to end: here a tenth of it."""
    done = new(tmp_path / "specs", "mine")
    spec = tmp_path / "specs" / "mine.toml"

    assert done.exit_code == 0
    assert done.stdout == f"{spec}: edit it, then run: python -m suite run {spec}\n"
    ran = CliRunner().invoke(app, ["run", "--quick", str(spec), "--results", str(tmp_path), "--workers", "1"])
    assert ran.exit_code == 0, ran.stderr
    assert "Warning:" not in ran.stderr
    assert "mine-quick: test_accuracy: " in ran.stdout
    assert (
        ": At depth 8 networks of ReLU reach a higher test accuracy than those of tanh. (difference = 0.0" in ran.stdout
    )
    assert (tmp_path / "mine-quick" / "report.html").exists()


def test_without_a_folder_it_is_where_specs_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In specs/, which is made if need be."""
    monkeypatch.chdir(tmp_path)

    assert CliRunner().invoke(app, ["new", "mine"]).exit_code == 0

    assert (tmp_path / "specs" / "mine.toml").read_text() == fresh_text(Path("specs/mine.toml"))
    assert "python -m suite run specs/mine.toml" in (tmp_path / "specs" / "mine.toml").read_text()


def test_the_new_spec_tells_of_every_key() -> None:
    """Of the file, of families and of training, given or behind a #."""
    text = fresh_text(Path("specs/mine.toml"))
    told = {match[1] for line in text.splitlines() if (match := re.match(r"(?:# )?\[*([\w.]+)\]* *(?:=|#|$)", line))}

    roots = {key.partition(".")[0] for key in told}
    assert roots >= set(SpecFile.model_fields)
    assert told >= set(Family.model_fields)
    assert told >= set(AccuracySettings.model_fields) - {"max_error"}  # of regressions, which this task is none
    assert max(map(len, text.splitlines())) <= 120


def test_every_key_behind_a_mark_may_be_given(tmp_path: Path) -> None:
    """Each by itself, in place of what it stands in for."""
    file = tmp_path / "mine.toml"
    lines = fresh_text(file).splitlines()
    places = [place for place, line in enumerate(lines) if LEFT_OUT.match(line)]
    assert len(places) > 10
    for place in places:
        key = LEFT_OUT.match(lines[place])[1]
        rival = {"width": "parameters", "precision": "draws"}.get(key, "nothing")
        changed = [line.removeprefix("# ") if at == place else line for at, line in enumerate(lines)]
        if rival != "nothing":
            before = max(at for at in range(place) if changed[at].startswith(rival))
            del changed[before]
        file.write_text("\n".join(changed))

        (study,) = load_studies([file])

        assert study.spec.title


@pytest.mark.parametrize("name", sorted(shipped_specs()))
def test_a_copy_of_a_shipped_study_is_that_study_with_notes(name: str, tmp_path: Path) -> None:
    """What it does is the same to the last setting; what to change is said above it."""
    assert new(tmp_path, "mine", "--like", name).exit_code == 0

    text = (tmp_path / "mine.toml").read_text()
    (copy,), (original,) = load_studies([tmp_path / "mine.toml"]), load_studies([shipped_specs()[name]])
    assert copy.spec.as_run() | {"name": name} == original.spec.as_run()
    assert f"# A copy of {name}.toml to change." in text
    assert "\n# Change this: the title of the page, in one sentence.\ntitle" in text
    assert re.search(r"\n# Change this to draw other networks: [^\n]*\nseed", text)
    assert text.count("#:schema") == 1


def test_a_copy_may_be_of_any_file(tmp_path: Path) -> None:
    """And what is wrong with that file is told as of any spec."""
    assert new(tmp_path, "mine", "--like", str(ROOT / "tests" / "specs" / "tiny.toml")).exit_code == 0
    assert load_studies([tmp_path / "mine.toml"])[0].spec.title == "Every measure on very small networks"

    done = new(tmp_path, "other", "--like", str(tmp_path / "none.toml"))

    assert done.exit_code == 2
    assert "none.toml:1: cannot be read (No such file or directory)" in done.stderr
    assert not (tmp_path / "other.toml").exists()


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\u0085"])
def test_a_copy_breaks_lines_where_toml_does(mark: str, tmp_path: Path) -> None:
    """Not at marks that other standards call ends of lines, and TOML takes as any character of a text."""
    title = f"One{mark}sentence"
    text = (ROOT / "tests" / "specs" / "tiny.toml").read_text()
    original = tmp_path / "odd.toml"
    original.write_text(re.sub(r"^title +=.*$", f'title = "{title}"', text, flags=re.MULTILINE), encoding="utf-8")

    assert new(tmp_path, "mine", "--like", str(original)).exit_code == 0

    assert load_studies([tmp_path / "mine.toml"])[0].spec.title == title


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_a_copy_ends_as_a_file_does(ending: str, tmp_path: Path) -> None:
    """With the end of its last line, however the lines of the original end."""
    lines = (ROOT / "tests" / "specs" / "tiny.toml").read_text().splitlines()
    original = tmp_path / "odd.toml"
    original.write_bytes(((ending or "\n").join(lines) + ending).encode())

    copy = copied_text(tmp_path / "mine.toml", original)

    assert copy.endswith(f"{lines[-1]}\n")
    assert "\r" not in copy


def test_a_copy_notes_the_question_and_the_picture(tmp_path: Path) -> None:
    """They are the other study's, as its title is."""
    original = tmp_path / "asked.toml"
    text = (ROOT / "tests" / "specs" / "tiny.toml").read_text()
    original.write_text('question = "Is it so?"\npicture = "collapse"\n' + text)

    copy = copied_text(tmp_path / "mine.toml", original)

    assert re.search(r"\n# The question of the copied study: [^\n]*\nquestion = ", copy)
    assert re.search(r"\n# The chart that answers the question: [^\n]*\npicture = ", copy)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("con", "is a device name on Windows"),
        ("asv", "is reserved in results/"),
        ("a/b", "is not a valid study name"),
        ("../mine", "is not a valid study name"),
        ("mine.toml", "expected a name without .toml; use mine"),
        ("x" * 101, "is not a valid study name"),
        ("", "is not a valid study name"),
    ],
)
def test_a_name_is_checked_as_any_studys(name: str, why: str, tmp_path: Path) -> None:
    """Before anything is written."""
    done = new(tmp_path / "specs", name)

    assert done.exit_code == 2
    assert why in done.stderr
    assert not (tmp_path / "specs").exists()


@pytest.mark.parametrize("name", ["mine", "MINE"])
def test_nothing_is_overwritten(name: str, tmp_path: Path) -> None:
    """Nor is a second study made whose results would be the first one's on some systems."""
    (tmp_path / "mine.toml").write_text("precious")

    done = new(tmp_path, name)

    assert done.exit_code == 2
    assert done.stderr == f"error: {tmp_path / 'mine.toml'} exists already; use another name\n"
    assert [file.read_text() for file in tmp_path.iterdir()] == ["precious"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file lies where the folder has to be."""
    (tmp_path / "specs").touch()

    done = new(tmp_path / "specs", "mine")

    assert done.exit_code == 2
    assert "cannot be written (File exists); use another name, or another --folder" in done.stderr


def test_an_unknown_study_offers_the_nearest(tmp_path: Path) -> None:
    """Exit code 2, and nothing is written."""
    done = new(tmp_path, "mine", "--like", "variabilty")

    assert done.exit_code == 2
    assert done.stderr == "error: --like variabilty: no such study; did you mean variability?\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a b", "'a b' is not a valid study name; use another name (1 to 100 characters: letters, digits, "),
        ("CON", "the name CON is a device name on Windows; use another name\n"),
        ("asv", "the name asv is reserved in results/; use another name\n"),
    ],
)
def test_a_name_that_cannot_be_is_to_be_another(tmp_path: Path, name: str, fault: str) -> None:
    """There is no file yet that could be renamed."""
    done = new(tmp_path, name)

    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {fault}")
    assert list(tmp_path.iterdir()) == []


def test_an_installation_without_the_specs_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that is copied by hand may be."""
    monkeypatch.setattr("suite.spec.files._FOLDERS", (tmp_path / "shipped",))

    done = new(tmp_path, "mine", "--like", "variability")

    assert done.exit_code == 2
    assert "the suite was installed without its specs; use a spec file" in done.stderr


def test_the_specs_are_in_what_is_installed() -> None:
    """Built from the repository or from a source archive, the wheel has them where they are looked for."""
    targets = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    assert targets["wheel"]["force-include"] == {"specs": "suite/shipped"}
    assert "specs" in targets["sdist"]["include"]


def test_the_schema_is_named_where_its_path_lasts(tmp_path: Path) -> None:
    """In the repository, from any folder; elsewhere a comment says how to have it."""
    shipped = shipped_specs()["variability"]

    assert copied_text(ROOT / "specs" / "mine.toml", shipped).startswith("#:schema ../suite/spec.schema.json\n")
    assert copied_text(ROOT / "specs" / "long" / "x.toml", shipped).startswith(
        "#:schema ../../suite/spec.schema.json\n"
    )
    assert fresh_text(tmp_path / "mine.toml").startswith(
        "# For completion in an editor, run `python -m suite schema > "
    )
