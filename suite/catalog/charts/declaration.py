"""What the declaration of a chart states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

TOURNAMENT = "[predict]"
"""What stands for the predictor ranking among the things that a chart draws."""

PLANE = "inputs = 2"
"""What stands for outputs over the plane, which members of two inputs have."""


@dataclass(frozen=True)
class Drawn:
    """How a chart draws a quantity.

    Attributes:
        label: Its name on an axis or in a legend.
        scale: Of its axis: as Vega-Lite chooses, logarithmic, from 0 to 1, without 0, or logarithmic if one series is
            much larger than the rest.
        median: Whether its medians are drawn beside its means, dashed.
    """

    label: str
    scale: Literal["", "log", "share", "nonzero", "towering"] = ""
    median: bool = False


@dataclass(frozen=True)
class TableBeneath:
    """A table of the page that stands beneath a chart.

    Attributes:
        function: Dotted path of the function in `suite.report` that formats it.
        reads: The table of the analysis that it formats.
    """

    function: str
    reads: Literal["agreement", "bounds", "phases", "comparisons", "predictors"]


@dataclass(frozen=True)
class ChartDeclaration:
    """One chart of the report.

    Attributes:
        name: By which a spec's `picture` names it.
        title: Its heading on the page.
        caption: What to look for in it.
        function: Dotted path of the function in `suite.report` that draws it, from what it needs and its declaration.
        drawn: The quantities that it draws, and how. A study that measures one of them has the chart.
        beside: Further quantities that the function uses where a study has them.
        tabled: Quantities that are in the table beneath and not in the chart.
        every: Whether the chart needs all of its quantities, and not one of them.
        needs: What it is drawn from: the summary; the raw values of its quantities; outputs over the plane; or the
            predictor ranking.
        table: The table beneath it, if any.
        of: The measure whose quantities it draws, if no other chart draws them; else empty.
    """

    name: str
    title: str
    caption: str
    function: str
    drawn: Mapping[str, Drawn]
    beside: Mapping[str, Drawn] = field(default_factory=dict)
    tabled: tuple[str, ...] = ()
    every: bool = False
    needs: Literal["summary", "values", "landscapes", "ranking"] = "summary"
    table: TableBeneath | None = None
    of: str = ""

    @property
    def quantities(self) -> tuple[str, ...]:
        """Return the names of what is drawn in the chart, or listed beneath it."""
        return (*self.drawn, *self.tabled)
