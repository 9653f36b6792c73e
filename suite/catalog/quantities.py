"""All quantities that a table can hold, by name, from the declarations of the measures."""

from suite.catalog.measure import Quantity
from suite.catalog.measures import MEASURES

__all__ = ["QUANTITIES", "Quantity"]

QUANTITIES: dict[str, Quantity] = {
    name: quantity for measure in MEASURES.values() for name, quantity in measure.quantities.items()
}
"""The quantities by name; plug-ins add theirs."""
