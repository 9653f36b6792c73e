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
        validation: Mean validation score over replicates.
        test: Mean test score.
        ci_low, ci_high: 95% confidence interval of the mean test score.
        gain: Mean test score of the best network minus that of the linear model.
        gain_low, gain_high: 95% confidence interval of the gain.
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
        linear: The scores of a linear model; None if there was no time for it.
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
    yield "Rows are sorted by training steps, then by validation score."


def render_recommendation(
    title: str, leaderboard: "pd.DataFrame", linear: LinearScore | None, summary: Sequence[str], code: str
) -> str:
    """Return the page of a recommendation.

    Args:
        title: The title of the page.
        leaderboard: One row per configuration, the best first.
        linear: The scores of a linear model; None if there was no time for it.
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
            tested = [_number(row[test]), f"[{_number(row['ci_low'])}, {_number(row['ci_high'])}]", verdict]
        yield [
            str(place),
            str(row["depth"]),
            row["activation"],
            row["initialization"],
            f"{row['learning_rate']:g}",
            _number(row[validation]),
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
    if linear is None:
        yield "There was no time for a linear model, with which to compare the networks."
        return
    (score,) = (name for name in leaderboard.columns if name.startswith("test_"))
    yield (
        f"A linear model has a {_in_words(score)} of {_number(linear.test)}, "
        f"95% CI [{_number(linear.ci_low)}, {_number(linear.ci_high)}]. {_compare(linear)}"
    )


def _compare(linear: LinearScore) -> str:
    """Return the sentence that compares the best network with a linear model, by the numbers that it shows."""
    gain, low, high = (round(each, _DIGITS) for each in (linear.gain, linear.gain_low, linear.gain_high))
    if not np.isfinite(gain):
        return "The best network diverged in some replicates."
    if low > 0:
        return f"The best network is better by {_number(gain)}, 95% CI [{_number(low)}, {_number(high)}]."
    if high < 0:
        return f"The best network is worse by {_number(-gain)}, 95% CI [{_number(-high)}, {_number(-low)}]."
    interval = f"its gain is {_number(gain)}, 95% CI [{_number(low)}, {_number(high)}]"
    return f"The best network is not shown to be better: {interval}."


_DIGITS = 3
_LARGE = 1000


def _number(value: float) -> str:
    """Return a score as text; R^2 may be large and negative."""
    return f"{value:.3g}" if abs(value) >= _LARGE else f"{value + 0.0:.{_DIGITS}f}"


def _in_words(score: str) -> str:
    """Return the name of a column of scores in words."""
    return score.replace("_", " ").replace("r2", "R^2")
