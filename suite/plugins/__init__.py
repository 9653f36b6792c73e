"""Plug-ins: an activation, initialization, task or measure of your own, from one decorated function.

Put the function into a file and load it with `--plugin`, or into an installed module that is an entry point of the
group `suite.plugins`:

    import torch
    from suite.plugins import activation

    @activation
    def snake(z, frequency: float = 1.0):
        return z + torch.sin(frequency * z) ** 2 / frequency

If the file is not loaded as a plug-in, as in your own tests, the decorated function remains an ordinary function.
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
    """Return a decorator.

    It is imported on first use, because it imports torch, which loading plug-ins does not need.
    """
    if name in __all__:
        return load(f"suite.plugins.{name}s:{name}")
    raise AttributeError(f"module 'suite.plugins' has no attribute {name!r}; use one of {', '.join(__all__)}")
