"""Two inputs at an angle: of equal norm, in directions that are uniform over the sphere."""

from math import sqrt

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from suite.nets.streams import block_size, draw_in_blocks


def draw_pairs(inputs: int, cosine: float, seed: int, start: int, stop: int) -> Float64[Tensor, "draws inputs 2"]:
    """Pairs of inputs with |x|^2 / n_0 = 1 and the given cosine, one pair a draw.

    Directions are random, so that no scheme's weights (uniform ones, say) meet a special pair.

    Args:
        inputs: n_0; with one input both are the same, whatever the cosine.
        cosine: of the angle between the two.
        seed: the study's.
        start: first draw.
        stop: one past the last.
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

    # Whole blocks are normalized: torch may round the sums of one long row otherwise than those of several.
    return draw_in_blocks(draw, seed, {"pairs": inputs}, start, stop, block_size(2 * inputs))
