"""The report's charts: one declaration for each, in the order of the page."""

from collections.abc import Iterable

from suite.catalog.charts.declaration import ChartDeclaration, Drawn
from suite.catalog.charts.initialization import INITIALIZATION
from suite.catalog.charts.networks import NETWORKS
from suite.catalog.charts.training import TRAINING
from suite.catalog.measures import MEASURES

CHARTS: dict[str, ChartDeclaration] = {chart.name: chart for chart in (*INITIALIZATION, *TRAINING, *NETWORKS)}
"""The charts that are designed for the quantities that they draw, by name."""

ANSWERS = ("tournament", "accuracy")
"""The charts that answer the question of a study without claims, the first one first."""


def charts() -> dict[str, ChartDeclaration]:
    """Return all charts by name: those of `CHARTS`, and for each measure one of the quantities that none of them draws.

    Plug-ins' measures have charts, too. A chart has the name of its measure if `CHARTS` draws nothing of the measure,
    and that name with `_more` otherwise.
    """
    drawn = {quantity for chart in CHARTS.values() for quantity in chart.quantities}
    found = dict(CHARTS)
    for measure, entry in MEASURES.items():
        rest = tuple(quantity for quantity in entry.quantities if quantity not in drawn)
        if rest:
            name = measure if rest == tuple(entry.quantities) and measure not in CHARTS else f"{measure}_more"
            while name in found:  # a plug-in may be called so
                name += "_"
            found[name] = declare_measured(name, rest, measure)
    return found


def declare_measured(name: str, quantities: Iterable[str], measure: str = "") -> ChartDeclaration:
    """Return the declaration of a chart of quantities that no chart is designed for.

    Title and caption are empty, since they follow from the facts of the quantities that a study has.

    Args:
        name: Of the chart.
        quantities: What it draws.
        measure: The measure that the quantities are of, if it is known.
    """
    drawn = {quantity: Drawn(quantity) for quantity in quantities}
    return ChartDeclaration(name, "", "", "suite.report.measured:draw_measured", drawn, of=measure)
