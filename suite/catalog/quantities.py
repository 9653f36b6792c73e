"""All quantities that a table can hold, by name, from the declarations of the measures."""

from suite.catalog.measure import Quantity
from suite.catalog.measures import MEASURES

__all__ = ["QUANTITIES", "Quantity", "is_trained", "shares_data"]

QUANTITIES: dict[str, Quantity] = {
    name: quantity for measure in MEASURES.values() for name, quantity in measure.quantities.items()
}
"""The quantities by name; plug-ins add theirs."""


def is_trained(quantity: str) -> bool:
    """Return whether a quantity is one of trained networks."""
    return any(quantity in each.quantities for each in MEASURES.values() if each.inputs == "training")


def shares_data(quantity: str) -> bool:
    """Return whether draw i of a quantity depends on data that draw i of every other member has as well."""
    return any(quantity in each.quantities for each in MEASURES.values() if each.inputs in ("training", "loss", "task"))
