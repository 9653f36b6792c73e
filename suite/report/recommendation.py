"""The leaderboard of a recommendation, as text and as a page."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from suite.formatting import align
from suite.report.formatting import PageTable
from suite.report.templating import environment

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 10
"""Number of configurations that a terminal shows."""

_HEADER = ("", "depth", "activation", "initialization", "learning rate")


class LinearScore(NamedTuple):
    """The scores of a linear model of the same data: accuracies, or R^2.

    Attributes:
        validation: The mean validation score over replicates.
        test: The mean test score.
        ci_low, ci_high: Its 95% confidence interval.
        gain: How much higher the mean test score of the best network is.
        gain_low, gain_high: The 95% confidence interval of the gain.
    """

    validation: float
    test: float
    ci_low: float
    ci_high: float
    gain: float
    gain_low: float
    gain_high: float


def format_leaderboard(
    leaderboard: "pd.DataFrame", linear: LinearScore | None, summary: Sequence[str]
) -> Iterator[str]:
    """Yield the lines that a terminal shows: what was done, the leaderboard, and how to read it.

    Args:
        leaderboard: One row per configuration, the best first.
        linear: The scores of a linear model, if there are any.
        summary: What was compared, and what it cost.
    """
    yield from summary
    yield ""
    header, *rows = _tabulate(leaderboard)
    yield from align([header, *rows[:_SHOWN]])
    if len(rows) > _SHOWN:
        yield f"and {len(rows) - _SHOWN:,} more in leaderboard.csv"
    yield ""
    yield from _explain(leaderboard, linear)
    yield "Rows are in the order of the steps of training, then of validation."


def render_recommendation(
    title: str, leaderboard: "pd.DataFrame", linear: LinearScore | None, summary: Sequence[str], code: str
) -> str:
    """Return the page of a recommendation.

    Args:
        title: The title of the page.
        leaderboard: One row per configuration, the best first.
        linear: The scores of a linear model, if there are any.
        summary: What was compared, and what it cost.
        code: Code that trains the best network; may be empty.
    """
    header, *rows = _tabulate(leaderboard)
    template = environment().get_template("recommendation.html")
    reading = list(_explain(leaderboard, linear))
    table = PageTable("", "", header, len(_HEADER) - 1, rows)
    return template.render(title=title, summary=summary, leaderboard=table, reading=reading, code=code)


def _tabulate(leaderboard: "pd.DataFrame") -> Iterator[list[str]]:
    """Yield the header and the rows of the leaderboard as text."""
    validation, test = (name for name in leaderboard.columns if name.startswith(("validation_", "test_")))
    scores = [_in_words(name) for name in (validation, test)]
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


def _explain(leaderboard: "pd.DataFrame", linear: LinearScore | None) -> Iterator[str]:
    """Yield which configuration is the best, which ones cannot be told apart from it, and what a linear model does."""
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
    if linear is not None:
        (score,) = (name for name in leaderboard.columns if name.startswith("test_"))
        yield (
            f"A linear model has a {_in_words(score)} of {linear.test:.3f}, "
            f"95% CI [{linear.ci_low:.3f}, {linear.ci_high:.3f}]. {_compare(linear)}"
        )


def _compare(linear: LinearScore) -> str:
    """Return the sentence that compares the best network with a linear model."""
    gain, low, high = linear.gain, linear.gain_low, linear.gain_high
    if low > 0:
        return f"The best network is better by {gain:.3f}, 95% CI [{low:.3f}, {high:.3f}]."
    if high < 0:
        return f"The best network is worse by {-gain:.3f}, 95% CI [{-high:.3f}, {-low:.3f}]."
    return f"The best network is not shown to be better: its gain is {gain:.3f}, 95% CI [{low:.3f}, {high:.3f}]."


def _in_words(score: str) -> str:
    """Return the name of a column of scores in words."""
    return score.replace("_", " ").replace("r2", "R^2")
