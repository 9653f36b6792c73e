"""Facts about single quantities that the report and the analysis use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from suite.catalog.measures.training import DIVERGED


@dataclass(frozen=True)
class OverviewColumn:
    """A quantity's column in the overview of the page.

    Attributes:
        title: The head of the column.
        pattern: The format of a row of the summary; its part in parentheses is left out if there is no interval.
        statistic: The statistic without which the cell is empty.
    """

    title: str
    pattern: str
    statistic: Literal["mean", "median"] = "mean"


OVERVIEW: Mapping[str, OverviewColumn] = {
    "v3": OverviewColumn("V3, mean; median", "{mean:.3g} ({ci_low:.3g} to {ci_high:.3g}); {median:.3g}"),
    "v3_over_rms": OverviewColumn("V3 / rms, mean; median", "{mean:.3g} ({ci_low:.3g} to {ci_high:.3g}); {median:.3g}"),
    "collapsed_relative": OverviewColumn("C2C, relative", "{mean:.3f} ({ci_low:.3f} to {ci_high:.3f})"),
    "collapsed_absolute": OverviewColumn("C2C, absolute", "{mean:.3f} ({ci_low:.3f} to {ci_high:.3f})"),
    "born_dead": OverviewColumn("born dead", "{mean:.4f} ({ci_low:.4f} to {ci_high:.4f})"),
    "phase1_steps": OverviewColumn(
        "steps in phase 1, median", "{median:.0f} ({ci_low:.0f} to {ci_high:.0f})", statistic="median"
    ),
    "test_accuracy": OverviewColumn("test accuracy", "{mean:.3f} ({ci_low:.3f} to {ci_high:.3f})"),
    "test_error": OverviewColumn("test error", "{mean:.3g} ({ci_low:.3g} to {ci_high:.3g})"),
    "test_r2": OverviewColumn("test R^2", "{mean:.3f} ({ci_low:.3f} to {ci_high:.3f})"),
    "success": OverviewColumn("success rate", "{mean:.2f} ({ci_low:.2f} to {ci_high:.2f})"),
    DIVERGED: OverviewColumn("diverged", "{lost} of {runs}"),
}
"""The columns of the overview by quantity, in their order. That of diverged runs is left out if there are none."""


@dataclass(frozen=True)
class Theory:
    """The report's description of a quantity's theoretical value.

    Attributes:
        note: A sentence for the table that compares samples with theory.
        limit: Whether the theory is that of infinite width for every network, as for a cosine. The relative difference
            is then that of the cosine's distance from 1.
    """

    note: str
    limit: bool = False


THEORIES: Mapping[str, Theory] = {
    "correlation": Theory(
        "The theory assumes infinite width. Finite networks deviate from it, more so if they are deep relative to "
        "their width. With enough draws, z-scores detect this deviation, and the verdict is finite width. The relative "
        "difference is computed from 1 - c, where c is the cosine.",
        limit=True,
    ),
    "jacobian_mean": Theory(
        "The theory is exact at these widths for ReLU and other homogeneous activations with Gaussian or orthogonal "
        "weights. For other networks it assumes infinite width, and finite networks deviate from it."
    ),
    "dead_fraction": Theory("The theory is exact at every width."),
}
"""Descriptions of theories by the quantity whose table shows them."""


@dataclass(frozen=True)
class Bound:
    """A quantity of untrained networks that bounds an outcome of training from above.

    Attributes:
        bound: The quantity that is the bound.
        outcome: The outcome that it bounds.
    """

    bound: str
    outcome: str


BOUND = Bound("trainability", "success")
"""The bound that `bounds.csv` checks row by row; its columns have the names of the two quantities."""


@dataclass(frozen=True)
class Phases:
    """The quantities of `phases.csv`.

    Attributes:
        curve: The quantity that is recorded during training.
        early: Its change in phase 1.
        late: Its change after phase 1.
    """

    curve: str
    early: str
    late: str

    @property
    def quantities(self) -> tuple[str, str, str]:
        """The names of all three quantities."""
        return self.curve, self.early, self.late


PHASES = Phases("feature_cosine", "feature_change_phase1", "feature_change_phase2")

COMPARED_TIMES = ("phase1_steps",)
"""Times to an event that `comparisons.csv` compares between settings."""

COMPARED_OUTCOMES = ("test_accuracy", "test_error", "success", DIVERGED)
"""Outcomes of training that `comparisons.csv` compares between settings."""
