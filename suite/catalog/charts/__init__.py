"""The declarations of the report's charts, in the order of the page."""

from collections.abc import Iterable

from suite.catalog.charts.declaration import ChartDeclaration, Drawn
from suite.catalog.charts.initialization import INITIALIZATION
from suite.catalog.charts.networks import NETWORKS
from suite.catalog.charts.training import TRAINING
from suite.catalog.measures import MEASURES

CHARTS: dict[str, ChartDeclaration] = {chart.name: chart for chart in (*INITIALIZATION, *TRAINING, *NETWORKS)}
"""The charts that are designed for specific quantities, by name."""

ANSWERS = ("tournament", "accuracy")
"""The charts that answer the question of a study without claims, in order of preference."""


def charts() -> dict[str, ChartDeclaration]:
    """Return all charts by name: those of `CHARTS`, and one for each measure's remaining quantities.

    Measures of plug-ins have charts, too. If `CHARTS` draws no quantity of a measure, the additional chart has the name
    of the measure; otherwise, it has that name with the suffix `_more`.
    """
    drawn = {quantity for chart in CHARTS.values() for quantity in chart.quantities}
    found = dict(CHARTS)
    for measure, entry in MEASURES.items():
        rest = tuple(quantity for quantity in entry.quantities if quantity not in drawn)
        if rest:
            name = measure if rest == tuple(entry.quantities) and measure not in CHARTS else f"{measure}_more"
            while name in found:  # a plug-in may have this name
                name += "_"
            found[name] = declare_measured(name, rest, measure)
    return found


def declare_measured(name: str, quantities: Iterable[str], measure: str = "") -> ChartDeclaration:
    """Return the declaration of a chart for quantities without a designed chart.

    Title and caption are empty, since they depend on the quantities that a study has.

    Args:
        name: The name of the chart.
        quantities: The quantities that it draws.
        measure: The measure of these quantities, if it is known.
    """
    drawn = {quantity: Drawn(quantity) for quantity in quantities}
    return ChartDeclaration(name, "", "", "suite.report.measured:draw_measured", drawn, of=measure)
