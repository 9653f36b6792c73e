"""Randomness by name: a stream of random numbers follows from what it is for, and from nothing else."""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

Drawn = TypeVar("Drawn", bound=Tensor)

_VALUES_A_BLOCK = 2**22


def stream(seed: int, **purpose: Any) -> np.random.Generator:
    """A generator that depends on the study's seed and on a purpose in JSON's types alone.

    The two are hashed to 128 bits: two purposes share their numbers by an accident of one in 10^38 a pair.
    """
    text = json.dumps({"seed": seed, "purpose": purpose}, sort_keys=True)
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.Generator(np.random.SFC64(int.from_bytes(digest[:16], "little")))


def block_size(values: int) -> int:
    """How many draws of so many values share a stream: a power of two, 64 at most, of bounded memory."""
    return max(1, min(64, 1 << (_VALUES_A_BLOCK // max(values, 1)).bit_length() >> 1))


def blocks(start: int, stop: int, size: int) -> Iterator[tuple[int, slice]]:
    """The blocks of `size` draws that cover start .. stop, each with the part of it that is wanted."""
    for block in range(start // size, -(-stop // size)):
        first = block * size
        yield block, slice(max(start - first, 0), min(stop - first, size))


def draw_in_blocks(
    draw: Callable[[np.random.Generator, int], Drawn],
    seed: int,
    purpose: dict[str, Any],
    start: int,
    stop: int,
    size: int,
) -> Tensor:
    """Draws start .. stop of an endless sequence; a draw is the same in whatever range it is asked for.

    Args:
        draw: makes so many draws from a generator, draws first.
        seed: the study's.
        purpose: what the draws are for.
        start: first draw.
        stop: one past the last.
        size: draws that share a stream.
    """
    parts = [draw(stream(seed, block=block, **purpose), size)[wanted] for block, wanted in blocks(start, stop, size)]
    return parts[0] if len(parts) == 1 else torch.cat(parts)
