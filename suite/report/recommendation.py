"""The leaderboard of a recommendation, as text and as a page."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from suite.formatting import align
from suite.report.formatting import PageTable
from suite.report.templating import environment

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 10
"""Number of configurations that a terminal shows."""

_HEADER = ("", "depth", "activation", "initialization", "learning rate")


def format_leaderboard(leaderboard: "pd.DataFrame", summary: Sequence[str]) -> Iterator[str]:
    """Yield the lines that a terminal shows: what was done, the leaderboard, and how to read it.

    Args:
        leaderboard: One row per configuration, the best first.
        summary: What was compared, and what it cost.
    """
    yield from summary
    yield ""
    header, *rows = _tabulate(leaderboard)
    yield from align([header, *rows[:_SHOWN]])
    if len(rows) > _SHOWN:
        yield f"and {len(rows) - _SHOWN:,} more in leaderboard.csv"
    yield ""
    yield from _explain(leaderboard)
    yield "Rows are in the order of the steps of training, then of validation."


def render_recommendation(title: str, leaderboard: "pd.DataFrame", summary: Sequence[str], code: str) -> str:
    """Return the page of a recommendation.

    Args:
        title: The title of the page.
        leaderboard: One row per configuration, the best first.
        summary: What was compared, and what it cost.
        code: Code that trains the best network; may be empty.
    """
    header, *rows = _tabulate(leaderboard)
    template = environment().get_template("recommendation.html")
    reading = list(_explain(leaderboard))
    table = PageTable("", "", header, len(_HEADER) - 1, rows)
    return template.render(title=title, summary=summary, leaderboard=table, reading=reading, code=code)


def _tabulate(leaderboard: "pd.DataFrame") -> Iterator[list[str]]:
    """Yield the header and the rows of the leaderboard as text."""
    validation, test = (name for name in leaderboard.columns if name.startswith(("validation_", "test_")))
    scores = [name.replace("_", " ").replace("r2", "R^2") for name in (validation, test)]
    yield [*_HEADER, *scores, "95% CI", "against best", "steps"]
    for place, row in enumerate(leaderboard.to_dict("records"), 1):
        tested = ["", "", ""]
        if np.isfinite(row[test]):
            verdict = "best" if place == 1 else "tied" if row["tied_with_best"] else "different"
            tested = [f"{row[test]:.3f}", f"[{row['ci_low']:.3f}, {row['ci_high']:.3f}]", verdict]
        yield [
            str(place),
            str(row["depth"]),
            row["activation"],
            row["initialization"],
            f"{row['learning_rate']:g}",
            f"{row[validation]:.3f}",
            *tested,
            f"{row['steps']:,}",
        ]


def _explain(leaderboard: "pd.DataFrame") -> Iterator[str]:
    """Yield which configuration is the best, and which ones cannot be told apart from it."""
    row = leaderboard.iloc[0]
    yield (
        f"Best: {row['activation']}, depth {row['depth']}, widths {row['widths']} ({row['parameters']:,} parameters), "
        f"initialization {row['initialization']}, learning rate {row['learning_rate']:g}."
    )
    tied, tested = int(leaderboard["tied_with_best"].sum()) - 1, int(leaderboard["tied_with_best"].count()) - 1
    if tested == 0:
        yield "It is the only configuration that was compared on the test set."
    elif tied == 0:
        yield "All others on the test set are different: no 95% interval of a difference in scores contains 0."
    else:
        yield f"Tied: {tied} of {tested} others on the test set. Their 95% interval of the difference contains 0."
