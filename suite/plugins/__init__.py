"""Plug-ins: an activation, initialisation, task or measure of the user's own, by one decorated function.

In a file that `--plugin` names, or in an installed module that is an entry point of the group `suite.plugins`:

    import torch
    from suite.plugins import activation

    @activation
    def snake(z, frequency: float = 1.0):
        return z + torch.sin(frequency * z) ** 2 / frequency

An installed module adds what it imports of its own package, too. Elsewhere, as in the tests of the module's author, the
function stays what it is, and nothing is added.
"""

from typing import TYPE_CHECKING, Any

from suite.catalog.dotted import load

if TYPE_CHECKING:
    from suite.plugins.activations import activation
    from suite.plugins.initializations import initialization
    from suite.plugins.measures import measure
    from suite.plugins.tasks import task

__all__ = ["activation", "initialization", "measure", "task"]

_FOUND_IN = {
    "activation": "activations",
    "initialization": "initializations",
    "measure": "measures",
    "task": "tasks",
}


def __getattr__(name: str) -> Any:
    """The decorators, which load torch; whoever only asks where plug-ins are from does without."""
    if name in _FOUND_IN:
        return load(f"suite.plugins.{_FOUND_IN[name]}:{name}")
    raise AttributeError(f"module 'suite.plugins' has no attribute {name!r}; there are {', '.join(_FOUND_IN)}")
