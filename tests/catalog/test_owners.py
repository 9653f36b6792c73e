"""A name that a spec can state belongs to the catalog: no other module switches on it."""

from collections.abc import Collection, Iterator

import pytest

from suite.catalog.activations import ACTIVATIONS
from suite.catalog.initializations import INITIALIZATIONS, Distribution
from suite.catalog.optimizers import OPTIMIZERS
from suite.catalog.tasks import TASKS
from tests.source import modules, names_in

TABLES: dict[str, Collection[str]] = {
    "activation": ACTIVATIONS,
    "initialization": {*INITIALIZATIONS, *Distribution},
    "task": TASKS,
    "optimizer": OPTIMIZERS,
}
"""The catalog's names by kind; distributions of weights count as initializations."""

_TORCHS = [
    "abs",
    "elu",
    "erf",
    "gelu",
    "leaky_relu",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "sin",
    "softplus",
    "tanh",
]
_SCHEMES = ["critical", "glorot", "he", "lecun", "orthogonal", "pytorch", "variance_preserving"]

EXCEPTIONS: dict[tuple[str, str], str] = {
    **{("nets/torch_layers.py", name): "torch's name of a function" for name in _TORCHS},
    ("nets/tracing.py", "identity"): "Keras's name of no activation",
    **{("diagnosis/code.py", name): "torch's name of a function" for name in ("sigmoid", "tanh")},
    **{
        (module, name): "a scheme of `initialize_`, which users write as a string"
        for module in ("api.py", "diagnosis/initialize.py")
        for name in _SCHEMES
    },
    **{
        (module, name): "a scheme that a remedy calls `initialize_` with"
        for module in ("diagnosis/remedies.py", "diagnosis/judgment.py")
        for name in ("critical", "variance_preserving")
    },
    ("runs/diagnose.py", "sigmoid"): "torch's name of a function",
    ("diagnosis/remedies.py", "relu"): "the label of a network that is built",
    ("plugins/initializations.py", Distribution.GAUSSIAN): "the default of an argument, which users write as a string",
    **{
        (module, "auto"): "the device or the start of processes, not the initialization of that name"
        for module in ("api.py", "cells/cluster.py", "cells/devices.py", "cells/resources.py", "cli/options.py")
    },
}
"""Names that a module outside of the catalog may hold, with the reason."""


def _others() -> Iterator[tuple[str, str]]:
    return ((place, code) for place, code in modules() if not place.startswith("catalog/"))


@pytest.mark.parametrize("kind", TABLES)
def test_names_of_the_catalog_are_in_no_other_module(kind: str) -> None:
    """Other modules ask the entry for a fact, or load the function that it names."""
    found = {(place, name) for place, code in _others() for name in names_in(code, TABLES[kind])}

    assert found - EXCEPTIONS.keys() == set()


def test_every_exception_is_one() -> None:
    """None is listed that no module needs."""
    code = dict(_others())

    assert [each for each in EXCEPTIONS if each[1] not in names_in(code[each[0]], {each[1]})] == []


def test_the_check_of_names_can_fail() -> None:
    """In comparisons, as keys, and in calls; not as a part of a sentence or as a name in code."""
    assert names_in("if activation.name == 'relu': pass", ACTIVATIONS) == {"relu"}
    assert names_in("KERNELS = {'tanh': tanh, 'mine': mine}", ACTIVATIONS) == {"tanh"}
    assert names_in("find('sphere')", TABLES["initialization"]) == {"sphere"}
    assert names_in("match task.name:\n    case 'digits':\n        pass", TASKS) == {"digits"}
    assert names_in("relu = 'a relu network'  # 'relu'", ACTIVATIONS) == set()
