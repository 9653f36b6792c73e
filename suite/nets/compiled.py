"""Forward passes of narrow networks by torch.compile: several layers become one loop over draws and points.

A batched product of narrow matrices is far from what the processor can do. Written out unit by unit and compiled, a few
layers at a time stay in registers instead. Each architecture takes ten seconds or more to compile.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from suite.catalog.activations import Activation
from suite.nets.activations import kernel

WIDEST = 10
"""Units a layer, at most: from about 12 on, batched products are faster than loops."""

PRODUCTS = 256
"""Weights of the layers that are compiled together; more take long to compile and gain little."""

Fused = Callable[[Tensor, Tensor, Tensor], None]


class Run(NamedTuple):
    """Layers that are computed together.

    Attributes:
        start: the first, counted from 0.
        stop: one past the last.
        parameters: their columns in the flat parameters.
        compiled: whether they are.
    """

    start: int
    stop: int
    parameters: slice
    compiled: bool


@lru_cache(maxsize=1024)
def runs_of_layers(widths: tuple[int, ...]) -> tuple[Run, ...]:
    """Cuts all layers of plain networks into runs: hidden ones between narrow ones together, any other alone.

    Args:
        widths: n_0 .. n_{L+1}.
    """
    sizes = [fan_in * fan_out for fan_in, fan_out in pairwise(widths)]
    places = list(accumulate((size + width for size, width in zip(sizes, widths[1:], strict=True)), initial=0))
    readout, start = len(sizes) - 1, 0
    runs = []
    while start <= readout:
        stop = start
        while (
            0 < stop < readout and max(widths[stop : stop + 2]) <= WIDEST and sum(sizes[start : stop + 1]) <= PRODUCTS
        ):
            stop += 1
        compiled = stop > start
        stop = max(stop, start + 1)
        runs.append(Run(start, stop, slice(places[start], places[stop]), compiled))
        start = stop
    return tuple(runs)


@lru_cache(maxsize=256)
def fused(widths: tuple[int, ...], activation: Activation, dtype: torch.dtype) -> Fused:
    """The compiled function of some hidden layers.

    Args:
        widths: of the layer below, then of each.
        activation: of all.
        dtype: of all numbers.

    Returns:
        (activations below, parameters of these layers, activations above), which writes the last; all have the
        draws first, activations (draws, units, points).
    """
    apply_ = kernel(activation).apply_

    def layers(below: Tensor, parameters: Tensor, above: Tensor) -> None:
        rows = list(below.unbind(1))
        place = 0
        for fan_in, fan_out in pairwise(widths):
            biases = place + fan_in * fan_out
            found = []
            for unit in range(fan_out):
                z = parameters[:, biases + unit, None]
                for i in range(fan_in):
                    z = z + parameters[:, place + unit * fan_in + i, None] * rows[i]
                found.append(apply_(z))
            rows, place = found, biases + fan_out
        above.copy_(torch.stack(rows, dim=1))

    # torch.compile counts how often it compiled a function by its code, and gives up at eight; so each architecture
    # and precision has its own, and what is left are one or many draws and points.
    name = "_".join(map(str, ("layers", *widths, dtype)))
    layers.__code__ = layers.__code__.replace(co_name=name.replace(".", "_"))
    # Products and sums are contracted, as in any matrix product; they are kept apart unless asked.
    contracted: dict[str, Any] = {"cpp.enable_floating_point_contract_flag": "fast"}
    compiled: Fused = torch.compile(layers, fullgraph=True, dynamic=True, options=contracted)
    return compiled


@cache
def why_not() -> str | None:
    """Why nothing can be compiled here, if so: torch.compile needs a C++ compiler."""
    try:
        function = torch.compile(lambda x: x + 1, fullgraph=True)
        function(torch.zeros(2))
    except Exception as error:  # whatever keeps it from compiling
        (reason, *_) = str(error).strip().splitlines() or [type(error).__name__]
        return reason
    return None
