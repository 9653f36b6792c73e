"""The history of benchmarks in results/asv, which docs/performance.md shows."""

import json
import runpy
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]


def test_the_chart_has_ten_commits_of_each_benchmark_and_every_shape() -> None:
    """With times that are numbers, from one machine."""
    drawn = runpy.run_path(str(ROOT / "docs" / "history.py"))
    times = pd.DataFrame(drawn["read_times"]()).dropna()

    commits = times.groupby(["benchmark", "shape"])["commit"].nunique()
    assert commits.min() >= 10
    assert commits.groupby("benchmark").size().to_dict() == {
        title: 3 if "training" in title else 4 for title in drawn["BENCHMARKS"].values()
    }
    assert (times["time"] > 0).all()


def test_results_name_a_processor_and_no_paths() -> None:
    """The folder is named as its machine.json says, and no file tells where it was made."""
    for file in (ROOT / "results" / "asv").glob("*/*.json"):
        text = file.read_text()
        assert "/home/" not in text
        assert "/tmp" not in text
        if file.name == "machine.json":
            assert json.loads(text)["machine"] == file.parent.name
