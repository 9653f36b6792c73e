"""The tiny studies of tests/specs, each run once for all tests that look at its tables."""

from pathlib import Path

import pytest

from suite.runs.resources import Resources
from suite.runs.results import Results
from suite.runs.run import run_study
from suite.spec.load import load_studies

SPECS = Path(__file__).parents[1] / "specs"
NAMES = ("tiny", "tiny_death", "tiny_digits", "tiny_scores")

_done: dict[str, Results] = {}


def ran(name: str, folders: pytest.TempPathFactory) -> Results:
    """The results of a tiny study, computed in this process; to be looked at, not to be changed."""
    if name not in _done:
        (study,) = load_studies([SPECS / f"{name}.toml"])
        _done[name] = run_study(study, folders.mktemp(f"results_of_{name}"), Resources(workers=1))
    return _done[name]
