"""Draw the history of some benchmarks in results/asv: `python docs/history.py` writes docs/history.svg.

The pages of `asv publish` have all of it, but their scripts come from the internet.
"""

import json
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import altair as alt
import pandas as pd

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "asv"
MACHINE = "AMD-EPYC-Zen4-2-cores"
BENCHMARKS = {
    "estimators.Forward.time_forward": "forward pass",
    "estimators.Collapse.time_collapse": "collapse",
    "estimators.VariabilityLimit.time_v3_limit": "limit of V3",
    "signal.Jacobian.time_jacobian": "Jacobian",
    "training.TrainingStep.time_ten_steps": "ten training steps",
}


def read_times() -> Iterator[dict[str, object]]:
    """Yield the time in milliseconds of each benchmark, shape and commit on the CPU, without normalization."""
    for file in (RESULTS / MACHINE).glob("*-py*.json"):
        stored = json.loads(file.read_text())
        for name, title in BENCHMARKS.items():
            row = dict(zip(stored["result_columns"], stored["results"].get(name, [None]), strict=False))
            times = row.get("result") or []
            for (shape, device, *options), seconds in zip(product(*row.get("params", [])), times, strict=False):
                if seconds and device == "'cpu'" and set(options) <= {"'none'"}:
                    commit = stored["commit_hash"][:7]
                    yield {"benchmark": title, "shape": shape.strip("'"), "commit": commit, "time": 1000 * seconds}


def main() -> None:
    """Write the chart, a panel for each benchmark and a line for each shape, commits from old to new."""
    times = pd.DataFrame(read_times()).dropna()
    log = subprocess.run(
        ["git", "log", "--format=%h", "--abbrev=7"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    order = [commit for commit in reversed(log.stdout.split()) if commit in set(times["commit"])]
    chart = (
        alt.Chart(times)
        .mark_line(point=True)
        .encode(
            x=alt.X("commit:O", sort=order, title="commit"),
            y=alt.Y("time:Q", scale=alt.Scale(type="log"), title="time (ms)"),
            color=alt.Color(
                "shape:N", title=None, legend=alt.Legend(orient="top", labelLimit=300, columns=4, columnPadding=30)
            ),
        )
        .properties(width=330, height=200)
        .facet(facet=alt.Facet("benchmark:N", title=None, sort=list(BENCHMARKS.values())), columns=2)
        .resolve_scale(y="independent")
    )
    chart.save(Path(__file__).with_suffix(".svg"))


if __name__ == "__main__":
    main()
