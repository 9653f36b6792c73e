"""Forward passes of narrow networks by torch.compile: several layers become one loop over draws and points.

A batched product of narrow matrices is far from what the processor can do. Written out unit by unit and compiled, a few
layers at a time stay in registers instead. Each architecture takes ten seconds or more to compile.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from suite.catalog.activations import Activation
from suite.nets.activations import kernel

WIDEST = 10
"""Units a layer, at most: from about 12 on, batched products are faster than loops."""

PRODUCTS = 256
"""Weights of the layers that are compiled together; more take long to compile and gain little."""

Fused = Callable[[Tensor, Tensor, Tensor], None]


def runs_of_layers(widths: Sequence[int]) -> list[tuple[int, int]]:
    """Cuts the hidden layers from the second on, and the readout, into runs: what is compiled, and single layers.

    Args:
        widths: n_0 .. n_{L+1}.

    Returns:
        First layer and one past the last of each run, in order, counted from 0; a run of two or more layers, or of
        one that is narrow, is compiled.
    """
    shapes = list(pairwise(widths))
    runs, start = [(0, 1)], 1
    while start < len(shapes) - 1:
        stop, products = start, 0
        while stop < len(shapes) - 1 and max(shapes[stop]) <= WIDEST:
            products += shapes[stop][0] * shapes[stop][1]
            if products > PRODUCTS:
                break
            stop += 1
        stop = max(stop, start + 1)
        runs.append((start, stop))
        start = stop
    return [*runs, (len(shapes) - 1, len(shapes))]


def is_fused(widths: Sequence[int], run: tuple[int, int]) -> bool:
    """Whether a run of layers is compiled: hidden ones, narrow, with a narrow layer below."""
    start, stop = run
    return start > 0 and stop < len(widths) - 1 and max(widths[start : stop + 1]) <= WIDEST


@lru_cache(maxsize=256)
def fused(widths: tuple[int, ...], activation: Activation) -> Fused:
    """The compiled function of some hidden layers.

    Args:
        widths: of the layer below, then of each.
        activation: of all.

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

    # torch.compile counts how often it compiled a function by its code, of which each architecture has its own then.
    layers.__code__ = layers.__code__.replace(co_name=f"layers_{'_'.join(map(str, widths))}")
    # Products and sums are contracted, as in any matrix product; they are kept apart unless asked.
    contracted: dict[str, Any] = {"cpp.enable_floating_point_contract_flag": "fast"}
    compiled: Fused = torch.compile(layers, fullgraph=True, dynamic=True, options=contracted)
    return compiled


def why_not() -> str | None:
    """Why nothing can be compiled here, if so: torch.compile needs a C++ compiler."""
    try:
        function = torch.compile(lambda x: x + 1, fullgraph=True)
        function(torch.zeros(2))
    except Exception as error:  # whatever keeps it from compiling
        return str(error).strip().splitlines()[0]
    return None
