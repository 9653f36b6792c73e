"""Pairs of inputs with equal norm, a given angle and a uniformly distributed direction."""

from math import sqrt

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from suite.nets.streams import block_size, draw_in_blocks


def draw_pairs(inputs: int, cosine: float, seed: int, start: int, stop: int) -> Float64[Tensor, "draws inputs 2"]:
    """Draw one pair of inputs per draw, with |x|^2 / n_0 = 1 and the given cosine.

    Directions are random because the result for a fixed pair could be special if weights are not Gaussian, for
    example if they are uniform.

    Args:
        inputs: n_0. With one input, both inputs of a pair are equal for every cosine.
        cosine: Cosine of the angle between the two inputs.
        seed: Seed of the study.
        start: First draw.
        stop: One past the last draw.
    """

    def draw(generator: np.random.Generator, draws: int) -> Tensor:
        first, second = torch.from_numpy(generator.standard_normal((draws, 2, inputs))).unbind(1)
        first = first / first.norm(dim=1, keepdim=True)
        if inputs == 1:
            second = first
        else:
            second = second - (second * first).sum(1, keepdim=True) * first
            second = cosine * first + sqrt(1 - cosine**2) * second / second.norm(dim=1, keepdim=True)
        return sqrt(inputs) * torch.stack([first, second], dim=2)

    # Blocks are normalized as a whole because torch may round the sum of a row differently if it sums fewer rows.
    return draw_in_blocks(draw, seed, {"pairs": inputs}, start, stop, block_size(2 * inputs))
