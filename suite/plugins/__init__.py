"""Plug-ins: an activation, initialization, task or measure of the user's own, by one decorated function.

In a file that `--plugin` names, or in an installed module that is an entry point of the group `suite.plugins`:

    import torch
    from suite.plugins import activation

    @activation
    def snake(z, frequency: float = 1.0):
        return z + torch.sin(frequency * z) ** 2 / frequency

Anywhere else, as in the tests of the module's author, the decorated function stays an ordinary function.
"""

from typing import TYPE_CHECKING, Any

from suite.catalog.dotted import load

if TYPE_CHECKING:
    from suite.plugins.activations import activation
    from suite.plugins.initializations import initialization
    from suite.plugins.measures import measure
    from suite.plugins.tasks import task

__all__ = ["activation", "initialization", "measure", "task"]


def __getattr__(name: str) -> Any:
    """Return a decorator. It loads torch, which loading plug-ins does not need."""
    if name in __all__:
        return load(f"suite.plugins.{name}s:{name}")
    raise AttributeError(f"module 'suite.plugins' has no attribute {name!r}; use one of {', '.join(__all__)}")
