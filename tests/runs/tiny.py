"""The tiny studies of tests/specs, each run once for all tests that look at its tables or compare others with them."""

import re
from pathlib import Path

import pytest

from suite.cells.resources import Resources
from suite.runs.run import StudyResults, compute_tables
from suite.spec.load import load_studies
from tests.drawn import analyzed

SPECS = Path(__file__).parents[1] / "specs"
NAMES = ("tiny", "tiny_death", "tiny_digits", "tiny_scores", "tiny_table")
BRIEF = SPECS / "tiny_brief.toml"
"""A study of two measures, for tests that run it in processes of their own."""
TABLES = ("measurements.parquet", "summary.parquet", "summary.csv", "members.csv", "landscapes.parquet")
"""What two runs of a study have alike to the byte; the last only where there are two inputs."""


def tiny_with(*measures: str, name: str = "tiny") -> str:
    """The spec of a tiny study with some of its measures only, and without [predict]: less to compute and to draw."""
    tables = re.split(r"^(?=\[)", (SPECS / f"{name}.toml").read_text(), flags=re.MULTILINE)
    kept = ("#", "[family]", *(f"[measure.{name}]" for name in measures))
    return "".join(table for table in tables if table.startswith(kept))


def with_tournament(*outcomes: str) -> str:
    """The spec of `tiny_brief` with few members and a tournament."""
    text = BRIEF.read_text().replace("[1, 2, 3, 4, 5, 6]", "[1, 2, 3]")
    return f"{text}\n[predict]\noutcome = {list(outcomes)}\n"


_done: dict[str, StudyResults] = {}


def ran(name: str, folders: pytest.TempPathFactory) -> StudyResults:
    """The results of a tiny study, computed in this process; to be looked at, not to be changed."""
    if name not in _done:
        (study,) = load_studies([SPECS / f"{name}.toml"])
        _done[name] = analyzed(compute_tables(study, folders.mktemp(f"results_of_{name}"), Resources(workers=1)))
    return _done[name]


def assert_same_tables(found: Path, expected: Path) -> None:
    """Two folders of one study's results have the same tables, to the byte."""
    there = [name for name in TABLES if (expected / name).exists()]
    assert "summary.parquet" in there
    assert [name for name in TABLES if (found / name).exists()] == there
    assert [name for name in there if (found / name).read_bytes() != (expected / name).read_bytes()] == []


def assert_same_as_undisturbed(results: Path, folders: pytest.TempPathFactory) -> None:
    """The tables of `tiny_brief` in a results folder are those of a run that nothing happened to."""
    assert_same_tables(results / BRIEF.stem, ran(BRIEF.stem, folders).folder)
