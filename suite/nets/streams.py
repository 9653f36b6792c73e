"""Streams of random numbers, each determined by the seed and its purpose alone."""

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
    """Return a random generator that depends only on the study's seed and on a purpose in JSON types.

    Both are hashed to 128 bits, so two different purposes share their numbers with a probability of about 1e-38.
    """
    text = json.dumps({"seed": seed, "purpose": purpose}, sort_keys=True)
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.Generator(np.random.SFC64(int.from_bytes(digest[:16], "little")))


def block_size(values: int) -> int:
    """Return the number of draws that share a stream: a power of two, at most 64, that bounds the memory.

    Args:
        values: Number of values per draw.
    """
    return max(1, min(64, 1 << (_VALUES_A_BLOCK // max(values, 1)).bit_length() >> 1))


def blocks(start: int, stop: int, size: int) -> Iterator[tuple[int, slice]]:
    """Yield the number of each block of `size` draws that overlaps start .. stop - 1, with the overlap."""
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
    """Return draws start .. stop - 1 of an infinite sequence.

    The value of a draw does not depend on the range in which it is requested.

    Args:
        draw: Makes the given number of draws from a generator. The first axis of its result is the draw.
        seed: Seed of the study.
        purpose: Purpose of the draws, in JSON types.
        start: First draw.
        stop: One past the last draw.
        size: Number of draws that share a stream.
    """
    parts = [draw(stream(seed, block=block, **purpose), size)[wanted] for block, wanted in blocks(start, stop, size)]
    return parts[0] if len(parts) == 1 else torch.cat(parts)
