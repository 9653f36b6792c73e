"""Derivatives of a function that a plug-in gives, by torch, elementwise."""

from collections.abc import Callable

import torch
from torch import Tensor

from suite.plugins.origins import PlugInError

Phi = Callable[[Tensor], Tensor]

ORDINALS = ("value", "slope", "second derivative", "third derivative")
"""What the derivatives of each order are called."""


class UnusableError(PlugInError):
    """A function that cannot be an activation; the message says why, and what to do."""


def derivatives(phi: Phi, z: Tensor, order: int) -> list[Tensor]:
    """phi and its derivatives up to an order, elementwise.

    Raises:
        UnusableError: torch cannot take them.
    """
    try:
        with torch.enable_grad():
            x = z.detach().clone().requires_grad_()
            found = [phi(x)]
            for _ in range(order):
                last = found[-1]
                (slope,) = (
                    torch.autograd.grad(last.sum(), x, create_graph=True, materialize_grads=True)
                    if last.requires_grad
                    else (torch.zeros_like(x),)
                )
                found.append(slope)
    except RuntimeError as error:
        why = " ".join(str(error).split())[:120]
        raise UnusableError(
            f"torch cannot take its {ORDINALS[max(1, order)]} ({why}); write it with torch's elementary functions, "
            "none in place"
        ) from None
    return [values.detach() for values in found]


def check_finite(what: str, values: Tensor, z: Tensor, cure: str) -> None:
    """Raises UnusableError with the first place at which something is not finite."""
    odd = z[~torch.isfinite(values)]
    if len(odd):
        raise UnusableError(f"{what} is not finite at z = {odd[0].item():g}; {cure}")
