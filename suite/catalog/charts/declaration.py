"""Types for the declaration of a chart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

TOURNAMENT = "[predict]"
"""The key that represents the predictor ranking among the quantities that a chart draws."""

PLANE = "inputs = 2"
"""The key that represents outputs over the plane, which exist for members of two inputs."""


@dataclass(frozen=True)
class Drawn:
    """The way in which a chart draws a quantity.

    Attributes:
        label: The name of the quantity on an axis or in a legend.
        scale: The scale of its axis: Vega-Lite's default, logarithmic, from 0 to 1, without 0, or logarithmic if one
            series is much larger than the rest.
        median: Whether medians are drawn as dashed lines in addition to means.
        only_if_any: Whether an event that no draw has is not drawn.
        about: A sentence of the caption, for studies that have the quantity.
        name: The name of the quantity in a sentence; default: the label.
        statistic: The statistic that is drawn; times to an event and frequencies have their own.
        runs: What the quantity is drawn along: step, or the main axis in the first layer. By default, it is the layers
            of the deepest members for a quantity with layers, otherwise the main axis, after the last step.
    """

    label: str
    scale: Literal["", "log", "share", "nonzero", "towering"] = ""
    median: bool = False
    only_if_any: bool = False
    about: str = ""
    name: str = ""
    statistic: Literal["mean", "median"] = "mean"
    runs: Literal["", "step", "first layer"] = ""


@dataclass(frozen=True)
class TableBeneath:
    """A table beneath a chart on the page.

    Attributes:
        function: The dotted path of the function in `suite.report` that formats the table.
        reads: The table of the analysis that the function formats.
    """

    function: str
    reads: Literal["agreement", "bounds", "phases", "comparisons", "predictors"]


@dataclass(frozen=True)
class ChartDeclaration:
    """One chart of the report.

    Attributes:
        name: The name by which a spec's `picture` selects the chart.
        title: The heading of the chart on the page.
        caption: What the chart shows and how to read it, in words that are true of every study.
        function: The dotted path of the function in `suite.report` that draws it from its data and its declaration.
        drawn: The quantities that the chart draws, and how. A study that measures one of them has the chart.
        beside: Further quantities that the function uses if a study has them.
        tabled: Quantities that are in the table beneath and not in the chart.
        every: Whether the chart requires all of its quantities instead of one of them.
        needs: The data of the chart: the summary; the raw values of its quantities; outputs over the plane; or the
            predictor ranking.
        table: The table beneath the chart, if any.
        sentences: The dotted path of the function in `suite.report` that adds what the data show to the caption; empty
            if nothing is added.
        theory: A sentence of the caption, for studies in which a drawn quantity has a theoretical value.
        of: The measure whose quantities it draws, if no other chart draws them; otherwise empty.
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
    sentences: str = "suite.report.captions:state_trends"
    theory: str = ""
    of: str = ""

    @property
    def quantities(self) -> tuple[str, ...]:
        """The names of the quantities in the chart or in the table beneath it."""
        return (*self.drawn, *self.tabled)
