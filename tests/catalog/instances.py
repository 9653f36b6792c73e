"""One instance of every activation of the catalog, for the tests that run over all of them."""

from typing import Any

from suite.catalog.activations import ACTIVATIONS, Activation

REQUIRED: dict[str, dict[str, Any]] = {
    "htanh": {"linear_region": 0.8},
    "s_exp": {"linear_region": 0.7},
    "s_sin": {"linear_region": 1.2},
    "s_saw": {"linear_region": 0.6},
}
"""Name -> the parameters that have no default."""


def instance(name: str) -> Activation:
    """The entry with its defaults, and with a value of the tests for what has none."""
    return ACTIVATIONS[name](**REQUIRED.get(name, {}))


EVERY = [instance(name) for name in ACTIVATIONS]
