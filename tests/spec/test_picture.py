"""A study's question and the picture that answers it: what a spec may name."""

from pathlib import Path

import pytest

from suite.spec.load import load_studies
from suite.spec.problems import SpecError

TEXT = """title = "A study"
{said}
seed = 1
[family]
width = 4
inputs = {inputs}
depth = [1, 2]
activation = "relu"
[measure.collapse]
draws = 4
"""


def load(folder: Path, said: str, inputs: int = 2) -> object:
    (folder / "study.toml").write_text(TEXT.format(said=said, inputs=inputs))
    (study,) = load_studies([folder / "study.toml"])
    return study.spec


@pytest.mark.parametrize("name", ["collapse", "collapse_ways", "landscapes"])
def test_a_picture_of_what_the_study_measures_is_taken(name: str, tmp_path: Path) -> None:
    """With or without a question."""
    spec = load(tmp_path, f'question = "Why?"\npicture = "{name}"')

    assert spec.picture == name  # type: ignore[attr-defined]
    assert spec.question == "Why?"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("said", "inputs", "fault"),
    [
        ('picture = "colapse"', 2, ":2: picture: 'colapse' is not a chart of the report; did you mean collapse?"),
        ('picture = "jacobian"', 2, ":2: picture: 'jacobian' shows no quantity of this study"),
        ('picture = "landscapes"', 3, ":2: picture: 'landscapes' shows no quantity of this study"),
        ('picture = "tournament"', 2, ":2: picture: 'tournament' shows no quantity of this study"),
        ('picture = "accuracy_against_v3"', 2, "shows no quantity of this study"),
        ('question = ""', 2, ":2: question"),
    ],
)
def test_a_picture_that_cannot_be_is_an_error_with_a_cure(said: str, inputs: int, fault: str, tmp_path: Path) -> None:
    """Told by its line, before anything is computed."""
    with pytest.raises(SpecError, match=r"study\.toml") as caught:
        load(tmp_path, said, inputs)

    assert fault in str(caught.value)


def test_what_is_not_said_is_not_kept(tmp_path: Path) -> None:
    """Studies that name neither are recorded as they were before there were such keys."""
    spec = load(tmp_path, "")

    assert {"question", "picture"}.isdisjoint(spec.as_run())  # type: ignore[attr-defined]
