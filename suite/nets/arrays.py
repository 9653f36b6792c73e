"""Arrays that users pass: NumPy arrays, pandas frames, torch tensors and lists."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor


def read_numbers(values: Any, name: str) -> NDArray[np.float64]:
    """Return an array, a frame, a tensor or a list of finite numbers as an array in float64.

    Args:
        values: The numbers.
        name: How errors name them.

    Raises:
        ValueError: If they are not numbers, or some are missing or not finite; it names the first such place.
    """
    raw = read_array(values)
    if raw.ndim == 0:
        raise ValueError(f"{name}: expected an array, a frame, a tensor or a list, got {type(values).__name__}")
    if raw.dtype.kind in "mMc":  # dates, durations and complex numbers
        raise ValueError(f"{name}: expected numbers, got {raw.dtype}; encode them as real numbers first")
    try:
        found: NDArray[np.float64] = raw.astype(np.float64)
    except (TypeError, ValueError):
        if pd.isna(raw).any():
            raise ValueError(f"{name}: {_where(values, pd.isna(raw))} is missing; remove or fill it") from None
        raise ValueError(f"{name}: expected numbers, got {raw.dtype}; encode text as numbers first") from None
    if not np.isfinite(found).all():
        raise ValueError(f"{name}: {_where(values, ~np.isfinite(found))} is missing or not finite; remove or fill it")
    return found


def _where(values: Any, wrong: NDArray[np.bool_]) -> str:
    """Return the first place that is wrong: the number of its row from 0, and its column if there are several."""
    row, *column = np.argwhere(wrong)[0]
    if not column:
        return f"the value in row {row}"
    return f"the value in row {row} of column {getattr(values, 'columns', range(wrong.shape[1]))[column[0]]}"


def read_array(values: Any) -> NDArray[Any]:
    """Return values as an array; a one-dimensional one of Python objects that are numbers becomes one of numbers."""
    if isinstance(values, Tensor):
        tensor = values.detach().cpu()
        return (tensor.double() if tensor.is_floating_point() else tensor).numpy()
    found = np.asarray(values)
    if found.dtype.kind == "O" and found.ndim == 1:
        found = pd.Series(found).infer_objects().to_numpy()
    return found
