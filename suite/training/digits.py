"""The images of the task `digits`, which come with the package."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import one_hot

PIXEL_MEAN = 4.884164579855314
"""Mean gray level over all pixels of all 1,797 images. Gray levels are 0 to 16."""

PIXEL_DEVIATION = 6.016787548672236
"""Standard deviation of the same gray levels."""

FILE = Path(__file__).with_name("digits.parquet")
"""One row per image, described in digits.md."""


@lru_cache(maxsize=1)
def digits() -> tuple[Float[Tensor, "64 images"], Float[Tensor, "10 images"]]:
    """Read all images and their labels.

    Returns:
        Pixels, scaled to mean 0 and mean square 1 over the whole set, and one-hot labels.

    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, the test part,
        https://doi.org/10.24432/C50P49. digits.md has the license.
    """
    table = pq.read_table(FILE)
    gray = table["pixels"].combine_chunks().flatten().to_numpy().reshape(len(table), -1)
    pixels = torch.from_numpy((gray.astype(np.float64) - PIXEL_MEAN) / PIXEL_DEVIATION)
    labels = torch.from_numpy(table["label"].to_numpy().astype(np.int64))
    return pixels.T.float(), one_hot(labels).T.float()
